"""The latest spectrum, drawn in braille over a MHz axis.

Takes plain arrays and draws lines. It knows no receiver, no ring and no clock.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from sunspec_tui.scaling import Levels, auto_levels, braille, ticks, to_db, trace_dots

AXIS_WIDTH = 6
_MHZ_PER_LABEL = 9


class Spectrum(Widget):
    """Power of one product against frequency, in dB."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"spectrum--trace", "spectrum--axis", "spectrum--empty"}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._frequencies_mhz: NDArray[np.float64] | None = None
        self._values_db = np.empty(0, np.float32)
        self._levels: Levels | None = None
        self._lines: list[str] = []
        self._drawn_size = Size(0, 0)

    def show(self, frequencies_mhz: NDArray[np.float64], power: NDArray[np.float32]) -> None:
        """Draw another spectrum.

        Parameters
        ----------
        frequencies_mhz
            Centres of the bins in MHz, shape (nbins,).
        power
            Linear power, shape (nbins,); what is not positive is left out.
        """
        self._frequencies_mhz = frequencies_mhz
        self._values_db = to_db(power)
        # One spectrum is little to go by: its own extremes count, and a line that stays inside keeps the axis still.
        self._levels = _axis_levels(self._values_db, self._levels)
        self._draw()
        self.refresh()

    def clear(self) -> None:
        """Show nothing, because the axis has changed or nothing has come."""
        self._frequencies_mhz, self._levels, self._lines = None, None, []
        self.refresh()

    def _draw(self) -> None:
        width, height = self.size.width - AXIS_WIDTH, self.size.height - 1
        self._drawn_size = self.size
        if self._frequencies_mhz is None or self._levels is None or width < 1 or height < 1:
            self._lines = []
            return
        levels = self._levels
        self._lines = braille(trace_dots(self._values_db, levels.low, levels.high, 2 * width, 4 * height))

    def render_line(self, y: int) -> Strip:
        """One line: dB label and trace, or the MHz axis below."""
        if self._drawn_size != self.size:
            self._draw()
        axis = self.get_component_rich_style("spectrum--axis", partial=True)
        if not self._lines:
            return self._empty_line(y)
        if y < len(self._lines):
            trace = self.get_component_rich_style("spectrum--trace", partial=True)
            segments = [Segment(self._db_label(y), axis), Segment(self._lines[y], trace)]
            return Strip(segments, self.size.width)
        return Strip([Segment(self._mhz_axis(), axis)], self.size.width)

    def _empty_line(self, y: int) -> Strip:
        text = "no valid values in this spectrum" if self._frequencies_mhz is not None else "no spectrum yet"
        style: Style = self.get_component_rich_style("spectrum--empty", partial=True)
        line = text.center(self.size.width) if y == self.size.height // 2 else " " * self.size.width
        return Strip([Segment(line[: self.size.width], style)], self.size.width)

    def _db_label(self, y: int) -> str:
        """Label of line y where a round value lies in it."""
        levels, height = self._levels, len(self._lines)
        if levels is None:
            return " " * AXIS_WIDTH
        for value in ticks(levels.low, levels.high, max(2, height // 2)):
            if round((levels.high - value) / levels.span * (height - 1)) == y:
                return f"{value:>{AXIS_WIDTH - 1}g}┤"
        return " " * (AXIS_WIDTH - 1) + "│"

    def _mhz_axis(self) -> str:
        frequencies_mhz = self._frequencies_mhz
        width = self.size.width - AXIS_WIDTH
        if frequencies_mhz is None or width < 1:
            return ""
        return "   MHz" + mhz_axis(float(frequencies_mhz[0]), float(frequencies_mhz[-1]), width)


def mhz_axis(first_mhz: float, last_mhz: float, width: int) -> str:
    """Round MHz under their cells, for an axis of `width` cells from `first_mhz` to `last_mhz`."""
    line = [" "] * width
    free = 0
    for value in ticks(first_mhz, last_mhz, max(1, width // _MHZ_PER_LABEL)):
        label = f"{value:g}"
        cell = round((value - first_mhz) / (last_mhz - first_mhz or 1) * (width - 1))
        start = cell - len(label) // 2
        if free <= start and start + len(label) <= width:
            line[start : start + len(label)] = label
            free = start + len(label) + 1
    return "".join(line)


def _axis_levels(values_db: NDArray[np.float32], previous: Levels | None) -> Levels | None:
    finite = values_db[np.isfinite(values_db)]
    if not finite.size:
        return previous
    low, high = float(finite.min()), float(finite.max())
    if previous is not None and previous.low <= low and high <= previous.high:
        middle = auto_levels(values_db)
        if middle is not None and middle.span > previous.span / 4:
            return previous
    margin = max(1.0, 0.1 * (high - low))
    return Levels(np.floor(low - margin), np.ceil(high + margin))
