"""Detect jumps of time or frame number, and wait for confirmation.

Otherwise one stray frame could move the waterfall by hours, or count millions of frames as missing. No confirmation is
needed if the time between the arrivals is about as long as the jump, or if the jump begins a sequence. A time that goes
back is accepted at once. If the time soon continues from where it was before, no frames are missing there.

State and arithmetic; clocks are arguments.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame

WIDE_S = 60.0
"""A step of the data's time up to this is accepted at once."""

MANY_FRAMES = 1000
"""A step of the frame number up to this is accepted at once."""

_MAX_STEPS, _USUAL_STEPS = 8, 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """Step from one frame to the next.

    Attributes
    ----------
    data_s
        Step of the data's time; NaN if it is a guess.
    arrived_s
        Time between the arrivals.
    frames
        Step of the producer's frame number; None if unknown.
    """

    data_s: float
    arrived_s: float
    frames: int | None


def is_time_jump(step: Step, cadence_s: float) -> bool:
    """Return True if the data's time jumped far more than the arrivals."""
    wide = cadence_s > 0 and step.data_s > max(WIDE_S, _MAX_STEPS * cadence_s)
    return wide and step.arrived_s < step.data_s / 2


def is_number_jump(step: Step, cadence_s: float) -> bool:
    """Return True if the frame number jumped far more than the time."""
    if step.frames is None or step.frames <= MANY_FRAMES or not cadence_s > 0:
        return False
    return step.data_s / cadence_s < step.frames / 2


def is_steady_step(step: Step, cadence_s: float) -> bool:
    """Return True if a step is that of a steady stream."""
    steady = math.isnan(step.data_s) or 0 < step.data_s <= _MAX_STEPS * cadence_s
    return steady and (step.frames is None or 0 < step.frames <= _MAX_STEPS)


class TimedFrame(NamedTuple):
    """Frame with the end of its data and its arrival.

    The end is NaN if it is a guess; the arrival is a time of a monotonic clock.
    """

    frame: "Frame"
    time_s: float
    arrived_s: float


def step_between(before: TimedFrame, after: TimedFrame) -> Step:
    """Return the step from one frame to the next."""
    first, second = before.frame.seq, after.frame.seq
    frames = None if first is None or second is None else second - first
    return Step(after.time_s - before.time_s, after.arrived_s - before.arrived_s, frames)


class UnconfirmedJump:
    """Jump that the next frame may confirm.

    Attributes
    ----------
    frames
        The frame before the jump, and the one that has jumped; None without an unconfirmed jump.
    """

    def __init__(self) -> None:
        self.frames: tuple[TimedFrame, TimedFrame] | None = None

    def confirmed_by(self, arrived: TimedFrame, cadence_s: float) -> TimedFrame | None:
        """Decide on the jump, which `arrived` confirms or not.

        Return the frame before the jump if it is confirmed, else None.
        """
        frames, self.frames = self.frames, None
        if frames is None:
            return None
        before, jumped = frames
        return before if is_steady_step(step_between(jumped, arrived), cadence_s) else None

    def check(self, last: TimedFrame, arrived: TimedFrame, cadence_s: float) -> str:
        """Return which value of a frame jumped, and store the frame.

        The value is ``time`` or ``number``; the text is empty if none jumped.
        """
        step = step_between(last, arrived)
        jumped = "time" if is_time_jump(step, cadence_s) else "number" if is_number_jump(step, cadence_s) else ""
        if jumped:
            self.frames = last, arrived
        return jumped


class EarlierTime:
    """Last frame before the data's time went back.

    It is kept while the time may still continue from it.

    Attributes
    ----------
    before
        The frame; None unless the time went back a few frames ago.
    """

    def __init__(self) -> None:
        self.before: TimedFrame | None = None
        # Frames since then, including those that are already counted as missing or rejected.
        self._accounted = 0

    def begin(self, before: TimedFrame) -> None:
        """Store the last frame before the time went back.

        Later calls in a row change nothing.
        """
        if self.before is None:
            self.before, self._accounted = before, 1

    def account(self, lacking: int) -> None:
        """Note frames that are already counted as missing or rejected."""
        self._accounted += lacking

    def forget(self) -> None:
        """Do not expect the earlier time any more."""
        self.before = None

    def returned(self, last: TimedFrame, arrived: TimedFrame, cadence_s: float) -> tuple[TimedFrame, int] | None:
        """Return the frame that `arrived` continues, and the frames since; else None.

        After a usual step from the `last` frame, the time continues from there and has not returned.
        """
        before, accounted = self.before, self._accounted
        if before is None:
            return None
        is_jump = step_between(last, arrived).data_s > _USUAL_STEPS * cadence_s
        if is_jump and is_steady_step(step_between(before, arrived), cadence_s):
            self.before = None
            return before, accounted
        self._accounted += 1
        if self._accounted >= _MAX_STEPS:
            self.before = None
        return None
