"""Modal screens: the list of keys, and questions for numbers and for a file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.printable import printable
from sunspec_tui.files.file_formats import file_form
from sunspec_tui.tui.key_bindings import Key
from sunspec_tui.tui.terminal.guarded import Guarded

MAX_DELAY_S = 86400.0


def key_table(groups: Mapping[str, Sequence[Key]]) -> Table:
    """Keys and what they do, one a line, group by group."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column()
    for i, (group, keys) in enumerate(groups.items()):
        if i:
            table.add_row("", "")
        table.add_row("", Text(group, "bold underline"))
        for key in keys:
            table.add_row(Text(key.shown), key.sentence)
    return table


class HelpScreen(Guarded, ModalScreen[None]):
    """Every key of the monitor; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,q,enter,space", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, groups: Mapping[str, Sequence[Key]]) -> None:
        super().__init__()
        self._table = key_table(groups)

    def compose(self) -> ComposeResult:
        """A box with the table."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Keys"
            box.border_subtitle = "↑ ↓ pgup pgdn scroll, esc closes"
            yield Static(self._table)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one("#help", VerticalScroll).scroll_relative(y=by, animate=False)


class Palette(Guarded, CommandPalette):
    """Textual's command palette, also for windows too small for its list."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).size:
            super()._action_command_list(action)


class NumberScreen(Guarded, ModalScreen[tuple[float, ...] | None]):
    """Asks for one number, or several apart by spaces; escape leaves all as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]
    heading = ""
    example = ""
    count = 1

    def compose(self) -> ComposeResult:
        """A box with one line to type in."""
        with Vertical(classes="ask") as box:
            box.border_title = self.heading
            box.border_subtitle = "enter sets it, esc leaves it"
            yield Input(value=self.start(), placeholder=self.example)
            yield Label("", id="problem")

    def start(self) -> str:
        """What stands in the line at first."""
        return ""

    def problem(self, numbers: tuple[float, ...]) -> str:
        """What is wrong with numbers, or nothing."""
        raise NotImplementedError

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand on the numbers, or say what is wrong with what was typed."""
        try:
            numbers = tuple(float(word) for word in event.value.replace(",", " ").split())
        except ValueError:
            numbers = ()
        problem = self.problem(numbers) if len(numbers) == self.count else f"{event.value!r} is not {self.example}"
        if problem:
            self.query_one("#problem", Label).update(Text(printable(problem)))
        else:
            self.dismiss(numbers)


class ExportScreen(Guarded, ModalScreen[str | None]):
    """Asks for the name of a file, whose ending says its form; escape writes none.

    Parameters
    ----------
    what
        Which rows go there.
    product
        What a form with a single image holds.
    name
        What stands in the line at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    def __init__(self, what: str, product: str, name: str) -> None:
        super().__init__()
        self._what, self._product, self._name = what, product, name

    def compose(self) -> ComposeResult:
        """A box with one line to type in, and what it does."""
        with Vertical(classes="ask") as box:
            box.border_title = "Export"
            box.border_subtitle = "enter writes it, esc does not"
            yield Label(Text(self._what))
            yield Input(value=self._name, placeholder="a file name")
            yield Label(Text(f".fits: {self._product}, for e-CALLISTO's tools"))
            yield Label(Text(".h5 (the recorder's), .npz, .csv: all products"))
            yield Label("", id="problem")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand on the name, or say what is wrong with it."""
        problem = self.problem(event.value.strip())
        if problem:
            self.query_one("#problem", Label).update(Text(printable(problem)))
        else:
            self.dismiss(event.value.strip())

    @staticmethod
    def problem(name: str) -> str:
        """What is wrong with a file name, or nothing."""
        try:
            file_form(Path(name).expanduser())
        except (UsageError, RuntimeError) as error:
            # The second: there is no such user to expand ~ for.
            return str(error)
        return ""


class DelayScreen(NumberScreen):
    """Asks for a manual delay."""

    heading = "Manual delay"
    example = "a number of seconds, such as 2.5"

    def problem(self, numbers: tuple[float, ...]) -> str:
        """A delay is finite and no more than a day."""
        return "" if abs(numbers[0]) <= MAX_DELAY_S else f"a delay is a day ({MAX_DELAY_S:.0f} s) at the most"


class LevelsScreen(NumberScreen):
    """Asks for floor and ceiling of the waterfall."""

    heading = "Levels of the waterfall"
    example = "floor and ceiling, such as 20 45"
    count = 2

    def __init__(self, levels: Levels | None) -> None:
        super().__init__()
        self._levels = levels

    def start(self) -> str:
        """The levels as they are."""
        return f"{self._levels.low:.4g} {self._levels.high:.4g}" if self._levels else ""

    def problem(self, numbers: tuple[float, ...]) -> str:
        """The ceiling lies above the floor."""
        if not all(map(math.isfinite, numbers)):
            return "levels are finite numbers"
        return "" if numbers[1] > numbers[0] else "the ceiling must lie above the floor"
