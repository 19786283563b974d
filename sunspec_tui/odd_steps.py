"""Believe a wide jump of the data's time or of frame numbers only when a second frame confirms it.

One stray frame would else move the picture by hours, or count millions of frames as missing. A jump that has really
taken so long, or that begins a sequence, needs no confirmation.

Pure arithmetic on steps; the caller keeps the frames.
"""

import math
from dataclasses import dataclass

WIDE_S = 60.0
"""A step of the data's time up to this is believed at once."""

MANY_FRAMES = 1000
"""A step of the frame number up to this is believed at once."""

_STEPS_AT_MOST = 8


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
