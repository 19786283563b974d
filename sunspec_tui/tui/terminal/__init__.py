"""Terminal output and input for any Textual app, independent of spectra."""
