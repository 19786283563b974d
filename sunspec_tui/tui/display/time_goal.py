"""Parse the time to which the observer goes: ``18:42``, ``2026-11-26T18:42``, ``-20m``, ``now``.

Pure functions of text. The caller passes in the times to which the text refers.
"""

import math
import re

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.times import SECONDS_A_DAY, parse_user_time

ACCEPTED = "18:42, 18:42:10.5, 2026-11-26T18:42, -20m, +1h30m or now (UTC)"

NOW_S = math.inf
"""Goal that means the newest rows."""

MAX_CHARACTERS = 40
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?")
_OFFSET = re.compile(r"([+-])((?:\d{1,6}(?:\.\d{1,3})?[dhms])+)")
_UNITS_S = {"d": SECONDS_A_DAY, "h": 3600, "m": 60, "s": 1}


def parse_time_goal(text: str, end_s: float, newest_s: float) -> float:
    """Return the time that a text means, in seconds since 1970 UTC.

    Parameters
    ----------
    text
        Time of the present day, date and time, offset from the end of the picture, or ``now``. A colon before it is
        ignored.
    end_s
        End of the picture.
    newest_s
        End of the newest row, on the present day. A time of day after it is of the day before.

    Returns
    -------
    float
        The time; `NOW_S` for ``now``.

    Raises
    ------
    UsageError
        If the text is not a time.
    """
    words = text.strip().removeprefix(":").strip()
    if len(words) <= MAX_CHARACTERS:
        if words.lower() == "now":
            return NOW_S
        if found := _OFFSET.fullmatch(words.replace(" ", "").lower()):
            return end_s + _offset_s(*found.groups())
        if (found := _CLOCK.fullmatch(words)) and (clock_s := _clock_s(*found.groups())) is not None:
            return _on_day(clock_s, newest_s)
        if "-" in words or "/" in words:
            return _parse_date(words)
    raise UsageError(f"{text[:MAX_CHARACTERS]!r} is not a time; write {ACCEPTED}")


def _offset_s(sign: str, parts: str) -> float:
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in re.findall(r"([\d.]+)([dhms])", parts))
    return -seconds if sign == "-" else seconds


def _clock_s(hours: str, minutes: str, seconds: str | None) -> float | None:
    """Return the seconds since midnight; None for an invalid time of day."""
    parts = int(hours), int(minutes), float(seconds or 0)
    return parts[0] * 3600 + parts[1] * 60 + parts[2] if parts[0] < 24 and parts[1] < 60 and parts[2] < 60 else None


def _on_day(clock_s: float, newest_s: float) -> float:
    """Return a time of the present day, or of the day before.

    It is of the day before if it has not come yet.
    """
    found_s = newest_s // SECONDS_A_DAY * SECONDS_A_DAY + clock_s
    return found_s if found_s <= newest_s else found_s - SECONDS_A_DAY


def _parse_date(text: str) -> float:
    try:
        return parse_user_time(text)
    except UsageError as error:
        raise UsageError(f"{text!r} is not a time; write {ACCEPTED}") from error
