"""Widgets for text: lines, panels and the log.

They show plain values and do not know the source of the values.
"""

from collections import deque
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.cell_widget import CellWidget
from sunspec_tui.tui.widgets.fitting import CONSOLE, first_that_fits, in_columns, lines_that_fit, wrap_line, wrap_lines

LOG_LINES = 200
_MIN_PAGE_COLUMNS = 36
FAILURE_STYLE = "bold white on red"
SUBTITLE_FRAME_COLUMNS = 2
"""Cells of the text's width that a subtitle in the border cannot use."""


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

    def _write(self, grid: Grid, y: int, line: Text, x: int = 0) -> None:
        for text, style, _ in line.render(CONSOLE):
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


class Panel(TextCells):
    """Titled box of text.

    If the text has more lines than the panel, warnings have priority, and a last line tells how many are missing.
    Alone on the screen, the panel shows all lines: in two columns if necessary, and it scrolls.

    Attributes
    ----------
    hint
        Key that shows the panel alone, in a few words.
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, wrap=True)
        self.add_class("panel")
        self.border_title = title
        self.hint = ""
        self._is_alone = False
        self._first_line = 0

    def lines_needed(self) -> int:
        """Return the number of lines of the text in the present width."""
        return len(wrap_lines(self.text, self.content_size.width or 400))

    def set_alone(self, is_alone: bool) -> None:
        """Show all lines, because the panel is alone on the screen."""
        if is_alone is not self._is_alone:
            self._is_alone, self._first_line = is_alone, 0
            self.border_subtitle = ""
            self.repaint()

    def scroll_lines(self, by: int) -> None:
        """Scroll the lines of a panel that is alone on the screen."""
        self._first_line = max(0, self._first_line + by)
        self.repaint()

    @property
    def page_lines(self) -> int:
        """Number of lines on a page."""
        return max(1, self.content_size.height)

    def build(self, grid: Grid) -> None:
        """Write the lines that fit."""
        if self._is_alone:
            self._build_page(grid)
            return
        for y, line in enumerate(lines_that_fit(self.text, grid.columns, grid.lines, self.hint)):
            self._write(grid, y, line)

    def _build_page(self, grid: Grid) -> None:
        columns, width = in_columns(self.text, grid.columns, grid.lines, _MIN_PAGE_COLUMNS)
        count = len(columns[0])
        self._first_line = max(0, min(self._first_line, count - grid.lines))
        last = self._first_line + grid.lines
        keys = first_that_fits(("↑ ↓ pgup pgdn scroll", "↑ ↓ scroll"), grid.columns - SUBTITLE_FRAME_COLUMNS)
        self.border_subtitle = keys if count > grid.lines else ""
        for i, lines in enumerate(columns):
            for y, line in enumerate(lines[self._first_line : last]):
                self._write(grid, y, line, i * (width + 2))


class LogPanel(Panel):
    """Panel of the newest log lines; the wheel scrolls back."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self._entries: deque[Text] = deque(maxlen=LOG_LINES)
        self._lines_back = 0

    @property
    def is_on_screen(self) -> bool:
        """True if the panel is visible."""
        return bool(self.content_size)

    def add(self, *entries: Text) -> None:
        """Append lines."""
        self._entries.extend(entries)
        self.repaint()

    def lines_needed(self) -> int:
        """Return zero: the log takes the room that is left."""
        return 0

    def scroll_lines(self, by: int) -> None:
        """Show older lines, or newer ones."""
        self._lines_back = max(0, self._lines_back - by)
        self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the last entries that fit as a whole."""
        lines: list[Text] = []
        # Wrap only the lines that are shown, because wrapping all of them is slow.
        for entry in reversed(self._entries):
            wrapped = wrap_line(entry, grid.columns)
            if not lines and not self._lines_back and len(wrapped) > grid.lines:
                note = first_that_fits(("… u: the whole log", "… u: log", "…"), grid.columns)
                lines = [*wrapped[: grid.lines - 1], Text(note, "dim italic")]
                break
            if lines and not self._lines_back and len(lines) + len(wrapped) > grid.lines:
                break
            lines[:0] = wrapped
            if len(lines) >= grid.lines + self._lines_back:
                break
        self._lines_back = max(0, min(self._lines_back, len(lines) - grid.lines))
        end = len(lines) - self._lines_back
        for y, line in enumerate(lines[max(0, end - grid.lines) : end]):
            self._write(grid, y, line)

    def on_mouse_scroll_up(self) -> None:
        """Show older lines."""
        self.scroll_lines(-1)

    def on_mouse_scroll_down(self) -> None:
        """Show newer lines."""
        self.scroll_lines(1)
