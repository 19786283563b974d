"""The message delay: how long a frame was under way, by the method that the user chose.

Pure functions and values; clocks are arguments. A negative delay is clock skew and is shown as
such; nothing is clamped or replaced without saying why.

`auto` is now minus the sender's `timestamp`. What cannot be read, or lies more than a minute in the
future, falls back to `buffer`. `buffer` is (buffer_length - buffer_index) * interval, the estimate of
the older receiver. `manual` is what the user set.
"""

import math
from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

MAX_SKEW_S = 60.0
"""A timestamp further in the future than this is no clock skew but a wrong reading."""

RECORDED_S = 3600.0
"""A delay above this is normal for recorded data, and marked as such."""

HISTORY_S = 60.0
_MOST = 4096


class DelayMethod(StrEnum):
    """How the message delay is found."""

    AUTO = "auto"
    BUFFER = "buffer"
    MANUAL = "manual"

    def next(self) -> "DelayMethod":
        """The method that the key for it goes to from here."""
        methods = list(DelayMethod)
        return methods[(methods.index(self) + 1) % len(methods)]


class DelayReading(NamedTuple):
    """A delay, how it was found and what is to be said of it.

    Attributes
    ----------
    value_s
        Seconds; NaN before the first frame.
    method
        What was asked for.
    used
        What gave the value: another than `method` after a fallback.
    note
        Why it fell back, or that the value shows clock skew or recorded data; else empty.
    """

    value_s: float = math.nan
    method: DelayMethod = DelayMethod.AUTO
    used: DelayMethod = DelayMethod.AUTO
    note: str = ""

    @property
    def oddity(self) -> str:
        """What is unusual, in the same words as long as it is the same: ``fallback``, ``clock skew``, ``recorded``."""
        if self.used is not self.method:
            return "fallback"
        if self.used is not DelayMethod.AUTO:
            return ""
        return "clock skew" if self.value_s < 0 else "recorded" if self.value_s > RECORDED_S else ""


def message_delay(
    method: DelayMethod,
    *,
    now_s: float,
    sent_s: float,
    time_problem: str,
    buffer_s: float,
    manual_s: float,
) -> DelayReading:
    """Delay of one frame by one method.

    Parameters
    ----------
    method
        What the user asked for.
    now_s
        Wall clock at the arrival, seconds since 1970.
    sent_s
        The sender's wall clock, NaN where it is not known.
    time_problem
        Why it is not known, for people.
    buffer_s
        The estimate of ``buffer``, see `buffer_delay_s`.
    manual_s
        What the user set.
    """
    if method is DelayMethod.MANUAL:
        return DelayReading(manual_s, method, method)
    if method is DelayMethod.BUFFER:
        return DelayReading(buffer_s, method, method)
    delay_s = now_s - sent_s
    if math.isnan(delay_s):
        note = time_problem or "the header has no timestamp"
        return DelayReading(buffer_s, method, DelayMethod.BUFFER, note)
    if delay_s < -MAX_SKEW_S:
        note = f"timestamp lies {-delay_s:.0f} s in the future"
        return DelayReading(buffer_s, method, DelayMethod.BUFFER, note)
    if delay_s < 0:
        return DelayReading(delay_s, method, method, "clock skew")
    return DelayReading(delay_s, method, method, "recorded data" if delay_s > RECORDED_S else "")


def buffer_delay_s(buffer_length: int, buffer_index: int, interval_s: float) -> float:
    """Delay after the place in the buffer, as the older receiver estimated it."""
    return (buffer_length - buffer_index) * interval_s


class DelayStatistics(NamedTuple):
    """Delays of the last minute in seconds: middle one, 95th percentile, longest; NaN while none is known."""

    median_s: float = math.nan
    p95_s: float = math.nan
    most_s: float = math.nan


def delay_statistics(delays_s: Iterable[float]) -> DelayStatistics:
    """Statistics of delays; those that are not known are left out.

    The 95th percentile is the nearest rank: a delay that has really been seen.
    """
    known = sorted(delay_s for delay_s in delays_s if math.isfinite(delay_s))
    if not known:
        return DelayStatistics()
    # By hand, because the standard library's statistics would cost the first screen a tenth of its time.
    middle, odd = divmod(len(known), 2)
    median_s = known[middle] if odd else (known[middle - 1] + known[middle]) / 2
    return DelayStatistics(median_s, known[math.ceil(0.95 * len(known)) - 1], known[-1])


class DelayHistory:
    """Delays of the last minute, the newest `_MOST` of them: for a chart and for statistics."""

    def __init__(self, span_s: float = HISTORY_S) -> None:
        self._span_s = span_s
        self._values: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def add(self, at_s: float, delay_s: float) -> None:
        """Keep one delay, found at `at_s` on a clock that never goes back, and forget old ones."""
        self._values.append((at_s, delay_s))
        while at_s - self._values[0][0] > self._span_s:
            self._values.popleft()

    def before(self, now_s: float) -> tuple[tuple[float, float], ...]:
        """(seconds ago, delay) of the minute before `now_s`, oldest first."""
        return tuple((now_s - at_s, delay_s) for at_s, delay_s in self._values if now_s - at_s <= self._span_s)

    def clear(self) -> None:
        """Forget all, because the method has changed and old values mean something else."""
        self._values.clear()
