"""Dialog for an observer's note."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from sunspec_tui.core.notes import MAX_NOTE_CHARACTERS
from sunspec_tui.core.printable import printable
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.dialogs import show_keys


class NoteScreen(Dialog[str | None]):
    """Dialog for the text of a note; escape writes nothing.

    Parameters
    ----------
    about
        What the note is about.
    author
        Author of the note; empty if unknown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    def __init__(self, about: str, author: str) -> None:
        super().__init__()
        self._about = about + (f", by {printable(author)}" if author else "")

    def compose(self) -> ComposeResult:
        """Yield a box with one input line."""
        with Vertical(classes="ask") as box:
            box.border_title = "Note"
            yield Label(Text(self._about))
            yield Input(placeholder="what you see", max_length=MAX_NOTE_CHARACTERS)
            yield Label("", id="problem")

    def on_resize(self) -> None:
        """Show the keys that fit."""
        show_keys(self, "enter writes it")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the text to the caller, or ask for one."""
        text = event.value.strip()
        if text:
            self.dismiss(text)
        else:
            self.query_one("#problem", Label).update("type a note first")
