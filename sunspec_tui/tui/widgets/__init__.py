"""Widgets that draw plain values as terminal cells."""
