"""Parse and check the values of a message's header.

A value that is missing is None or NaN. A value of a wrong type or outside its limits raises `RejectedMessage`; a time
that cannot be parsed is reported as a problem instead. Pure functions.
"""

import math
from typing import Any

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.times import LATEST_PLAUSIBLE_S, LWA_TIME_GULP_S, parse_block_time, parse_wall_clock
from sunspec_tui.core.usual_frames import MAX_CHAN0

_MAX_NUMBER = 2**63 - 1
_INTERVAL_S = (1e-3, 86_400.0)
_MAX_PROBLEM = 100


def whole_numbers(header: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return ``time_tag``, ``seq`` and ``chan0`` of a header; None if missing."""
    time_tag, seq, chan0 = header.get("time_tag"), header.get("seq"), header.get("chan0")
    # The usual case is checked here, because three calls of `header_count` take longer.
    whole = type(time_tag) is int and type(seq) is int and type(chan0) is int
    if whole and 0 <= time_tag <= _MAX_NUMBER and 0 <= seq <= _MAX_NUMBER and 0 <= chan0 <= MAX_CHAN0:  # type: ignore[operator]
        return time_tag, seq, chan0
    return header_count(header, "time_tag"), header_count(header, "seq"), header_count(header, "chan0", most=MAX_CHAN0)


def header_count(header: dict[str, Any], key: str, *, least: int = 0, most: int = _MAX_NUMBER) -> int | None:
    """Return a whole number of the header; None if it is missing."""
    value = header.get(key)
    if type(value) is int:
        if not least <= value <= most:
            raise RejectedMessage(RejectCause.HEADER_VALUE, f"{key} is {value}, outside {least} to {most}")
        return value
    if value is None and key not in header:
        return None
    raise RejectedMessage(RejectCause.HEADER_TYPE, f"{key} is {short_repr(value)}, not a whole number")


def interval_s(value: object) -> float | None:
    """Return ``interval`` in seconds; None if it is missing."""
    if value is None:
        return None
    if type(value) not in (int, float):
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"interval is {short_repr(value)}, not a number")
    seconds = float(value)  # type: ignore[arg-type]
    if not _INTERVAL_S[0] <= seconds <= _INTERVAL_S[1]:
        raise RejectedMessage(RejectCause.HEADER_VALUE, f"interval is {seconds} s, outside {_INTERVAL_S}")
    return seconds


def time_shift_s(value: object) -> float:
    """Return ``time_shift`` in seconds; 0 if it is missing or not plausible.

    It is only shown, so a wrong value does not reject the message.
    """
    if type(value) is int or type(value) is float:
        return float(value) if abs(value) <= LATEST_PLAUSIBLE_S else 0.0
    return 0.0


def end_of_data(header: dict[str, Any]) -> tuple[float, str]:
    """Return the end time of the data, and the problem with it.

    ``lwa_time`` is the beginning of the newest gulp.
    """
    end = header.get("last_block_time")
    if end is None and (begin := header.get("lwa_time")) is not None:
        begin_s, problem = _block_time(begin, "lwa_time")
        return begin_s + LWA_TIME_GULP_S, problem
    return _block_time(end)


def _block_time(value: object, key: str = "last_block_time") -> tuple[float, str]:
    """Return the time in a header's text, and the problem with it.

    An unreadable text does not reject the message.
    """
    if value is None:
        return math.nan, ""
    if type(value) is not str:
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"{key} is {short_repr(value)}, not a text")
    try:
        return parse_block_time(value), ""
    except (ValueError, OverflowError) as error:
        return math.nan, f"{key} cannot be read: {error}"[:_MAX_PROBLEM]


def wall_clock(value: object) -> tuple[float, str]:
    """Return the time in ``timestamp``, and the problem with it."""
    if value is None:
        return math.nan, ""
    if type(value) not in (int, float, str):
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"timestamp is {short_repr(value)}, neither number nor text")
    if type(value) is not str and value < 0:  # type: ignore[operator]
        raise RejectedMessage(RejectCause.HEADER_VALUE, f"timestamp is {short_repr(value)}, below 0")
    try:
        return parse_wall_clock(value), ""  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        return math.nan, f"timestamp cannot be read: {error}"[:_MAX_PROBLEM]
