"""Make runs of bins for tests."""

import numpy as np

from sunspec_tui.bursts.measure import height_light_s
from sunspec_tui.bursts.runs import Run

MHZ = np.linspace(20.3, 86.5, 116)
CELL_S = 0.5
FIRST = 3_560_000_000


def run(number, begin, end, **given):
    """Return a run of a bin; other numbers are usual ones."""
    numbers = {
        "peak": begin, "onset": begin, "half": begin, "peak_db": 5.0, "mean_db": 3.0, "half_cells": 2, "flat_cells": 1,
        "strokes": 1, "circular": float("nan"),
    }  # fmt: skip
    return Run(number, begin, end, **(numbers | given))


def beam(first=FIRST, speed=0.25, low=10, high=100, **given):
    """Return the runs of a type III burst."""
    heights = height_light_s(MHZ)
    begins = first + np.rint((heights - heights[-1]) / speed / CELL_S).astype(int)
    return [
        run(
            i, int(begins[i]), int(begins[i]) + 10, **({"peak": int(begins[i]) + 2, "half": int(begins[i]) + 1} | given)
        )
        for i in range(low, high)
    ]
