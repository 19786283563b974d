"""Merge row blocks into larger ones: means and highest values.

A row is a block of one row. Blocks are merged into larger ones without reading their rows. Pure arithmetic.
"""

from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.ring_buffer import Mark

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Number = TypeVar("Number", np.float64, np.int64)
FINEST_STEP, STEP_RATIO = 16, 4
"""Slots of the smallest blocks, and number of blocks in a block of the next step."""


def whole_blocks(slots: int) -> int:
    """Round a number of slots up to a few whole blocks."""
    step = FINEST_STEP
    while step * STEP_RATIO**2 <= slots:
        step *= STEP_RATIO
    # For few slots, single rows are read instead of blocks.
    return slots if STEP_RATIO * step > slots else -(-slots // step) * step


class BlockSpans(NamedTuple):
    """Slots and times of blocks, the oldest first; shape (n,) each.

    Attributes
    ----------
    rows
        Number of rows in each block.
    first_slots, last_slots
        Slots of its first and its last row.
    first_s, last_s
        End of the data of its first and its last row, seconds since 1970 UTC.
    restarts
        True if one of its rows begins a new sequence.
    """

    rows: Integers
    first_slots: Integers
    last_slots: Integers
    first_s: NDArray[np.float64]
    last_s: NDArray[np.float64]
    restarts: NDArray[np.bool_]

    @classmethod
    def of_rows(cls, times_s: NDArray[np.float64], slots: Integers, marks: NDArray[np.uint8]) -> "BlockSpans":
        """Return the spans of single rows."""
        restarts = (marks & np.uint8(Mark.RESTART)) != 0
        return cls(np.ones(len(slots), np.int64), slots, slots, times_s, times_s, restarts)

    def merged(self, starts: NDArray[np.intp]) -> "BlockSpans":
        """Return the spans of larger blocks.

        `starts` are the numbers of the first blocks in them, ascending.
        """
        ends = np.append(starts[1:], len(self.rows)) - 1
        return BlockSpans(
            np.add.reduceat(self.rows, starts),
            self.first_slots[starts],
            self.last_slots[ends],
            self.first_s[starts],
            self.last_s[ends],
            np.logical_or.reduceat(self.restarts, starts),
        )

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "BlockSpans":
        """Return some of the spans."""
        rows, first_slots, last_slots, first_s, last_s, restarts = self
        return BlockSpans(
            rows[which], first_slots[which], last_slots[which], first_s[which], last_s[which], restarts[which]
        )


def group_starts(numbers: Integers) -> NDArray[np.intp]:
    """Return where each run of equal numbers begins."""
    return np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))


def merged_sums(
    values: Floats, rows: Integers, starts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum the rows of blocks that are merged.

    Parameters
    ----------
    values
        Mean of each block, shape (n, nbins); values that are not finite are ignored.
    rows
        Number of rows in each block, shape (n,).
    starts
        Number of the first block in each larger one, ascending, shape (m,).

    Returns
    -------
    sums, counts
        Sum and number of the valid values of each larger block, shape (m, nbins). A valid bin of a block counts with
        all rows of its block.
    """
    finite, several = np.isfinite(values), bool((rows > 1).any())
    if finite.all():
        weighted = values * rows[:, None].astype(np.float32) if several else values
        counts = np.broadcast_to(np.add.reduceat(rows, starts)[:, None], (len(starts), values.shape[1]))
        return _sums(weighted, starts, np.float64), counts
    weights = finite * rows[:, None] if several else finite
    return _sums(np.where(finite, values, 0) * weights, starts, np.float64), _sums(weights, starts, np.int64)


def merged_peaks(values: Floats, starts: NDArray[np.intp]) -> Floats:
    """Return the highest finite values of merged blocks, shape (m, nbins).

    A value is -inf if there is none.
    """
    finite = np.isfinite(values)
    values = values if finite.all() else np.where(finite, values, -np.inf)
    return np.array([values[group].max(axis=0) for group in _groups(starts, len(values))])


def _sums(values: NDArray[Any], starts: NDArray[np.intp], dtype: type[Number]) -> NDArray[Number]:
    # Separate sums are several times as fast as numpy's reduceat along this axis.
    return np.array([values[group].sum(axis=0, dtype=dtype) for group in _groups(starts, len(values))])


def _groups(starts: NDArray[np.intp], count: int) -> list[slice]:
    return [slice(begin, end) for begin, end in pairwise([*starts.tolist(), count])]
