"""Page with the whole log, over the screen."""

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.log_lines import LogLine
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.fitting import wrap_line
from sunspec_tui.tui.widgets.panels import TextCells

MAX_LINES = 1000
_FAR = 10**9


class LogHistory:
    """The newest lines of the log, for the page.

    Attributes
    ----------
    lines
        At most `MAX_LINES` lines, oldest first.
    count
        Number of lines so far, including those that were dropped.
    listeners
        Called when there are new lines.
    """

    def __init__(self) -> None:
        self.lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self.count = 0
        self.listeners = Listeners()

    def add(self, lines: Iterable[LogLine]) -> None:
        """Append lines."""
        for line in lines:
            self.lines.append(line)
            self.count += 1
        self.listeners.notify()


def entry_lines(line: LogLine, columns: int) -> list[Text]:
    """Wrap a line of the log to at most `columns` cells.

    The lines after the first are indented, so that the times stand alone.
    """
    clock = f"{format_clock(line.time_s)} "
    width = columns - len(clock)
    if width < 2 * len(clock):
        return wrap_line(Text(clock + line.text, line.style), columns)
    wrapped = wrap_line(Text(line.text, line.style), width)
    heads = [clock, *[" " * len(clock)] * (len(wrapped) - 1)]
    return [Text.assemble((head, line.style), text) for head, text in zip(heads, wrapped, strict=True)]


def scrolled(lines_back: int, by: int, count: int, height: int) -> int:
    """Return the lines below the page after scrolling up by `by`."""
    return max(0, min(lines_back + by, count - height))


class LogText(TextCells):
    """Lines of the log; the newest one is at the bottom.

    A page that was scrolled up stays on its lines when new ones come.

    Parameters
    ----------
    history
        Lines to show.
    """

    def __init__(self, history: LogHistory) -> None:
        super().__init__(id="log-lines")
        self._history = history
        self._wrapped: deque[list[Text]] = deque(maxlen=MAX_LINES)
        self._wrapped_count = self._wrapped_width = 0
        self.lines_back = 0

    def scroll_lines(self, by: int) -> None:
        """Scroll up by lines; a negative number scrolls down."""
        lines = self._all_lines(self.content_size.width)
        self.lines_back = scrolled(self.lines_back, by, len(lines), self.content_size.height)
        self.repaint()

    @property
    def position(self) -> str:
        """Description of the lines that are shown."""
        count = len(self._all_lines(self.content_size.width))
        last = count - self.lines_back
        first = max(1, last - self.content_size.height + 1)
        return f"lines {first} to {last} of {count}" if count else "no lines yet"

    def show_new_lines(self) -> None:
        """Show new lines; a page that was scrolled up stays."""
        before = len(self._all_lines(self.content_size.width, with_new=False))
        if self.lines_back:
            self.lines_back += len(self._all_lines(self.content_size.width)) - before
        self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the lines of the page."""
        lines = self._all_lines(grid.columns)
        self.lines_back = scrolled(self.lines_back, 0, len(lines), grid.lines)
        end = len(lines) - self.lines_back
        for y, line in enumerate(lines[max(0, end - grid.lines) : end]):
            self._write(grid, y, line)

    def _all_lines(self, columns: int, *, with_new: bool = True) -> list[Text]:
        """Return all lines in this width.

        Only new lines are wrapped, because wrapping is slow.
        """
        if columns != self._wrapped_width:
            self._wrapped.clear()
            self._wrapped_width, self._wrapped_count = columns, self._history.count - len(self._history.lines)
        new = min(self._history.count - self._wrapped_count, len(self._history.lines)) if with_new else 0
        if new > 0 and columns > 0:
            self._wrapped.extend(entry_lines(line, columns) for line in list(self._history.lines)[-new:])
            self._wrapped_count = self._history.count
        return [line for entry in self._wrapped for line in entry]


class LogPage(Dialog[None]):
    """The whole log as a page; escape closes it.

    Parameters
    ----------
    history
        Lines to show.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,u,q,enter", "dismiss", "Close"),
        ("up,k", "scroll(1)", "Older"),
        ("down,j", "scroll(-1)", "Newer"),
        ("pageup", "turn(1)", "Page up"),
        ("pagedown,space", "turn(-1)", "Page down"),
        ("home", f"scroll({_FAR})", "Oldest"),
        ("end", f"scroll({-_FAR})", "Newest"),
    ]

    def __init__(self, history: LogHistory) -> None:
        super().__init__(id="log-page")
        self._history = history
        self._text = LogText(history)

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        self._text.border_title = "Log"
        yield self._text

    def on_mount(self) -> None:
        """Follow the log while the page is open."""
        self._history.listeners.add(self._show_new_lines)
        self.call_after_refresh(self._show_position)

    def on_unmount(self) -> None:
        """Stop following the log."""
        self._history.listeners.remove(self._show_new_lines)

    def on_resize(self) -> None:
        """Show the position for the new size."""
        self.call_after_refresh(self._show_position)

    def action_scroll(self, by: int) -> None:
        """Scroll up by lines."""
        self._text.scroll_lines(by)
        self._show_position()

    def action_turn(self, pages: int) -> None:
        """Scroll up by pages."""
        self.action_scroll(pages * max(1, self._text.content_size.height - 1))

    def on_mouse_scroll_up(self) -> None:
        """Show older lines."""
        self.action_scroll(3)

    def on_mouse_scroll_down(self) -> None:
        """Show newer lines."""
        self.action_scroll(-3)

    def _show_new_lines(self) -> None:
        self._text.show_new_lines()
        self._show_position()

    def _show_position(self) -> None:
        self._text.border_subtitle = f"{self._text.position} · ↑ ↓ pgup pgdn home end · esc closes"
