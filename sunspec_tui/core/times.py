"""Parse, convert and format the times of headers, files and users.

Pure functions on numbers and strings, in seconds since 1970 UTC. This module reads no clock: the caller passes in
"now". Time tags count ticks of the digitiser's clock, 1 / 196 000 000 s each.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.instrument import CLOCK_HZ, TICKS_PER_SPECTRUM

LWA_TIME_GULP_S = 250 * 24 * TICKS_PER_SPECTRUM / CLOCK_HZ
"""Length of a gulp of the producer that wrote ``lwa_time``: 250 spectra of navg = 24, 0.2508 s."""

# The size of a wall clock in s, ms, us or ns since 1970 identifies its unit: 1e11 s lies in the year
# 5138, 1e11 ms in 1973, and the same factor of a thousand separates the others.
_UNITS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (1e20, 1e-9))

EARLIEST_PLAUSIBLE_S = 946_684_800.0
"""2000-01-01: an earlier time comes from a clock that was never set."""

# In a time with an offset, a leap second may be at any hour; it is always the last second of a minute.
_LEAP_SECOND = re.compile(r"([T ]\d\d:\d\d:)60(?!\d)")

_EPOCH, _EPOCH_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)

SECONDS_A_DAY = 86_400

LATEST_PLAUSIBLE_S = 4_102_444_800.0
"""2100-01-01: a later number is not a wall clock."""

# The years 1 to 9999, the range of a datetime.
_DATETIME_S = (-62_135_596_800.0, 253_402_300_799.0)


def tag_to_unix(time_tag: int) -> float:
    """Convert an LWA time tag to seconds since 1970.

    The tag exceeds 2**53, so it is divided as an integer before it becomes a float.
    """
    seconds, ticks = divmod(time_tag, CLOCK_HZ)
    return seconds + ticks / CLOCK_HZ


def lwa_time_tag_to_datetime(time_tag: int | np.integer[Any], rate: float = CLOCK_HZ) -> datetime:
    """Convert an LWA time tag to a UTC datetime without a zone.

    Parameters
    ----------
    time_tag
        Ticks since 1970.
    rate
        Ticks per second.

    Raises
    ------
    UsageError
        If the result is not a date of the years 1 to 9999.
    """
    try:
        # A float would lose the last digits of a tag.
        ticks_per_s = int(rate) if float(rate).is_integer() else rate
        # A timedelta does not accept numpy integers.
        seconds, ticks = divmod(int(time_tag) if isinstance(time_tag, np.integer) else time_tag, ticks_per_s)
        return _EPOCH + timedelta(seconds=seconds, microseconds=round(ticks * 1e6 / ticks_per_s))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise UsageError(f"{time_tag!r} is not a time in ticks of {rate!r} Hz since 1970") from error


def unix_to_tag(unix_s: float) -> int:
    """Convert seconds since 1970 to an LWA time tag.

    The result is rounded to the microsecond: a float is not more precise.
    """
    return round(unix_s * 1e6) * (CLOCK_HZ // 1_000_000)


def scale_to_seconds(value: float) -> float:
    """Convert a wall clock to seconds since 1970.

    The unit of the value is s, ms, us or ns, depending on its size.

    Raises
    ------
    ValueError
        If the value is not finite or too large for any of the units.
    """
    if math.isfinite(value):
        for limit, unit_s in _UNITS:
            if abs(value) < limit:
                return value * unit_s
    raise ValueError(f"{value!r} is not a time in s, ms, us or ns since 1970")


def parse_wall_clock(value: float | str) -> float:
    """Parse a ``timestamp``, a number or a string like ``"1755552894.787341"``.

    Returns
    -------
    float
        Seconds since 1970.

    Raises
    ------
    ValueError
        If the value is not a number, or not a plausible time (2000 to 2100) in s, ms, us or ns.
    """
    try:
        seconds = float(value)
    except OverflowError as error:
        raise ValueError("a whole number too large for a time") from error
    if EARLIEST_PLAUSIBLE_S <= seconds < LATEST_PLAUSIBLE_S:
        return seconds
    seconds = scale_to_seconds(seconds)
    if not EARLIEST_PLAUSIBLE_S <= seconds < LATEST_PLAUSIBLE_S:
        raise ValueError(f"{value!r} lies outside the years 2000 to 2100")
    return seconds


def parse_block_time(text: str) -> float:
    """Parse a ``last_block_time`` like ``"2025-08-18 21:34:54.787341"``.

    The fraction is optional, as are a ``T``, a ``Z`` and an offset; without an offset the time is UTC.
    A leap second, ``23:59:60``, is read as the second after it, because seconds since 1970 have no number for a leap
    second. System clocks count it in the same way. A text with a literal ``%f`` is rejected: it comes from a test
    producer that sends local time without its zone.

    Returns
    -------
    float
        Seconds since 1970.

    Raises
    ------
    ValueError
        If the text is not such a time.
    """
    if "%f" in text:
        raise ValueError(f"{text!r} is a local time of an unknown zone (a literal %f)")
    try:
        moment, leap_s = datetime.fromisoformat(text), 0
    except ValueError:
        earlier, found = _LEAP_SECOND.subn(r"\g<1>59", text)
        if not found:
            raise
        moment, leap_s = datetime.fromisoformat(earlier), 1
    seconds = (moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)).total_seconds() + leap_s
    if not EARLIEST_PLAUSIBLE_S <= seconds < LATEST_PLAUSIBLE_S:
        raise ValueError(f"{text!r} lies outside the years 2000 to 2100")
    return seconds


def parse_user_time(moment: Any) -> float:
    """Convert a time from a user to seconds since 1970.

    Without an offset it is UTC.

    Parameters
    ----------
    moment
        Seconds since 1970, a date, a datetime, numpy's types of these, or text such as ``2026-11-25T18:00``.

    Raises
    ------
    UsageError
        If it is not a date and time.
    """
    if isinstance(moment, (int, float, np.integer, np.floating)) and math.isfinite(moment):
        return float(moment)
    try:
        if isinstance(moment, np.datetime64):
            return float(moment.astype("datetime64[us]").astype(np.int64)) / 1e6
        named = (
            moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment).strip().replace("/", "-"))
        )
    except ValueError as error:
        raise UsageError(f"{moment!r} is not a date and time; write it as 2026-11-25T18:00 (UTC)") from error
    return (named if named.tzinfo else named.replace(tzinfo=UTC)).timestamp()


def parse_time_range(start: Any, end: Any) -> tuple[float | None, float | None]:
    """Convert start and end of a time range from a user.

    Each is converted by `parse_user_time`; None stays None.

    Raises
    ------
    UsageError
        If one is not a date and time, or the start is after the end.
    """
    low, high = (None if each is None else parse_user_time(each) for each in (start, end))
    if low is not None and high is not None and low > high:
        raise UsageError(f"the start, {start}, is after the end, {end}; exchange them")
    return low, high


def format_block_time(unix_s: float) -> str:
    """Format ``last_block_time`` as a recorder does.

    There is no fraction if it is 0.
    """
    return datetime.fromtimestamp(unix_s, UTC).replace(tzinfo=None).isoformat(sep=" ")


def format_iso(unix_s: float) -> str:
    """Format UTC in ISO 8601 with milliseconds and a ``Z``.

    Status lines and files contain such times.
    """
    moment = datetime.fromtimestamp(unix_s, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def format_date_and_clock(unix_s: float) -> str:
    """Format UTC to the second, such as ``2025-08-18 21:34:54``.

    The result is ``unknown`` outside the years 1 to 9999.
    """
    if not _DATETIME_S[0] <= unix_s <= _DATETIME_S[1]:
        return "unknown"
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_date(unix_s: float) -> str:
    """Format the UTC date, such as ``2025-08-18``.

    The result is ``unknown`` outside the years 1 to 9999.
    """
    return format_date_and_clock(unix_s).partition(" ")[0]


def clock_of_day(unix_s: float, present_s: float) -> str:
    """Format the UTC time of day, with the date if needed.

    The date is shown if it is not the date of `present_s`.
    """
    is_known = math.isfinite(unix_s) and math.isfinite(present_s)
    is_same_day = not is_known or unix_s // SECONDS_A_DAY == present_s // SECONDS_A_DAY
    return format_clock(unix_s) if is_same_day else format_date_and_clock(unix_s)


def format_clock(unix_s: float, digits: int = 0) -> str:
    """Format the UTC time of day, ``HH:MM:SS`` with `digits` of fraction.

    The result is ``--:--:--`` for a time outside the years 1 to 9999.
    """
    if not _DATETIME_S[0] <= unix_s <= _DATETIME_S[1]:
        return "--:--:--"
    moment = datetime.fromtimestamp(unix_s, UTC)
    fraction = f".{moment.microsecond // 10 ** (6 - digits):0{digits}d}" if digits else ""
    return moment.strftime("%H:%M:%S") + fraction
