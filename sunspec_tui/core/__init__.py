"""Values and arithmetic that all rooms use: frames, times, products, recordings, settings and errors."""
