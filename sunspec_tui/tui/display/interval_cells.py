"""Place intervals of time on the cells of a picture.

Pure functions on arrays, so that tests are tables.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class IntervalCells(NamedTuple):
    """Cells of the intervals that touch a picture.

    Attributes
    ----------
    numbers
        Numbers of the intervals, shape (n,).
    first, last
        Cells of their begins and ends, shape (n,). A begin before the picture has the first cell, an end after it the
        last one.
    begins_before, ends_after
        True if the interval begins before the picture or ends after it, shape (n,).
    """

    numbers: NDArray[np.intp]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begins_before: NDArray[np.bool_]
    ends_after: NDArray[np.bool_]


def interval_cells(
    begins_s: NDArray[np.float64], ends_s: NDArray[np.float64], times_s: Sequence[float], cells: Sequence[int]
) -> IntervalCells | None:
    """Return the cells of intervals within a picture.

    A time within a gap has a cell of the gap. Return None if the picture has no rows, or there is no interval.

    Parameters
    ----------
    begins_s, ends_s
        Begins and ends of the intervals, shape (n,).
    times_s
        End of each column's newest row, the oldest first; NaN for a gap.
    cells
        Cell of each column.
    """
    columns = np.flatnonzero(np.isfinite(times_s))
    if not len(begins_s) or not len(columns):
        return None
    # Where the data time goes back, a time belongs to the first column that reaches it.
    column_ends_s = np.maximum.accumulate(np.asarray(times_s, np.float64)[columns])
    begin_s = column_ends_s[0] - _column_s(column_ends_s, columns)
    end_s = float(column_ends_s[-1])
    numbers = np.flatnonzero((begins_s <= end_s) & (ends_s >= math.nextafter(begin_s, math.inf)))
    first, last = (
        np.asarray(cells)[_columns_at(np.clip(each[numbers], begin_s, end_s), column_ends_s, columns)]
        for each in (begins_s, ends_s)
    )
    return IntervalCells(numbers, first, last, begins_s[numbers] <= begin_s, ends_s[numbers] > end_s)


def _column_s(ends_s: NDArray[np.float64], columns: NDArray[np.intp]) -> float:
    """Return the usual time of a column; 0 if it is unknown."""
    return float(np.median(np.diff(ends_s) / np.diff(columns))) if len(columns) > 1 else 0.0


def _columns_at(
    times_s: NDArray[np.float64], ends_s: NDArray[np.float64], columns: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return the columns that contain times.

    Within a gap, it is the column at the same share of the gap.
    """
    after = np.minimum(np.searchsorted(ends_s, times_s), len(columns) - 1)
    before = np.maximum(after - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (times_s - ends_s[before]) / (ends_s[after] - ends_s[before])
    # The first column and columns of equal times have no time before them.
    share = np.where(np.isfinite(share) & (after > 0), share, 1.0)
    return np.asarray(columns[before] + np.ceil(share * (columns[after] - columns[before])), np.int64)
