"""Follow the time tags of a stream, and decide which of them begin a sequence.

A recorder's tag is the start of its sequence in ticks of 196 MHz: constant for the whole sequence, new after a restart.
Test producers send other numbers under that name, such as microseconds that are new in every frame, or the time of each
gulp, which is new every few frames.
"""

from collections import deque
from collections.abc import Sequence

from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S

_STANDS_AFTER = 2
"""Frames with one tag after which another tag begins a sequence."""

_MOVES_AFTER = 3
"""Changes in a row after which the tag counts as one that changes with every frame."""

_FEW_FRAMES, _REGULAR = 8, 0.2
"""Frames with one tag, at most, and differences of the tags' steps, where the tags are those of gulps."""

_PLAUSIBLE = range(int(EARLIEST_PLAUSIBLE_S) * CLOCK_HZ, int(LATEST_PLAUSIBLE_S) * CLOCK_HZ)

IMPLAUSIBLE = "time_tag gives no date from 2000 to 2100 as ticks of 196 MHz, so it marks no restarts"
MOVING = "time_tag changes with every frame, so it marks no restarts"
OF_GULPS = "time_tag changes every few frames, so it marks no restarts"


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
        self._stays = deque[tuple[int, int]](maxlen=_MOVES_AFTER)

    def begins_sequence(self, tag: int | None) -> bool:
        """Return True if the next frame would begin a sequence with this tag."""
        if tag is None or tag == self._last or self._count < _STANDS_AFTER or tag not in _PLAUSIBLE:
            return False
        return not (self._count <= _FEW_FRAMES and _is_regular(self._stays))

    def update(self, tag: int | None) -> bool:
        """Learn the tag of the next frame; return True if it begins a sequence."""
        if tag is None:
            return False
        if tag == self._last:
            self._count += 1
            if not (self._stays or self.problem or self._changes):
                return False
            if self._count > _FEW_FRAMES:
                self._stays.clear()
            if self._count >= _STANDS_AFTER and tag in _PLAUSIBLE and not _is_regular(self._stays):
                self.problem, self._changes = "", 0
            return False
        begins = self.begins_sequence(tag)
        if self._last is not None:
            self._stays.append((self._count, tag - self._last))
        self._changes = 0 if begins or self._last is None else self._changes + 1
        self._last, self._count = tag, 1
        if tag not in _PLAUSIBLE:
            self.problem = IMPLAUSIBLE
        elif not begins and _is_regular(self._stays):
            self.problem = OF_GULPS
        elif self._changes >= _MOVES_AFTER:
            self.problem = MOVING
        return begins


def _is_regular(stays: Sequence[tuple[int, int]]) -> bool:
    """Return True if several tags in a row have stood for the same few frames and have risen by the same step.

    Parameters
    ----------
    stays
        Frames with each tag, and the step to the next one.
    """
    if len(stays) < _MOVES_AFTER:
        return False
    frames, steps = zip(*stays, strict=True)
    same_frames = max(frames) - min(frames) <= 1 and _STANDS_AFTER <= max(frames) <= _FEW_FRAMES
    return bool(same_frames and 0 < max(steps) <= min(steps) * (1 + _REGULAR))
