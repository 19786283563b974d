"""Widgets for text: lines, panels and the log.

They show plain values and do not know the source of the values.
"""

from collections import deque
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.geometry import Size

from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.cell_widget import CellWidget

_LOG_LINES = 200
FAILURE_STYLE = "bold white on red"
_CONSOLE = Console(width=400, color_system=None, force_terminal=False)


class TextCells(CellWidget):
    """Widget of styled text.

    A line that does not fit is cut or, with `wrap`, wrapped.
    """

    is_picture: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, wrap: bool = False) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.text = Text()
        self._wrap = wrap
        self._numbers: dict[tuple[Style | None, int], int] = {}

    def show(self, text: Text) -> None:
        """Show another text; do nothing if it is the same."""
        if text != self.text or text.spans != self.text.spans:
            self.text = text
            self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the lines that fit."""
        for y, line in enumerate(wrap_lines(self.text, grid.columns, cut=not self._wrap)[: grid.lines]):
            self._write(grid, y, line)

    def _write(self, grid: Grid, y: int, line: Text) -> None:
        x = 0
        for text, style, _ in line.render(_CONSOLE):
            style_number = self._style_number(style)
            if self.app.ascii_only:
                # A single ASCII character for these would be misread.
                text = text.replace("±", "+-").replace("…", "..")
            grid.write(x, y, "".join(each if cell_len(each) == 1 else "?" for each in text), style_number)
            x += len(text)

    def _style_number(self, style: Style | None) -> int:
        """Return the style number of a text style in this widget.

        The text style is added to the widget's own style.
        """
        key = (style, self.style_version)
        number = self._numbers.get(key)
        if number is None:
            over = self.rich_style if style is None else self.rich_style + style
            number = self._numbers[key] = self.app.filtered_style_number(over, self.background_colors[1])
        return number


def wrap_lines(text: Text, columns: int, *, cut: bool = False) -> list[Text]:
    """Split a text into lines of at most `columns` cells.

    A longer line is wrapped or, if `cut`, ends with an ellipsis.
    """
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        if line.cell_len > columns and not cut:
            lines.extend(line.wrap(_CONSOLE, columns, no_wrap=False))
        else:
            line.truncate(columns, overflow="ellipsis")
            lines.append(line)
    return lines


class Panel(TextCells):
    """Titled box of text."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, wrap=True)
        self.add_class("panel")
        self.border_title = title

    def show(self, text: Text) -> None:
        """Show another text, and adapt the panel's height.

        The height changes only if the styles allow that.
        """
        before, width = self.text, self.content_size.width
        super().show(text)
        if self.text is not before and width and len(wrap_lines(before, width)) != len(wrap_lines(text, width)):
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines of the text."""
        del container, viewport
        # While the layout changes, the width may be zero.
        return len(wrap_lines(self.text, width)) if width > 0 else 0


class LogPanel(Panel):
    """Panel of the newest log lines; the wheel scrolls back."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self._entries: deque[Text] = deque(maxlen=_LOG_LINES)
        self._lines_back = 0

    @property
    def is_on_screen(self) -> bool:
        """True if the panel is visible."""
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
            lines[:0] = wrap_lines(entry, grid.columns)
            if len(lines) >= grid.lines + self._lines_back:
                break
        self._lines_back = max(0, min(self._lines_back, len(lines) - grid.lines))
        end = len(lines) - self._lines_back
        for y, line in enumerate(lines[max(0, end - grid.lines) : end]):
            self._write(grid, y, line)

    def on_mouse_scroll_up(self) -> None:
        """Show older lines."""
        self._lines_back += 1
        self.repaint()

    def on_mouse_scroll_down(self) -> None:
        """Show newer lines."""
        self._lines_back = max(0, self._lines_back - 1)
        self.repaint()
