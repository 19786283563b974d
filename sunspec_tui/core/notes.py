"""Observers' notes as values, lines of JSON and texts.

A note has a time or an interval, a text, and optionally an author and a frequency. `files.notes` keeps notes as lines
of JSON, exported files keep them as texts (`note_text`). Pure functions on values.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.argument_checks import check_author
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import LATEST_PLAUSIBLE_S, format_clock, parse_user_time

MAX_NOTE_CHARACTERS = 300
"""Longest text of a note."""

MAX_LINE_BYTES = 8192
"""Longest line of a file of notes."""

MAX_EXPORTED_NOTES = 100
"""Largest number of notes in an exported file; if there are more, the newest ones are written."""

NOTE_KEYS = tuple(f"note_{i}" for i in range(1, MAX_EXPORTED_NOTES + 1))
"""Names of the notes in the metadata of a file."""

MAX_SHOWN_CHARACTERS = 60
"""Longest text of a note within a sentence."""

_MAX_FREQUENCY_MHZ = 1e6
# The form of `note_text`: time/end, frequency MHz, author: text.
_TEXT = re.compile(r"([^/\s]+Z)(?:/(\S+Z))?(?:, (\S+) MHz)?(?:, (.*?))?: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Note:
    """One note of an observer.

    Attributes
    ----------
    time_s
        Time that the note is about, or the begin of its interval, seconds since 1970 UTC.
    text
        What the observer has written.
    end_s
        End of the interval; None for a note about one time.
    author
        Name of the observer; empty if unknown.
    frequency_mhz
        Frequency that the note is about; None for all frequencies.

    Raises
    ------
    UsageError
        If a value is not valid.
    """

    time_s: float
    text: str
    end_s: float | None = None
    author: str = ""
    frequency_mhz: float | None = None

    def __post_init__(self) -> None:
        if not self.text.strip() or len(self.text) > MAX_NOTE_CHARACTERS:
            raise UsageError(f"a note has 1 to {MAX_NOTE_CHARACTERS} characters, not {len(self.text.strip())}")
        check_author(self.author, "the author")
        if not 0 <= self.time_s <= self.last_s < LATEST_PLAUSIBLE_S:
            raise UsageError("the time of a note lies between 1970 and 2100, and its end is not before its begin")
        if self.frequency_mhz is not None and not 0 <= self.frequency_mhz <= _MAX_FREQUENCY_MHZ:
            raise UsageError(f"the frequency of a note lies between 0 and {_MAX_FREQUENCY_MHZ:g} MHz")

    @property
    def last_s(self) -> float:
        """End of the interval, or the time of a note without one."""
        return self.time_s if self.end_s is None else self.end_s

    @property
    def clock_text(self) -> str:
        """Time of day, or interval, as text."""
        end = "" if self.end_s is None else f" to {format_clock(self.end_s)}"
        return f"{format_clock(self.time_s)}{end}"

    @property
    def shown_text(self) -> str:
        """Text and author as one visible line."""
        return printable(self.text + (f" ({self.author})" if self.author else ""))


class NoteList:
    """Notes in the order of their times.

    Parameters
    ----------
    notes
        The notes, in any order.

    Attributes
    ----------
    begins_s, ends_s
        Times of the notes, shape (n,); without an interval, both are the same.
    """

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self._notes = tuple(sorted(notes, key=lambda note: note.time_s))
        self.begins_s = np.array([note.time_s for note in self._notes])
        self.ends_s = np.array([note.last_s for note in self._notes])

    def __len__(self) -> int:
        return len(self._notes)

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)

    def __getitem__(self, number: int) -> Note:
        return self._notes[number]

    def between(self, begin_s: float, end_s: float) -> tuple[Note, ...]:
        """Return the notes that touch an interval, the oldest first."""
        return tuple(self._notes[i] for i in self.numbers_between(begin_s, end_s))

    def numbers_between(self, begin_s: float, end_s: float) -> NDArray[np.intp]:
        """Return the numbers of these notes in the list."""
        return np.flatnonzero((self.begins_s <= end_s) & (self.ends_s >= begin_s))


NO_NOTES = NoteList()


class NoteCounts(NamedTuple):
    """Number of notes, and of damaged lines in their file."""

    notes: int = 0
    damaged: int = 0


def utc_text(unix_s: float) -> str:
    """Format UTC with microseconds and a ``Z``."""
    moment = datetime.fromtimestamp(round(unix_s * 1e6) / 1e6, UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def note_record(note: Note) -> dict[str, str | float]:
    """Return a note as JSON values.

    Keys without a value are left out.
    """
    record: dict[str, str | float] = {"time_utc": utc_text(note.time_s), "text": note.text}
    if note.end_s is not None:
        record["end_utc"] = utc_text(note.end_s)
    if note.author:
        record["author"] = note.author
    if note.frequency_mhz is not None:
        record["frequency_mhz"] = round(note.frequency_mhz, 6)
    return record


def note_line(note: Note) -> bytes:
    """Return a note as a line of JSON, in ASCII."""
    return json.dumps(note_record(note)).encode("ascii") + b"\n"


def parse_note_line(line: bytes) -> Note:
    """Return the note of a line of JSON.

    Raises
    ------
    ValueError
        If the line is not a note.
    """
    try:
        record = json.loads(line)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("it is not an object of JSON")  # noqa: TRY004 - all bad lines raise the same error
    return _note_of(record)


def _note_of(record: Mapping[str, Any]) -> Note:
    """Return the note of JSON values; ValueError for any other values."""
    time_utc, end_utc, text = record.get("time_utc"), record.get("end_utc"), record.get("text")
    author, mhz = record.get("author") or "", record.get("frequency_mhz")
    texts = (time_utc, text, author, "" if end_utc is None else end_utc)
    if not all(isinstance(each, str) for each in texts):
        raise ValueError("a time, the text or the author is not a text")
    if mhz is not None and (isinstance(mhz, bool) or not isinstance(mhz, (int, float))):
        raise ValueError("the frequency is not a number")
    try:
        end_s = None if end_utc is None else parse_user_time(str(end_utc))
        return Note(parse_user_time(str(time_utc)), str(text), end_s, str(author), None if mhz is None else float(mhz))
    except (UsageError, OverflowError) as error:
        raise ValueError(str(error)) from error


def note_text(note: Note) -> str:
    """Return a note as one text for the header of a file.

    An example is ``2026-11-25T18:42:10.000000Z, 45.2 MHz, WS: type II begins``. `parse_note_text` reads it.
    """
    end = "" if note.end_s is None else f"/{utc_text(note.end_s)}"
    mhz = "" if note.frequency_mhz is None else f", {round(note.frequency_mhz, 6)!r} MHz"
    author = f", {note.author}" if note.author else ""
    return f"{utc_text(note.time_s)}{end}{mhz}{author}: {note.text}"


def parse_note_text(text: str) -> Note | None:
    """Return the note of a text in a file's header.

    The result is None for any other text.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    time_utc, end_utc, mhz, author, words = match.groups()
    try:
        record = {"time_utc": time_utc, "end_utc": end_utc, "author": author, "text": words}
        return _note_of(record | {"frequency_mhz": None if mhz is None else float(mhz)})
    except ValueError:
        return None


def note_metadata(notes: Iterable[Note]) -> dict[str, str]:
    """Return notes as metadata of a file: ``note_1``, ``note_2`` and so on."""
    newest = tuple(notes)[-MAX_EXPORTED_NOTES:]
    return {key: note_text(note) for key, note in zip(NOTE_KEYS, newest, strict=False)}


def notes_in_metadata(metadata: Mapping[str, Any]) -> tuple[Note, ...]:
    """Return the notes in the metadata of a file.

    Other texts are ignored.
    """
    texts = (metadata.get(key) for key in NOTE_KEYS)
    notes = (parse_note_text(text) for text in texts if isinstance(text, str) and len(text) <= MAX_LINE_BYTES)
    return tuple(note for note in notes if note is not None)
