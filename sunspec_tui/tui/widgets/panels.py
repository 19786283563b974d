"""Panels of readings, lines of readings, and the chart of the delay.

Each takes plain values and shows them; none knows where they come from.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size

from sunspec_tui.stream.message_delay import HISTORY_S, DelayReading, DelayStatistics
from sunspec_tui.tui.display.axes import ticks
from sunspec_tui.tui.key_bindings import Key
from sunspec_tui.tui.messages import KeyClicked
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.canvas_app import CellWidget
from sunspec_tui.tui.widgets.panel_text import delay_text

_CHART_LEAST_LINES = 3
_LABELLED_LINES = 5
_CHART_EVERY_S = 5.0
_LOG_LINES = 200
_FAILURE_STYLE = "bold white on red"
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
            found = self._numbers[key] = self.app.filtered_number(over, self.background_colors[1])
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


class DelayPanel(Panel):
    """Delay readings, with a chart of the last minute where there is room."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self._chart: tuple[float, tuple[int, int], str] | None = None

    def show_delay(
        self,
        delay: DelayReading,
        data_age_s: float,
        minute: DelayStatistics,
        history: Sequence[tuple[float, float]],
        now_s: float,
    ) -> None:
        """Show a reading, the last minute's statistics, and its history of (seconds ago, delay)."""
        text = delay_text(delay, data_age_s, minute)
        width, height = self.content_size
        room = height - len(wrapped(text, width)) if width else 0
        if room >= _CHART_LEAST_LINES and len(history) > 1:
            text = Text.assemble(text, "\n", (self._drawn(history, width, room, now_s), "cyan"), no_wrap=True, end="")
        self.show(text)

    def _drawn(self, history: Sequence[tuple[float, float]], width: int, height: int, now_s: float) -> str:
        """The chart, drawn anew every few seconds: it costs more than all the rest of the panels."""
        chart = self._chart
        if chart is None or chart[1] != (width, height) or now_s - chart[0] >= _CHART_EVERY_S:
            chart = self._chart = (now_s, (width, height), delay_chart(history, width, height))
        return chart[2]


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


class KeyLine(TextCells):
    """The last line: the most important keys, as many as fit; a click does what the key does."""

    def __init__(self, keys: Sequence[Key], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._keys = keys
        self._places: list[tuple[int, int, str]] = []
        self._failure = ""

    def show_failure(self, text: str) -> None:
        """Show a failure before the keys; an empty text removes it."""
        if text != self._failure:
            self._failure = text
            self.repaint()

    def build(self, grid: Grid) -> None:
        """Write the failure and the keys."""
        x, self._places = 0, []
        if self._failure:
            failed = Text(f" {self._failure} ")
            failed.truncate(grid.columns, overflow="ellipsis")
            self._write(grid, 0, Text.assemble((failed.plain, _FAILURE_STYLE)))
            x = failed.cell_len
        shown_look, label_look = self._styled(Style(bold=True)), self._styled(Style(dim=True))
        for key in self._keys:
            width = len(key.shown) + len(key.short) + 3
            if x + width > grid.columns:
                break
            grid.write(x + 1, 0, key.shown, shown_look)
            grid.write(x + len(key.shown) + 2, 0, key.short, label_look)
            self._places.append((x, x + width, key.action))
            x += width

    def on_click(self, event: events.Click) -> None:
        """Press the key that lies there."""
        for start, stop, action in self._places:
            if start <= event.x < stop:
                self.post_message(KeyClicked(action))


def chart_limits(delays_s: Iterable[float]) -> tuple[float, float]:
    """Limits of an axis that holds delays with room about them, however alike or negative they are."""
    known = [delay_s for delay_s in delays_s if math.isfinite(delay_s)] or [0.0]
    low, high = min(known), max(known)
    room = max(0.1 * (high - low), 0.01 * max(abs(low), abs(high)), 1e-3)
    return low - room, high + room


def delay_chart(history: Sequence[tuple[float, float]], width: int, height: int) -> str:
    """Delays of the last minute as a text chart.

    Parameters
    ----------
    history
        (seconds ago, delay in seconds), oldest first.
    width, height
        Of the chart in cells.
    """
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.xlim(-HISTORY_S, 0)
    # No frame: its lines are worth more to the curve.
    plotext.xaxes(False, False)
    plotext.yaxes(True, False)
    if height < _LABELLED_LINES:
        plotext.xticks([])
    low_s, high_s = chart_limits(delay_s for _, delay_s in history)
    # As many as there is room for, but never none.
    marks = next(found for most in range(max(1, height // 2), 100) if (found := ticks(low_s, high_s, most)))
    plotext.ylim(low_s, high_s)
    plotext.yticks(marks, [f"{mark:.6g}" for mark in marks])
    plotext.plot([-ago_s for ago_s, _ in history], [delay_s for _, delay_s in history], marker="braille")
    return Text.from_ansi(str(plotext.build())).plain.rstrip("\n")
