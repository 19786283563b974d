"""Store the waterfall's displayed columns: means and peaks of their rows.

A `ColumnGrid` divides the slots into columns, counted from slot 0. Thus a finished column never changes, and only the
newest column grows. Columns whose rows are all missing are empty, so that the width of a gap
shows its duration. The owner sets the number of columns.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import BlockSpans, Floats, group_starts, merged_peaks, merged_sums
from sunspec_tui.tui.display.column_grid import ColumnGrid

_NO_COLUMN = np.iinfo(np.int64).min
"""Number of a column that does not exist; columns before the first row have negative numbers."""


class ColumnStore:
    """The last `width` columns of one product.

    Parameters
    ----------
    width
        Number of columns to keep.
    nbins
        Bins of a row.
    rows_per_column
        Number of slots in a column or, in pixels, in a cell.
    cell_px
        Width of a cell in pixels; 1 in blocks.
    steps
        Slots in the blocks of a timeline; empty for the ring.
    """

    _no_column = _NO_COLUMN

    def __init__(
        self, width: int, nbins: int, rows_per_column: int, cell_px: int = 1, steps: tuple[int, ...] = ()
    ) -> None:
        self.width = width
        self.nbins = nbins
        self.grid = ColumnGrid(rows_per_column, cell_px, steps)
        self.newest: int | None = None
        self._numbers = np.full(width, _NO_COLUMN, np.int64)
        # Double precision makes a mean independent of the blocks in which its rows arrive.
        self._sums = np.zeros((width, nbins), np.float64)
        self._valid = np.zeros((width, nbins), np.int32)
        self._peaks = np.full((width, nbins), -np.inf, np.float32)
        self._rows = np.zeros(width, np.int32)
        self._first_slots = np.zeros(width, np.int64)
        self._last_slots = np.zeros(width, np.int64)
        self._restarts = np.zeros(width, np.bool_)
        self._first_s = np.full(width, np.nan)
        self._times_s = np.full(width, np.nan)

    def add(
        self,
        values: Floats,
        times_s: NDArray[np.float64],
        slots: NDArray[np.int64],
        marks: NDArray[np.uint8],
    ) -> list[int]:
        """Add rows, oldest first.

        Parameters
        ----------
        values
            Power of one product, shape (n, nbins); non-finite values are ignored.
        times_s
            End of each row's data, shape (n,).
        slots, marks
            Slot and `Mark` bits of each row, shape (n,).

        Returns
        -------
        list of int
            Numbers of the changed columns that are still kept.

        Notes
        -----
        Calls may come in any order, because history is loaded from its newest end. No row may come twice.
        """
        return self.add_blocks(BlockSpans.of_rows(times_s, slots, marks), values, values)

    def add_blocks(self, spans: BlockSpans, mean: Floats, peak: Floats) -> list[int]:
        """Add blocks of rows, oldest first.

        Each block must lie within one column.

        Parameters
        ----------
        spans
            Slots, times and row counts of the blocks.
        mean, peak
            Mean and highest power of one product in each block, shape (n, nbins); non-finite values are ignored.

        Returns
        -------
        list of int
            Numbers of the changed columns that are still kept.
        """
        if not len(spans.rows):
            return []
        numbers = self.grid.number_of(spans.first_slots)
        self.newest = int(numbers[-1]) if self.newest is None else max(self.newest, int(numbers[-1]))
        kept = numbers > self.newest - self.width
        if not kept.all():
            spans, mean, peak, numbers = spans.only(kept), mean[kept], peak[kept], numbers[kept]
        if len(numbers):
            self._add_kept(spans, mean, peak, numbers)
        return [int(number) for number in np.unique(numbers)]

    def _add_kept(self, spans: BlockSpans, mean: Floats, peak: Floats, numbers: NDArray[np.int64]) -> None:
        starts = group_starts(numbers)
        at = numbers[starts] % self.width
        self._clear(at, numbers[starts])
        sums, counts = merged_sums(mean, spans.rows, starts)
        self._sums[at] += sums
        self._valid[at] += counts
        self._peaks[at] = np.maximum(self._peaks[at], merged_peaks(peak, starts))
        self._update_spans(at, spans.merged(starts))

    def _update_spans(self, at: NDArray[np.int64], spans: BlockSpans) -> None:
        """Update the row counts, slots and times of columns."""
        self._rows[at] += spans.rows
        self._restarts[at] |= spans.restarts
        later = np.isnan(self._times_s[at]) | (spans.last_slots > self._last_slots[at])
        self._times_s[at[later]], self._last_slots[at[later]] = spans.last_s[later], spans.last_slots[later]
        earlier = np.isnan(self._first_s[at]) | (spans.first_slots < self._first_slots[at])
        self._first_s[at[earlier]], self._first_slots[at[earlier]] = spans.first_s[earlier], spans.first_slots[earlier]

    def _clear(self, at: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        """Clear the storage of columns that begin now."""
        begun = self._numbers[at] != numbers
        at = at[begun]
        self._numbers[at] = numbers[begun]
        self._sums[at] = 0
        self._valid[at] = 0
        self._peaks[at] = -np.inf
        self._rows[at] = 0
        self._restarts[at] = False
        self._first_s[at] = self._times_s[at] = np.nan

    def has_rows(self, number: int) -> bool:
        """Return True if a column has rows.

        A column without rows is in a gap or before all rows.
        """
        return self.newest is not None and bool(self._numbers[number % self.width] == number)

    def stored_numbers(self) -> list[int]:
        """Return the numbers of the columns with rows, oldest first."""
        if self.newest is None:
            return []
        known = self._numbers[(self._numbers > self.newest - self.width) & (self._numbers != _NO_COLUMN)]
        return [int(number) for number in np.sort(known)]

    def time_s(self, number: int) -> float:
        """Return the end of the column's newest row; NaN for a gap."""
        return float(self._times_s[number % self.width]) if self.has_rows(number) else float("nan")

    def first_s(self, number: int) -> float:
        """Return the end of the column's oldest row; NaN for a gap."""
        return float(self._first_s[number % self.width]) if self.has_rows(number) else float("nan")

    def times_s(self, numbers: NDArray[np.int64] | list[int]) -> list[float]:
        """Return the end of each column's newest row; NaN for a gap."""
        numbers_array = np.asarray(numbers, np.int64)
        at = numbers_array % self.width
        times_s: list[float] = np.where(self._numbers[at] == numbers_array, self._times_s[at], np.nan).tolist()
        return times_s

    def missing(self, number: int) -> int:
        """Return the number of missing rows in a column.

        It is 0 for a column without rows, and for the newest column, which still grows.
        """
        if not self.has_rows(number) or number == self.newest:
            return 0
        return self.grid.slots_in(number) - int(self._rows[number % self.width])

    def lacking(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns that have some rows and lack others."""
        at = numbers % self.width
        slots = self.grid.first_slot(numbers + 1) - self.grid.first_slot(numbers)
        return np.asarray((self._numbers[at] == numbers) & (numbers != self.newest) & (self._rows[at] < slots))

    def stored(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns with rows."""
        return np.asarray(self._numbers[numbers % self.width] == numbers)

    def with_restarts(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask of columns with a restart of the producer."""
        return np.asarray(self._restarts[numbers % self.width] & self.stored(numbers))

    def restarted(self, number: int) -> bool:
        """Return True if the producer restarted within the column."""
        return self.has_rows(number) and bool(self._restarts[number % self.width])

    def statistics(self, numbers: list[int]) -> tuple[Floats, Floats]:
        """Return mean and highest power of columns.

        Each has the shape (len(numbers), nbins), with NaN where there are no data.
        """
        at = np.array(numbers, np.int64) % self.width
        valid = self._valid[at]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (self._sums[at] / valid).astype(np.float32)
        missing = (valid == 0) | (self._numbers[at] != numbers)[:, None]
        mean[missing] = np.nan
        return mean, np.where(missing, np.float32(np.nan), self._peaks[at])
