"""Widgets: plain values in, lines of cells out."""
