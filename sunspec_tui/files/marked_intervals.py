"""Read the times and intervals that observers marked in an archive.

They are the notes beside the archive's stores (`files.notes`), with texts that can be shown.
"""

from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.notes import Note
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.files.notes import NOTES_NAME, NoteReader


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
    path = archive / NOTES_NAME
    reader = NoteReader(path)
    try:
        reader.refresh()
    except OSError as error:
        return Marks((), f"{printable_name(path)} cannot be read: {printable(error.strerror or error)}")
    marks = tuple(_mark(note) for note in reader.notes)
    problem = f"{printable_name(path)}: {reader.damaged} lines are not valid, they are left out"
    return Marks(marks, problem if reader.damaged else "")


def _mark(note: Note) -> MarkedInterval:
    return MarkedInterval(note.time_s, note.end_s, printable(note.text), printable(note.author))
