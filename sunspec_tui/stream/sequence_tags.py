"""Decide which time tags of a stream begin a sequence.

A recorder's tag is the start of its sequence in ticks of 196 MHz: it is constant for the whole sequence and changes
after a restart. Test producers send other numbers under that name, such as microseconds, which change with every frame,
or the time of each gulp, which changes every few frames.
"""

from collections import deque
from collections.abc import Sequence

from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S

_CONSTANT_AFTER = 2
"""Frames with one tag after which another tag begins a sequence."""

_CHANGING_AFTER = 3
"""Consecutive changes after which the tag is regarded as changing with every frame."""

_MAX_GULP_FRAMES, _REGULAR_TOLERANCE = 8, 0.2
"""Limits of tags of gulps: frames with one tag, and relative difference of the tags' steps."""

_PLAUSIBLE = range(int(EARLIEST_PLAUSIBLE_S) * CLOCK_HZ, int(LATEST_PLAUSIBLE_S) * CLOCK_HZ)

IMPLAUSIBLE = "time_tag gives no date from 2000 to 2100 as ticks of 196 MHz, so it marks no restarts"
MOVING = "time_tag changes with every frame, so it marks no restarts"
OF_GULPS = "time_tag changes every few frames, so it marks no restarts"


class SequenceTags:
    """Time tags of one stream.

    Attributes
    ----------
    problem
        Reason why the tags do not mark sequences; empty if they do, or if there are no tags.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._last: int | None = None
        self._count = self._changes = 0
        self._runs = deque[tuple[int, int]](maxlen=_CHANGING_AFTER)

    def begins_sequence(self, tag: int | None) -> bool:
        """Return True if a frame with this tag would begin a sequence."""
        if tag is None or tag == self._last or self._count < _CONSTANT_AFTER or tag not in _PLAUSIBLE:
            return False
        return not (self._count <= _MAX_GULP_FRAMES and _is_regular(self._runs))

    def update(self, tag: int | None) -> bool:
        """Process the tag of the next frame.

        Return True if it begins a sequence.
        """
        if tag is None:
            return False
        if tag == self._last:
            self._count += 1
            if not (self._runs or self.problem or self._changes):
                return False
            if self._count > _MAX_GULP_FRAMES:
                self._runs.clear()
            if self._count >= _CONSTANT_AFTER and tag in _PLAUSIBLE and not _is_regular(self._runs):
                self.problem, self._changes = "", 0
            return False
        begins = self.begins_sequence(tag)
        if self._last is not None:
            self._runs.append((self._count, tag - self._last))
        self._changes = 0 if begins or self._last is None else self._changes + 1
        self._last, self._count = tag, 1
        if tag not in _PLAUSIBLE:
            self.problem = IMPLAUSIBLE
        elif not begins and _is_regular(self._runs):
            self.problem = OF_GULPS
        elif self._changes >= _CHANGING_AFTER:
            self.problem = MOVING
        return begins


def _is_regular(runs: Sequence[tuple[int, int]]) -> bool:
    """Return True if tags change regularly, after a few frames each.

    They rise by the same step.

    Parameters
    ----------
    runs
        Number of frames with each tag, and the step to the next tag.
    """
    if len(runs) < _CHANGING_AFTER:
        return False
    frames, steps = zip(*runs, strict=True)
    same_frames = max(frames) - min(frames) <= 1 and _CONSTANT_AFTER <= max(frames) <= _MAX_GULP_FRAMES
    return bool(same_frames and 0 < max(steps) <= min(steps) * (1 + _REGULAR_TOLERANCE))
