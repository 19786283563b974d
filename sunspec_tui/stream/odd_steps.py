"""Believe a wide jump of the data's time or of frame numbers only when a second frame confirms it.

One stray frame would else move the picture by hours, or count millions of frames as missing. A jump that has really
taken so long, or that begins a sequence, needs no confirmation. A time that goes back is believed at once; if it soon
goes on where it was before, nothing is missing there.

State and arithmetic; clocks are arguments.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame

WIDE_S = 60.0
"""A step of the data's time up to this is believed at once."""

MANY_FRAMES = 1000
"""A step of the frame number up to this is believed at once."""

_STEPS_AT_MOST, _USUAL_STEPS = 8, 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """From one frame to the next.

    Attributes
    ----------
    data_s
        Step of the data's time; NaN if it is a guess.
    arrived_s
        Time between the arrivals.
    frames
        Step of the producer's frame number; None if it is not known.
    """

    data_s: float
    arrived_s: float
    frames: int | None


def odd_time(step: Step, cadence_s: float) -> bool:
    """Return True if the data's time has jumped ahead, and nothing else says that so much time has passed."""
    wide = cadence_s > 0 and step.data_s > max(WIDE_S, _STEPS_AT_MOST * cadence_s)
    return wide and step.arrived_s < step.data_s / 2


def odd_number(step: Step, cadence_s: float) -> bool:
    """Return True if the frame number has jumped ahead by far more than the data's time."""
    if step.frames is None or step.frames <= MANY_FRAMES or not cadence_s > 0:
        return False
    return step.data_s / cadence_s < step.frames / 2


def follows(step: Step, cadence_s: float) -> bool:
    """Return True if a step is that of a steady stream."""
    steady = math.isnan(step.data_s) or 0 < step.data_s <= _STEPS_AT_MOST * cadence_s
    return steady and (step.frames is None or 0 < step.frames <= _STEPS_AT_MOST)


class Arrived(NamedTuple):
    """A frame, the end of its data (NaN if it is a guess), and its arrival on a clock that never goes back."""

    frame: "Frame"
    time_s: float
    arrived_s: float


def step_between(before: Arrived, after: Arrived) -> Step:
    """Return the step from one frame to the next."""
    first, second = before.frame.seq, after.frame.seq
    frames = None if first is None or second is None else second - first
    return Step(after.time_s - before.time_s, after.arrived_s - before.arrived_s, frames)


class JumpDoubt:
    """The frame of a stream whose jump is not confirmed yet."""

    def __init__(self) -> None:
        self._doubted: tuple[Arrived, Arrived] | None = None

    @property
    def pending(self) -> bool:
        """Whether a frame waits to be confirmed."""
        return self._doubted is not None

    def confirmed_by(self, arrived: Arrived, cadence_s: float) -> Arrived | None:
        """End the doubt; return the frame before the doubted one if `arrived` confirms that, else None."""
        doubted, self._doubted = self._doubted, None
        if doubted is None:
            return None
        before, odd = doubted
        return before if follows(step_between(odd, arrived), cadence_s) else None

    def find_doubt(self, last: Arrived, arrived: Arrived, cadence_s: float) -> str:
        """Return what of a frame is not believed, its ``time`` or its ``number``, and keep it; else an empty text."""
        step = step_between(last, arrived)
        doubt = "time" if odd_time(step, cadence_s) else "number" if odd_number(step, cadence_s) else ""
        if doubt:
            self._doubted = last, arrived
        return doubt


class StepBack:
    """The last frame before the data's time went back, while the time may still go on from there."""

    def __init__(self) -> None:
        self._before: Arrived | None = None
        # Frames since then, those included that are already counted as missing or rejected.
        self._accounted = 0

    @property
    def pending(self) -> bool:
        """Whether the time has gone back a few frames ago."""
        return self._before is not None

    def begin(self, before: Arrived) -> None:
        """Keep the frame before one whose time went back; of several such frames in a row, the first one counts."""
        if self._before is None:
            self._before, self._accounted = before, 1

    def account(self, lacking: int) -> None:
        """Note frames that are already counted as missing or rejected."""
        self._accounted += lacking

    def forget(self) -> None:
        """Do not expect the earlier time any more."""
        self._before = None

    def returned(self, last: Arrived, arrived: Arrived, cadence_s: float) -> tuple[Arrived, int] | None:
        """Return the frame from which `arrived` goes on, and the number of frames that came since; else None.

        Where the step from the `last` frame is a usual one, the time has gone on from there, not returned.
        """
        before, accounted = self._before, self._accounted
        if before is None:
            return None
        is_jump = step_between(last, arrived).data_s > _USUAL_STEPS * cadence_s
        if is_jump and follows(step_between(before, arrived), cadence_s):
            self._before = None
            return before, accounted
        self._accounted += 1
        if self._accounted >= _STEPS_AT_MOST:
            self._before = None
        return None
