"""Read labels of bursts that people have made by eye.

A table of labels has the columns ``file``, ``begin_utc`` and ``end_utc`` (time of day), ``low_mhz``, ``high_mhz``,
``type`` and ``certainty`` (1 certain, 2 doubtful in a detail, 3 doubtful). The file's name contains the date, as
``BIR_20120704_163000_01`` does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import SourceError
from sunspec_tui.files.plain_table import TableRow, read_table, refused

REQUIRED = ("file", "begin_utc", "end_utc", "low_mhz", "high_mhz", "type", "certainty")
"""Columns of a table of labels."""

_DATE = re.compile(r"_(\d{8})_")
_MAX_NAME = 200
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class BurstLabel:
    """One labelled burst.

    Attributes
    ----------
    file
        Name of the file without its extension.
    begin_s, end_s
        Its time, seconds since 1970 UTC.
    low_mhz, high_mhz
        Its lowest and highest frequency, MHz.
    type
        Its type.
    certainty
        1 for a certain label, 2 and 3 for doubtful ones.
    """

    file: str
    begin_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    type: BurstType
    certainty: int


def read_burst_labels(path: Path) -> list[BurstLabel]:
    """Read a table of labels, in the order of its rows.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        return [_label(row) for row in read_table(path, REQUIRED)]
    except (SourceError, OSError) as error:
        raise refused(path, "a table of labels", error) from error


def _label(row: TableRow) -> BurstLabel:
    begin_s, end_s = _time_s(row, "begin_utc"), _time_s(row, "end_utc")
    try:
        kind = BurstType(row.cells["type"])
    except ValueError as error:
        raise row.refusal("type", f"which is none of {', '.join(BurstType)}") from error
    certainty = row.cells["certainty"]
    if certainty not in ("1", "2", "3"):
        raise row.refusal("certainty", "which is not 1, 2 or 3")
    return BurstLabel(
        row.text("file", _MAX_NAME),
        begin_s,
        # A burst may go on after midnight.
        end_s if end_s >= begin_s else end_s + _DAY_S,
        row.finite("low_mhz"),
        row.finite("high_mhz"),
        kind,
        int(certainty),
    )


def _time_s(row: TableRow, name: str) -> float:
    """Return the time of a cell on the date of the file."""
    match = _DATE.search(row.cells["file"])
    if match is None:
        raise row.refusal("file", "which contains no date such as _20120704_")
    try:
        found = datetime.strptime(f"{match[1]} {row.cells[name]}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise row.refusal(name, "which is no time of day such as 16:35:53") from error
    return found.timestamp()
