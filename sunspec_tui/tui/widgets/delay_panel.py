"""Delay panel with a chart of the last minute."""

import math
from collections.abc import Iterable, Sequence

from rich.text import Text

from sunspec_tui.stream.message_delay import HISTORY_S, DelayReading, DelayStatistics
from sunspec_tui.tui.display.axes import ticks
from sunspec_tui.tui.widgets.fitting import wrap_lines
from sunspec_tui.tui.widgets.panel_text import delay_text
from sunspec_tui.tui.widgets.panels import Panel

_MIN_CHART_LINES = 3
_LABELLED_LINES = 5
_CHART_EVERY_S = 5.0
NO_CHART_YET = "chart: after the first frames"
"""Text in place of the chart."""


class DelayPanel(Panel):
    """Panel of the delay, with a chart if there is room.

    The chart shows the last minute.
    """

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(title, id=id)
        self._chart: tuple[float, tuple[int, int], str] | None = None
        self._reading = Text()

    def lines_needed(self) -> int:
        """Return the number of lines of the text without the chart."""
        return len(wrap_lines(self._reading, self.content_size.width or 400))

    def show_delay(
        self,
        delay: DelayReading,
        data_age_s: float,
        minute: DelayStatistics,
        history: Sequence[tuple[float, float]],
        now_s: float,
    ) -> None:
        """Show a reading, with statistics and history of the last minute.

        `history` has pairs of (seconds ago, delay in seconds), oldest first.
        """
        text = self._reading = delay_text(delay, data_age_s, minute)
        width, height = self.content_size
        room = height - len(wrap_lines(text, width)) if width else 0
        if room >= _MIN_CHART_LINES and len(history) > 1:
            text = Text.assemble(
                text, "\n", (self._cached_chart(history, width, room, now_s), "cyan"), no_wrap=True, end=""
            )
        elif room >= _MIN_CHART_LINES:
            text = Text.assemble(text, "\n\n", (NO_CHART_YET, "dim"), end="")
        self.show(text)

    def _cached_chart(self, history: Sequence[tuple[float, float]], width: int, height: int, now_s: float) -> str:
        """Return the chart; draw it only every few seconds.

        Drawing the chart takes longer than drawing all panels.
        """
        chart = self._chart
        if chart is None or chart[1] != (width, height) or now_s - chart[0] >= _CHART_EVERY_S:
            chart = self._chart = (now_s, (width, height), delay_chart(history, width, height))
        return chart[2]


def chart_limits(delays_s: Iterable[float]) -> tuple[float, float]:
    """Return axis limits with a margin around the delays.

    Equal and negative delays get a margin too.
    """
    known = [delay_s for delay_s in delays_s if math.isfinite(delay_s)] or [0.0]
    low, high = min(known), max(known)
    room = max(0.1 * (high - low), 0.01 * max(abs(low), abs(high)), 1e-3)
    return low - room, high + room


def _shown_ages_s(columns: int) -> list[int]:
    """Return the labels of the time axis that fit into some columns.

    plotext leaves out one of two labels that touch, and it may be the one with the unit.
    """
    step_s = next((step_s for step_s, needed in ((15, 24), (30, 13)) if columns >= needed), int(HISTORY_S))
    return list(range(-int(HISTORY_S), 1, step_s))


def tick_texts(marks: Sequence[float]) -> list[str]:
    """Return seconds as texts with the same number of decimals."""
    decimals = max(len(f"{mark:.6g}".partition(".")[2]) for mark in marks)
    return [f"{mark:.{decimals}f} s" for mark in marks]


def delay_chart(history: Sequence[tuple[float, float]], width: int, height: int) -> str:
    """Draw delays of the last minute as a text chart.

    Parameters
    ----------
    history
        (seconds ago, delay in seconds), oldest first.
    width, height
        Size of the chart in cells.
    """
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.xlim(-HISTORY_S, 0)
    # No frame: the curve needs these lines of the screen.
    plotext.xaxes(False, False)
    plotext.yaxes(True, False)
    low_s, high_s = chart_limits(delay_s for _, delay_s in history)
    # As many ticks as fit, but at least two: one gives no scale.
    marks = next(found for most in range(max(1, height // 3), 100) if len(found := ticks(low_s, high_s, most)) > 1)
    plotext.ylim(low_s, high_s)
    plotext.yticks(marks, tick_texts(marks))
    ages_s = _shown_ages_s(width - max(map(len, tick_texts(marks))) - 1) if height >= _LABELLED_LINES else []
    plotext.xticks(ages_s, [f"{age_s} s" if age_s == ages_s[0] else str(age_s) for age_s in ages_s])
    plotext.plot([-ago_s for ago_s, _ in history], [delay_s for _, delay_s in history], marker="braille")
    return Text.from_ansi(str(plotext.build())).plain.rstrip("\n")
