"""Follow a file of notes in a thread, and log added notes.

A note that was added is an event. A disk that hangs delays only this thread: screens and pages read the notes in
memory.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.errors import NoteError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.notes import MAX_SHOWN_CHARACTERS, Note, NoteCounts, NoteList, note_record
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.notes import NoteReader, append_note

log = logging.getLogger(__name__)

FOLLOW_S = 1.0
"""Time from one check of the file to the next."""

_STOP_S = 1.0
_MAX_LOGGED = 20


class NoteFollower:
    """Notes of a file that this and other programs append to.

    Parameters
    ----------
    path
        The file; None for no notes.
    on_change
        Called after the notes have changed, from any thread.
    follow_s
        Time from one check of the file to the next.
    """

    def __init__(self, path: Path | None, on_change: Callable[[], None], follow_s: float = FOLLOW_S) -> None:
        self.path = path
        self._on_change, self._follow_s = on_change, follow_s
        self._reader = None if path is None else NoteReader(path)
        self._notes, self._damaged = NoteList(), 0
        self._reported = ""
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def counts(self) -> NoteCounts:
        """Number of notes, and of damaged lines of the file."""
        return NoteCounts(len(self._notes), self._damaged)

    @property
    def notes(self) -> NoteList:
        """The notes now; the list is replaced, never changed."""
        return self._notes

    def between(self, begin_s: float, end_s: float) -> tuple[Note, ...]:
        """Return the notes that touch an interval, the oldest first."""
        return self._notes.between(begin_s, end_s)

    def attached(self, recording: Recording | None) -> Recording | None:
        """Return a recording with the notes of its time."""
        return None if recording is None else recording.with_notes(self._notes)

    def add(self, note: Note) -> Path:
        """Append a note to the file; return the file's path.

        Raises
        ------
        NoteError
            If it cannot be written.
        """
        if self.path is None:
            raise NoteError("there is no place for notes; choose one with --archive or XDG_STATE_HOME")
        # Earlier notes are not new, also if the file is not followed yet.
        self.refresh()
        with self._lock:
            append_note(self.path, note)
        self.refresh()
        return self.path

    def start(self) -> None:
        """Start to follow the file; without effect while it is followed."""
        if self._thread is None and self.path is not None:
            self._ending.clear()
            self._thread = threading.Thread(target=self._run, name="sunspec-notes", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop to follow the file."""
        thread, self._thread = self._thread, None
        self._ending.set()
        if thread is not None:
            # A disk that hangs must not delay the end.
            join_within(thread, _STOP_S)

    def _run(self) -> None:
        self.refresh()
        while not self._ending.wait(self._follow_s):
            self.refresh()

    def refresh(self) -> None:
        """Read what was added to the file."""
        if self._reader is None:
            return
        with self._lock:
            before = self._notes
            try:
                added = self._reader.refresh()
            except OSError as error:
                self._report(f"the notes cannot be read: {error.strerror or 'the disk has failed'}")
                return
            self._notes, self._damaged = self._reader.notes, self._reader.damaged
            changed = self._notes is not before
        self._report_left_out()
        _log_added(added)
        if changed:
            self._on_change()

    def _report_left_out(self) -> None:
        reader = self._reader
        if reader is not None and reader.skipped_bytes:
            self._report("the file of notes is large, only its newest notes are shown; begin a new one")
        elif self._damaged:
            lines = "1 line is" if self._damaged == 1 else f"{self._damaged} lines are"
            self._report(f"{lines} damaged in the file of notes and left out; correct or delete them")

    def _report(self, text: str) -> None:
        """Log a problem with the file once."""
        if text != self._reported:
            self._reported = text
            log.warning("%s: %s", printable_name(self.path), text)


def _log_added(notes: tuple[Note, ...]) -> None:
    """Log notes as events, each with its values."""
    for note in notes[:_MAX_LOGGED]:
        text = f"note of {note.clock_text}: {printable(note.shown_text, MAX_SHOWN_CHARACTERS)}"
        record = note_record(note)
        log_event(
            log, logging.INFO, "note", text, **{("note" if key == "text" else key): record[key] for key in record}
        )
    if len(notes) > _MAX_LOGGED:
        log.info("%d further notes were added", len(notes) - _MAX_LOGGED)
