"""Keep rows from before changes of shape or frequency axis (epochs).

An epoch begins when the shape or the frequency axis of the stream changes. The rows before the change stay readable
until they exceed the budget. State and arithmetic only; the caller holds the receiver's lock.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace

from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer, Rows

MAX_PAST_EPOCHS = 4
"""Largest number of earlier epochs that are kept."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Rows of one shape and axis.

    Attributes
    ----------
    number
        Number of the epoch, as in `Snapshot.epoch`.
    axis, ring
        The frequency axis, and the rows.
    cadence_s
        Data time from row to row, at the end of the epoch or now; NaN while unknown.
    """

    number: int
    axis: Axis
    ring: RingBuffer
    cadence_s: float

    @property
    def times_s(self) -> tuple[float, float]:
        """End times of the oldest and the newest row, seconds since 1970."""
        return self.ring.end_times_s()

    def position(self) -> Position | None:
        """Return the position of the last row; None without rows."""
        ends = self.ring.ends()
        if ends is None:
            return None
        count, length = self.ring.count, self.ring.length
        return Position(count, length, *ends, self.cadence_s, self.axis, self.number, self.ring.index_of(count))

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> Rows:
        """Return kept rows by their numbers, of one product or of all."""
        return self.ring.between(start, stop, product)

    def number_at(self, slot: int) -> int:
        """Return the number of the first row at or after a slot."""
        return self.ring.number_at(slot)


class PastEpochs:
    """The last epochs before the current one.

    Parameters
    ----------
    max_nbytes
        Memory budget for all these epochs together.
    """

    def __init__(self, max_nbytes: int) -> None:
        self._max_nbytes = max_nbytes
        self._kept: deque[Epoch] = deque(maxlen=MAX_PAST_EPOCHS)

    def add(self, epoch: Epoch) -> None:
        """Keep an ended epoch; drop the oldest ones over the budget."""
        with suppress(MemoryError):
            # If there is no memory for a shorter copy, keep the ring unchanged.
            epoch = replace(epoch, ring=epoch.ring.trimmed())
        self._kept.append(epoch)
        while sum(each.ring.nbytes for each in self._kept) > self._max_nbytes:
            self._kept.popleft()

    def clear(self) -> None:
        """Drop all earlier epochs, to free their memory."""
        self._kept.clear()

    def kept(self) -> tuple[Epoch, ...]:
        """Return the kept epochs, the oldest first."""
        return tuple(self._kept)
