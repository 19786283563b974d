"""Draw figures, PNG plots in a separate process, quick-looks and text figures."""
