"""Follow the time tags of a stream, and decide which of them begin a sequence.

A recorder's tag is the start of its sequence in ticks of 196 MHz: constant for the whole sequence, new after a restart.
Test producers send other numbers under that name, such as microseconds that are new in every frame.
"""

from sunspec_tui.times import CLOCK_HZ, EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S

_STANDS_AFTER = 2
"""Frames with one tag after which another tag begins a sequence."""

_MOVES_AFTER = 3
"""Changes in a row after which the tag counts as one that changes with every frame."""

_PLAUSIBLE = range(int(EARLIEST_PLAUSIBLE_S) * CLOCK_HZ, int(LATEST_PLAUSIBLE_S) * CLOCK_HZ)

IMPLAUSIBLE = "time_tag gives no date from 2000 to 2100 as ticks of 196 MHz, so it marks no restarts"
MOVING = "time_tag changes with every frame, so it marks no restarts"


class SequenceTags:
    """Time tags of one stream.

    Attributes
    ----------
    problem
        Why the tags mark no sequence; empty if they do, or if there are none.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._last: int | None = None
        self._count = self._changes = 0

    def begins_sequence(self, tag: int | None) -> bool:
        """Return True if the next frame would begin a sequence with this tag."""
        return tag is not None and tag != self._last and self._count >= _STANDS_AFTER and tag in _PLAUSIBLE

    def take(self, tag: int | None) -> bool:
        """Learn the tag of the next frame; return True if it begins a sequence."""
        if tag is None:
            return False
        if tag == self._last:
            self._count += 1
            if self._count == _STANDS_AFTER and tag in _PLAUSIBLE:
                self.problem, self._changes = "", 0
            return False
        begins = self.begins_sequence(tag)
        self._changes = 0 if begins or self._last is None else self._changes + 1
        self._last, self._count = tag, 1
        if tag not in _PLAUSIBLE:
            self.problem = IMPLAUSIBLE
        elif self._changes >= _MOVES_AFTER:
            self.problem = MOVING
        return begins
