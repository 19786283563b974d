"""Read the observers' notes of a day beside an archive."""

import json
from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.printable import printable
from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.core.times import parse_block_time

NOTES_NAME = "notes.jsonl"
MAX_BYTES, MAX_LINE_BYTES, MAX_NOTES = 1 << 24, 8192, 1000


class FiledNote(NamedTuple):
    """Note of a file; its times are seconds since 1970 UTC."""

    time_s: float
    end_s: float | None
    text: str
    author: str


def notes_between(directory: Path, begin_s: float, end_s: float) -> list[FiledNote]:
    """Return the notes that touch an interval, the oldest first.

    A line that is no note is left out, and there are no notes without a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    try:
        with open_regular(directory / NOTES_NAME) as file:
            lines = file.read(MAX_BYTES).splitlines()
    except FileNotFoundError:
        return []
    notes = [note for line in lines if (note := _note(line)) is not None]
    touching = [note for note in notes if note.time_s <= end_s and (note.end_s or note.time_s) >= begin_s]
    return sorted(touching)[:MAX_NOTES]


def _note(line: bytes) -> FiledNote | None:
    try:
        record = json.loads(line[:MAX_LINE_BYTES])
        end = record.get("end_utc")
        times_s = parse_block_time(record["time_utc"]), None if end is None else parse_block_time(end)
        return FiledNote(*times_s, printable(record["text"]), printable(record.get("author") or ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
