"""Columns of the waterfall that are made of a timeline's blocks.

A column contains whole rows or blocks. Where only longer blocks are known, or a row is longer than a column, the block
is drawn in all columns that it covers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import BlockSpans, Integers
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.tui.display.time_slots import TimeSlots

_SECOND_US = 1e6
# A block that is longer than its column by less than this is not reported as longer.
_LONGER = 1.02


class Cover(NamedTuple):
    """Slots that blocks cover, shape (n,) each.

    Attributes
    ----------
    begin_us
        Begin of the data of each block's first row.
    first_slots, last_slots
        First and last slot that each block covers.
    """

    begin_us: Integers
    first_slots: Integers
    last_slots: Integers


def cover_of(blocks: TimeBlocks, slots: TimeSlots) -> Cover:
    """Return the slots that blocks cover, first to last row.

    The begin of a block's first row is not known: the mean distance of its rows is taken as the row's length.
    """
    distance_us = (blocks.last_us - blocks.first_us) // np.maximum(1, blocks.rows - 1)
    begin_us = np.where(blocks.rows > 1, np.maximum(blocks.begin_us, blocks.first_us - distance_us), blocks.begin_us)
    last_slots = slots.slots_at_us(blocks.last_us)
    # A row covers the times after its begin, so a block that begins at the edge of a slot covers this slot.
    edge_us = begin_us - (1 if blocks.step_s else 0)
    return Cover(begin_us, np.minimum(last_slots, slots.slots_at_us(edge_us) + 1), last_slots)


def _lengths_s(blocks: TimeBlocks, cover: Cover) -> NDArray[np.float64]:
    """Return the lengths of blocks, or of rows, in seconds."""
    if blocks.step_s:
        return np.full(len(blocks.rows), float(blocks.step_s))
    return np.asarray((blocks.last_us - cover.begin_us) / _SECOND_US)


class TimelineColumns(ColumnStore):
    """The last `width` columns of one product of a timeline.

    Parameters
    ----------
    width, nbins
        Number of columns to keep, and bins of a block.
    grid
        Division of the slots into columns.
    slots
        Length of the slots.

    Attributes
    ----------
    unloaded_slots
        First slots, and slots after the last, of the ranges that are not loaded.
    """

    def __init__(self, width: int, nbins: int, grid: ColumnGrid, slots: TimeSlots) -> None:
        super().__init__(width, nbins, *grid)
        self._slots = slots
        self.unloaded_slots: list[tuple[int, int]] = []
        self._missing = np.zeros(width, np.int64)
        # A filled column has no row of its own: it is covered by a block whose last row is in a later column.
        self._filled = np.zeros(width, np.bool_)
        self._begin_s = np.full(width, np.nan)
        self._block_s = np.zeros(width)

    # Input

    def add_time_blocks(self, blocks: TimeBlocks, begin_slot: int, end_slot: int) -> list[int]:
        """Add the blocks of a range of slots.

        A block with a longer step than requested may come with several ranges. It is counted once, in the range of its
        last row.

        Parameters
        ----------
        blocks
            Blocks of one step.
        begin_slot, end_slot
            First slot of the range, and the slot after its last.

        Returns
        -------
        list of int
            Numbers of the changed columns that are still kept.
        """
        if not len(blocks.rows) or self.newest is None:
            return []
        cover = cover_of(blocks, self._slots)
        last = self.grid.number_of(cover.last_slots)
        is_own = (cover.last_slots >= begin_slot) & (cover.last_slots < end_slot)
        is_own &= (last > self.newest - self.width) & (last <= self.newest)
        changed = self._fill(blocks, cover)
        order = np.flatnonzero(is_own)[np.argsort(last[is_own], kind="stable")]
        if len(order):
            changed |= self._add_own(blocks.only(order), Cover(*(each[order] for each in cover)), last[order])
        return sorted(changed)

    def _add_own(self, blocks: TimeBlocks, cover: Cover, numbers: Integers) -> set[int]:
        """Add blocks to the columns of their last rows."""
        at = numbers % self.width
        self._numbers[at[self._filled[at]]] = self._no_column
        spans = BlockSpans(
            blocks.rows,
            self._slots.slots_at_us(blocks.first_us),
            cover.last_slots,
            blocks.first_us / _SECOND_US,
            blocks.last_us / _SECOND_US,
            blocks.restarts,
        )
        self._add_kept(spans, blocks.mean, blocks.peak, numbers)
        np.add.at(self._missing, at, blocks.missing)
        begin_s = np.full(self.width, np.inf)
        np.minimum.at(begin_s, at, cover.begin_us / _SECOND_US)
        self._begin_s[at] = np.fmin(self._begin_s[at], begin_s[at])
        np.maximum.at(self._block_s, at, _lengths_s(blocks, cover))
        return set(numbers.tolist())

    def _fill(self, blocks: TimeBlocks, cover: Cover) -> set[int]:
        """Draw blocks in the earlier columns that they cover.

        A column with rows of its own stays as it is.
        """
        assert self.newest is not None  # noqa: S101 - for the type checker
        first = np.maximum(self.grid.number_of(cover.first_slots), self.newest - self.width + 1)
        last = np.minimum(self.grid.number_of(cover.last_slots) - 1, self.newest)
        counts = np.maximum(0, last - first + 1)
        which = np.repeat(np.arange(len(counts)), counts)
        numbers = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(len(which))
        at = numbers % self.width
        free = (self._numbers[at] != numbers) | self._filled[at]
        which, numbers, at = which[free], numbers[free], at[free]
        if len(at):
            self._clear(at, numbers)
            self._filled[at] = True
            finite = np.isfinite(blocks.mean[which])
            self._sums[at], self._valid[at] = np.where(finite, blocks.mean[which], 0), finite
            self._peaks[at] = blocks.peak[which]
            self._first_s[at], self._times_s[at] = blocks.first_us[which] / _SECOND_US, blocks.last_us[which] / 1e6
            self._begin_s[at] = cover.begin_us[which] / _SECOND_US
            self._block_s[at] = _lengths_s(blocks, cover)[which]
            self._missing[at] = np.where(blocks.rows[which] > 1, blocks.missing[which], 0)
        return set(numbers.tolist())

    def _clear(self, at: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        begun = at[self._numbers[at] != numbers]
        self._missing[begun], self._filled[begun] = 0, False
        self._begin_s[begun], self._block_s[begun] = np.nan, 0.0
        super()._clear(at, numbers)

    def forget_from(self, number: int) -> None:
        """Forget the columns from a number on."""
        self._numbers[self._numbers >= number] = self._no_column

    # Output

    def times_s(self, numbers: NDArray[np.int64] | list[int]) -> list[float]:
        """Return the end of each column, also in a gap."""
        last = self.grid.first_slot(np.asarray(numbers, np.int64) + 1) - 1
        found: list[float] = (last * self._slots.slot_s).tolist()
        return found

    def begin_s(self, number: int) -> float:
        """Return the begin of the column's oldest row; NaN for a gap."""
        return float(self._begin_s[number % self.width]) if self.has_rows(number) else float("nan")

    def column_s(self, number: int) -> float:
        """Return the length of a column in seconds."""
        return self.grid.slots_in(number) * self._slots.slot_s

    def block_s(self, number: int) -> float:
        """Return the length of a block that is longer than the column.

        It is NaN for a column of whole rows or blocks.
        """
        length_s = float(self._block_s[number % self.width]) if self.has_rows(number) else 0.0
        return length_s if length_s > _LONGER * self.column_s(number) else float("nan")

    def longest_block_s(self) -> float:
        """Return the length of the longest block in more than one column.

        It is 0 if all columns have whole rows or blocks.
        """
        newest = self._no_column if self.newest is None else self.newest
        shown = self._filled & (self._numbers > newest - self.width) & (self._numbers != self._no_column)
        longest_s = float(self._block_s[shown].max()) if shown.any() else 0.0
        shortest_s = self.grid.cell_slots / self.grid.per_cell * self._slots.slot_s
        return longest_s if longest_s > _LONGER * shortest_s else 0.0

    def coarse(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns that show a longer block."""
        lengths_s = self.grid.cell_slots / self.grid.per_cell * self._slots.slot_s
        return self.stored(numbers) & (self._block_s[numbers % self.width] > _LONGER * lengths_s)

    def missing(self, number: int) -> int:
        """Return the number of missing rows in a column."""
        return int(self._missing[number % self.width]) if self.has_rows(number) else 0

    def lacking(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns that have some rows and lack others."""
        return self.stored(numbers) & (self._missing[numbers % self.width] > 0)

    def unloaded(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns that are not loaded."""
        found = np.zeros(len(numbers), np.bool_)
        for begin, end in self.unloaded_slots:
            found |= (numbers >= self.grid.number_of(begin)) & (numbers <= self.grid.number_of(end - 1))
        return found & ~self.stored(numbers)
