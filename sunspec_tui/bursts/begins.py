"""Find the begin of a burst that a weaker one precedes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.classify import LONGEST_GROUP_SPREAD_S
from sunspec_tui.bursts.measure import STRONG_SHARE, Measures, first_seen
from sunspec_tui.bursts.run_columns import median
from sunspec_tui.bursts.runs import Run

MIN_SIGNIFICANCE = 3.0
"""Least significance of a drift that tells where a burst begins."""

EARLY_SIGMAS, EARLY_S = 2.0, 1.5
"""An onset is of something else if it is so many standard deviations, and so many seconds, before the track. Strokes
of a group have tracks of their own: the first one is not earlier than `LONGEST_GROUP_SPREAD_S`."""


def strong_runs(runs: Sequence[Run], peak_db: float) -> list[Run]:
    """Return the runs that reach half of a burst's decibels."""
    return [run for run in runs if run.peak_db >= STRONG_SHARE * peak_db]


def early_runs(
    runs: Sequence[Run], found: Measures, heights: NDArray[np.float64], cell_s: float, *, is_group: bool
) -> list[Run]:
    """Return the strong runs that precede the track of a burst.

    Parameters
    ----------
    runs
        Its runs.
    found
        Its numbers; they give the track of its onsets.
    heights
        Heights of all bins in light-seconds.
    cell_s
        Length of a cell.
    is_group
        True for a group of strokes.
    """
    if not abs(found.significance) >= MIN_SIGNIFICANCE:
        return []
    strong = strong_runs(runs, found.peak_db)
    offsets_s = np.array([run.half for run in strong]) * cell_s - found.delay * heights[[run.bin for run in strong]]
    early_s = LONGEST_GROUP_SPREAD_S if is_group else EARLY_S
    least_s = median(offsets_s) - max(EARLY_SIGMAS * found.residual_s, early_s)
    return [run for run, offset_s in zip(strong, offsets_s.tolist(), strict=True) if offset_s < least_s]


def begin_without(runs: Sequence[Run], early: Sequence[Run], found: Measures, cell_s: float) -> float:
    """Return the begin of a burst in seconds, without some runs."""
    kept = [run for run in strong_runs(runs, found.peak_db) if run not in early]
    return max(found.begin_s, min(first_half(kept) * cell_s, found.peak_s))


def half_begin(runs: Sequence[Run], peak_db: float) -> int:
    """Return the cell at which strong runs reach half of their decibels."""
    return first_half(strong_runs(runs, peak_db))


def first_half(runs: Sequence[Run]) -> int:
    """Return the cell at which runs reach half of their decibels."""
    return first_seen(np.array([run.bin for run in runs]), np.array([run.half for run in runs], np.float64))
