"""Count the lanes of a type II and compare their frequencies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.runs import Run

MIN_COMMON_CELLS = 20
"""Least time that two lanes last together, in cells."""

MIN_RATIO = 1.15
"""Least ratio of the frequencies of two lanes; closer ones are a split band."""


def lanes_of(pieces: Sequence[Sequence[Run]], frequencies_mhz: NDArray[np.float64]) -> tuple[int, float]:
    """Return the number of lanes and the ratio of their frequencies.

    The ratio is that of the two lanes which last together for the longest time; NaN for one lane.
    """
    ridges = [ridge(piece, frequencies_mhz) for piece in pieces]
    pairs = [
        (common, ratio)
        for i, first in enumerate(ridges)
        for second in ridges[i + 1 :]
        for common, ratio in [_ratio(first, second)]
        if common >= MIN_COMMON_CELLS and ratio >= MIN_RATIO
    ]
    if not pairs:
        return 1, float("nan")
    return 2, max(pairs)[1]


def ridge(runs: Sequence[Run], frequencies_mhz: NDArray[np.float64]) -> dict[int, float]:
    """Return the mean frequency of the runs of each cell.

    The peaks of the runs are its weights.
    """
    sums: dict[int, float] = {}
    weights: dict[int, float] = {}
    for run in runs:
        for cell in range(run.begin, run.end):
            sums[cell] = sums.get(cell, 0.0) + run.peak_db * float(frequencies_mhz[run.bin])
            weights[cell] = weights.get(cell, 0.0) + run.peak_db
    return {cell: total / weights[cell] for cell, total in sums.items()}


def _ratio(first: dict[int, float], second: dict[int, float]) -> tuple[int, float]:
    """Return the number of common cells and the frequency ratio."""
    common = first.keys() & second.keys()
    if not common:
        return 0, float("nan")
    ratio = float(np.median([first[cell] / second[cell] for cell in common]))
    return len(common), max(ratio, 1 / ratio)
