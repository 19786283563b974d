"""Queue rows for the archive, and count written and lost rows.

Rows wait in the receiver's ring. When a new ring replaces it, the waiting rows are copied, within a memory limit, so
that the old ring can be freed. Each row is counted once: written + lost + unwanted + waiting is always the number of
received rows.
"""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sunspec_tui.core.recording import Recording
from sunspec_tui.core.ring_buffer import RingBuffer, Rows
from sunspec_tui.files.archive.counted_rows import CountedRows, missing_in_ring

MAX_WAITING_BYTES = 256 << 20
"""Memory for waiting rows of earlier rings."""

_COPIED_ROWS = 64
_OVERHEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """A ring to archive, and a description of its rows.

    Attributes
    ----------
    ring
        The ring that holds the rows.
    template
        A recording without rows that describes the rows of this ring.
    """

    ring: RingBuffer
    template: Recording


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Counts of all received rows by state; only `waiting` can decrease."""

    written: int = 0
    lost: int = 0
    unwanted: int = 0
    waiting: int = 0


class ArchiveBacklog:
    """Queue of waiting rows that counts the outcome of each row.

    Parameters
    ----------
    max_waiting_bytes
        Memory for waiting rows of earlier rings; if they do not fit, the oldest are lost.

    Attributes
    ----------
    over_budget
        True if rows were lost for lack of memory since this was last set to False.
    """

    def __init__(self, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._max_waiting_bytes = max_waiting_bytes
        self._lock = threading.Lock()
        self._source: ArchiveSource | None = None
        # Rows copied from a ring: waiting rows of earlier rings, and rows being written.
        self._copied: deque[CountedRows] = deque()
        self._next_row = 0
        # Ring and slot of the last copied row, to know what is missing before the next one.
        self._last_slot: tuple[RingBuffer, int] | None = None
        self._counts = RowCounts()
        self.over_budget = False

    def counts(self) -> RowCounts:
        """Return the counts now.

        Rows that left the ring unwritten count as lost at once.
        """
        with self._lock:
            waiting, gone = sum(map(len, self._copied)), 0
            if self._source is not None:
                ring = self._source.ring
                count, oldest = ring.count, _oldest(ring)
                gone = max(0, oldest - self._next_row)
                waiting += max(0, count - max(self._next_row, oldest))
            return replace(self._counts, lost=self._counts.lost + gone, waiting=waiting)

    @property
    def ring_length(self) -> int:
        """Length of the ring in rows; 0 before the first ring."""
        source = self._source
        return source.ring.length if source else 0

    def follow(self, newest: ArchiveSource) -> None:
        """Read from this ring from now on.

        The old ring's waiting rows are copied, within the memory limit.
        """
        with self._lock:
            before = self._source
            if before is not None and before.ring is not newest.ring:
                self._copy_waiting(before)
            self._source = newest

    def _copy_waiting(self, before: ArchiveSource) -> None:
        """Copy the waiting rows of a ring that gets no more rows."""
        ring = before.ring
        row_bytes = ring.nbins * ring.npol * 4 + 8
        fitting = max(0, self._max_waiting_bytes - _nbytes(before.template)) // row_bytes
        stop = ring.count
        if stop <= self._next_row:
            return
        start = max(self._next_row, _oldest(ring))
        self._lose(max(start, stop - fitting) - self._next_row, over_budget=start < stop - fitting)
        found = [
            ring.between(begin, min(begin + _COPIED_ROWS, stop), scaled=False)
            for begin in range(self._next_row, stop, _COPIED_ROWS)
        ]
        if found:
            names = ("data", "times_s", "slots", "marks")
            columns = {name: np.concatenate([getattr(rows, name) for rows in found]) for name in names}
            self._copied.append(self._counted(before, Rows(**columns, count=stop)))
        self._next_row = stop
        while self._copied and sum(map(_nbytes, self._copied)) > self._max_waiting_bytes:
            self._lose_copied()

    def _lose_copied(self) -> None:
        self._counts = replace(self._counts, lost=self._counts.lost + len(self._copied.popleft()))
        self.over_budget = True

    def _lose(self, count: int, *, over_budget: bool = False) -> None:
        """Count the next rows of the ring as lost."""
        self._counts = replace(self._counts, lost=self._counts.lost + count)
        self._next_row += count
        self.over_budget |= over_budget

    def pop_block(self, most: int) -> Recording | None:
        """Return the oldest waiting rows, at most `most`.

        They are a copy, so they are not lost when the ring overwrites them. Repeated calls return the same rows until
        `settle` counts them.
        """
        with self._lock:
            if not self._copied and not self._take_from_ring(most):
                return None
            return self._copied[0].only(slice(0, most))

    def batches(self, most: int) -> Iterator[Recording]:
        """Yield the rows that wait now, at most `most` at a time.

        Call `settle` for each batch before the next one. Rows that arrive meanwhile are left for the next call,
        because on a slow disk there are always some.
        """
        left = self.counts().waiting
        while left > 0 and (rows := self.pop_block(min(left, most))) is not None:
            left -= len(rows)
            yield rows

    def _take_from_ring(self, most: int) -> bool:
        source = self._source
        if source is None:
            return False
        ring = source.ring
        start = max(self._next_row, _oldest(ring))
        block = ring.between(start, min(start + most, ring.count), scaled=False)
        if not len(block):
            return False
        # The ring may have overwritten rows since `start` was computed.
        self._lose(block.count - len(block) - self._next_row)
        self._copied.append(self._counted(source, block))
        self._next_row = block.count
        return True

    def _counted(self, source: ArchiveSource, rows: Rows) -> CountedRows:
        """Return rows with the number of rows missing before each."""
        last = self._last_slot
        before = last[1] if last is not None and last[0] is source.ring else None
        if len(rows):
            self._last_slot = source.ring, int(rows.slots[-1])
        missing = missing_in_ring(rows, before)
        return CountedRows.of(source.template, rows.data, rows.times_s, missing)

    def settle(self, count: int, *, written: bool = False, unwanted: bool = False) -> None:
        """Count the first `count` taken rows, by default as lost."""
        with self._lock:
            now = self._counts
            self._counts = replace(
                now,
                written=now.written + count * written,
                unwanted=now.unwanted + count * unwanted,
                lost=now.lost + count * (not written and not unwanted),
            )
            rest = self._copied[0].only(slice(count, None))
            if len(rest):
                self._copied[0] = rest
            else:
                self._copied.popleft()


def _nbytes(rows: Recording) -> int:
    return rows.data.nbytes + rows.times_s.nbytes + rows.frequencies_hz.nbytes + _OVERHEAD_BYTES


def _oldest(ring: RingBuffer) -> int:
    """Return the number of the oldest row in the ring."""
    return ring.count - ring.filled
