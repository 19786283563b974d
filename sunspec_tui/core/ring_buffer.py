"""Ring buffer of the last rows of the stream.

One append writes a row, its time and its slot together, so that no row can have its neighbour's
time. Rows are returned oldest first, and only rows that were received. A lock makes every method
safe from any thread. The ring reads no clock and no socket.

A row's *slot* is its place on a time axis of even steps: consecutive rows without loss have
consecutive slots, and the slots of missing rows stay empty.
"""

import threading
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import ARBITRARY, SFU, scale_power
from sunspec_tui.core.products import Product, available, derive


class Mark(IntEnum):
    """Unusual properties of a row, one bit each.

    Several bits together are a plain int. This is not an IntFlag: its operators take a microsecond each, several times
    a frame.
    """

    NONE = 0
    GAP_BEFORE = 1
    RESTART = 2
    REVERSAL = 4
    REPEAT = 8
    TIME_GUESSED = 16


@dataclass(frozen=True, slots=True, repr=False)
class Rows:
    """Copy of rows of the ring, oldest first.

    Attributes
    ----------
    data
        Power, float32, shape (n, nbins, npol), or (n, nbins) if one product was requested.
    times_s
        End of each row's averaging, seconds since 1970 UTC, shape (n,).
    slots
        Places on the even time axis, int64, shape (n,).
    marks
        `Mark` bits, uint8, shape (n,).
    count
        Number of the row after the last of these, to request the next rows.
    """

    data: NDArray[np.float32]
    times_s: NDArray[np.float64]
    slots: NDArray[np.int64]
    marks: NDArray[np.uint8]
    count: int

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        return f"<Rows {' x '.join(map(str, self.data.shape))}, numbers {self.count - len(self)} to {self.count - 1}>"

    def first(self, n: int) -> "Rows":
        """Return the oldest `n` rows."""
        count = self.count - len(self) + n
        return Rows(self.data[:n], self.times_s[:n], self.slots[:n], self.marks[:n], count)


class RingBuffer:
    """Ring buffer of the last `length` rows.

    A row has `nbins` bins and `npol` products.

    Parameters
    ----------
    length
        Number of rows to keep.
    nbins, npol
        Shape of a row.
    first
        Number of the first row that will be appended, so that a ring that replaces another
        continues its count.
    factors
        Factor of each bin from the stored powers to those that are read, in sfu; None to read powers as received.
    """

    def __init__(
        self, length: int, nbins: int, npol: int, *, first: int = 0, factors: NDArray[np.float32] | None = None
    ) -> None:
        self.length = length
        self.nbins = nbins
        self.npol = npol
        self._first = first
        self._count = first
        self._factors = factors
        self._lock = threading.Lock()
        # One row more than is kept: the next row can be written while the others are read.
        self._capacity = length + 1
        # Not initialised: only appended rows are read, and filling a long ring would block the receiver for seconds.
        self._data = np.empty((self._capacity, nbins, npol), np.float32)
        self._times_s = np.empty(self._capacity, np.float64)
        self._slots = np.empty(self._capacity, np.int64)
        self._marks = np.empty(self._capacity, np.uint8)

    @property
    def unit(self) -> str:
        """Unit of the powers that are read."""
        return ARBITRARY if self._factors is None else SFU

    @property
    def bins_without_flux(self) -> int:
        """Number of bins without a factor, whose powers are read as NaN."""
        return 0 if self._factors is None else int(np.isnan(self._factors).sum())

    @property
    def count(self) -> int:
        """Number of rows appended so far, including overwritten ones."""
        return self._count

    @property
    def index(self) -> int:
        """Index of the next row, 0 to length - 1.

        Indices are those of the older receiver's buffer.
        """
        return (self._count - self._first) % self.length

    def index_of(self, number: int) -> int:
        """Return the index of a row, 0 to length - 1.

        Indices are those of the older receiver's buffer.
        """
        return (number - self._first) % self.length

    @property
    def filled(self) -> int:
        """Number of rows that can be read."""
        return min(self._count - self._first, self.length)

    @property
    def nbytes(self) -> int:
        """Memory of the kept rows in bytes.

        The row that is being written is not included.
        """
        columns = (self._data, self._times_s, self._slots, self._marks)
        return self.length * sum(int(column[0].nbytes) for column in columns)

    def append(self, row: NDArray[np.float32], time_s: float, slot: int, mark: int = Mark.NONE) -> None:
        """Append one row with its time and slot.

        Parameters
        ----------
        row
            Power, shape (nbins, npol); copied.
        time_s
            End of its averaging, seconds since 1970 UTC.
        slot
            Its place on the even time axis.
        mark
            `Mark` bits.
        """
        self.next_row[...] = row
        self.commit(time_s, slot, mark)

    @property
    def next_row(self) -> NDArray[np.float32]:
        """Array for the next row, shape (nbins, npol).

        Write to it, then call `commit`; no reader sees the row until then.
        """
        row: NDArray[np.float32] = self._data[(self._count - self._first) % self._capacity]
        return row

    def commit(self, time_s: float, slot: int, mark: int = Mark.NONE) -> None:
        """Append the row that was written to `next_row`; see `append`."""
        i = (self._count - self._first) % self._capacity
        with self._lock:
            self._times_s[i] = time_s
            self._slots[i] = slot
            self._marks[i] = mark
            self._count += 1

    def extend(self, rows: Rows) -> None:
        """Append several rows at once, at most the ring's length."""
        with self._lock:
            where = np.arange(self._count - self._first, self._count - self._first + len(rows)) % self._capacity
            self._data[where], self._times_s[where] = rows.data, rows.times_s
            self._slots[where], self._marks[where] = rows.slots, rows.marks
            self._count += len(rows)

    def trimmed(self) -> "RingBuffer":
        """Return a shorter ring of the same rows, or this ring.

        The ring is shortened only if that saves at least half of the memory.
        """
        with self._lock:
            if 2 * self.filled > self.length:
                return self
            rows = self._copy(self._count - self.filled, self._count, scaled=False)
        first = rows.count - len(rows)
        found = RingBuffer(max(1, len(rows)), self.nbins, self.npol, first=first, factors=self._factors)
        found.extend(rows)
        return found

    def latest(self, n: int | None = None, *, scaled: bool = True) -> Rows:
        """Return the last `n` rows, or all; fewer if fewer have arrived.

        With `scaled`, as in `between`.
        """
        with self._lock:
            n = self.filled if n is None else max(0, min(n, self.filled))
            return self._copy(self._count - n, self._count, scaled=scaled)

    def since(self, count: int, *, most: int | None = None) -> Rows:
        """Return the rows from number `count` on, at most the newest `most`."""
        with self._lock:
            start = max(count, self._count - self.filled)
            if most is not None:
                start = max(start, self._count - most)
            return self._copy(min(start, self._count), self._count)

    def ends(self) -> tuple[int, int] | None:
        """Return the slots of the oldest and the newest kept row.

        The result is None without rows.
        """
        with self._lock:
            if not self.filled:
                return None
            oldest, newest = self._count - self.filled - self._first, self._count - 1 - self._first
            return int(self._slots[oldest % self._capacity]), int(self._slots[newest % self._capacity])

    def end_times_s(self) -> tuple[float, float]:
        """Return the ends of the oldest and the newest kept row.

        The ring must not be empty.
        """
        with self._lock:
            oldest, newest = self._count - self.filled - self._first, self._count - 1 - self._first
            return float(self._times_s[oldest % self._capacity]), float(self._times_s[newest % self._capacity])

    def between(self, start: int, stop: int, product: Product | None = None, *, scaled: bool = True) -> Rows:
        """Return the kept rows with numbers from `start` to before `stop`.

        Parameters
        ----------
        start, stop
            Numbers of the first row, and of the one after the last.
        product
            The product to read. By default all products are read as received, which takes four times as long. The
            result is empty if the stream does not have the product.
        scaled
            True to multiply powers by the ring's factors; the archive and the checks read them as received.
        """
        with self._lock:
            oldest = self._count - self.filled
            start, stop = max(start, oldest), min(stop, self._count)
            if product is not None and product not in available(self.npol):
                # The stream has changed to fewer products since the caller checked.
                return self._copy(stop, stop)
            return self._copy(min(start, stop), stop, product, scaled=scaled)

    def times_s(self) -> NDArray[np.float64]:
        """Return the ends of all kept rows, oldest first."""
        with self._lock:
            return self._kept_times_s()

    def _kept_times_s(self) -> NDArray[np.float64]:
        numbers = np.arange(self._count - self.filled - self._first, self._count - self._first)
        return self._times_s[numbers % self._capacity]

    def numbers_within(self, begin_s: float, end_s: float) -> tuple[int, int]:
        """Return the numbers of kept rows that end between two times.

        The result is (first, last + 1). If times went back, the range may contain other rows too.
        """
        with self._lock:
            first = self._count - self.filled
            times_s = self._kept_times_s()
        inside = np.flatnonzero((times_s >= begin_s) & (times_s < end_s))
        return (first + int(inside[0]), first + int(inside[-1]) + 1) if len(inside) else (first, first)

    def number_at(self, slot: int) -> int:
        """Return the number of the first row at or after a slot.

        Only kept rows count; the result is `count` if there is none. Slots never decrease within a ring, so a binary
        search suffices.
        """
        with self._lock:
            return self._number_at(slot)

    def _number_at(self, slot: int) -> int:
        kept = range(self._count - self.filled, self._count)
        return kept.start + bisect_left(kept, slot, key=lambda n: int(self._slots[(n - self._first) % self._capacity]))

    def _copy(self, start: int, stop: int, product: Product | None = None, *, scaled: bool = True) -> Rows:
        """Copy rows `start` to `stop` (numbers since the start).

        The caller holds the lock.
        """
        places = self._places(start, stop)
        power = [self._data[place] if product is None else derive(self._data[place], product) for place in places]
        if scaled and self._factors is not None:
            power = [scale_power(each, self._factors, product) for each in power]
        times_s, slots, marks = (
            np.concatenate([values[place] for place in places]) for values in (self._times_s, self._slots, self._marks)
        )
        return Rows(np.concatenate(power), times_s, slots, marks, stop)

    def _places(self, start: int, stop: int) -> tuple[slice, slice]:
        """Return the two slices of some rows in the ring.

        One goes up to the ring's end, the other starts at its beginning.
        """
        first = (start - self._first) % self._capacity
        end = first + stop - start
        return slice(first, min(end, self._capacity)), slice(0, max(0, end - self._capacity))
