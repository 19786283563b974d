"""Make runs of bins for tests."""

from sunspec_tui.bursts.runs import Run


def run(number, begin, end, **given):
    """Return a run of a bin; other numbers are usual ones."""
    numbers = {
        "peak": begin, "onset": begin, "half": begin, "peak_db": 5.0, "mean_db": 3.0, "half_cells": 2, "flat_cells": 1,
        "strokes": 1, "circular": float("nan"),
    }  # fmt: skip
    return Run(number, begin, end, **(numbers | given))
