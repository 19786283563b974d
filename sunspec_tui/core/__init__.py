"""Values and arithmetic that all rooms use.

Frames, times, products, recordings, settings and errors.
"""
