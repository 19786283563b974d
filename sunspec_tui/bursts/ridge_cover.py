"""Find the runs that lie on sweeps."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.sweeps import Sweep

SPARE_BINS = 1
"""Bins on both sides of a ridge that belong to it, because cells are means over three bins."""

_SPARE_BLOCKS = 1


class Cover:
    """The bins and blocks that sweeps cover.

    Parameters
    ----------
    sweeps
        At least one.
    nbins
        Number of bins.
    is_narrow
        True for the highest bins alone, as those of a transmitter.
    """

    def __init__(self, sweeps: Iterable[Sweep], nbins: int, *, is_narrow: bool = False) -> None:
        places = [place for sweep in sweeps for place in sweep.places]
        self._first = min(place.block for place in places) - _SPARE_BLOCKS
        count = max(place.block for place in places) + _SPARE_BLOCKS + 1 - self._first
        is_covered = np.zeros((count, nbins), bool)
        for place in places:
            low, high = (place.top_bin,) * 2 if is_narrow else (place.low_bin, place.high_bin)
            bins = slice(max(0, low - SPARE_BINS), high + SPARE_BINS + 1)
            row = place.block - self._first
            is_covered[row - _SPARE_BLOCKS : row + _SPARE_BLOCKS + 1, bins] = True
        # Covered blocks before each block, so that an interval costs one difference.
        self._before = np.concatenate([np.zeros((1, nbins), np.int64), is_covered.cumsum(axis=0)])

    def shares(self, runs: Sequence[Run]) -> NDArray[np.float64]:
        """Return the share of each run that is covered."""
        bins, begins, ends = np.array([(run.bin, run.begin, run.end) for run in runs]).T
        last = len(self._before) - 1
        first = (begins // CELLS_PER_BLOCK - self._first).clip(0, last)
        after = (-(-ends // CELLS_PER_BLOCK) - self._first).clip(0, last)
        cells = (self._before[after, bins] - self._before[first, bins]) * CELLS_PER_BLOCK
        return np.asarray(np.minimum(cells / (ends - begins), 1.0))

    def share(self, runs: Sequence[Run]) -> float:
        """Return the share of the runs' time that is covered."""
        lengths = np.array([run.end - run.begin for run in runs])
        return float(self.shares(runs) @ lengths / lengths.sum())
