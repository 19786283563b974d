"""Record of the pictures and files that an index of quick-looks has.

The record is ``quicklooks.json`` beside ``index.html``. It has the rows from which each picture was made, so that a
later run draws only what changed. A record that is not valid counts as missing: all pictures are then drawn again.
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sunspec_tui.core.bounded_read import read_bounded
from sunspec_tui.core.printable import printable
from sunspec_tui.files.archive.layout import StoreName
from sunspec_tui.files.atomic_write import atomic_write

NAME = "quicklooks.json"
"""Name of the record in the directory of the pictures."""

DAY = "day"
"""Period of the picture of a whole day; an hour has the period ``00`` to ``23``."""

HOURS = tuple(f"{hour:02}" for hour in range(24))
MAX_ERROR_CHARACTERS = 300

_FORMAT = 1
_MAX_BYTES = 64 << 20
_MAX_FILES = 64

Content = list[Any]
"""Identity of the rows of a file, made of lists, texts and numbers."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Pictures of a period, or the FITS files of an interval.

    Attributes
    ----------
    content
        Rows from which they were made.
    count
        Number of files, one for each frequency axis; 0 if there are none.
    begin_s, end_s
        Begin and end of the rows, or of the interval.
    rows
        Number of rows.
    column_s
        Length of a column; 0 if each column is a row.
    low_mhz, high_mhz
        Lowest and highest frequency.
    product
        Name of the product.
    nbytes
        Size of all files.
    remark
        Reason why there is no file, other than a failure; else empty.
    error
        Reason why the last attempt failed; else empty. Files of an earlier attempt may exist.
    """

    content: Content
    count: int = 0
    begin_s: float = 0.0
    end_s: float = 0.0
    rows: int = 0
    column_s: float = 0.0
    low_mhz: float = 0.0
    high_mhz: float = 0.0
    product: str = ""
    nbytes: int = 0
    remark: str = ""
    error: str = ""


@dataclass(slots=True)
class DayRecord:
    """Pictures and files of one day.

    Attributes
    ----------
    stamp
        State of the day's stores when they were read.
    files
        Pictures by period (``day``, ``00`` to ``23``), and files by interval.
    error
        Reason why the day cannot be read; else empty.
    """

    stamp: list[Any] = field(default_factory=list)
    files: dict[str, FileRecord] = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True)
class IndexRecord:
    """All days of an index.

    Attributes
    ----------
    options
        Options of the pictures; other options need other pictures.
    days
        Days by their name, ``YYYY-MM-DD``.
    """

    options: dict[str, Any] = field(default_factory=dict)
    days: dict[str, DayRecord] = field(default_factory=dict)


def read_record(out: Path) -> IndexRecord:
    """Read the record of a directory; empty without a valid one."""
    try:
        values = json.loads(read_bounded(out / NAME, _MAX_BYTES))
        return _index_record(values)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return IndexRecord()


def write_record(out: Path, record: IndexRecord) -> None:
    """Write the record atomically.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    text = json.dumps({"format": _FORMAT, **asdict(record)}, separators=(",", ":"), allow_nan=False)
    with atomic_write(out / NAME) as temporary:
        temporary.write_text(text, "utf-8")


def interval_key(begin_s: float, end_s: float) -> str:
    """Return the name of an interval: its begin and end in UTC."""
    return "_".join(f"{datetime.fromtimestamp(each, UTC):%Y%m%d_%H%M%S}" for each in (begin_s, end_s))


def is_interval(key: str) -> bool:
    """Return True for the key of an interval."""
    return key != DAY and key not in HOURS


def file_names(day: str, key: str, count: int) -> list[str]:
    """Return the paths of files below the index.

    Parameters
    ----------
    day
        The day.
    key
        ``day``, an hour, or an interval.
    count
        Number of files.
    """
    compact = day.replace("-", "")
    stem = f"interval_{key}" if is_interval(key) else f"quicklook_{compact}" + ("" if key == DAY else f"_{key}")
    ending = ".fits" if is_interval(key) else ".png"
    return [f"{day}/{stem}{'' if number == 1 else f'_{number}'}{ending}" for number in range(1, count + 1)]


def thumbnail_name(day: str) -> str:
    """Return the path of a day's thumbnail below the index."""
    return f"{day}/thumbnail_{day.replace('-', '')}.png"


def _index_record(values: Any) -> IndexRecord:
    """Convert JSON values; raise ValueError or TypeError if invalid."""
    if values["format"] != _FORMAT or not isinstance(values["options"], dict):
        raise ValueError("another format")
    days = {}
    for day, each in values["days"].items():
        if StoreName.parse(f"{day}.zarr") is None or not isinstance(each["stamp"], list):
            raise ValueError("not a day")
        files = {key: _file_record(key, found) for key, found in each["files"].items()}
        days[day] = DayRecord(each["stamp"], files, printable(each["error"], MAX_ERROR_CHARACTERS))
    return IndexRecord(values["options"], days)


def _file_record(key: str, values: dict[str, Any]) -> FileRecord:
    if is_interval(key):
        begin, end = (datetime.strptime(each, "%Y%m%d_%H%M%S").replace(tzinfo=UTC) for each in (key[:15], key[16:]))
        if interval_key(begin.timestamp(), end.timestamp()) != key:
            raise ValueError("not an interval")
    record = FileRecord(**{each.name: _typed(values[each.name], each.type) for each in fields(FileRecord)})
    if not 0 <= record.count <= _MAX_FILES:
        raise ValueError("too many files")
    return record


def _typed(value: Any, kind: Any) -> Any:
    """Return a value of a field, if it has the field's type."""
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if (kind is int and type(value) is int) or (kind is Content and isinstance(value, list)):
        return value
    if kind is str and isinstance(value, str):
        return printable(value, MAX_ERROR_CHARACTERS)
    raise TypeError("a value has another type")
