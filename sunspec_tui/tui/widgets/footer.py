"""Footer line with the main keys, and with failure messages."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual import events

from sunspec_tui.tui.key_bindings import Key
from sunspec_tui.tui.messages import KeyClicked
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.widgets.panels import FAILURE_STYLE, TextCells


class KeyLine(TextCells):
    """Last line of the screen, with as many keys as fit.

    A click on a key runs its action.
    """

    def __init__(self, keys: Sequence[Key], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._keys = keys
        self._click_areas: list[tuple[int, int, str]] = []
        self._failure = ""

    def show_failure(self, text: str) -> None:
        """Show a failure before the keys; an empty text removes it."""
        if text != self._failure:
            self._failure = text
            self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the failure and the keys."""
        x, self._click_areas = 0, []
        if self._failure:
            failure_text = Text(f" {self._failure} ")
            failure_text.truncate(grid.columns, overflow="ellipsis")
            self._write(grid, 0, Text.assemble((failure_text.plain, FAILURE_STYLE)))
            x = failure_text.cell_len
        key_style, label_style = self._style_number(Style(bold=True)), self._style_number(Style(dim=True))
        for key in self._keys:
            width = len(key.shown) + len(key.short) + 3
            if x + width > grid.columns:
                break
            grid.write(x + 1, 0, key.shown, key_style)
            grid.write(x + len(key.shown) + 2, 0, key.short, label_style)
            self._click_areas.append((x, x + width, key.action))
            x += width

    def on_click(self, event: events.Click) -> None:
        """Run the action of the clicked key."""
        for start, stop, action in self._click_areas:
            if start <= event.x < stop:
                self.post_message(KeyClicked(action))
