"""Figures, the process that draws them as PNGs, quick-looks and text figures."""
