"""Cut structures at pauses between strokes.

Weak runs link bursts that follow each other. Where no strong run is seen for some seconds, one burst has ended.
"""

from collections.abc import Sequence

import numpy as np

from sunspec_tui.bursts.begins import strong_runs
from sunspec_tui.bursts.runs import Run

MIN_BINS = 3
"""Least number of bins in which a burst is seen at one time."""

MIN_PAUSE_S = 4.0
"""Least length of a pause: the usual lifetime of a burst of type III in the middle of the band, near 55 MHz."""

Runs = tuple[Run, ...]


def cut_at_pause(runs: Sequence[Run], peak_db: float, cell_s: float) -> list[Runs]:
    """Return the runs before and after the longest pause.

    Without a pause, all runs are one part.

    Parameters
    ----------
    runs
        The runs of a structure.
    peak_db
        Its decibels.
    cell_s
        Length of a cell.
    """
    strong = strong_runs(runs, peak_db)
    pause = longest_pause([run.half for run in strong], [run.half + run.half_cells for run in strong])
    if pause is None or (pause[1] - pause[0]) * cell_s < MIN_PAUSE_S:
        return [tuple(runs)]
    middle = (pause[0] + pause[1]) / 2
    parts = (tuple(run for run in runs if run.peak < middle), tuple(run for run in runs if run.peak >= middle))
    # Less than three bins are no burst, so nothing is cut off.
    return list(parts) if all(len({run.bin for run in part}) >= MIN_BINS for part in parts) else [tuple(runs)]


def longest_pause(begins: Sequence[int], ends: Sequence[int]) -> tuple[int, int] | None:
    """Return the longest time in which less than three bins are seen.

    It lies between times in which more are seen; None without such a time.

    Parameters
    ----------
    begins, ends
        First cell of each bin, and the cell after its last.
    """
    if not begins:
        return None
    first = min(begins)
    changes = np.zeros(max(ends) - first + 1, np.int64)
    np.add.at(changes, np.array(begins) - first, 1)
    np.subtract.at(changes, np.array(ends) - first, 1)
    seen = np.flatnonzero(changes.cumsum() >= MIN_BINS)
    steps = np.diff(seen)
    if not len(steps) or steps.max() <= 1:
        return None
    longest = int(steps.argmax())
    return first + int(seen[longest]) + 1, first + int(seen[longest + 1])
