"""Compare the data's clock with the local clock: offset and rate.

The offset is the age of a row when it arrives. A negative offset means that the clocks disagree. An offset of whole or
half hours comes from a wrong time zone. An offset of more than a day means recorded data. The rate is the slope of data
time over arrival time in the last minute. A stream whose header says ``recorded`` is not compared, because its times
are in the past.

State and arithmetic; clocks are arguments.
"""

import math
from collections import deque
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

from sunspec_tui.monitoring.finding import Finding

HALF_HOUR_S, DAY_S = 1800.0, 86400.0
_ZONE_EARLY_S, _ZONE_LATE_S = 5.0, 60.0
"""Largest differences from whole half hours, earlier and later: errors of the clocks, and the delay of the data."""

MAX_RATE_ERROR = 0.1
# Seven points that are at least 9 s apart span about a minute.
_SAMPLES, _MIN_STEP_S = 7, 9.0
_EVENT_AFTER_S = 5.0


class ClockFault(StrEnum):
    """Fault of the data's clock."""

    NONE = ""
    RECORDED = "recorded data"
    ZONE = "time zone?"
    AHEAD = "data ahead of the clock"
    RATE = "data clock at a wrong rate"


class ClockReading(NamedTuple):
    """Result of comparing the data's clock with the local clock.

    Attributes
    ----------
    fault
        Fault of the data's clock.
    note
        One sentence with the remedy; empty without a fault.
    age_s
        Age of the newest row when it arrived; NaN while unknown.
    rate
        Seconds of data time per second of arrival time over the last minute; NaN while unknown.
    """

    fault: ClockFault = ClockFault.NONE
    note: str = ""
    age_s: float = math.nan
    rate: float = math.nan


def offset_fault(age_s: float) -> ClockFault:
    """Derive the fault of the clock from an age at arrival.

    Parameters
    ----------
    age_s
        Wall clock at the arrival minus the end of the data, in seconds; NaN gives no fault.
    """
    if math.isnan(age_s):
        return ClockFault.NONE
    if age_s > DAY_S + _ZONE_LATE_S:
        return ClockFault.RECORDED
    half_hours = round(age_s / HALF_HOUR_S)
    beyond_s = age_s - half_hours * HALF_HOUR_S
    if 0 < abs(half_hours) <= DAY_S / HALF_HOUR_S and -_ZONE_EARLY_S <= beyond_s <= _ZONE_LATE_S:
        return ClockFault.ZONE
    return ClockFault.AHEAD if age_s < 0 else ClockFault.NONE


def median_slope(points: list[tuple[float, float]]) -> float:
    """Return the median slope of all pairs (Theil 1950, Sen 1968).

    It is NaN for fewer than two points. A short network delay moves a few points, but not the median.
    """
    slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in combinations(points, 2) if x1 > x0]
    return median(slopes) if slopes else math.nan


class DataClock:
    """Clock of the data of one stream, over the last minute."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)
        self._sequence: object = None

    def read(
        self, *, arrived_s: float, now_s: float, data_s: float, sequence: object, recorded: bool = False
    ) -> ClockReading:
        """Add the newest row, and compare its time with the local clock.

        Parameters
        ----------
        arrived_s
            Time of its arrival by a monotonic clock.
        now_s
            Time of its arrival by the wall clock, seconds since 1970.
        data_s
            End of its data, seconds since 1970; NaN if its header does not give it.
        sequence
            Value that changes when the data's time may jump: with a restart, a reversal, a stall.
        recorded
            True if the header says that the data are a recording.
        """
        if recorded or sequence != self._sequence:
            self._points.clear()
            self._sequence = sequence
        age_s = now_s - data_s
        if recorded or not math.isfinite(age_s):
            return ClockReading(age_s=age_s)
        if not self._points or arrived_s - self._points[-1][0] >= _MIN_STEP_S:
            self._points.append((arrived_s, data_s))
        return _to_reading(age_s, self._rate())

    def _rate(self) -> float:
        """Return the rate of the last minute; NaN while unknown.

        A single jump is ignored. It can change the slopes of half of all pairs, but only one slope between neighbours.
        """
        points = list(self._points)
        if len(points) < _SAMPLES:
            return math.nan
        steps = median((y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(points))
        return min(median_slope(points), steps, key=lambda rate: abs(rate - 1))


def _to_reading(age_s: float, rate: float) -> ClockReading:
    fault = offset_fault(age_s)
    # A recording may be played at any speed.
    if abs(rate - 1) > MAX_RATE_ERROR and fault is not ClockFault.RECORDED:
        fault = ClockFault.RATE
    notes = {
        ClockFault.RECORDED: "the data are more than a day old: recorded data",
        ClockFault.ZONE: f"the data are {age_s / 3600:.2f} h old, whole half hours: check the producer's time zone",
        ClockFault.AHEAD: f"the data end {-age_s:.1f} s in the future: check the clocks of producer and monitor (NTP)",
        ClockFault.RATE: f"data time runs {rate:.2f} times as fast as frames arrive: check the producer's clock",
    }
    return ClockReading(fault, notes.get(fault, ""), age_s, rate)


def clock_finding(clock: ClockReading) -> Finding:
    """Return the finding of the data's clock; recorded data are no fault."""
    is_normal = clock.fault in (ClockFault.NONE, ClockFault.RECORDED)
    return Finding(
        "clock",
        str(clock.fault),
        clock.note or "the data's clock is right again",
        label="" if is_normal else str(clock.fault),
        note=clock.note,
        is_normal=is_normal,
        wait_s=_EVENT_AFTER_S,
        values={"fault": clock.fault, "age_s": clock.age_s},
    )
