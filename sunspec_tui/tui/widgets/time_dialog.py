"""Dialog that asks for a time to show."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import printable
from sunspec_tui.tui.display.time_goal import ACCEPTED, MAX_CHARACTERS, parse_time_goal
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.dialogs import show_keys


class TimeScreen(Dialog[str | None]):
    """Dialog for a time; escape changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    def compose(self) -> ComposeResult:
        """Yield a box with one input line."""
        with Vertical(classes="ask") as box:
            box.border_title = "Go to a time"
            yield Label(Text(ACCEPTED))
            yield Input(max_length=MAX_CHARACTERS)
            yield Label("", id="problem")

    def on_resize(self) -> None:
        """Show the keys that fit."""
        show_keys(self, "enter goes there")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the text to the caller, or show the error."""
        try:
            parse_time_goal(event.value, 0.0, 0.0)
        except UsageError as error:
            self.query_one("#problem", Label).update(Text(printable(str(error))))
        else:
            self.dismiss(event.value)
