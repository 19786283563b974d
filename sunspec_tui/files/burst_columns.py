"""Columns of a table of bursts, and the cells of a burst.

Numbers are written with six decimals at most, times with microseconds. Texts are one visible line of limited length,
so a table can be printed and read by any program.
"""

import math
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.notes import utc_text
from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import LATEST_PLAUSIBLE_S, parse_user_time
from sunspec_tui.files.plain_table import TableRow

MAX_NAME, MAX_SOURCE, MAX_REASON = 80, 300, 500
"""Longest name, source and reason of a burst in a table, in characters."""

MAX_DURATIONS = 64
"""Largest number of frequencies with a duration at half power in a table."""

_DECIMALS = 6
_MAX_LANES = 1000
_FALSE, _TRUE = ("", "false", "0"), ("true", "1")


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    name
        Its name.
    datatype, unit, description
        As in the header of an ECSV file; the unit may be empty.
    cell
        Returns the cell of a burst; an unknown number is empty.
    """

    name: str
    datatype: str
    unit: str
    description: str
    cell: Callable[[Burst], str]


def _number(value: float) -> str:
    return repr(round(float(value), _DECIMALS)) if math.isfinite(value) else ""


def _durations(burst: Burst) -> str:
    pairs = [(_number(mhz), _number(seconds)) for mhz, seconds in burst.half_power_s[:MAX_DURATIONS]]
    return " ".join(f"{mhz}:{seconds}" for mhz, seconds in pairs if mhz and seconds)


COLUMNS = (
    Column("begin_utc", "string", "", "begin, UTC", lambda burst: utc_text(burst.begin_s)),
    Column("peak_utc", "string", "", "time of the highest power, UTC", lambda burst: utc_text(burst.peak_s)),
    Column("end_utc", "string", "", "end, UTC", lambda burst: utc_text(burst.end_s)),
    Column("low_mhz", "float64", "MHz", "lowest frequency", lambda burst: _number(burst.low_mhz)),
    Column("high_mhz", "float64", "MHz", "highest frequency", lambda burst: _number(burst.high_mhz)),
    Column("type", "string", "", "III, IIIG (group of III), II, IV, I, RFI or ?", lambda burst: str(burst.type)),
    Column("confidence", "float64", "", "how sure the type is, 0 to 1", lambda burst: _number(burst.confidence)),
    Column("peak_db", "float64", "dB", "peak over the background", lambda burst: _number(burst.peak_db)),
    Column("drift_mhz_s", "float64", "MHz / s", "drift rate of the ridge", lambda burst: _number(burst.drift_mhz_s)),
    Column("source", "string", "", "stream or file", lambda burst: printable(burst.source, MAX_SOURCE)),
    Column("name", "string", "", "name of the burst", lambda burst: printable(burst.name, MAX_NAME)),
    Column(
        "drift_error_mhz_s", "float64", "MHz / s", "standard error of the drift rate",
        lambda burst: _number(burst.drift_error_mhz_s),
    ),
    Column("lanes", "int64", "", "number of lanes", lambda burst: str(burst.lanes)),
    Column("lane_ratio", "float64", "", "frequency ratio of two lanes", lambda burst: _number(burst.lane_ratio)),
    Column("half_power_s", "string", "", "durations at half power, as MHz:seconds", _durations),
    Column("circular", "float64", "", "V/I at the peak, -1 to 1", lambda burst: _number(burst.circular)),
    Column("is_saturated", "bool", "", "the receiver was saturated", lambda burst: str(burst.is_saturated)),
    Column("is_wrong", "bool", "", "marked as wrong by an observer, or withdrawn", lambda burst: str(burst.is_wrong)),
    Column("reason", "string", "", "what decided the type", lambda burst: printable(burst.reason, MAX_REASON)),
)  # fmt: skip
"""Columns of a table, in their order."""

REQUIRED = ("begin_utc", "end_utc", "low_mhz", "high_mhz", "type")
"""Columns that a table must have; the others may be missing."""


def burst_of_row(row: TableRow) -> Burst:
    """Return the burst of a table's row.

    Raises
    ------
    Unreadable
        If a cell is not valid.
    """
    begin_s, end_s = _time_s(row, "begin_utc"), _time_s(row, "end_utc")
    if end_s < begin_s:
        raise row.refusal("end_utc", "which is before the begin")
    low_mhz, high_mhz = row.finite("low_mhz"), row.finite("high_mhz")
    if high_mhz < low_mhz:
        raise row.refusal("high_mhz", "which is below low_mhz")
    return Burst(
        name=row.text("name", MAX_NAME) or f"line {row.line}",
        begin_s=begin_s,
        peak_s=_time_s(row, "peak_utc") if row.cells.get("peak_utc") else begin_s,
        end_s=end_s,
        low_mhz=low_mhz,
        high_mhz=high_mhz,
        type=_type(row),
        confidence=_confidence(row),
        peak_db=row.number("peak_db"),
        drift_mhz_s=row.number("drift_mhz_s"),
        drift_error_mhz_s=row.number("drift_error_mhz_s"),
        lanes=_lanes(row),
        lane_ratio=row.number("lane_ratio"),
        half_power_s=_half_power_s(row),
        circular=row.number("circular"),
        is_saturated=_is_true(row, "is_saturated"),
        is_wrong=_is_true(row, "is_wrong"),
        reason=row.text("reason", MAX_REASON),
        source=row.text("source", MAX_SOURCE),
    )


def _time_s(row: TableRow, name: str) -> float:
    try:
        time_s = parse_user_time(row.cells[name])
    except (UsageError, OverflowError) as error:
        raise row.refusal(name, "which is no time such as 2026-06-07T18:41:30Z") from error
    if not 0 <= time_s < LATEST_PLAUSIBLE_S:
        raise row.refusal(name, "which is not between 1970 and 2100")
    return time_s


def _type(row: TableRow) -> BurstType:
    try:
        return BurstType(row.cells["type"])
    except ValueError as error:
        raise row.refusal("type", f"which is none of {', '.join(BurstType)}") from error


def _confidence(row: TableRow) -> float:
    value = row.number("confidence")
    if math.isnan(value):
        return 0.0
    if not 0 <= value <= 1:
        raise row.refusal("confidence", "which is not between 0 and 1")
    return value


def _lanes(row: TableRow) -> int:
    value = row.number("lanes")
    if math.isnan(value):
        return 1
    if not (0 <= value <= _MAX_LANES and value == int(value)):
        raise row.refusal("lanes", "which is no number of lanes")
    return int(value)


def _half_power_s(row: TableRow) -> tuple[tuple[float, float], ...]:
    words = row.cells.get("half_power_s", "").split()[:MAX_DURATIONS]
    why = "which is no list such as 45.2:1.3 60:0.9"
    try:
        pairs = tuple((float(mhz), float(seconds)) for mhz, _, seconds in (word.partition(":") for word in words))
    except ValueError as error:
        raise row.refusal("half_power_s", why) from error
    if not all(map(math.isfinite, chain.from_iterable(pairs))):
        raise row.refusal("half_power_s", why)
    return pairs


def _is_true(row: TableRow, name: str) -> bool:
    cell = row.cells.get(name, "").lower()
    if cell not in (*_TRUE, *_FALSE):
        raise row.refusal(name, "which is neither True nor False")
    return cell in _TRUE
