"""Read and append observers' notes: a file of JSON lines.

The file is ``notes.jsonl`` in the archive's directory, or beside the saved view without an archive. Several programs
may append to it and read it at once. A file on a shared disk is not trusted: links are not followed, and sizes are
bounded.
"""

import errno
import os
from pathlib import Path

from sunspec_tui.core.errors import NoteError
from sunspec_tui.core.notes import MAX_LINE_BYTES, Note, NoteList, note_line, parse_note_line
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.regular_file import check_replaceable, open_regular
from sunspec_tui.files.archive.layout import StoreName

NOTES_NAME = "notes.jsonl"
MAX_FILE_BYTES = 16 * 2**20
"""Largest part of a file that is read: its end."""

MAX_NOTES = 10_000
"""Largest number of notes in memory: those of the last lines of the file."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW
_PART_BYTES = 2**20


def notes_path(archive: Path | None, state: Path | None) -> Path | None:
    """Return the file of notes.

    Parameters
    ----------
    archive, state
        Directory of the archive, and the platform's directory for saved states; None if there is none.
    """
    directory = state if archive is None else archive
    return None if directory is None else directory / NOTES_NAME


def append_note(path: Path, note: Note) -> None:
    """Append a note to its file, in one write.

    Return when it is on the disk.

    Raises
    ------
    NoteError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_replaceable(path)
        descriptor = os.open(path, _FLAGS, 0o644)
        try:
            _append(descriptor, note_line(note))
        finally:
            os.close(descriptor)
    except OSError as error:
        why = error.strerror or "the disk has failed"
        raise NoteError(
            f"the note is not written to {printable_name(path)}: {why}; remove the cause, then write it again"
        ) from error


def _append(descriptor: int, line: bytes) -> None:
    """Write a line; end a damaged last line first."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, "the disk took only a part of it")
    os.fsync(descriptor)


class NoteReader:
    """Reader of a file of notes that follows its growth.

    A call of `refresh` costs one `stat` if nothing was added, and else reads only what was added.

    Parameters
    ----------
    path
        The file; it need not exist yet.
    max_bytes, max_notes
        Bounds of the memory, see `MAX_FILE_BYTES` and `MAX_NOTES`.

    Attributes
    ----------
    notes
        The notes that were read.
    damaged
        Number of lines that are no notes; they are skipped.
    skipped_bytes
        Bytes at the beginning of a large file that were not read.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_FILE_BYTES, max_notes: int = MAX_NOTES) -> None:
        self._path, self._max_bytes, self._max_notes = path, max_bytes, max_notes
        self._version: tuple[int, ...] | None = None
        self._forget()

    def _forget(self) -> None:
        self._found: list[Note] = []
        self._offset, self._last_line = 0, b""
        self._is_in_long_line = False
        self.damaged = self.skipped_bytes = 0
        self.notes = NoteList()

    def refresh(self) -> tuple[Note, ...]:
        """Read what was added, and return the added notes.

        If the file was replaced or changed, it is read again, and nothing counts as added.

        Raises
        ------
        OSError
            If the file exists and cannot be read.
        """
        try:
            status = self._path.lstat()
        except FileNotFoundError:
            # Front ends draw again if the list is another one.
            if self._version != ():
                self._version = ()
                self._forget()
            return ()
        version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if version == self._version:
            return ()
        # All notes of a file that did not exist before were added.
        follows = self._version is not None and self._version[:2] in ((), version[:2])
        added = self._read(follows=follows)
        self._version = version
        return added

    def _read(self, *, follows: bool) -> tuple[Note, ...]:
        check_replaceable(self._path)
        with open_regular(self._path) as file:
            size = os.fstat(file.fileno()).st_size
            if follows and not self._continues(file.fileno(), size):
                follows = False
            if not follows:
                self._forget()
                self._skip_beginning(size)
            before = len(self._found)
            self._read_parts(file.fileno(), size)
        added = self._found[before:] if follows else []
        self._found = self._found[-self._max_notes :]
        self.notes = NoteList(self._found)
        return tuple(added)

    def _continues(self, descriptor: int, size: int) -> bool:
        """Return True if the lines that were read are still there."""
        begin = self._offset - len(self._last_line)
        return size >= self._offset and os.pread(descriptor, len(self._last_line), begin) == self._last_line

    def _skip_beginning(self, size: int) -> None:
        """Begin near the end of a file that is too large."""
        if size > self._max_bytes:
            self._offset = self.skipped_bytes = size - self._max_bytes
            # The first line may be incomplete; it is left out like a line that is too long.
            self._is_in_long_line = True

    def _read_parts(self, descriptor: int, size: int) -> None:
        """Read to the end in parts, at most `max_bytes`."""
        end = min(size, self._offset + self._max_bytes)
        while self._offset < end:
            part = os.pread(descriptor, min(_PART_BYTES, end - self._offset), self._offset)
            if not part or not self._use(part, is_end=self._offset + len(part) >= size):
                return

    def _use(self, part: bytes, *, is_end: bool) -> bool:
        """Use the lines of a part.

        Return False if more must come first.
        """
        *lines, tail = part.split(b"\n")
        for line in lines:
            self._end_line(line)
            self._offset += len(line) + 1
            self._last_line = line[-MAX_LINE_BYTES:] + b"\n"
        if len(tail) > MAX_LINE_BYTES:
            self.damaged += not self._is_in_long_line
            self._is_in_long_line = True
        if self._is_in_long_line or (is_end and self._is_note(tail)):
            # Skip a line that is too long. A whole note may lack the end of its line: an editor has written it.
            self._offset += len(tail)
            self._last_line = tail[-MAX_LINE_BYTES:] or self._last_line
        return bool(lines) or not tail or self._is_in_long_line

    def _end_line(self, line: bytes) -> None:
        if self._is_in_long_line:
            self._is_in_long_line = False
        elif line.strip() and not self._is_note(line):
            self.damaged += 1

    def _is_note(self, line: bytes) -> bool:
        """Add the note of a line.

        Return False if it is no note.
        """
        try:
            note = parse_note_line(line) if len(line) <= MAX_LINE_BYTES else None
        except ValueError:
            note = None
        if note is not None:
            self._found.append(note)
        return note is not None


def read_notes(path: Path) -> NoteList:
    """Return the notes of an archive, or of one of its stores.

    The result is empty if they cannot be read.
    """
    directory = path.resolve().parent if StoreName.parse(path.name) else path
    reader = NoteReader(directory / NOTES_NAME)
    try:
        reader.refresh()
    except OSError:
        return NoteList()
    return reader.notes
