"""Compute the delay from sending a frame to receiving it.

Pure functions and values; clocks are arguments. A negative delay is clock skew and is shown as negative. No value is
clamped, and a replaced value has a note with the reason.

`auto` is now minus the sender's `timestamp`. If the timestamp cannot be read, or is more than a minute in the future,
`buffer` is used. `buffer` is (buffer_length - buffer_index) * interval, the estimate of the older receiver. `manual`
is a value set by the user.
"""

import math
from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

MAX_SKEW_S = 60.0
"""A timestamp further in the future is wrong; up to this it is clock skew."""

RECORDED_S = 3600.0
"""A longer delay is marked as recorded data, where it is normal."""

HISTORY_S = 60.0
_MAX_DELAYS = 4096


class DelayMethod(StrEnum):
    """Method of the message delay."""

    AUTO = "auto"
    BUFFER = "buffer"
    MANUAL = "manual"

    def next(self) -> "DelayMethod":
        """Return the next method, in the order in which the key cycles."""
        methods = list(DelayMethod)
        return methods[(methods.index(self) + 1) % len(methods)]


class DelayReading(NamedTuple):
    """Message delay, with its method and a note for users.

    Attributes
    ----------
    value_s
        Seconds; NaN before the first frame.
    method
        The chosen method.
    used
        The method that gave the value; differs from `method` after a fallback.
    note
        Reason for the fallback, or ``clock skew`` or ``recorded data``; else empty.
    """

    value_s: float = math.nan
    method: DelayMethod = DelayMethod.AUTO
    used: DelayMethod = DelayMethod.AUTO
    note: str = ""

    @property
    def oddity(self) -> str:
        """Kind of an unusual delay (``fallback``, ``clock skew``, ``recorded``); else empty.

        Unlike `note`, the text has no numbers, so it changes only with the kind.
        """
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
    """Compute the delay of one frame by one method.

    Parameters
    ----------
    method
        The method that the user has chosen.
    now_s
        Wall clock at the arrival, seconds since 1970.
    sent_s
        The sender's wall clock; NaN if unknown.
    time_problem
        Reason why `sent_s` is unknown, for users.
    buffer_s
        Value of ``buffer``, see `buffer_delay_s`.
    manual_s
        Value of ``manual``, set by the user.
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
        note = f"timestamp is {-delay_s:.0f} s in the future"
        return DelayReading(buffer_s, method, DelayMethod.BUFFER, note)
    if delay_s < 0:
        return DelayReading(delay_s, method, method, "clock skew")
    return DelayReading(delay_s, method, method, "recorded data" if delay_s > RECORDED_S else "")


def buffer_delay_s(buffer_length: int, buffer_index: int, interval_s: float) -> float:
    """Estimate the delay from the buffer position, as the older receiver."""
    return (buffer_length - buffer_index) * interval_s


class DelayStatistics(NamedTuple):
    """Median, 95th percentile and maximum of the last minute's delays in seconds.

    NaN while none is known.
    """

    median_s: float = math.nan
    p95_s: float = math.nan
    max_s: float = math.nan


def delay_statistics(delays_s: Iterable[float]) -> DelayStatistics:
    """Compute statistics of delays, without those that are unknown.

    The 95th percentile is the nearest rank, so it is a delay that has occurred.
    """
    known = sorted(delay_s for delay_s in delays_s if math.isfinite(delay_s))
    if not known:
        return DelayStatistics()
    # Not by the standard library's statistics module: its import would delay the first screen by a tenth.
    middle, odd = divmod(len(known), 2)
    median_s = known[middle] if odd else (known[middle - 1] + known[middle]) / 2
    return DelayStatistics(median_s, known[math.ceil(0.95 * len(known)) - 1], known[-1])


class DelayHistory:
    """Delays of the last minute, for a chart and for statistics.

    At most `_MAX_DELAYS`.
    """

    def __init__(self, span_s: float = HISTORY_S) -> None:
        self._span_s = span_s
        self._values: deque[tuple[float, float]] = deque(maxlen=_MAX_DELAYS)

    def add(self, at_s: float, delay_s: float) -> None:
        """Add a delay measured at `at_s` (monotonic clock); forget old ones."""
        self._values.append((at_s, delay_s))
        while at_s - self._values[0][0] > self._span_s:
            self._values.popleft()

    def before(self, now_s: float) -> tuple[tuple[float, float], ...]:
        """Return (seconds ago, delay) of the minute before `now_s`, oldest first."""
        return tuple((now_s - at_s, delay_s) for at_s, delay_s in self._values if now_s - at_s <= self._span_s)

    def clear(self) -> None:
        """Forget all delays; those of another method cannot be compared."""
        self._values.clear()
