"""Frames, times, products, recordings and settings that all rooms use."""
