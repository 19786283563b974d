"""Read lists of radio events that observatories report, as NOAA's lists.

A list is a table with the columns ``date``, ``begin_utc`` and ``end_utc`` (whole minutes), ``observatory``,
``low_mhz``, ``high_mhz`` and ``type``. A column ``files`` may name the files in which a report can be seen.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.times import format_clock, format_date
from sunspec_tui.files.plain_table import TableRow, read_table, refused

REQUIRED = ("date", "begin_utc", "end_utc", "observatory", "low_mhz", "high_mhz", "type")
"""Columns of a list."""

_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
_DAY_S = 86_400.0
_MAX_TYPE, _MAX_OBSERVATORY, _MAX_FILES = 8, 20, 5000


@dataclass(frozen=True, slots=True)
class RadioReport:
    """One report of a radio event.

    Attributes
    ----------
    begin_s, end_s
        Its time, seconds since 1970 UTC; lists have whole minutes.
    low_mhz, high_mhz
        Its lowest and highest frequency, MHz.
    type
        Its type in the list, such as ``VI``.
    observatories
        Names of those who report it.
    files
        Names of files without extensions in which it can be seen; empty if the list does not say so.
    """

    begin_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    type: str
    observatories: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()

    @property
    def duration_s(self) -> float:
        """Time from begin to end, in seconds."""
        return self.end_s - self.begin_s

    @property
    def text(self) -> str:
        """Date, time, type, observatories and band in one line."""
        clocks = f"{format_clock(self.begin_s)[:5]}-{format_clock(self.end_s)[:5]}"
        band = f"{self.low_mhz:.0f}-{self.high_mhz:.0f} MHz"
        return f"{format_date(self.begin_s)} {clocks} {self.type} {'+'.join(self.observatories)} {band}"


def read_radio_reports(path: Path) -> list[RadioReport]:
    """Read a list of reports, sorted by begin.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        reports = [_report(row) for row in read_table(path, REQUIRED)]
    except (SourceError, OSError) as error:
        raise refused(path, "a list of radio events", error) from error
    return sorted(reports, key=lambda report: (report.begin_s, report.end_s, report.type))


def _report(row: TableRow) -> RadioReport:
    midnight_s = _midnight_s(row)
    begin_s, end_s = (midnight_s + _of_day_s(row, name) for name in ("begin_utc", "end_utc"))
    low_mhz, high_mhz = row.finite("low_mhz"), row.finite("high_mhz")
    # Events at one frequency have it twice.
    if high_mhz < low_mhz:
        raise row.refusal("high_mhz", "which is below low_mhz")
    return RadioReport(
        begin_s,
        # An event that ends before it begins ends on the next day.
        end_s if end_s >= begin_s else end_s + _DAY_S,
        low_mhz,
        high_mhz,
        row.text("type", _MAX_TYPE).upper(),
        tuple(filter(None, [row.text("observatory", _MAX_OBSERVATORY)])),
        frozenset(row.text("files", _MAX_FILES).split()),
    )


def _midnight_s(row: TableRow) -> float:
    try:
        day = date.fromisoformat(row.cells["date"])
    except ValueError as error:
        raise row.refusal("date", "which is no date such as 2017-09-06") from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _of_day_s(row: TableRow, name: str) -> float:
    """Return the seconds of the day of a time such as 16:35."""
    match = _CLOCK.fullmatch(row.cells[name])
    hours, minutes, seconds = (int(each or 0) for each in match.groups()) if match else (99, 0, 0)
    of_day_s = hours * 3600.0 + minutes * 60 + seconds
    # The end of a day may be written as 24:00.
    if of_day_s > _DAY_S or minutes > 59 or seconds > 59:
        raise row.refusal(name, "which is no time such as 16:35")
    return of_day_s
