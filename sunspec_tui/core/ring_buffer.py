"""The last minutes of the stream: rows, their times and their places, in one ring.

One append writes a row, its time and its slot together, so that no row can carry its
neighbour's time; windows come out oldest first and never hold a row that did not arrive.
A lock makes every method safe from any thread. The ring knows no clock and no wire.

A row's *slot* is its place on a time axis of even steps: rows that follow each other without
loss have consecutive slots, and missing rows leave theirs empty.
"""

import threading
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product, available, derive


class Mark(IntEnum):
    """What was unusual about a row, as a bit each; several together are a plain int.

    No IntFlag: its operators cost a microsecond each, several times a frame.
    """

    NONE = 0
    GAP_BEFORE = 1
    RESTART = 2
    REVERSAL = 4
    REPEAT = 8
    TIME_GUESSED = 16


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the ring, oldest first; a copy that nobody else writes.

    Attributes
    ----------
    data
        Power, float32, shape (n, nbins, npol), or (n, nbins) where one product was asked for.
    times_s
        End of each row's averaging, seconds since 1970 UTC, shape (n,).
    slots
        Places on the even time axis, int64, shape (n,).
    marks
        `Mark` bits, uint8, shape (n,).
    count
        Number of the row after the last of these: what to ask for next.
    """

    data: NDArray[np.float32]
    times_s: NDArray[np.float64]
    slots: NDArray[np.int64]
    marks: NDArray[np.uint8]
    count: int

    def __len__(self) -> int:
        return len(self.times_s)

    def first(self, n: int) -> "Rows":
        """The oldest `n` of them."""
        count = self.count - len(self) + n
        return Rows(self.data[:n], self.times_s[:n], self.slots[:n], self.marks[:n], count)


class RingBuffer:
    """The last `length` rows of `nbins` bins and `npol` products.

    Parameters
    ----------
    length
        Rows that are kept.
    nbins, npol
        Shape of a row.
    first
        Number of the first row that will be appended, so that a ring that replaces another
        goes on counting where it ended.
    """

    def __init__(self, length: int, nbins: int, npol: int, *, first: int = 0) -> None:
        self.length = length
        self.nbins = nbins
        self.npol = npol
        self._first = first
        self._count = first
        self._lock = threading.Lock()
        # One row more than is kept: the next row can be written while the others are read.
        self._room = length + 1
        # Not filled: only rows that were appended are read, and a long ring would stop the receiver for seconds.
        self._data = np.empty((self._room, nbins, npol), np.float32)
        self._times_s = np.empty(self._room, np.float64)
        self._slots = np.empty(self._room, np.int64)
        self._marks = np.empty(self._room, np.uint8)

    @property
    def count(self) -> int:
        """Rows taken so far, those that were overwritten included."""
        return self._count

    @property
    def index(self) -> int:
        """Where the older receiver would put the next row, 0 to length - 1."""
        return (self._count - self._first) % self.length

    def index_of(self, number: int) -> int:
        """Return where the older receiver would keep a row, 0 to length - 1."""
        return (number - self._first) % self.length

    @property
    def filled(self) -> int:
        """Rows that can be read."""
        return min(self._count - self._first, self.length)

    @property
    def nbytes(self) -> int:
        """Memory of all that is kept, in bytes; the row that is being written is not counted."""
        columns = (self._data, self._times_s, self._slots, self._marks)
        return self.length * sum(int(column[0].nbytes) for column in columns)

    def append(self, row: NDArray[np.float32], time_s: float, slot: int, mark: int = Mark.NONE) -> None:
        """Take one row, its time and its slot, in one step.

        Parameters
        ----------
        row
            Power, shape (nbins, npol); copied.
        time_s
            End of its averaging, seconds since 1970 UTC.
        slot
            Its place on the even time axis.
        mark
            What was unusual about it.
        """
        self.next_row[...] = row
        self.commit(time_s, slot, mark)

    @property
    def next_row(self) -> NDArray[np.float32]:
        """Room of the next row, shape (nbins, npol), for the one who appends; nobody reads it before `commit`."""
        row: NDArray[np.float32] = self._data[(self._count - self._first) % self._room]
        return row

    def commit(self, time_s: float, slot: int, mark: int = Mark.NONE) -> None:
        """Append the row that was written to `next_row`; see `append`."""
        i = (self._count - self._first) % self._room
        with self._lock:
            self._times_s[i] = time_s
            self._slots[i] = slot
            self._marks[i] = mark
            self._count += 1

    def extend(self, rows: Rows) -> None:
        """Append several rows at once, at most the ring's length."""
        with self._lock:
            where = np.arange(self._count - self._first, self._count - self._first + len(rows)) % self._room
            self._data[where], self._times_s[where] = rows.data, rows.times_s
            self._slots[where], self._marks[where] = rows.slots, rows.marks
            self._count += len(rows)

    def trimmed(self) -> "RingBuffer":
        """Return a shorter ring of the same rows, or this ring.

        The ring is shortened to its rows only if that saves at least half of the memory.
        """
        with self._lock:
            if 2 * self.filled > self.length:
                return self
            rows = self._copy(self._count - self.filled, self._count)
        found = RingBuffer(max(1, len(rows)), self.nbins, self.npol, first=rows.count - len(rows))
        found.extend(rows)
        return found

    def latest(self, n: int | None = None) -> Rows:
        """The last `n` rows, or all; fewer where fewer have arrived."""
        with self._lock:
            n = self.filled if n is None else max(0, min(n, self.filled))
            return self._copy(self._count - n, self._count)

    def since(self, count: int, *, most: int | None = None) -> Rows:
        """Rows appended after the ring had taken `count`, the newest `most` of them."""
        with self._lock:
            start = max(count, self._count - self.filled)
            if most is not None:
                start = max(start, self._count - most)
            return self._copy(min(start, self._count), self._count)

    def ends(self) -> tuple[int, int] | None:
        """Slots of the oldest and of the newest row that are kept; None where there is none."""
        with self._lock:
            if not self.filled:
                return None
            oldest, newest = self._count - self.filled - self._first, self._count - 1 - self._first
            return int(self._slots[oldest % self._room]), int(self._slots[newest % self._room])

    def between(self, start: int, stop: int, product: Product | None = None) -> Rows:
        """Rows appended as number `start` up to `stop`, those of them that are still kept.

        Parameters
        ----------
        start, stop
            Numbers of the first row, and of the one after the last.
        product
            The product to read; all as received by default, which takes four times as long. There are no rows of a
            product that the stream does not carry.
        """
        with self._lock:
            oldest = self._count - self.filled
            start, stop = max(start, oldest), min(stop, self._count)
            if product is not None and product not in available(self.npol):
                # The stream has changed to fewer products since the caller looked.
                return self._copy(stop, stop)
            return self._copy(min(start, stop), stop, product)

    def number_at(self, slot: int) -> int:
        """Number of the first kept row at or after a slot; `count` where there is none.

        Slots never go back within a ring, so this looks at a few rows only, however many are kept.
        """
        with self._lock:
            return self._number_at(slot)

    def _number_at(self, slot: int) -> int:
        kept = range(self._count - self.filled, self._count)
        return kept.start + bisect_left(kept, slot, key=lambda n: int(self._slots[(n - self._first) % self._room]))

    def _copy(self, start: int, stop: int, product: Product | None = None) -> Rows:
        """Rows `start` to `stop` (counted from the beginning), under the lock."""
        places = self._places(start, stop)
        power = [self._data[place] if product is None else derive(self._data[place], product) for place in places]
        times_s, slots, marks = (
            np.concatenate([values[place] for place in places]) for values in (self._times_s, self._slots, self._marks)
        )
        return Rows(np.concatenate(power), times_s, slots, marks, stop)

    def _places(self, start: int, stop: int) -> tuple[slice, slice]:
        """Return where rows lie: up to the ring's end, and from its beginning on."""
        first = (start - self._first) % self._room
        end = first + stop - start
        return slice(first, min(end, self._room)), slice(0, max(0, end - self._room))
