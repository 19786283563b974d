"""Key that writes an observer's note."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.notes import Note
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.settings import Settings
from sunspec_tui.monitoring.snapshot import NO_ROWS
from sunspec_tui.stream.health_reading import StreamState
from sunspec_tui.tui.display.note_subject import NoteSubject, note_subject
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.widgets.note_dialog import NoteScreen

if TYPE_CHECKING:
    from sunspec_tui.files.note_follower import NoteFollower
    from sunspec_tui.monitoring.snapshot import Snapshot


class NotedReceiver(Protocol):
    """Parts of a receiver that notes need."""

    @property
    def notes(self) -> "NoteFollower":
        """The observers' notes."""
        ...

    def snapshot(self, since: int = 0, *, memory: bool = True) -> "Snapshot":
        """Return the state of the stream."""
        ...


class NoteKeys(CanvasApp):
    """Part of the monitor that writes notes."""

    scene: Scene
    _settings: Settings

    @property
    def receiver(self) -> NotedReceiver | None:
        """The running receiver; None before it was started."""
        raise NotImplementedError

    def action_note(self) -> None:
        """Ask for a note about the marked interval, the cursor or now."""
        receiver = self.receiver
        if receiver is None:
            self.notify("notes can be written when the receiver has started", severity="warning")
            return
        subject = note_subject(self.scene, _now_s(receiver.snapshot(NO_ROWS, memory=False)))
        if subject is None:
            self.notify("there are no rows to write a note about; esc removes cursor and marks", severity="warning")
            return
        self.push_screen(NoteScreen(subject.words, self._settings.author), partial(self._write_note, receiver, subject))

    def _write_note(self, receiver: NotedReceiver, subject: NoteSubject, text: str | None) -> None:
        if text is not None:
            work = partial(self._add_note, receiver, subject, text)
            self.run_worker(work, thread=True, exit_on_error=False, name="note")

    def _add_note(self, receiver: NotedReceiver, subject: NoteSubject, text: str) -> None:
        """Write a note and show the result, in a worker.

        A disk may hang.
        """
        try:
            note = Note(subject.time_s, text, subject.end_s, self._settings.author, subject.frequency_mhz)
            message, severity = f"note written to {printable_name(receiver.notes.add(note))}", "information"
        except SunspecError as error:
            message, severity = str(error), "error"
        self.call_from_thread(self.notify, message, severity=severity)


def _now_s(snapshot: "Snapshot") -> float:
    """Return the time of the newest data, or of the clock.

    The clock counts if no data come. The times of a replay may be years ago.
    """
    is_live = snapshot.health.state is StreamState.LIVE
    return snapshot.taken_s - snapshot.data_age_s if is_live else snapshot.taken_s
