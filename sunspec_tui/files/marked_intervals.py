"""Read the times and intervals that observers marked in an archive.

They are in the file ``notes.jsonl`` beside the archive's stores, one JSON object on a line. Any program may have
written the file, so its cost is bounded, and a line that is not valid is left out and counted.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from sunspec_tui.core.bounded_read import read_bounded
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.regular_file import check_replaceable
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S, parse_user_time

NAME = "notes.jsonl"
"""Name of the file in the archive's directory."""

MAX_MARKS = 10_000
"""Largest number of marks; the newest lines are used."""

_MAX_FILE_BYTES = 16 << 20
_MAX_LINE_BYTES = 16 << 10
_MAX_TEXT_CHARACTERS = 500
_MAX_AUTHOR_CHARACTERS = 80


class MarkedInterval(NamedTuple):
    """A time or an interval that somebody marked.

    Attributes
    ----------
    begin_s
        Its time, or its begin, seconds since 1970 UTC.
    end_s
        Its end; None for a time.
    text, author
        Visible characters; the author may be empty.
    """

    begin_s: float
    end_s: float | None
    text: str
    author: str


class Marks(NamedTuple):
    """Marks of an archive, sorted by time.

    Attributes
    ----------
    marks
        The valid ones.
    problem
        Sentence about lines or a file that cannot be read; else empty.
    """

    marks: tuple[MarkedInterval, ...]
    problem: str


def read_marks(archive: Path) -> Marks:
    """Read the marks of an archive; a missing file has none."""
    path = archive / NAME
    try:
        # A link could lead anywhere, and a FIFO would be waited for.
        check_replaceable(path)
        content = read_bounded(path, _MAX_FILE_BYTES)
    except FileNotFoundError:
        return Marks((), "")
    except OSError as error:
        return Marks((), f"{printable_name(path)} cannot be read: {printable(error.strerror or error)}")
    # The last line may be incomplete, because a monitor is writing it.
    lines = [line for line in content.split(b"\n")[:-1] if line.strip()][-MAX_MARKS:]
    found = [_mark(line) for line in lines]
    marks = sorted(each for each in found if each is not None)
    invalid = len(found) - len(marks)
    problem = f"{printable_name(path)}: {invalid} of {len(found)} lines are not valid, they are left out"
    return Marks(tuple(marks), problem if invalid else "")


def _mark(line: bytes) -> MarkedInterval | None:
    """Return the mark of a line; None if it is not valid."""
    if len(line) > _MAX_LINE_BYTES:
        return None
    try:
        values = json.loads(line)
        begin_s, end_s = _time_s(values["time_utc"]), values.get("end_utc")
        end_s = None if end_s is None else _time_s(end_s)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
        return None
    text, author = values.get("text"), values.get("author", "")
    if not isinstance(text, str) or not isinstance(author, str) or (end_s is not None and end_s < begin_s):
        return None
    return MarkedInterval(
        begin_s, end_s, printable(text, _MAX_TEXT_CHARACTERS), printable(author, _MAX_AUTHOR_CHARACTERS)
    )


def _time_s(value: Any) -> float:
    """Parse a time in ISO 8601.

    Raises
    ------
    ValueError, UsageError
        If it is not a text with a plausible time.
    """
    if not isinstance(value, str):
        raise TypeError("a time is a text")
    time_s = parse_user_time(value)
    if not EARLIEST_PLAUSIBLE_S <= time_s < LATEST_PLAUSIBLE_S:
        raise ValueError("the time is not plausible")
    return time_s
