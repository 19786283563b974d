"""The waterfall's picture: columns become pixels, pixels become steps of a palette.

Each column's pixels are kept until its rows, the band or the product change, so a new frame costs one
column, however long the history is. Float values are kept: levels and palettes apply to old rows too.
State and arithmetic; it knows neither cells nor colours.
"""

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.background import quiet_median, without_background
from sunspec_tui.core.levels import Floats, Levels, auto_levels, sampled_bins, sampled_rows, to_db
from sunspec_tui.core.row_blocks import BlockSpans
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.tui.display.pixels import bin_pixels, colour_steps

# The background is looked at again after this share of the picture is new, and changed only for a change in dB.
_BACKGROUND_SHARE = 0.25
_BACKGROUND_SLACK_DB = 0.3


class PixelCode(IntEnum):
    """Steps that are no value of the palette."""

    NO_DATA = -1
    GAP = -2
    RESTART = -3
    BEFORE = -4
    WRITE_CURSOR = -5


class ColumnContent(IntEnum):
    """What a column holds."""

    ROWS = 0
    GAP = 1
    BEFORE = 2


class Drawing(NamedTuple):
    """How rows become pixels.

    Attributes
    ----------
    band
        Bins that are shown.
    pixels
        Pixels along the band.
    signed
        Draw linear values about zero instead of dB.
    subtract
        Remove the quiet background.
    levels
        Levels set by hand; None for automatic ones.
    bias
        Added to automatic levels: more than 0 makes the picture darker.
    """

    band: FrequencyWindow
    pixels: int
    signed: bool = False
    subtract: bool = False
    levels: Levels | None = None
    bias: float = 0.0


class CellValue(NamedTuple):
    """What lies under a cell of the waterfall.

    Attributes
    ----------
    content
        Whether the column has rows.
    first_s, time_s
        Ends of the column's oldest and newest row; NaN where it has none.
    power
        Linear, of the bins of the cell; NaN where none is valid.
    shown
        As drawn: in dB, or linear for a signed product, less the background where that is taken away.
    restarted
        Whether the producer restarted in this column.
    missing
        Rows that the column lacks.
    gap_s
        For a gap: end of the last row before it, and of the first one after it; NaN where there is none.
    """

    content: ColumnContent
    first_s: float = math.nan
    time_s: float = math.nan
    power: float = math.nan
    shown: float = math.nan
    restarted: bool = False
    missing: int = 0
    gap_s: tuple[float, float] = (math.nan, math.nan)


class Readout(NamedTuple):
    """What lies under the cursor.

    Attributes
    ----------
    low_mhz, high_mhz
        Edges of the bins under the cursor.
    cell
        Of the waterfall; None in the spectrum, or where the cursor is outside the picture.
    power, shown
        Linear, and as drawn.
    begin_s, end_s
        Of the data under the cursor; NaN where there is none, or while the cadence is unknown.
    inside
        Whether the place is in the picture.
    """

    low_mhz: float
    high_mhz: float
    cell: CellValue | None
    power: float = math.nan
    shown: float = math.nan
    begin_s: float = math.nan
    end_s: float = math.nan
    inside: bool = True


class WaterfallImage:
    """Pixels of the columns shown.

    Parameters
    ----------
    columns
        Columns that are kept.
    nbins
        Bins of a row.
    rows_per_column
        Slots that a column spans.
    """

    def __init__(self, columns: int, nbins: int, rows_per_column: int) -> None:
        self.store = ColumnStore(columns, nbins, rows_per_column)
        self.levels: Levels | None = None
        self.since: int | None = None
        """Column of the oldest row that there was when history was filled in; before it there is no gap."""
        self._auto: Levels | None = None
        self._drawing: Drawing | None = None
        self._background: Floats | None = None
        self._background_age = self._background_columns = 0
        self._stale: set[int] = set()
        self._values: Floats = np.empty((columns, 0), np.float32)
        self._sample: Floats = np.empty((columns, 0), np.float32)
        self._levels_for: object = None

    def add(
        self,
        values: Floats,
        times_s: NDArray[np.float64],
        slots: NDArray[np.int64],
        marks: NDArray[np.uint8],
    ) -> bool:
        """Take rows; see `ColumnStore.add`. Whether anything that is kept has changed."""
        return self._note(self.store.newest, self.store.add(values, times_s, slots, marks))

    def add_blocks(self, spans: BlockSpans, mean: Floats, peak: Floats) -> bool:
        """Take blocks of rows; see `ColumnStore.add_blocks`. Whether anything that is kept has changed."""
        return self._note(self.store.newest, self.store.add_blocks(spans, mean, peak))

    def _note(self, newest: int | None, changed: list[int]) -> bool:
        """Note that columns have changed; `newest` was the newest one before."""
        self._stale.update(changed)
        if newest is not None and changed and changed[-1] > newest:
            self._background_age += changed[-1] - newest
        return bool(changed)

    def draw(self, drawing: Drawing) -> None:
        """Bring pixels and levels up to date."""
        if drawing != self._drawing:
            self._restyle(drawing)
        if drawing.subtract:
            self._follow_background()
        newest = self.store.newest
        if newest is None:
            return
        stale = sorted(number for number in self._stale if self.store.holds(number))
        self._stale.clear()
        if stale:
            self._draw_columns(stale, drawing)
        # Levels follow whole columns: with every row they would only tremble.
        due = (newest, drawing)
        if due != self._levels_for or len(stale) > 1:
            self._levels_for = due
            self.levels = self._find_levels(drawing)

    def _restyle(self, drawing: Drawing) -> None:
        old, self._drawing = self._drawing, drawing
        if old is None or (old.signed, old.subtract) != (drawing.signed, drawing.subtract):
            self._auto = self._background = None
        if old is None or (old.band, old.pixels, old.signed, old.subtract) != (
            drawing.band, drawing.pixels, drawing.signed, drawing.subtract,
        ):  # fmt: skip
            width = self.store.width
            self._values = np.full((width, drawing.pixels), np.nan, np.float32)
            nbins = drawing.band.last - drawing.band.first
            self._sample = np.full_like(sampled_bins(np.empty((width, nbins), np.float32)), np.nan)
            self._stale = set(self.store.kept_numbers())

    def _draw_columns(self, numbers: list[int], drawing: Drawing) -> None:
        at = np.array(numbers, np.int64) % self.store.width
        mean, peak = self._shown(numbers, drawing, subtract=drawing.subtract)
        sample = sampled_bins(mean)
        pixels = bin_pixels(mean, peak, drawing.pixels)
        self._values[at] = pixels if drawing.signed else to_db(pixels)
        self._sample[at] = sample if drawing.signed else to_db(sample)

    def _shown(self, numbers: list[int], drawing: Drawing, *, subtract: bool) -> tuple[Floats, Floats | None]:
        """Mean and highest power of the shown bins of columns, less the background; no peaks of a signed product."""
        shown = slice(drawing.band.first, drawing.band.last)
        mean, peak = (part[:, shown] for part in self.store.statistics(numbers))
        if subtract and self._background is not None:
            background = self._background[shown]
            mean, peak = (without_background(part, background, signed=drawing.signed) for part in (mean, peak))
        return mean, None if drawing.signed else peak

    def _find_levels(self, drawing: Drawing) -> Levels | None:
        if drawing.levels is not None:
            self._auto = None
            return drawing.levels
        held = np.array(self.store.kept_numbers(), np.int64)
        at = held[sampled_rows(len(held))] % self.store.width
        # Neither the bias nor levels by hand are part of what hysteresis compares.
        found = self._auto = auto_levels(self._sample[at], self._auto, signed=drawing.signed)
        return None if found is None else Levels(found.low + drawing.bias, found.high + drawing.bias)

    def _follow_background(self) -> None:
        """The quiet median of the columns kept, renewed now and then."""
        # One of few columns is all noise: it is renewed the sooner.
        if self._background is not None and self._background_age < _BACKGROUND_SHARE * self._background_columns:
            return
        held = self.store.kept_numbers()
        mean, _ = self.store.statistics(held)
        found = quiet_median(mean)
        grown = len(held) > self._background_columns
        self._background_age, self._background_columns = 0, len(held)
        if self._background is None or grown or _differs(found, self._background):
            self._background = found
            self._stale = set(held)

    def renew_background(self) -> None:
        """Look at the background again with the next drawing, because history has come in."""
        self._background_columns = 0

    def steps(self, axis: ColumnAxis, count: int) -> NDArray[np.int16]:
        """Steps of a palette in the order of the cells.

        Parameters
        ----------
        axis
            Columns that are shown, and where.
        count
            Steps of the palette.

        Returns
        -------
        numpy.ndarray
            int16, shape (axis.columns, pixels), lowest frequency first; see `PixelCode` for what is below 0.
        """
        out = np.full((axis.columns, self._values.shape[1]), PixelCode.BEFORE, np.int16)
        if axis.write_cursor is not None:
            out[axis.write_cursor] = PixelCode.WRITE_CURSOR
        kept = self.store.kept_numbers()
        held, first = set(kept), self._first(kept)
        shown: list[int] = []
        cells: list[int] = []
        for number in axis.numbers:
            cell = axis.cell_of(number)
            if cell is None:
                continue
            if number in held:
                shown.append(number)
                cells.append(cell)
            elif first is not None and number > first:
                out[cell] = PixelCode.GAP
        if shown and self.levels is not None:
            values = self._values[np.array(shown, np.int64) % self.store.width]
            out[cells] = colour_steps(values, self.levels, count)
        elif shown:
            out[cells] = PixelCode.NO_DATA
        restarted = [cell for number, cell in zip(shown, cells, strict=True) if self.store.restarted(number)]
        out[restarted] = PixelCode.RESTART
        return out

    def _first(self, held: list[int]) -> int | None:
        """Column before which there is nothing that could be missing."""
        return min(held[:1] + ([] if self.since is None else [self.since]), default=None)

    def value(self, number: int, pixel: int) -> CellValue:
        """What a pixel shows: column `number`, and place along the band, from the low end."""
        drawing = self._drawing
        if drawing is None or not self.store.holds(number):
            return self._no_rows(number)
        mean, peak = self._shown([number], drawing, subtract=False)
        return CellValue(
            ColumnContent.ROWS,
            self.store.first_s(number),
            self.store.time_s(number),
            power=float(bin_pixels(mean, peak, drawing.pixels)[0, pixel]),
            shown=float(self._values[number % self.store.width, pixel]),
            restarted=self.store.restarted(number),
            missing=0 if number == self._first(self.store.kept_numbers()) else self.store.missing(number),
        )

    def lacking(self, numbers: list[int]) -> list[int]:
        """Those of some columns that lack rows of their own."""
        first = self._first(self.store.kept_numbers())
        return [number for number in numbers if number != first and self.store.missing(number)]

    def _no_rows(self, number: int) -> CellValue:
        held = self.store.kept_numbers()
        first = self._first(held)
        if first is None or number < first:
            return CellValue(ColumnContent.BEFORE)
        before = [self.store.time_s(other) for other in held if other < number]
        after = [self.store.time_s(other) for other in held if other > number]
        return CellValue(ColumnContent.GAP, gap_s=((before or [math.nan])[-1], (after or [math.nan])[0]))


def _differs(found: Floats, background: Floats) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        change_db = 10 * np.log10(np.abs(found / background))
    known = np.isfinite(change_db)
    if not np.array_equal(np.isfinite(found), np.isfinite(background)):
        return True
    return bool(known.any() and np.median(np.abs(change_db[known])) > _BACKGROUND_SLACK_DB)
