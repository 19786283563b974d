"""Count the lanes of a type II and compare their frequencies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.run_columns import columns_of, median
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.sweeps import Sweep

MIN_COMMON_CELLS = 20
"""Least time that two lanes last together, in cells."""

MIN_COMMON_BLOCKS = 3
"""The same in blocks."""

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


def ridge(runs: Sequence[Run], frequencies_mhz: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """Return the mean frequency of the runs of each cell.

    The first value is the number of the first cell. The peaks of the runs are its weights. It is NaN between runs.
    """
    found = columns_of(runs)
    first, weights = int(found.begin.min()), found.peak_db
    begins, ends = (found.begin - first).astype(np.int64), (found.end - first).astype(np.int64)
    # Sums of what begins and ends in each cell: the time does not grow with the length of the runs.
    values = np.ones(len(runs)), weights, weights * frequencies_mhz[found.bin]
    count = int(ends.max()) + 1
    changes = [np.bincount(begins, each, count) - np.bincount(ends, each, count) for each in values]
    counts, totals, sums = np.cumsum(changes, axis=1)[:, :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return first, np.where(counts > 0.5, sums / totals, np.nan)


def _ratio(first: tuple[int, NDArray[np.float64]], second: tuple[int, NDArray[np.float64]]) -> tuple[int, float]:
    """Return the number of common cells and the frequency ratio."""
    begin = max(first[0], second[0])
    end = min(first[0] + len(first[1]), second[0] + len(second[1]))
    if end - begin < MIN_COMMON_CELLS:
        return 0, float("nan")
    ratios = first[1][begin - first[0] : end - first[0]] / second[1][begin - second[0] : end - second[0]]
    ratios = ratios[np.isfinite(ratios)]
    if not ratios.size:
        return 0, float("nan")
    ratio = median(ratios)
    return len(ratios), max(ratio, 1 / ratio)


def lane_ratio(lanes: Sequence[Sweep]) -> tuple[int, float]:
    """Return the number of sweeps and the ratio of their frequencies.

    They are counted as in `lanes_of`.
    """
    tracks = [{place.block: place.mhz for place in lane.places} for lane in lanes]
    pairs = []
    for i, first in enumerate(tracks):
        for second in tracks[i + 1 :]:
            ratios = [first[block] / second[block] for block in first.keys() & second.keys()]
            if len(ratios) >= MIN_COMMON_BLOCKS:
                ratio = median(ratios)
                pairs.append((len(ratios), max(ratio, 1 / ratio)))
    pairs = [pair for pair in pairs if pair[1] >= MIN_RATIO]
    return (2, max(pairs)[1]) if pairs else (1, float("nan"))
