"""The waterfall's columns: rows gathered by their slots, so that time stays true.

A column holds the rows of `rows_per_column` consecutive slots, counted from slot 0, so a finished column
never changes and only the newest one grows. Slots whose rows are missing leave their column empty: a gap is
as wide as it lasted. State and arithmetic only; the widget that draws it tells it what to keep.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.ring import Mark

Floats = NDArray[np.float32]

_NEVER = np.iinfo(np.int64).min
"""Number of a column that does not exist: columns before the first row have negative ones."""


class ColumnStore:
    """The last `width` columns of one product.

    Parameters
    ----------
    width
        Columns that are kept.
    nbins
        Bins of a row.
    rows_per_column
        Slots that a column spans.
    """

    def __init__(self, width: int, nbins: int, rows_per_column: int) -> None:
        self.width = width
        self.nbins = nbins
        self.rows_per_column = rows_per_column
        self.newest: int | None = None
        self._numbers = np.full(width, _NEVER, np.int64)
        # Double precision, so that a mean does not depend on the blocks in which its rows arrive.
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
        """Take rows, oldest first.

        Parameters
        ----------
        values
            Power of one product, shape (n, nbins); what is not finite does not count.
        times_s
            End of each row's data, shape (n,).
        slots, marks
            Their places and `Mark` bits, shape (n,).

        Returns
        -------
        list of int
            Numbers of the columns that have changed, those still kept.

        Notes
        -----
        Blocks may come in any order, but no row twice: history is filled in from its newest end.
        """
        if not len(slots):
            return []
        numbers = slots // self.rows_per_column
        self.newest = int(numbers[-1]) if self.newest is None else max(self.newest, int(numbers[-1]))
        kept = numbers > self.newest - self.width
        changed = [int(number) for number in np.unique(numbers[kept])]
        for number in changed:
            self._add_to(number, numbers == number, values, times_s, slots, marks)
        return changed

    def _add_to(
        self,
        number: int,
        chosen: NDArray[np.bool_],
        values: Floats,
        times_s: NDArray[np.float64],
        slots: NDArray[np.int64],
        marks: NDArray[np.uint8],
    ) -> None:
        at = number % self.width
        if self._numbers[at] != number:
            self._clear(at, number)
        picked = values[chosen]
        finite = np.isfinite(picked)
        self._sums[at] += np.where(finite, picked, 0).sum(axis=0, dtype=np.float64)
        self._valid[at] += finite.sum(axis=0)
        np.maximum(self._peaks[at], np.where(finite, picked, -np.inf).max(axis=0), out=self._peaks[at])
        self._rows[at] += len(picked)
        self._restarts[at] |= bool(np.any(marks[chosen] & Mark.RESTART))
        first, last = slots[chosen][0], slots[chosen][-1]
        if np.isnan(self._times_s[at]) or last > self._last_slots[at]:
            self._times_s[at], self._last_slots[at] = times_s[chosen][-1], last
        if np.isnan(self._first_s[at]) or first < self._first_slots[at]:
            self._first_s[at], self._first_slots[at] = times_s[chosen][0], first

    def _clear(self, at: int, number: int) -> None:
        self._numbers[at] = number
        self._sums[at] = 0
        self._valid[at] = 0
        self._peaks[at] = -np.inf
        self._rows[at] = 0
        self._restarts[at] = False
        self._first_s[at] = self._times_s[at] = np.nan

    def holds(self, number: int) -> bool:
        """Whether a column has rows; one that has none is a gap, or lies before all rows."""
        return self.newest is not None and bool(self._numbers[number % self.width] == number)

    def held(self) -> list[int]:
        """Numbers of the columns that have rows, oldest first."""
        if self.newest is None:
            return []
        known = self._numbers[(self._numbers > self.newest - self.width) & (self._numbers != _NEVER)]
        return [int(number) for number in np.sort(known)]

    def time_s(self, number: int) -> float:
        """End of the column's newest row; NaN for a gap."""
        return float(self._times_s[number % self.width]) if self.holds(number) else float("nan")

    def first_s(self, number: int) -> float:
        """End of the column's oldest row; NaN for a gap."""
        return float(self._first_s[number % self.width]) if self.holds(number) else float("nan")

    def times_s(self, numbers: list[int]) -> list[float]:
        """End of each column's newest row; NaN for a gap."""
        wanted = np.array(numbers, np.int64)
        at = wanted % self.width
        return [float(each) for each in np.where(self._numbers[at] == wanted, self._times_s[at], np.nan)]

    def missing(self, number: int) -> int:
        """Rows that a column lacks, of those that belong to it; 0 for the newest one, which still grows."""
        if not self.holds(number) or number == self.newest:
            return 0
        return self.rows_per_column - int(self._rows[number % self.width])

    def restarted(self, number: int) -> bool:
        """Whether the producer restarted within the column."""
        return self.holds(number) and bool(self._restarts[number % self.width])

    def statistics(self, numbers: list[int]) -> tuple[Floats, Floats]:
        """Mean and highest power of columns, each of shape (len(numbers), nbins); NaN where there is none."""
        at = np.array(numbers, np.int64) % self.width
        valid = self._valid[at]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (self._sums[at] / valid).astype(np.float32)
        missing = (valid == 0) | (self._numbers[at] != numbers)[:, None]
        mean[missing] = np.nan
        return mean, np.where(missing, np.float32(np.nan), self._peaks[at])
