"""Read the observers' notes beside an archive, as printable text."""

from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.notes import Note
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.files.notes import NOTES_NAME, NoteReader


class PrintableNote(NamedTuple):
    """Note about a time or an interval, with visible characters only.

    Attributes
    ----------
    begin_s
        Time, or begin of the interval, seconds since 1970 UTC.
    end_s
        End of the interval; None for a note about one time.
    text, author
        What the observer has written, and the name; the author may be empty.
    """

    begin_s: float
    end_s: float | None
    text: str
    author: str


class ArchiveNotes(NamedTuple):
    """Notes of an archive, sorted by time.

    Attributes
    ----------
    notes
        The valid ones.
    problem
        Sentence about lines that are not valid, or a file that cannot be read; else empty.
    """

    notes: tuple[PrintableNote, ...]
    problem: str


def read_archive_notes(archive: Path) -> ArchiveNotes:
    """Read the notes of an archive; none if there is no file."""
    path = archive / NOTES_NAME
    reader = NoteReader(path)
    try:
        reader.refresh()
    except OSError as error:
        return ArchiveNotes((), f"{printable_name(path)} cannot be read: {printable(error.strerror or error)}")
    notes = tuple(_note(note) for note in reader.notes)
    problem = f"{printable_name(path)}: {reader.damaged} lines are not valid, they are left out"
    return ArchiveNotes(notes, problem if reader.damaged else "")


def _note(note: Note) -> PrintableNote:
    return PrintableNote(note.time_s, note.end_s, printable(note.text), printable(note.author))
