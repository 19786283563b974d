"""Division of the slots into the columns of the waterfall.

In blocks, a cell shows one column. In pixels, a cell shows one column for each of its pixels across. If it has fewer
slots than pixels, it shows one column for each slot, and a column is several pixels wide. The number of slots in a
column need not be whole.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import FINEST_STEP, STEP_RATIO

Number = TypeVar("Number", int, NDArray[np.int64])
_WRITE_CURSOR_PX = 2
_MIN_BLOCKS = 2


class ColumnGrid(NamedTuple):
    """Columns of the waterfall, as ranges of slots.

    Column 0 begins at slot 0.

    Attributes
    ----------
    cell_slots
        Number of slots that a cell shows.
    cell_px
        Width of a cell in pixels; 1 for a picture of blocks.
    steps
        Slots in the blocks of a timeline, ascending; empty for the ring.
    """

    cell_slots: int
    cell_px: int = 1
    steps: tuple[int, ...] = ()

    @property
    def per_cell(self) -> int:
        """Number of columns in a cell."""
        return min(self.cell_slots, self.cell_px)

    @property
    def block_slots(self) -> int:
        """Number of slots in a block; a column has whole blocks.

        So the stored mean of each block can be used for a long column.
        """
        if self.steps:
            return self._timeline_step
        if self.per_cell == 1:
            return self.cell_slots
        size, slots = 1, self.cell_slots // self.per_cell
        while max(size, FINEST_STEP // STEP_RATIO) * STEP_RATIO**2 <= slots:
            size = max(size, FINEST_STEP // STEP_RATIO) * STEP_RATIO
        return size

    @property
    def _timeline_step(self) -> int:
        """Number of slots in a timeline's blocks; 1 for rows.

        A cell of blocks has at least two, so that the numbers of blocks in two columns are similar.
        """
        longest = self.cell_slots // (self.per_cell if self.cell_px > 1 else _MIN_BLOCKS)
        return max((step for step in self.steps if step <= longest), default=1)

    @property
    def write_columns(self) -> int:
        """Number of columns that the write cursor takes."""
        return -(-min(_WRITE_CURSOR_PX, self.cell_px) * self.per_cell // self.cell_px)

    def number_of(self, slots: Number) -> Number:
        """Return the numbers of the columns that contain slots."""
        return slots // self.block_slots * self.block_slots * self.per_cell // self.cell_slots

    def first_slot(self, number: Number) -> Number:
        """Return the first slots of columns."""
        return -(-number * self.cell_slots // (self.per_cell * self.block_slots)) * self.block_slots

    def last_slot(self, number: int) -> int:
        """Return the last slot of a column."""
        return self.first_slot(number + 1) - 1

    def middle_slot(self, number: int) -> int:
        """Return the middle slot of a column; of two, the later one."""
        return (self.first_slot(number) + self.first_slot(number + 1)) // 2

    def slots_in(self, number: int) -> int:
        """Return the number of slots of a column."""
        return self.first_slot(number + 1) - self.first_slot(number)

    def first_pixel(self, number: Number) -> Number:
        """Return the first pixels of columns, counted from that of column 0."""
        return -(-number * self.cell_px // self.per_cell)

    def number_at_pixel(self, pixel: Number) -> Number:
        """Return the numbers of the columns at pixels, counted from column 0."""
        return pixel * self.per_cell // self.cell_px

    def kept_columns(self, cells: int) -> int:
        """Return how many columns a picture of some cells can show.

        If the width of a column is not a whole number of pixels, the picture may show a part of one more.
        """
        return cells * self.per_cell + bool(self.cell_px % self.per_cell)
