"""Cells, bytes and input of a terminal, for any Textual app; nothing here knows of spectra."""
