"""Rows on their way into the archive: counted, each exactly once, and held within a budget of memory.

Rows wait in the ring, which is there anyway. Only when another ring takes its place are those that still wait copied
out of it, so that it is not kept whole. At any moment, written + lost + unwanted + waiting are all rows received.
"""

import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from sunspec_tui.recording import Recording
from sunspec_tui.ring import RingBuffer

MAX_HELD_BYTES = 256 << 20
"""Memory for rows of earlier rings that wait to be written."""

_COPIED_ROWS = 64
_OVERHEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Followed:
    """A ring that is to be archived.

    Attributes
    ----------
    ring
        Where the rows are.
    about
        A recording without rows, which says what those of this ring are.
    """

    ring: RingBuffer
    about: Recording


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Where all rows that were received are; no count but `waiting` ever goes down."""

    written: int = 0
    lost: int = 0
    unwanted: int = 0
    waiting: int = 0


class ArchiveBacklog:
    """Hands out rows in order, and knows what became of each.

    Parameters
    ----------
    max_held_bytes
        Memory for rows of earlier rings; the oldest are lost where they do not fit.

    Attributes
    ----------
    over_budget
        Whether rows were lost because they did not fit, since this was last set to False.
    """

    def __init__(self, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_held_bytes = max_held_bytes
        self._lock = threading.Lock()
        self._followed: Followed | None = None
        # Rows that were taken out of a ring: those of earlier rings, and what is being written.
        self._held: deque[Recording] = deque()
        self._next = 0
        self._counts = RowCounts()
        self.over_budget = False

    def counts(self) -> RowCounts:
        """Where all rows are now; those that have left the ring unwritten count as lost at once."""
        with self._lock:
            waiting, gone = sum(map(len, self._held)), 0
            if self._followed is not None:
                ring = self._followed.ring
                count, oldest = ring.count, _oldest(ring)
                gone = max(0, oldest - self._next)
                waiting += max(0, count - max(self._next, oldest))
            return replace(self._counts, lost=self._counts.lost + gone, waiting=waiting)

    @property
    def ring_length(self) -> int:
        """Rows that the ring keeps; 0 before there is one."""
        followed = self._followed
        return followed.ring.length if followed else 0

    def follow(self, newest: Followed) -> None:
        """Take rows of a ring from now on; of the one before, those that wait are kept within the budget."""
        with self._lock:
            before = self._followed
            if before is not None and before.ring is not newest.ring:
                self._keep_rest(before)
            self._followed = newest

    def _keep_rest(self, before: Followed) -> None:
        """Copy the rows that wait out of a ring that grows no more."""
        ring = before.ring
        row_bytes = ring.nbins * ring.npol * 4 + 8
        fitting = max(0, self._max_held_bytes - _nbytes(before.about)) // row_bytes
        stop = ring.count
        if stop <= self._next:
            return
        start = max(self._next, _oldest(ring))
        self._lose(max(start, stop - fitting) - self._next, over_budget=start < stop - fitting)
        found = [
            ring.between(begin, min(begin + _COPIED_ROWS, stop)) for begin in range(self._next, stop, _COPIED_ROWS)
        ]
        if found:
            data, times_s = (np.concatenate([getattr(rows, name) for rows in found]) for name in ("data", "times_s"))
            self._held.append(replace(before.about, data=data, times_s=times_s))
        self._next = stop
        while self._held and sum(map(_nbytes, self._held)) > self._max_held_bytes:
            self._lose_held()

    def _lose_held(self) -> None:
        self._counts = replace(self._counts, lost=self._counts.lost + len(self._held.popleft()))
        self.over_budget = True

    def _lose(self, count: int, *, over_budget: bool = False) -> None:
        """Count the next rows of the ring as lost."""
        self._counts = replace(self._counts, lost=self._counts.lost + count)
        self._next += count
        self.over_budget |= over_budget

    def take(self, most: int) -> Recording | None:
        """The oldest rows that wait, at most so many; the same ones again until they are settled.

        Rows that were handed out are a copy of their own: they are not lost when the ring goes round.
        """
        with self._lock:
            if not self._held and not self._take_from_ring(most):
                return None
            return self._held[0].only(slice(0, most))

    def _take_from_ring(self, most: int) -> bool:
        followed = self._followed
        if followed is None:
            return False
        ring = followed.ring
        start = max(self._next, _oldest(ring))
        block = ring.between(start, min(start + most, ring.count))
        if not len(block):
            return False
        # Between the two looks the ring may have gone on.
        self._lose(block.count - len(block) - self._next)
        self._held.append(replace(followed.about, data=block.data, times_s=block.times_s))
        self._next = block.count
        return True

    def settle(self, count: int, *, written: bool = False, unwanted: bool = False) -> None:
        """Note what became of the first rows that were taken: written, not wanted, or else lost."""
        with self._lock:
            now = self._counts
            self._counts = replace(
                now,
                written=now.written + count * written,
                unwanted=now.unwanted + count * unwanted,
                lost=now.lost + count * (not written and not unwanted),
            )
            rest = self._held[0].only(slice(count, None))
            if len(rest):
                self._held[0] = rest
            else:
                self._held.popleft()


def _nbytes(rows: Recording) -> int:
    return rows.data.nbytes + rows.times_s.nbytes + rows.frequencies_hz.nbytes + _OVERHEAD_BYTES


def _oldest(ring: RingBuffer) -> int:
    """Number of the oldest row that is kept."""
    return ring.count - ring.filled
