"""Numbers of many runs as columns."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.runs import Run


class RunColumns(NamedTuple):
    """Attributes of `Run` as arrays of shape (n,), in their order."""

    bin: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    peak: NDArray[np.float64]
    onset: NDArray[np.float64]
    half: NDArray[np.float64]
    peak_db: NDArray[np.float64]
    mean_db: NDArray[np.float64]
    half_cells: NDArray[np.float64]
    flat_cells: NDArray[np.float64]
    strokes: NDArray[np.float64]
    circular: NDArray[np.float64]
    is_open: NDArray[np.float64]
    is_tail: NDArray[np.float64]
    lacks_begin: NDArray[np.float64]
    lacks_end: NDArray[np.float64]
    lacks_rise: NDArray[np.float64]

    def selected(self, is_selected: NDArray[np.bool_]) -> "RunColumns":
        """Return the columns of some runs."""
        return RunColumns._make(column[is_selected] for column in self)


def columns_of(runs: Sequence[Run]) -> RunColumns:
    """Return the columns of some runs."""
    # Whole numbers up to 2**53 are exact as floats, and one array is faster than seventeen.
    values = np.fromiter(chain.from_iterable(runs), np.float64, len(runs) * len(Run._fields))
    bins, *others = np.ascontiguousarray(values.reshape(len(runs), -1).T)
    return RunColumns._make([bins.astype(np.int64), *others])


def quantile(values: NDArray[np.float64], share: float) -> float:
    """Return a quantile of a few values, faster than numpy."""
    ordered = np.sort(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    below, above = float(ordered[low]), float(ordered[min(low + 1, len(ordered) - 1)])
    return below + (place - low) * (above - below)


def median(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the median of a few values, faster than numpy."""
    return quantile(np.asarray(values, np.float64), 0.5)
