"""Frames and averaged rows as they come, for programs that process the stream in a loop of their own.

The receiver's thread puts them in, any other thread takes them out. A loop that is too slow never holds the
receiver up: its oldest items are dropped, and counted. Nothing here decodes or averages.
"""

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.memory_budgets import MAX_FOLLOWER_BYTES
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.ring_buffer import Rows

Item = TypeVar("Item", bound="Frame | Row")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One averaged row, with its frequency axis and its products.

    Attributes
    ----------
    data
        Power, float32, shape (nbins, npol), arbitrary linear units.
    products
        Name of each product in `data`.
    axis
        Frequency axis of the bins.
    time_s
        End of the averaging, seconds since 1970 UTC.
    slot
        Place on the even time axis; a step above 1 is a gap.
    mark
        `ring.Mark` bits.
    number
        Number of the row, as `Rows.count` counts them.
    epoch
        Changes when the shape or the frequency axis changes.
    cadence_s
        Data time from row to row; NaN while unknown.
    """

    data: NDArray[np.float32]
    products: tuple[Product, ...]
    axis: Axis
    time_s: float
    slot: int
    mark: int
    number: int
    epoch: int
    cadence_s: float

    @classmethod
    def newest(cls, rows: Rows, axis: Axis, epoch: int, cadence_s: float) -> "Row":
        """Return the last of some rows."""
        products = WIRE_PRODUCTS[: axis.npol]
        time_s, slot, mark = float(rows.times_s[-1]), int(rows.slots[-1]), int(rows.marks[-1])
        return cls(rows.data[-1], products, axis, time_s, slot, mark, rows.count - 1, epoch, cadence_s)

    @property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Centres of the bins in Hz, shape (nbins,)."""
        return self.axis.frequencies_mhz * 1e6

    def power(self, product: str) -> NDArray[np.float32]:
        """Return one product, shape (nbins,).

        Raises
        ------
        UsageError
            If there is no such product, or the stream does not carry it.
        """
        carried = available(self.axis.npol)
        if product not in carried:
            raise UsageError(f"there is no {product} in it; choose one of {', '.join(carried)}")
        return np.ascontiguousarray(derive(self.data[np.newaxis], Product(product))[0])


class FrameIterator(Iterator[Item], Generic[Item]):
    """An iterator over items that arrive after it was made; it ends when the receiver stops.

    Parameters
    ----------
    most
        Items that may wait to be taken.
    timeout_s
        End after so many seconds without an item; None waits for ever.
    max_nbytes
        Largest memory of those items; the newest item is kept at any size.

    Attributes
    ----------
    frames_missed
        Items dropped because nobody took them in time.
    """

    def __init__(self, most: int, timeout_s: float | None, max_nbytes: int = MAX_FOLLOWER_BYTES) -> None:
        self._waiting: deque[tuple[Item, int]] = deque()
        self._most, self._max_nbytes, self._nbytes = most, max_nbytes, 0
        # A lock refuses a longer timeout.
        self._timeout_s = None if timeout_s is None else min(timeout_s, threading.TIMEOUT_MAX)
        self._changed = threading.Condition()
        self._ended = False
        self.frames_missed = 0

    def put(self, item: Item, nbytes: int | None = None) -> None:
        """Queue an item.

        Parameters
        ----------
        item
            The new frame or row.
        nbytes
            Its memory; by default that of its data.
        """
        with self._changed:
            if self._ended:
                return
            self._waiting.append((item, item.data.nbytes if nbytes is None else nbytes))
            self._nbytes += self._waiting[-1][1]
            while len(self._waiting) > self._most or (self._nbytes > self._max_nbytes and len(self._waiting) > 1):
                self._pop()
                self.frames_missed += 1
            self._changed.notify()

    def _pop(self) -> Item:
        """Remove and return the oldest queued item, under the lock."""
        item, nbytes = self._waiting.popleft()
        self._nbytes -= nbytes
        return item

    def close(self) -> None:
        """End, after the items that wait have been taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __next__(self) -> Item:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, self._timeout_s)
            if not self._waiting:
                self._ended = True
                raise StopIteration
            return self._pop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_ended(self) -> bool:
        """Whether no item will be taken any more."""
        return self._ended


class FrameIterators(Generic[Item]):
    """Frame iterators that get the same items; those that nobody holds any more are dropped."""

    def __init__(self) -> None:
        # Replaced as a whole, so that the receiver's thread reads it without a lock.
        self._references: tuple[weakref.ref[FrameIterator[Item]], ...] = ()

    def __bool__(self) -> bool:
        # Called for each frame, and there are usually none.
        return bool(self._references) and any(map(_is_open, self._all()))

    def _all(self) -> Iterator[FrameIterator[Item] | None]:
        return (reference() for reference in self._references)

    def add(self, follower: FrameIterator[Item]) -> None:
        """Give a follower all items from now on; one call at a time."""
        alive = [each for each in self._references if _is_open(each())]
        self._references = (*alive, weakref.ref(follower))

    def put(self, item: Item, nbytes: int | None = None) -> None:
        """Queue an item for each follower."""
        for follower in self._all():
            if follower is not None:
                follower.put(item, nbytes)

    def close(self) -> None:
        """End all followers, after they have taken what waits."""
        ended, self._references = tuple(self._all()), ()
        for follower in ended:
            if follower is not None:
                follower.close()


def _is_open(follower: FrameIterator[Item] | None) -> bool:
    return follower is not None and not follower.has_ended
