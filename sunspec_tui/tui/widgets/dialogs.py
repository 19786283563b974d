"""Modal screens: dialogs for numbers and file names."""

import math
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.printable import printable
from sunspec_tui.files.file_formats import file_format
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.fitting import first_that_fits

MAX_DELAY_S = 86400.0
# Width of a dialog in the style sheet, and what the border needs of it.
_MAX_COLUMNS, _FRAME_COLUMNS = 60, 6


def show_keys(screen: Dialog[Any], enter_words: str) -> None:
    """Write the keys that fit into the border of a dialog's box."""
    columns = min(_MAX_COLUMNS, screen.size.width) - _FRAME_COLUMNS
    screen.query_one(".ask").border_subtitle = first_that_fits((f"{enter_words}, esc cancels", "esc cancels"), columns)


class NumberScreen(Dialog[tuple[float, ...] | None]):
    """Dialog for one number, or several separated by spaces; escape changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]
    heading = ""
    example = ""
    count = 1

    def compose(self) -> ComposeResult:
        """Yield a box with one input line."""
        with Vertical(classes="ask") as box:
            box.border_title = self.heading
            yield Label(Text(self.example))
            yield Input(value=self.initial_text())
            yield Label("", id="problem")

    def on_resize(self) -> None:
        """Show the keys that fit."""
        show_keys(self, "enter sets it")

    def initial_text(self) -> str:
        """Return the initial text of the input line."""
        return ""

    def problem(self, numbers: tuple[float, ...]) -> str:
        """Return the error in the numbers; empty if there is none."""
        raise NotImplementedError

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the numbers to the caller, or show the error."""
        try:
            numbers = tuple(float(word) for word in event.value.replace(",", " ").split())
        except ValueError:
            numbers = ()
        problem = self.problem(numbers) if len(numbers) == self.count else f"{event.value!r} is not {self.example}"
        if problem:
            self.query_one("#problem", Label).update(Text(printable(problem)))
        else:
            self.dismiss(numbers)


class ExportScreen(Dialog[str | None]):
    """Dialog for the name of a file to export.

    The suffix of the name selects the format. Escape writes nothing.

    Parameters
    ----------
    what
        Description of the rows to export.
    product
        Product that is written to a format of only one product.
    name
        Initial text of the input line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Cancel")]

    def __init__(self, what: str, product: str, name: str) -> None:
        super().__init__()
        self._what, self._product, self._name = what, product, name

    def compose(self) -> ComposeResult:
        """Yield a box with one input line and the formats."""
        with Vertical(classes="ask") as box:
            box.border_title = "Export"
            yield Label(Text(self._what))
            yield Input(value=self._name, placeholder="a file name")
            yield Label(Text(f".fits: {self._product}, for e-CALLISTO's tools"))
            yield Label(Text(".h5 (the recorder's), .npz, .csv: all products"))
            yield Label("", id="problem")

    def on_resize(self) -> None:
        """Show the keys that fit."""
        show_keys(self, "enter writes it")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the name to the caller, or show the error."""
        problem = self.problem(event.value.strip())
        if problem:
            self.query_one("#problem", Label).update(Text(printable(problem)))
        else:
            self.dismiss(event.value.strip())

    @staticmethod
    def problem(name: str) -> str:
        """Return the error in a file name; empty if there is none."""
        try:
            file_format(Path(name).expanduser())
        except (UsageError, RuntimeError) as error:
            # `expanduser` raises RuntimeError for an unknown user.
            return str(error)
        return ""


class DelayScreen(NumberScreen):
    """Dialog for a manual delay."""

    heading = "Manual delay"
    example = "a number of seconds, such as 2.5"

    def problem(self, numbers: tuple[float, ...]) -> str:
        """Return an error for a delay of more than a day.

        A delay that is not finite is an error too.
        """
        return "" if abs(numbers[0]) <= MAX_DELAY_S else f"a delay is at most a day ({MAX_DELAY_S:.0f} s)"


class LevelsScreen(NumberScreen):
    """Dialog for floor and ceiling of the waterfall.

    Parameters
    ----------
    levels
        Present levels.
    signed
        True for a product without decibels.
    unit
        Unit of the powers.
    """

    heading = "Levels of the waterfall"
    count = 2

    def __init__(self, levels: Levels | None, *, signed: bool, unit: str = ARBITRARY) -> None:
        super().__init__()
        self._levels = levels
        linear = ", linear" if unit == ARBITRARY else f" in {unit}"
        scale = linear if signed else f" in {level_unit(unit)}"
        self.example = f"floor and ceiling{scale}, such as {'-5 5' if signed else '20 45'}"

    def initial_text(self) -> str:
        """Return the present levels."""
        return f"{self._levels.low:.4g} {self._levels.high:.4g}" if self._levels else ""

    def problem(self, numbers: tuple[float, ...]) -> str:
        """Return an error for levels that cannot be used.

        Both must be finite, and the ceiling must be above the floor.
        """
        if not all(map(math.isfinite, numbers)):
            return "levels must be finite numbers"
        return "" if numbers[1] > numbers[0] else "the ceiling must be above the floor"
