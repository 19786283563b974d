"""What the waterfall shows, as one value."""

from dataclasses import dataclass

import numpy as np

from sunspec_tui.core.bursts import NO_BURSTS, BurstList
from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.notes import NO_NOTES, NoteList
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.burst_marks import BurstMark, burst_marks, marked_bursts
from sunspec_tui.tui.display.interval_cells import interval_cells
from sunspec_tui.tui.display.waterfall_image import WaterfallImage
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.waterfall_cells import ColourSteps


@dataclass(frozen=True, slots=True)
class WaterfallScene:
    """Data and settings that the waterfall shows.

    Attributes
    ----------
    picture
        Drawn picture with at least the axis's columns.
    axis, band
        Columns and bins of the cells.
    palette, depth, steps
        Name of the colour map, the terminal's colour depth, largest number of colours.
    dithered
        True to dither values between the colours of a terminal that has few.
    signed
        True if the middle of the colour map is zero.
    cursor
        Column and bin of the cursor; None without a cursor.
    marks
        Columns of the first and the last row of the marked interval; None for an end without a mark.
    notice
        Reason why the picture is not live, written over it; empty for a live picture.
    notes, unit
        Observers' notes, and the unit of the powers.
    bursts
        All bursts.
    ruler
        Time and frequency of the ruler's first point, in seconds since 1970 UTC and MHz; None without a ruler.
    """

    picture: WaterfallImage
    axis: ColumnAxis
    band: FrequencyWindow
    palette: str
    depth: Depth
    steps: int
    dithered: bool = False
    signed: bool = False
    cursor: tuple[int, int] | None = None
    marks: tuple[int | None, int | None] = (None, None)
    notice: str = ""
    notes: NoteList = NO_NOTES
    unit: str = ARBITRARY
    bursts: BurstList = NO_BURSTS
    ruler: tuple[float, float] | None = None

    @property
    def is_grey(self) -> bool:
        """True if the picture has no colours, because it is not live."""
        return bool(self.notice)

    @property
    def colour_steps(self) -> ColourSteps:
        """Steps of the colour map."""
        return ColourSteps(self.palette, self.depth, self.steps, self.signed, self.is_grey, self.dithered)

    def cell_columns(self) -> tuple[list[float], list[int]]:
        """Return the end of one column of each cell, and the cells.

        The oldest column is the first. The end is NaN for a gap.
        """
        numbers = np.arange(self.axis.newest, self.axis.oldest - 1, -self.axis.grid.per_cell)[::-1]
        return self.picture.store.times_s(numbers), self.axis.cells_of(numbers).tolist()

    def burst_marks(self, lines: int) -> list[BurstMark]:
        """Return the brackets around bursts, in a picture of some lines."""
        bursts = marked_bursts(self.bursts)
        if not len(bursts):
            return []
        times_s, cells = self.cell_columns()
        return burst_marks(bursts, times_s, cells, self.band, self.axis.columns, lines)

    def ruler_cell(self, lines: int) -> tuple[int, int] | None:
        """Return cell and line of the ruler's first point.

        Lines are counted from the top. Return None if it is not in the picture.
        """
        if self.ruler is None:
            return None
        time_s, mhz = np.array([self.ruler[0]]), self.ruler[1]
        found, line = interval_cells(time_s, time_s, *self.cell_columns()), self.band.cell_of(mhz, lines)
        if found is None or not len(found.first) or line is None:
            return None
        return int(found.first[0]), lines - 1 - line

    def cells_with_missing_rows(self) -> set[int]:
        """Return the cells of columns that have some rows and lack others."""
        lacking = self.picture.columns_with_missing_rows(self.axis.numbers)
        return {cell for number in lacking if (cell := self.axis.cell_of(number)) is not None}

    def coarse_cells(self) -> set[int]:
        """Return the cells of columns that show a longer block."""
        timeline, numbers = self.picture.timeline, np.array(self.axis.numbers, np.int64)
        if timeline is None or not len(numbers):
            return set()
        return {int(cell) for cell in self.axis.cells_of(numbers[timeline.coarse(numbers)])}

    def mark_cells(self) -> list[tuple[int, str]]:
        """Return cells and signs of the marks in the picture."""
        ends = [(None if number is None else self.axis.cell_of(number)) for number in self.marks]
        return [(cell, sign) for cell, sign in zip(ends, "[]", strict=True) if cell is not None]
