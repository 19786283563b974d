"""Panels of readings, lines of readings, and the chart of the delay.

Each takes plain values and shows them; none knows where they come from.
"""

from collections import deque
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.geometry import Size

from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.canvas_app import CellWidget

_LOG_LINES = 200
FAILURE_STYLE = "bold white on red"
_CONSOLE = Console(width=400, color_system=None, force_terminal=False)


class TextCells(CellWidget):
    """Styled text in cells; a line that does not fit is cut or, in a panel, wrapped."""

    is_picture: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, wrap: bool = False) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.text = Text()
        self._wrap = wrap
        self._numbers: dict[tuple[Style | None, int], int] = {}

    def show(self, text: Text) -> None:
        """Show another text; nothing happens where it is the same."""
        if text != self.text or text.spans != self.text.spans:
            self.text = text
            self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the lines that fit."""
        for y, line in enumerate(wrapped(self.text, grid.columns, cut=not self._wrap)[: grid.lines]):
            self._write(grid, y, line)

    def _write(self, grid: Grid, y: int, line: Text) -> None:
        x = 0
        for text, style, _ in line.render(_CONSOLE):
            look = self._styled(style)
            if self.app.ascii_only:
                # Characters that would be misread as a single one.
                text = text.replace("±", "+-").replace("…", "..")
            grid.write(x, y, "".join(each if cell_len(each) == 1 else "?" for each in text), look)
            x += len(text)

    def _styled(self, style: Style | None) -> int:
        """Number of the look of text in a style, over the widget's own."""
        key = (style, self.style_version)
        found = self._numbers.get(key)
        if found is None:
            over = self.rich_style if style is None else self.rich_style + style
            found = self._numbers[key] = self.app.filtered_style_number(over, self.background_colors[1])
        return found


def wrapped(text: Text, columns: int, *, cut: bool = False) -> list[Text]:
    """A text in lines of so many cells; a longer one goes on below or, `cut`, ends in an ellipsis."""
    found: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        if line.cell_len > columns and not cut:
            found.extend(line.wrap(_CONSOLE, columns, no_wrap=False))
        else:
            line.truncate(columns, overflow="ellipsis")
            found.append(line)
    return found


class Panel(TextCells):
    """A titled box of readings."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, wrap=True)
        self.add_class("panel")
        self.border_title = title

    def show(self, text: Text) -> None:
        """Show another text, in a panel as high as it where the styles leave that open."""
        before, width = self.text, self.content_size.width
        super().show(text)
        if self.text is not before and width and len(wrapped(before, width)) != len(wrapped(text, width)):
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines that the text takes."""
        del container, viewport
        # While another layout is on its way there may be no room at all.
        return len(wrapped(self.text, width)) if width > 0 else 0


class LogPanel(Panel):
    """The newest lines of the log; the wheel goes back."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self._entries: deque[Text] = deque(maxlen=_LOG_LINES)
        self._back = 0

    @property
    def is_on_screen(self) -> bool:
        """Whether anybody can see it."""
        return bool(self.content_size)

    def add(self, *entries: Text) -> None:
        """Append lines."""
        self._entries.extend(entries)
        self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the last lines that fit."""
        lines: list[Text] = []
        # Wrap only the lines that are shown, because wrapping all of them is slow.
        for entry in reversed(self._entries):
            lines[:0] = wrapped(entry, grid.columns)
            if len(lines) >= grid.lines + self._back:
                break
        self._back = max(0, min(self._back, len(lines) - grid.lines))
        end = len(lines) - self._back
        for y, line in enumerate(lines[max(0, end - grid.lines) : end]):
            self._write(grid, y, line)

    def on_mouse_scroll_up(self) -> None:
        """Older lines."""
        self._back += 1
        self.repaint()

    def on_mouse_scroll_down(self) -> None:
        """Newer lines."""
        self._back = max(0, self._back - 1)
        self.repaint()
