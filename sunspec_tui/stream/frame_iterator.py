"""Iterate over new frames and rows, from any thread.

The receiver's thread queues items, and any other thread takes them. A slow loop never delays the receiver: its oldest
items are dropped and counted. Nothing here decodes or averages.
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
from sunspec_tui.core.memory_budgets import MAX_ITERATOR_BYTES
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.ring_buffer import Rows

Item = TypeVar("Item", bound="Frame | Row")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One averaged row, with its frequency axis and its products.

    Attributes
    ----------
    data
        Power, float32, shape (nbins, npol), linear, in the receiver's unit.
    products
        Name of each product in `data`.
    axis
        Frequency axis of the bins.
    time_s
        End of the averaging, seconds since 1970 UTC.
    slot
        Index on the evenly spaced time axis; a step above 1 is a gap.
    mark
        `ring.Mark` bits.
    number
        Number of the row, counted as in `Rows.count`.
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
        """Return the newest row of `rows`."""
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
            If the product is unknown, or the stream does not carry it.
        """
        products = available(self.axis.npol)
        if product not in products:
            raise UsageError(f"the row has no {product}; choose one of {', '.join(products)}")
        return np.ascontiguousarray(derive(self.data[np.newaxis], Product(product))[0])


class FrameIterator(Iterator[Item], Generic[Item]):
    """Iterator over new items, which ends when the receiver stops.

    Items that arrived before it was created are not included.

    Parameters
    ----------
    max_items
        Largest number of queued items.
    timeout_s
        Seconds without an item after which the iterator ends; None waits without limit.
    max_nbytes
        Largest memory of the queued items; the newest item is queued at any size.

    Attributes
    ----------
    frames_missed
        Number of items dropped because they were not taken in time.
    """

    def __init__(self, max_items: int, timeout_s: float | None, max_nbytes: int = MAX_ITERATOR_BYTES) -> None:
        self._queue: deque[tuple[Item, int]] = deque()
        self._max_items, self._max_nbytes, self._nbytes = max_items, max_nbytes, 0
        # Locks do not accept longer timeouts.
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
            Memory of the item; by default that of its data.
        """
        with self._changed:
            if self._ended:
                return
            self._queue.append((item, item.data.nbytes if nbytes is None else nbytes))
            self._nbytes += self._queue[-1][1]
            while len(self._queue) > self._max_items or (self._nbytes > self._max_nbytes and len(self._queue) > 1):
                self._pop()
                self.frames_missed += 1
            self._changed.notify()

    def _pop(self) -> Item:
        """Remove and return the oldest queued item; the caller holds the lock."""
        item, nbytes = self._queue.popleft()
        self._nbytes -= nbytes
        return item

    def close(self) -> None:
        """End the iterator after its queued items."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __next__(self) -> Item:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended, self._timeout_s)
            if not self._queue:
                self._ended = True
                raise StopIteration
            return self._pop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_ended(self) -> bool:
        """True if the iterator takes no more items."""
        return self._ended


class FrameIterators(Generic[Item]):
    """Weakly referenced set of iterators that receive the same items."""

    def __init__(self) -> None:
        # The tuple is replaced as a whole, so that the receiver's thread can read it without a lock.
        self._references: tuple[weakref.ref[FrameIterator[Item]], ...] = ()

    def __bool__(self) -> bool:
        # Called for each frame; usually there are no iterators.
        return bool(self._references) and any(map(_is_open, self._all()))

    def _all(self) -> Iterator[FrameIterator[Item] | None]:
        return (reference() for reference in self._references)

    def add(self, iterator: FrameIterator[Item]) -> None:
        """Add an iterator, which receives all items from now on; not thread-safe."""
        alive = [each for each in self._references if _is_open(each())]
        self._references = (*alive, weakref.ref(iterator))

    def put(self, item: Item, nbytes: int | None = None) -> None:
        """Queue an item for each iterator."""
        for iterator in self._all():
            if iterator is not None:
                iterator.put(item, nbytes)

    def close(self) -> None:
        """End all iterators after their queued items."""
        ended, self._references = tuple(self._all()), ()
        for iterator in ended:
            if iterator is not None:
                iterator.close()


def _is_open(iterator: FrameIterator[Item] | None) -> bool:
    return iterator is not None and not iterator.has_ended
