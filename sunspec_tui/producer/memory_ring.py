"""Ring buffer in memory with the interface of the recorder's Bifrost ring.

There is one writer and one reader. The reader iterates over sequences, and in each over spans of a fixed size in bytes.
Data written in other portions are cut to that size, and the last span of a sequence may be short. The writer waits
while the ring is full. `close` ends both sides at once.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class _Mark(Enum):
    """Markers in the queue between data.

    The end of the ring is None, which is never queued.
    """

    END_OF_SEQUENCE = auto()


_Item = bytes | dict[str, Any] | _Mark


class RingClosed(Exception):
    """The ring was closed while the writer waited."""


@dataclass(frozen=True)
class Span:
    """Consecutive bytes of a sequence."""

    raw: bytes | bytearray

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.raw)

    def data_view(self, dtype: DTypeLike = np.uint8) -> NDArray[Any]:
        """Return the bytes as a one-dimensional array."""
        return np.frombuffer(self.raw, dtype)


class Header:
    """Header that returns its JSON text as bytes, as the recorder's does."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._raw = json.dumps(fields).encode()

    def tobytes(self) -> bytes:
        """Return the JSON text in UTF-8."""
        return self._raw


class ReadSequence:
    """Sequence for the reader: a header, and an iterator of spans."""

    def __init__(self, ring: "MemoryRing", fields: dict[str, Any]) -> None:
        self._ring = ring
        self.header = Header(fields)

    def read(self, nbytes: int) -> Iterator[Span]:
        """Yield spans of `nbytes` each.

        The last one of the sequence may be shorter.
        """
        buffer = bytearray()
        while (portion := self._ring.next_portion()) is not None:
            if not buffer and len(portion) == nbytes:
                yield Span(portion)
                continue
            buffer += portion
            while len(buffer) >= nbytes:
                yield Span(bytes(buffer[:nbytes]))
                del buffer[:nbytes]
        if buffer:
            yield Span(bytes(buffer))


class MemoryRing:
    """Bounded queue of sequences and their data.

    Parameters
    ----------
    capacity
        Largest number of queued portions; then the writer waits.
    """

    def __init__(self, capacity: int = 8) -> None:
        self._capacity = capacity
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._has_ended = False
        self._in_sequence = False
        self.reading = threading.Event()

    # Writer

    def begin_sequence(self, header: dict[str, Any]) -> None:
        """Begin a sequence with its header, and end an open one.

        Raises
        ------
        RingClosed
            If the ring has been closed.
        """
        if self._in_sequence:
            self.end_sequence()
        self._put(dict(header))
        self._in_sequence = True

    def write(self, gulp: NDArray[np.float32]) -> None:
        """Add spectra, shape (ntime, nbeam, nchan, npol), to the sequence.

        Wait while the ring is full.

        Raises
        ------
        RingClosed
            If the ring has been closed.
        ValueError
            If no sequence has begun, because the reader could not interpret the data.
        """
        if not self._in_sequence:
            raise ValueError("spectra belong to a sequence: call begin_sequence first")
        self._put(np.ascontiguousarray(gulp, np.float32).tobytes())

    def end_sequence(self) -> None:
        """End the sequence; its remaining data become a short span."""
        self._in_sequence = False
        self._put(_Mark.END_OF_SEQUENCE)

    def end_writing(self) -> None:
        """End the ring after all queued data are read."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _put(self, item: _Item) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                raise RingClosed
            self._items.append(item)
            self._changed.notify_all()

    # Reader

    def read(self, guarantee: bool = True) -> Iterator[ReadSequence]:
        """Yield sequences as they are written.

        Data are never overwritten, with any `guarantee`.
        """
        del guarantee
        self.reading.set()
        while (item := self._get()) is not None:
            # Skip the remaining data of a sequence that the reader has left early.
            if isinstance(item, dict):
                yield ReadSequence(self, item)

    def next_portion(self) -> bytes | None:
        """Return the next portion of the current sequence; None at its end."""
        item = self._get()
        return item if isinstance(item, bytes) else None

    def _get(self) -> _Item | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_ended or bool(self._items))
            if self._closed or not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """End writing and reading at once, and drop queued data."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.reading.set()
