"""Measure the arrivals of frames: rate, silence and stalls.

It reads no clock; arrivals are times of a monotonic clock.
"""

import math
from collections import deque

from sunspec_tui.stream.cadence import STEP_COUNT
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, StreamState

_STALL_GULPS, _STALL_MIN_STEPS = 3, 1.5
# Longest gulp of a known recorder: the scale of a silence until the cadence is known.
_LONGEST_GULP_S = 1.0272
_GULPS = 8


class Arrivals:
    """Arrivals of the last frames, and the sizes of the last gulps.

    Attributes
    ----------
    times_s
        Times of the last arrivals, oldest first.
    """

    def __init__(self) -> None:
        self.times_s: deque[float] = deque(maxlen=STEP_COUNT)
        self._gulps: deque[int] = deque(maxlen=_GULPS)

    def add(self, arrived_s: float, same_gulp: bool) -> None:
        """Store an arrival, and count the frame into its gulp."""
        self.times_s.append(arrived_s)
        if same_gulp:
            self._gulps[-1] += 1
        else:
            self._gulps.append(1)

    def restart_gulps(self) -> None:
        """Forget the gulps before the newest frame, which begins a new gulp."""
        self._gulps.clear()
        self._gulps.append(1)

    def end_stall(self, arrived_s: float, cadence_s: float) -> float:
        """Return the length of the stall that a new frame ends.

        0 if there was none.
        """
        times_s = self.times_s
        # Every stall is longer, and computing the state would be a tenth of the work per frame.
        prompt = times_s and arrived_s - times_s[-1] <= _STALL_MIN_STEPS * cadence_s
        if prompt or self.state(arrived_s, cadence_s) is not StreamState.STALLED:
            return 0.0
        silence_s = arrived_s - times_s[-1]
        # A rate over a silence has no meaning.
        times_s.clear()
        return silence_s

    def state(self, now_s: float, cadence_s: float) -> StreamState:
        """Return the state of a stream with this cadence."""
        if not self.times_s:
            return StreamState.CONNECTING
        silent = now_s - self.times_s[-1] > self.stall_after_s(cadence_s)
        return StreamState.STALLED if silent else StreamState.LIVE

    def silence_s(self, now_s: float) -> float:
        """Return the seconds since the last frame; NaN before the first."""
        return now_s - self.times_s[-1] if self.times_s else math.nan

    def stall_after_s(self, cadence_s: float) -> float:
        """Return the silence after which a live stream counts as stalled.

        It is three gulps, of one or more frames each.
        """
        known = cadence_s > 0
        gulp_s = cadence_s * max(self._gulps, default=1) if known else _LONGEST_GULP_S
        # A stream with a longer cadence must not count as stalled between two frames.
        return min(_STALL_GULPS * gulp_s, max(LONG_SILENCE_S, _STALL_MIN_STEPS * cadence_s if known else 0))

    @property
    def rate_hz(self) -> float:
        """Frames per second over the last arrivals; NaN while unknown."""
        times_s = self.times_s
        span_s = times_s[-1] - times_s[0] if len(times_s) > 1 else 0.0
        return (len(times_s) - 1) / span_s if span_s > 0 else math.nan
