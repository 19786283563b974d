"""A ring in memory with the recorder's reading interface.

One writer, one reader. A reader asks for sequences and, in each, for spans of a fixed size in bytes; what
was written in other portions is cut to that size, and the last span of a sequence may be short. The
writer waits while the ring is full. `close` ends both sides at once.
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
    """What stands in the queue between data; the end of the ring is None, and never in the queue."""

    END_OF_SEQUENCE = auto()


_Item = bytes | dict[str, Any] | _Mark


class Closed(Exception):
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
        """The bytes as an array of one axis."""
        return np.frombuffer(self.raw, dtype)


class Header:
    """A header that hands out its JSON text as bytes, as the recorder's does."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._raw = json.dumps(fields).encode()

    def tobytes(self) -> bytes:
        """JSON, UTF-8."""
        return self._raw


class ReadSequence:
    """A sequence as its reader sees it: a header, and spans to come."""

    def __init__(self, ring: "MemoryRing", fields: dict[str, Any]) -> None:
        self._ring = ring
        self.header = Header(fields)

    def read(self, nbytes: int) -> Iterator[Span]:
        """Spans of `nbytes` each, the last one of the sequence shorter if need be."""
        held = bytearray()
        while (portion := self._ring.next_portion()) is not None:
            if not held and len(portion) == nbytes:
                yield Span(portion)
                continue
            held += portion
            while len(held) >= nbytes:
                yield Span(bytes(held[:nbytes]))
                del held[:nbytes]
        if held:
            yield Span(bytes(held))


class MemoryRing:
    """A bounded queue of sequences and their data.

    Parameters
    ----------
    capacity
        Portions that may wait before the writer has to.
    """

    def __init__(self, capacity: int = 8) -> None:
        self._capacity = capacity
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._written = False
        self._in_sequence = False
        self.reading = threading.Event()

    # Writer

    def begin_sequence(self, header: dict[str, Any]) -> None:
        """Begin a sequence with its header; one that is still open ends.

        Raises
        ------
        Closed
            If the ring has been closed.
        """
        if self._in_sequence:
            self.end_sequence()
        self._put(dict(header))
        self._in_sequence = True

    def write(self, gulp: NDArray[np.float32]) -> None:
        """Add spectra, shape (ntime, nbeam, nchan, npol), to the sequence; waits while the ring is full.

        Raises
        ------
        Closed
            If the ring has been closed.
        ValueError
            If no sequence has begun: its reader could not tell what the data are.
        """
        if not self._in_sequence:
            raise ValueError("spectra belong to a sequence: call begin_sequence first")
        self._put(np.ascontiguousarray(gulp, np.float32).tobytes())

    def end_sequence(self) -> None:
        """End the sequence: what is left of it becomes a short span."""
        self._in_sequence = False
        self._put(_Mark.END_OF_SEQUENCE)

    def end_writing(self) -> None:
        """Let the reader's loop end when it has read all."""
        with self._changed:
            self._written = True
            self._changed.notify_all()

    def _put(self, item: _Item) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                raise Closed
            self._items.append(item)
            self._changed.notify_all()

    # Reader

    def read(self, guarantee: bool = True) -> Iterator[ReadSequence]:
        """Sequences as they come; nothing is ever overwritten, whatever `guarantee` says."""
        del guarantee
        self.reading.set()
        while (item := self._get()) is not None:
            # Data of a sequence that its reader has left early are passed over.
            if isinstance(item, dict):
                yield ReadSequence(self, item)

    def next_portion(self) -> bytes | None:
        """The next portion of the sequence that is read; None at its end."""
        item = self._get()
        return item if isinstance(item, bytes) else None

    def _get(self) -> _Item | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._written or bool(self._items))
            if self._closed or not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """End writing and reading at once; what waits is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.reading.set()
