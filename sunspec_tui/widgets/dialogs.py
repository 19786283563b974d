"""Modal screens: the list of keys, and the question for a manual delay."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.validation import Number
from textual.widgets import Input, Label, Static

MOST_DELAY_S = 1e9

_KEY_NAMES = {
    "space": "space",
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_table(bindings: Sequence[Binding]) -> Table:
    """Keys and what they do, one a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for binding in bindings:
        if binding.description:
            keys = " ".join(_KEY_NAMES.get(key, key) for key in binding.key.split(","))
            table.add_row(keys, binding.tooltip or binding.description)
    return table


class HelpScreen(ModalScreen[None]):
    """Every key of the monitor; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,q,enter,space", "dismiss", "Close")]

    def __init__(self, bindings: Sequence[Binding]) -> None:
        super().__init__()
        self._table = key_table(bindings)

    def compose(self) -> ComposeResult:
        """A box with the table."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._table)


class DelayScreen(ModalScreen[float | None]):
    """Asks for a manual delay in seconds; escape leaves all as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    def compose(self) -> ComposeResult:
        """A box with one line to type in."""
        with Vertical(id="ask-delay") as box:
            box.border_title = "Manual delay"
            box.border_subtitle = "enter sets it, esc leaves it"
            yield Input(
                placeholder="seconds, such as 2.5",
                validators=[Number(-MOST_DELAY_S, MOST_DELAY_S)],
                validate_on=["submitted"],
            )
            yield Label("", id="ask-delay-problem")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand on a number, or say what is wrong with what was typed."""
        if event.validation_result is not None and event.validation_result.is_valid:
            self.dismiss(float(event.value))
        else:
            self.query_one("#ask-delay-problem", Label).update(Text(f"{event.value!r} is no number of seconds"))
