"""Rows of earlier shapes and axes: kept for a while, within a budget of bytes.

An epoch begins where the shape or the frequency axis of the stream changes. The rows before the change stay readable
until there are too many of them. State and arithmetic only; whoever uses it holds the receiver's lock.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace

from sunspec_tui.ring import RingBuffer, Rows
from sunspec_tui.snapshot import Axis, Position

MAX_PAST_EPOCHS = 4
"""Earlier epochs that are kept at most."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Rows of one shape and axis; a source of rows that no longer grows.

    Attributes
    ----------
    number
        As `Snapshot.epoch` counts them.
    axis, ring
        The frequency axis, and the rows.
    cadence_s
        Data time from row to row when the epoch ended, or now; NaN while unknown.
    """

    number: int
    axis: Axis
    ring: RingBuffer
    cadence_s: float

    @property
    def times_s(self) -> tuple[float, float]:
        """Ends of data of the oldest and of the newest row that is kept, seconds since 1970."""
        oldest, newest = self.ring.count - self.ring.filled, self.ring.count - 1
        rows = [self.ring.between(number, number + 1) for number in (oldest, newest)]
        return float(rows[0].times_s[0]), float(rows[1].times_s[0])

    def position(self) -> Position | None:
        """How far the epoch came; None if it has no row."""
        ends = self.ring.ends()
        if ends is None:
            return None
        return Position(self.ring.count, self.ring.length, *ends, self.cadence_s, self.axis, self.number)

    def rows_between(self, start: int, stop: int) -> Rows:
        """Rows by their numbers, those that are kept."""
        return self.ring.between(start, stop)

    def number_at(self, slot: int) -> int:
        """Number of the first kept row at or after a place on the time axis."""
        return self.ring.number_at(slot)


class PastEpochs:
    """The last epochs before the present one.

    Parameters
    ----------
    max_nbytes
        Memory that they may take together.
    """

    def __init__(self, max_nbytes: int) -> None:
        self._max_nbytes = max_nbytes
        self._kept: deque[Epoch] = deque(maxlen=MAX_PAST_EPOCHS)

    def add(self, epoch: Epoch) -> None:
        """Keep an epoch that has ended; older ones go where the budget asks for it."""
        with suppress(MemoryError):
            # Without room for a shorter copy it stays as long as it is.
            epoch = replace(epoch, ring=epoch.ring.trimmed())
        self._kept.append(epoch)
        while sum(each.ring.nbytes for each in self._kept) > self._max_nbytes:
            self._kept.popleft()

    def clear(self) -> None:
        """Give their memory back."""
        self._kept.clear()

    def kept(self) -> tuple[Epoch, ...]:
        """Those that are kept, the oldest first."""
        return tuple(self._kept)
