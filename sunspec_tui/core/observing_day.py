"""Compute sunrise, transit and sunset, and the observing day of a site.

An observing day lasts from sunrise to sunset. Its name is the date of the local mean solar time, so that each date
names one day at any site. At OVRO-LWA this is the UTC date of sunrise; sunset is on the next UTC date.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite, sun_elevation_deg, sun_hour_angle_deg

USUAL_HORIZON_DEG = -0.833
"""Elevation of the Sun's centre at sunrise: 34' of refraction and 16' of radius below the horizon."""

_DAY_S = 86_400.0
_EPOCH = date(1970, 1, 1)
# The hour angle grows by 360 degrees in a day, with an error of 30 s. So each step of the search is 3000 times more
# precise.
_TRANSIT_STEPS = 4
_PRECISION_S = 0.01
# The years for which the formulas and a date of four digits are good.
_FIRST_DAY, _LAST_DAY = (date(1800, 1, 2) - _EPOCH).days, (date(2200, 12, 30) - _EPOCH).days


class SunEventKind(StrEnum):
    """Kind of an event of the Sun's daily path."""

    RISE = "rise"
    TRANSIT = "transit"
    SET = "set"


class SunEvent(NamedTuple):
    """Event of the Sun's path.

    Its time is in seconds since 1970 UTC.
    """

    time_s: float
    kind: SunEventKind


class ObservingDay(NamedTuple):
    """Observing day of a site.

    Attributes
    ----------
    name
        Date of the day, ``YYYY-MM-DD``.
    begin_s, end_s
        Sunrise and sunset, seconds since 1970 UTC. On a day without one of them, the Sun's lowest point before or
        after transit takes its place.
    transit_s
        Time at which the Sun crosses the meridian.
    rise_s, set_s
        Sunrise and sunset; None if the day has none.
    is_up
        True if the Sun is above the horizon at transit.
    """

    name: str
    begin_s: float
    end_s: float
    transit_s: float
    rise_s: float | None
    set_s: float | None
    is_up: bool

    @property
    def remark(self) -> str:
        """Sentence about a day without sunrise or sunset; else empty."""
        if self.rise_s is None and self.set_s is None:
            return "the Sun does not set" if self.is_up else "the Sun does not rise"
        if self.rise_s is None:
            return "the Sun did not set in the night before"
        return "the Sun does not set" if self.set_s is None else ""

    def contains(self, time_s: float) -> bool:
        """Return True from the beginning to the end of the day."""
        return self.begin_s <= time_s <= self.end_s


def observing_day(
    day: str | date, site: ObservingSite = OVRO_LWA, horizon_deg: float = USUAL_HORIZON_DEG
) -> ObservingDay:
    """Return the observing day of a date.

    Parameters
    ----------
    day
        Date, such as ``2026-11-25``.
    site
        Site of the observer.
    horizon_deg
        Elevation of the Sun's centre at sunrise and sunset.

    Raises
    ------
    UsageError
        If it is not a date of the years 1800 to 2200.
    """
    return _day(_day_number(day), site, horizon_deg)


def observing_day_at(
    time_s: float, site: ObservingSite = OVRO_LWA, horizon_deg: float = USUAL_HORIZON_DEG
) -> ObservingDay:
    """Return the observing day whose local mean solar date a time has.

    Other parameters are those of `observing_day`.

    Raises
    ------
    UsageError
        If the time is not in the years 1800 to 2200.
    """
    return _day(_number_at(time_s, site), site, horizon_deg)


def sun_events(
    begin_s: float, end_s: float, site: ObservingSite = OVRO_LWA, horizon_deg: float = USUAL_HORIZON_DEG
) -> list[SunEvent]:
    """Return each rise, transit and set in a time interval.

    Parameters
    ----------
    begin_s, end_s
        Limits of the interval, seconds since 1970 UTC; the end does not belong to it.
    site, horizon_deg
        As in `observing_day`.

    Raises
    ------
    UsageError
        If a time is not in the years 1800 to 2200.
    """
    numbers = range(_number_at(begin_s, site) - 1, _number_at(end_s, site) + 2)
    events = (event for number in numbers for event in _day_events(number, site, horizon_deg))
    return sorted(event for event in events if begin_s <= event.time_s < end_s)


def next_event(
    kind: SunEventKind, time_s: float, site: ObservingSite = OVRO_LWA, *,
    horizon_deg: float = USUAL_HORIZON_DEG, days: int = 2,
) -> float | None:  # fmt: skip
    """Return the next time of a kind of event; None without one.

    Parameters
    ----------
    kind
        Kind of the event.
    time_s
        Time before the event.
    site, horizon_deg
        As in `observing_day`.
    days
        Number of days to search.

    Raises
    ------
    UsageError
        If the time is not in the years 1800 to 2200.
    """
    first = _number_at(time_s, site) - 1
    for number in range(first, first + days + 2):
        for event in _day_events(number, site, horizon_deg):
            if event.kind is kind and time_s < event.time_s <= time_s + days * _DAY_S:
                return event.time_s
    return None


def _day_number(day: str | date) -> int:
    """Return the number of days from 1970-01-01 to a date."""
    try:
        found = day if isinstance(day, date) else datetime.strptime(str(day).strip(), "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"{short_repr(day)} is not a day; write it as 2026-11-25") from None
    return _known_number((found - _EPOCH).days)


def _number_at(time_s: float, site: ObservingSite) -> int:
    """Return the number of the local mean solar day of a time."""
    if not math.isfinite(time_s):
        raise UsageError(f"{time_s} is not a time, so the day is unknown")
    return _known_number(math.floor(time_s / _DAY_S + site.longitude_deg / 360))


def _known_number(number: int) -> int:
    if not _FIRST_DAY <= number <= _LAST_DAY:
        raise UsageError("the Sun's path is known for the years 1800 to 2200; choose a time in them")
    return number


@lru_cache(maxsize=16)
def _day(number: int, site: ObservingSite, horizon_deg: float) -> ObservingDay:
    """Return a day, cached: screens ask once a second."""
    begin_s, transit_s, end_s = _limits_s(number, site)
    events = _day_events(number, site, horizon_deg)
    rise_s = next((event.time_s for event in events if event.kind is SunEventKind.RISE), None)
    set_s = next((event.time_s for event in reversed(events) if event.kind is SunEventKind.SET), None)
    if rise_s is not None and set_s is not None and set_s < rise_s:
        # Near a pole, the last sunset of autumn or the first sunrise of spring may come first.
        set_s = None
    return ObservingDay(
        (_EPOCH + timedelta(days=number)).isoformat(),
        begin_s if rise_s is None else rise_s,
        end_s if set_s is None else set_s,
        transit_s,
        rise_s,
        set_s,
        sun_elevation_deg(transit_s, site) >= horizon_deg,
    )


def _day_events(number: int, site: ObservingSite, horizon_deg: float) -> list[SunEvent]:
    """Return the events between a day's two lower culminations."""
    limits_s = _limits_s(number, site)

    def height_deg(time_s: float) -> float:
        return sun_elevation_deg(time_s, site) - horizon_deg

    events = [SunEvent(limits_s[1], SunEventKind.TRANSIT)]
    for low_s, high_s in pairwise(limits_s):
        before, after = height_deg(low_s) >= 0, height_deg(high_s) >= 0
        if before != after:
            kind = SunEventKind.RISE if after else SunEventKind.SET
            events.append(SunEvent(_crossing_s(height_deg, low_s, high_s), kind))
    return sorted(events)


def _limits_s(number: int, site: ObservingSite) -> tuple[float, float, float]:
    """Return lower culmination, transit and the next lower culmination."""
    before_s, transit_s, after_s = (_transit_s(each, site) for each in (number - 1, number, number + 1))
    return (before_s + transit_s) / 2, transit_s, (transit_s + after_s) / 2


def _transit_s(number: int, site: ObservingSite) -> float:
    """Return the time of a day's transit."""
    # Begin at noon of the local mean solar time, which is up to 17 minutes away.
    time_s = (number + 0.5 - site.longitude_deg / 360) * _DAY_S
    for _ in range(_TRANSIT_STEPS):
        time_s -= sun_hour_angle_deg(time_s, site) / 360 * _DAY_S
    return time_s


def _crossing_s(height_deg: Callable[[float], float], low_s: float, high_s: float) -> float:
    """Return the time at which a height changes its sign, by bisection."""
    is_up = height_deg(low_s) >= 0
    while high_s - low_s > _PRECISION_S:
        middle_s = (low_s + high_s) / 2
        if (height_deg(middle_s) >= 0) is is_up:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s


def day_name_at(time_s: float, site: ObservingSite = OVRO_LWA) -> str:
    """Return the local mean solar date of a time, ``YYYY-MM-DD``."""
    return (_EPOCH + timedelta(days=_number_at(time_s, site))).isoformat()


def utc_midnight_s(day: str | date) -> float:
    """Return the time at which a UTC day begins, seconds since 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=_day_number(day))).timestamp()
