"""The waterfall: time on X with the newest at the right, MHz on Y, two pixels a cell.

Takes rows as plain arrays. It keeps columns, levels and colours, and draws lines; it knows no receiver,
no ring and no clock.
"""

import math
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from sunspec_tui.colormaps import PALETTES, colours
from sunspec_tui.columns import ColumnStore
from sunspec_tui.scaling import Levels, auto_levels, bin_pixels, clock_step, colour_steps, nice_step, to_db
from sunspec_tui.times import format_clock

AXIS_WIDTH = 6
BAR_WIDTH = 7
COLOUR_STEPS = 48
_TICK_CELLS = 12
# Places beyond the colour table, for what is no value.
_NO_DATA, _GAP, _RESTART, _BEFORE = -1, -2, -3, -4
_SPECIAL_COLOURS = {_NO_DATA: (58, 58, 66), _GAP: (0, 0, 0), _RESTART: (200, 40, 40), _BEFORE: (0, 0, 0)}


class Waterfall(Widget):
    """Power of one product against time and frequency."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"waterfall--axis", "waterfall--empty"}

    def __init__(self, *, rows_per_column: int = 4, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.palette = PALETTES[0]
        self.rows_per_column = rows_per_column
        self.levels: Levels | None = None
        self._frequencies_mhz: NDArray[np.float64] = np.empty(0)
        self._store: ColumnStore | None = None
        self._pixels: NDArray[np.int16] = np.empty((0, 0), np.int16)
        self._drawn_size = Size(0, 0)
        self._styles: dict[tuple[int, int], Style] = {}

    # What the app tells

    @property
    def columns(self) -> int:
        """Columns that fit, at least one."""
        return max(1, self.size.width - AXIS_WIDTH - BAR_WIDTH)

    @property
    def wanted_rows(self) -> int:
        """Rows that fill it: how much history a redraw needs."""
        return self.columns * self.rows_per_column

    def restart(self, frequencies_mhz: NDArray[np.float64], rows_per_column: int) -> None:
        """Begin anew: another axis, another size or another span; rows come again through `add`.

        Parameters
        ----------
        frequencies_mhz
            Centres of the bins in MHz, shape (nbins,).
        rows_per_column
            Slots that a column spans.
        """
        self._frequencies_mhz = frequencies_mhz
        self.rows_per_column = rows_per_column
        self._store = ColumnStore(self.columns, len(frequencies_mhz), rows_per_column)
        self.levels = None
        self.refresh()

    def add(
        self,
        values: NDArray[np.float32],
        times_s: NDArray[np.float64],
        slots: NDArray[np.int64],
        marks: NDArray[np.uint8],
    ) -> None:
        """Take rows, oldest first; see `ColumnStore.add`."""
        if self._store is not None and self._store.add(values, times_s, slots, marks):
            self._draw()
            self.refresh()

    def next_palette(self) -> str:
        """Go to the next palette and return its name."""
        self.palette = PALETTES[(PALETTES.index(self.palette) + 1) % len(PALETTES)]
        self._styles.clear()
        self.refresh()
        return self.palette

    # Drawing

    def _draw(self) -> None:
        """All pixels anew, shape (columns, 2 * lines), lowest frequency first."""
        self._drawn_size = self.size
        store, height = self._store, self.size.height - 1
        if store is None or store.newest is None or height < 1:
            self._pixels = np.empty((0, 0), np.int16)
            return
        numbers = self._numbers()
        mean, peak = store.statistics(numbers)
        values_db = to_db(bin_pixels(mean, peak, 2 * height))
        self.levels = auto_levels(to_db(mean), self.levels)
        if self.levels is None:
            self._pixels = np.full(values_db.shape, _NO_DATA, np.int16)
        else:
            self._pixels = colour_steps(values_db, self.levels, COLOUR_STEPS)
        self._mark_special(numbers)

    def _numbers(self) -> list[int]:
        """Numbers of the columns shown, the newest last."""
        assert self._store is not None and self._store.newest is not None  # noqa: S101, PT018
        return list(range(self._store.newest - self.columns + 1, self._store.newest + 1))

    def _mark_special(self, numbers: list[int]) -> None:
        store = self._store
        assert store is not None  # noqa: S101 - _draw() has looked
        held = [store.holds(number) for number in numbers]
        first = held.index(True) if True in held else len(held)
        for i, number in enumerate(numbers):
            if not held[i]:
                self._pixels[i] = _GAP if i > first else _BEFORE
            elif store.restarted(number):
                self._pixels[i] = _RESTART

    def render_line(self, y: int) -> Strip:
        """One line: MHz label, cells and colour bar, or the UTC axis below."""
        if self._drawn_size != self.size and self._store is not None:
            self._draw()
        width, height = self.size.width, self.size.height - 1
        if not self._pixels.size or self._pixels.shape != (self.columns, 2 * height):
            return self._empty_line(y)
        axis = self.get_component_rich_style("waterfall--axis", partial=True)
        if y == height:
            return Strip([Segment(self._time_axis(), axis)], width)
        cells = self._cells(y, height)
        return Strip([Segment(self._mhz_label(y, height), axis), *cells, *self._bar(y, height, axis)], width)

    def _empty_line(self, y: int) -> Strip:
        style = self.get_component_rich_style("waterfall--empty", partial=True)
        text = "no rows yet" if y == self.size.height // 2 else ""
        return Strip([Segment(text.center(self.size.width)[: self.size.width], style)], self.size.width)

    def _cells(self, y: int, height: int) -> list[Segment]:
        """Cells of a line, equal neighbours in one segment."""
        upper = self._pixels[:, 2 * height - 1 - 2 * y]
        lower = self._pixels[:, 2 * height - 2 - 2 * y]
        changes = np.flatnonzero((np.diff(upper) != 0) | (np.diff(lower) != 0)) + 1
        starts = [0, *changes.tolist(), len(upper)]
        return [self._segment(int(upper[start]), int(lower[start]), stop - start) for start, stop in pairwise(starts)]

    def _segment(self, upper: int, lower: int, length: int) -> Segment:
        if upper == lower == _GAP:
            return Segment("╳" * length, Style(color="grey37"))
        if upper == lower == _RESTART:
            return Segment("┃" * length, Style(color="red", bold=True))
        text = " " if upper == lower else "▀"
        key = (upper, lower)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = Style(color=self._colour(upper), bgcolor=self._colour(lower))
        return Segment(text * length, style)

    def _colour(self, step: int) -> Color:
        if step >= 0:
            red, green, blue = (int(part) for part in colours(self.palette, COLOUR_STEPS)[step])
        else:
            red, green, blue = _SPECIAL_COLOURS[step]
        return Color.from_rgb(red, green, blue)

    # Axes

    def _mhz_label(self, y: int, height: int) -> str:
        """Label of line y where a round MHz lies in it."""
        low, high = float(self._frequencies_mhz[0]), float(self._frequencies_mhz[-1])
        per_line = (high - low) / height
        top = high - y * per_line
        step = nice_step(high - low, max(2, height // 2))
        value = math.floor(top / step + 1e-9) * step
        if value > top - per_line and value >= low:
            return f"{value:>{AXIS_WIDTH - 1}g}┤"
        return " " * (AXIS_WIDTH - 1) + "│"

    def _bar(self, y: int, height: int, axis: Style) -> list[Segment]:
        """Two cells of colour bar with the levels at its ends."""
        step = round((height - 1 - y) / max(1, height - 1) * (COLOUR_STEPS - 1))
        label = " " * 4
        if self.levels is not None and y == 0:
            label = f"{self.levels.high:>4.0f}"
        elif self.levels is not None and y == height - 1:
            label = f"{self.levels.low:>4.0f}"
        elif y == height // 2:
            label = "  dB"
        return [Segment(" ", axis), Segment("  ", Style(bgcolor=self._colour(step))), Segment(label, axis)]

    def _time_axis(self) -> str:
        """Round UTC times under the columns that hold them."""
        store = self._store
        line = [" "] * self.size.width
        line[:AXIS_WIDTH] = "   UTC"
        if store is None or store.newest is None:
            return "".join(line)
        times_s = [store.time_s(number) for number in self._numbers()]
        free = AXIS_WIDTH
        for column, moment_s in time_ticks(times_s, max(1, self.columns // _TICK_CELLS)):
            label = format_clock(moment_s)
            start = AXIS_WIDTH + column
            if start >= free and start + len(label) + 1 <= self.size.width:
                line[start : start + len(label) + 1] = "╵" + label
                free = start + len(label) + 2
        return "".join(line)


def time_ticks(times_s: list[float], most: int) -> list[tuple[int, float]]:
    """Round times and the columns that hold them.

    Parameters
    ----------
    times_s
        End of each column, NaN for a gap.
    most
        About how many ticks there may be.

    Returns
    -------
    list of (int, float)
        Column and round time, for each round time that a column reaches first.
    """
    known = [(column, moment_s) for column, moment_s in enumerate(times_s) if math.isfinite(moment_s)]
    if len(known) < 2:
        return []
    per_column_s = (known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0])
    step = clock_step(abs(per_column_s) * len(times_s), most)
    found = []
    for (_, before_s), (column, moment_s) in pairwise(known):
        round_s = math.floor(moment_s / step) * step
        if before_s < round_s <= moment_s and moment_s - before_s < step:
            found.append((column, float(round_s)))
    return found
