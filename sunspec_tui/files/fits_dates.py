"""Parse dates and times of FITS headers, also those of stations.

Times are seconds since 1970 UTC as clocks count them, so a leap second has the number of the second after it.
"""

import re
from datetime import date
from typing import Any

from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S
from sunspec_tui.files.read_limits import Unreadable

_MAX_TEXT = 40
_DAY_S = 86_400
_MAX_DIFFERENCE_S = 1.0
_UTC = ("", "UTC", "UT", "UT1", "GMT")
_EPOCH = date(1970, 1, 1)
_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\s*(.+))?", re.ASCII)
_OLD_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?\s*(?:Z|UTC?)?", re.ASCII)


def observation_start_s(header: Any, notes: list[str]) -> float:
    """Return the time of DATE-OBS and TIME-OBS, seconds since 1970.

    Parameters
    ----------
    header
        Header with the two cards, or with a DATE-OBS that contains the time.
    notes
        List to which a note is added if the form of the date is assumed.

    Raises
    ------
    Unreadable
        If they are not a date and time in UTC, or not in the years 2000 to 2100. A date ``DD/MM/YY`` must be in the
        years 1970 to 1999, because by the standard it is of the 20th century.
    """
    scale = str(header.get("TIMESYS", "")).strip().upper()
    if scale not in _UTC:
        raise Unreadable(f"its TIMESYS is {printable(scale, _MAX_TEXT)!r}, not UTC; convert its times to UTC")
    day, clock = (str(header.get(name, ""))[:_MAX_TEXT].strip() for name in ("DATE-OBS", "TIME-OBS"))
    try:
        return _plausible_s(day, _moment_s(day, clock, notes))
    except ValueError as error:
        shown = printable(f"{day} {clock}".strip(), _MAX_TEXT)
        raise Unreadable(f"its DATE-OBS and TIME-OBS, {shown!r}, are not a valid date and time") from error


def _moment_s(day: str, clock: str, notes: list[str]) -> float:
    old = _OLD_DATE.fullmatch(day)
    if old is not None:
        month_day, month, year = map(int, old.groups())
        return _day_s(1900 + year, month, month_day) + _clock_s(clock)
    found = _DATE.fullmatch(day)
    if found is None:
        raise ValueError("no date of a known form")
    year, month, month_day = (int(found[number]) for number in (1, 3, 4))
    if found[2] == ".":
        notes.append(f"its date {day.split()[0]} is read as year.month.day")
    return _day_s(year, month, month_day) + _time_of_day_s(found[5], clock, notes)


def _time_of_day_s(in_date: str | None, clock: str, notes: list[str]) -> float:
    """Choose between the time in DATE-OBS and that in TIME-OBS."""
    if in_date is None:
        return _clock_s(clock)
    in_date_s = _clock_s(in_date)
    if not clock:
        return in_date_s
    clock_s = _clock_s(clock)
    # A program that converts only the date adds midnight to it.
    chosen_s = clock_s if in_date_s == 0 else in_date_s
    if in_date_s and abs(in_date_s - clock_s) > _MAX_DIFFERENCE_S:
        notes.append(f"its TIME-OBS {clock} differs from the time in its DATE-OBS, {in_date}, which is used")
    return chosen_s


def _day_s(year: int, month: int, month_day: int) -> int:
    """Return the start of a day, seconds since 1970.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    return (date(year, month, month_day) - _EPOCH).days * _DAY_S


def _clock_s(text: str) -> float:
    """Return seconds since midnight.

    Times of day are 00:00 to 24:00:59; a leap second, 60, is accepted.
    """
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("no time of day")
    hour, minute, second = int(found[1]), int(found[2]), float(found[3] or 0)
    if hour > 24 or minute > 59 or second >= 61 or (hour == 24 and minute):
        raise ValueError("no time of day")
    return hour * 3600 + minute * 60 + second


def _plausible_s(day: str, start_s: float) -> float:
    earliest_s = 0.0 if _OLD_DATE.fullmatch(day) else EARLIEST_PLAUSIBLE_S
    if not earliest_s <= start_s < LATEST_PLAUSIBLE_S:
        years = "1970 to 1999" if earliest_s == 0 else "2000 to 2100"
        raise Unreadable(f"its DATE-OBS {printable(day, _MAX_TEXT)} is not in the years {years}; correct the header")
    return start_s
