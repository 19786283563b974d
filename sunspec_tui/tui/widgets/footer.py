"""Footer line with the main keys, and with failure messages."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual import events

from sunspec_tui.tui.key_bindings import KEYS, FooterHint
from sunspec_tui.tui.messages import KeyClicked
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.widgets.fitting import cut_line
from sunspec_tui.tui.widgets.panels import FAILURE_STYLE, TextCells

_WIDE_COLUMNS = 100
_ACTIONS = {key.shown: key.action for key in KEYS}


class KeyLine(TextCells):
    """Last line of the screen, with as many keys as fit.

    Keys that belong together share their words. A click on a key runs its action.
    """

    def __init__(self, hints: Sequence[FooterHint], *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._hints = hints
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
            failure_text = cut_line(Text(f" {self._failure}"), grid.columns - 1)
            self._write(grid, 0, Text.assemble((f"{failure_text.plain} ", FAILURE_STYLE)))
            x = failure_text.cell_len + 1
        key_style, label_style = self._style_number(Style(bold=True)), self._style_number(Style(dim=True))
        gap = 2 if grid.columns >= _WIDE_COLUMNS else 1
        for hint in self._hints:
            if x + hint.width + 1 > grid.columns:
                break
            for shown in hint.shown:
                grid.write(x + 1, 0, shown, key_style)
                self._click_areas.append((x, x + len(shown) + 1, _ACTIONS[shown]))
                x += len(shown) + 1
            grid.write(x + 1, 0, hint.words, label_style)
            x += len(hint.words) + gap
            start, _, action = self._click_areas.pop()
            self._click_areas.append((start, x, action))

    def on_click(self, event: events.Click) -> None:
        """Run the action of the clicked key."""
        for start, stop, action in self._click_areas:
            if start <= event.x < stop:
                self.post_message(KeyClicked(action))
