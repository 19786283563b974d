"""Means and highest values of rows in blocks of time.

Block n of a step contains the rows that end from n steps after 1970 UTC to before n + 1 steps. So blocks of all sources
have the same edges, and no block crosses midnight. Pure arithmetic.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import Floats, Integers, group_starts, merged_peaks, merged_sums

STEPS_S = (2, 16, 128)
"""Lengths of blocks in seconds; each divides the next.

At four rows a second these are 8, 64 and 512 rows.
"""

SECOND_US = 1_000_000


class TimeBlocks(NamedTuple):
    """Blocks of one product, oldest first.

    Single rows are blocks too, with a step of 0.

    Attributes
    ----------
    step_s
        Length of a block in seconds; 0 for single rows.
    begin_us, end_us
        Time that each block covers, whole microseconds since 1970 UTC, int64, shape (n,). A row covers its averaging.
    rows, missing
        Number of rows in each block, and of rows missing in it or directly before its rows, int64, shape (n,).
    first_us, last_us
        End of the data of its first and its last row, int64, shape (n,).
    restarts
        True if one of its rows begins a new sequence of the producer, shape (n,).
    mean, peak
        Mean and highest power of its rows, float32, shape (n, nbins); NaN where no value is finite. Where the highest
        power is not known, `peak` is the mean.
    """

    step_s: int
    begin_us: Integers
    end_us: Integers
    rows: Integers
    missing: Integers
    first_us: Integers
    last_us: Integers
    restarts: NDArray[np.bool_]
    mean: Floats
    peak: Floats

    @classmethod
    def empty(cls, step_s: int, nbins: int) -> "TimeBlocks":
        """Return no blocks of a step."""
        none, values = np.empty(0, np.int64), np.empty((0, nbins), np.float32)
        return cls(step_s, none, none, none, none, none, none, np.empty(0, np.bool_), values, values)

    @classmethod
    def of_rows(
        cls,
        times_us: Integers,
        begin_us: Integers,
        missing: Integers,
        restarts: NDArray[np.bool_],
        values: Floats,
    ) -> "TimeBlocks":
        """Return single rows as blocks.

        Parameters
        ----------
        times_us, begin_us
            End and begin of each row's averaging, shape (n,).
        missing, restarts
            Number of rows missing before each row; True for a row that begins a sequence.
        values
            Power of one product, shape (n, nbins).
        """
        ones = np.ones(len(times_us), np.int64)
        return cls(0, begin_us, times_us, ones, missing, times_us, times_us, restarts, values, values)

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "TimeBlocks":
        """Return some of the blocks."""
        columns: tuple[Any, ...] = tuple(values[which] for values in self[1:])
        return TimeBlocks(self.step_s, *columns)

    def between(self, begin_us: int, end_us: int) -> "TimeBlocks":
        """Return the blocks whose last row ends from `begin_us` to before `end_us`."""
        return self.only((self.last_us >= begin_us) & (self.last_us < end_us))

    def merged(self, step_s: int) -> "TimeBlocks":
        """Merge blocks, or rows, to a longer step.

        A block counts with all its rows, also in a bin in which only some of them have a value.

        Parameters
        ----------
        step_s
            A multiple of this step, in seconds.
        """
        if not len(self.rows):
            return TimeBlocks.empty(step_s, self.mean.shape[1])
        blocks, numbers = self, block_numbers(self.first_us, step_s)
        if (np.diff(numbers) < 0).any():
            order = np.argsort(numbers, kind="stable")
            blocks, numbers = self.only(order), numbers[order]
        starts = group_starts(numbers)
        sums, counts = merged_sums(blocks.mean, blocks.rows, starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(counts > 0, sums / counts, np.nan).astype(np.float32)
        peak = merged_peaks(blocks.peak, starts)
        peak[np.isinf(peak)] = np.nan
        begin_us = numbers[starts] * (step_s * SECOND_US)
        return TimeBlocks(
            step_s,
            begin_us,
            begin_us + step_s * SECOND_US,
            np.add.reduceat(blocks.rows, starts),
            np.add.reduceat(blocks.missing, starts),
            np.minimum.reduceat(blocks.first_us, starts),
            np.maximum.reduceat(blocks.last_us, starts),
            np.logical_or.reduceat(blocks.restarts, starts),
            mean,
            peak,
        )


def block_numbers(times_us: Integers, step_s: int) -> Integers:
    """Return the numbers of the blocks that contain the rows' ends."""
    return times_us // (step_s * SECOND_US)


def joined(parts: Sequence[TimeBlocks]) -> TimeBlocks:
    """Join blocks of one step, in the order of `parts`.

    Raises
    ------
    ValueError
        If there are no parts, or their steps differ.
    """
    steps = {part.step_s for part in parts}
    if len(steps) != 1:
        raise ValueError(f"blocks of {sorted(steps)} s cannot be joined; give blocks of one step")
    columns: tuple[Any, ...] = tuple(np.concatenate(values) for values in zip(*(p[1:] for p in parts), strict=True))
    return TimeBlocks(steps.pop(), *columns)


def step_within(longest_s: float) -> int:
    """Return the longest step up to a length; else 0."""
    return max((step_s for step_s in STEPS_S if step_s <= longest_s), default=0)
