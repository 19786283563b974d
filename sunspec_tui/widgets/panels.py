"""Panels of readings and the chart of the delay.

Each takes plain values and shows them; none knows where they come from.
"""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from sunspec_tui.delay import HISTORY_S, DelayReading
from sunspec_tui.widgets.readings import delay_text

_CHART_LEAST_LINES = 3


class Panel(Static):
    """A titled box of readings that repaints only when its text has changed."""

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes="panel")
        self.border_title = title
        self._shown: Text | None = None

    def show(self, text: Text) -> None:
        """Show another text."""
        if text != self._shown:
            self._shown = text
            self.update(text)


class DelayPanel(Panel):
    """Delay readings, with a chart of the last minute where there is room."""

    def show_delay(self, delay: DelayReading, data_age_s: float, history: Sequence[tuple[float, float]]) -> None:
        """Show a reading and its history of (seconds ago, delay)."""
        text = delay_text(delay, data_age_s)
        room = self.size.height - text.plain.count("\n") - 1
        if room >= _CHART_LEAST_LINES and len(history) > 1:
            chart = delay_chart(history, self.size.width, room)
            text = Text.assemble(text, "\n", (chart, "cyan"), no_wrap=True, end="")
        self.show(text)


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
    plotext.xticks([])
    plotext.plot([-ago_s for ago_s, _ in history], [delay_s for _, delay_s in history], marker="braille")
    return Text.from_ansi(str(plotext.build())).plain.rstrip("\n")
