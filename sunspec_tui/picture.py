"""The waterfall's picture: columns become pixels, pixels become steps of a palette.

Each column's pixels are kept until its rows, the band or the product change, so a new frame costs one
column, however long the history is. Float values are kept: levels and palettes apply to old rows too.
State and arithmetic; it knows neither cells nor colours.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.columns import ColumnStore
from sunspec_tui.geometry import Band, TimeAxis
from sunspec_tui.scaling import (
    Floats,
    Levels,
    auto_levels,
    bin_pixels,
    colour_steps,
    middle_of_band,
    nan_median,
    quiet_median,
    to_db,
)

_SAMPLED_BINS = 64
# The background is looked at again after this share of the picture is new, and changed only for a change in dB.
_BACKGROUND_SHARE = 0.25
_BACKGROUND_SLACK_DB = 0.3


class Special(IntEnum):
    """Steps that are no value of the palette."""

    NO_DATA = -1
    GAP = -2
    RESTART = -3
    BEFORE = -4
    WRITE_CURSOR = -5


class Held(IntEnum):
    """What a column holds."""

    ROWS = 0
    GAP = 1
    BEFORE = 2


@dataclass(frozen=True, slots=True)
class Drawing:
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
        Take the quiet background away.
    levels
        Levels set by hand; None for automatic ones.
    bias
        Added to automatic levels: more than 0 makes the picture darker.
    """

    band: Band
    pixels: int
    signed: bool = False
    subtract: bool = False
    levels: Levels | None = None
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class CellValue:
    """What lies under a cell of the waterfall.

    Attributes
    ----------
    held
        Whether the column has rows.
    time_s
        End of the column's newest row; NaN where it has none.
    power
        Linear, of the bins of the cell; NaN where none is valid.
    shown
        As drawn: in dB, or linear for a signed product, less the background where that is taken away.
    restarted
        Whether the producer restarted in this column.
    gap_s
        For a gap: end of the last row before it, and of the first one after it; NaN where there is none.
    """

    held: Held
    time_s: float = math.nan
    power: float = math.nan
    shown: float = math.nan
    restarted: bool = False
    gap_s: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Readout:
    """What lies under the cursor.

    Attributes
    ----------
    low_mhz, high_mhz
        Edges of the bins under the cursor.
    cell
        Of the waterfall; None in the spectrum, or where the cursor is outside the picture.
    power, shown, time_s
        Linear, as drawn, and end of the row's data.
    inside
        Whether the place is in the picture.
    """

    low_mhz: float
    high_mhz: float
    cell: CellValue | None
    power: float = math.nan
    shown: float = math.nan
    time_s: float = math.nan
    inside: bool = True


class Picture:
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
        self._drawing: Drawing | None = None
        self._background: Floats | None = None
        self._background_age = 0
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
        newest = self.store.newest
        changed = self.store.add(values, times_s, slots, marks)
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
        due = (newest, len(stale) > 1, drawing)
        if due != self._levels_for:
            self._levels_for = due
            self.levels = self._find_levels(drawing)

    def _restyle(self, drawing: Drawing) -> None:
        old, self._drawing = self._drawing, drawing
        if old is None or (old.signed, old.subtract) != (drawing.signed, drawing.subtract):
            self.levels = None
            self._background = None
        if old is None or (old.band, old.pixels, old.signed, old.subtract) != (
            drawing.band, drawing.pixels, drawing.signed, drawing.subtract,
        ):  # fmt: skip
            width = self.store.width
            self._values = np.full((width, drawing.pixels), np.nan, np.float32)
            self._sample = np.full((width, _SAMPLED_BINS), np.nan, np.float32)
            self._stale = set(self.store.held())

    def _draw_columns(self, numbers: list[int], drawing: Drawing) -> None:
        at = np.array(numbers, np.int64) % self.store.width
        shown = slice(drawing.band.first, drawing.band.last)
        mean, peak = (part[:, shown] for part in self.store.statistics(numbers))
        background = self._background if drawing.subtract else None
        if drawing.signed:
            values = mean if background is None else mean - background[shown]
            self._values[at] = bin_pixels(values, None, drawing.pixels)
            sample = values
        else:
            if background is not None:
                mean, peak = mean / background[shown], peak / background[shown]
            self._values[at] = to_db(bin_pixels(mean, peak, drawing.pixels))
            sample = mean
        middle = middle_of_band(sample)
        picked = middle[:, np.linspace(0, middle.shape[1] - 1, _SAMPLED_BINS).astype(np.int64)]
        self._sample[at] = picked if drawing.signed else to_db(picked)

    def _find_levels(self, drawing: Drawing) -> Levels | None:
        if drawing.levels is not None:
            return drawing.levels
        at = np.array(self.store.held(), np.int64) % self.store.width
        # The bias is no part of what hysteresis compares.
        before = self.levels
        if before is not None:
            before = Levels(before.low - drawing.bias, before.high - drawing.bias)
        found = auto_levels(self._sample[at], before, signed=drawing.signed)
        return None if found is None else Levels(found.low + drawing.bias, found.high + drawing.bias)

    def _follow_background(self) -> None:
        """The quiet median of the columns kept, renewed now and then."""
        due = self._background is None or self._background_age >= _BACKGROUND_SHARE * self.store.width
        if not due:
            return
        self._background_age = 0
        mean, _ = self.store.statistics(self.store.held())
        found = quiet_median(mean)
        if self._background is not None and not _differs(found, self._background):
            return
        self._background = found
        self._stale = set(self.store.held())

    def renew_background(self) -> None:
        """Look at the background again with the next drawing, because history has come in."""
        self._background_age = self.store.width

    def steps(self, axis: TimeAxis, count: int) -> NDArray[np.int16]:
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
            int16, shape (axis.columns, pixels), lowest frequency first; see `Special` for what is below 0.
        """
        out = np.full((axis.columns, self._values.shape[1]), Special.BEFORE, np.int16)
        if axis.write_cursor is not None:
            out[axis.write_cursor] = Special.WRITE_CURSOR
        kept = self.store.held()
        held, first = set(kept), kept[0] if kept else None
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
                out[cell] = Special.GAP
        if shown and self.levels is not None:
            values = self._values[np.array(shown, np.int64) % self.store.width]
            out[cells] = colour_steps(values, self.levels, count)
        elif shown:
            out[cells] = Special.NO_DATA
        restarted = [cell for number, cell in zip(shown, cells, strict=True) if self.store.restarted(number)]
        out[restarted] = Special.RESTART
        return out

    def value(self, number: int, start: int, stop: int) -> CellValue:
        """What a cell shows: column `number`, bins `start` to `stop` of all."""
        if not self.store.holds(number):
            return self._no_rows(number)
        mean, peak = self.store.statistics([number])
        signed = self._drawing is not None and self._drawing.signed
        power = float(bin_pixels(mean[:, start:stop], None if signed else peak[:, start:stop], 1)[0, 0])
        shown = power
        background = self._background if self._drawing is not None and self._drawing.subtract else None
        quiet = math.nan if background is None else float(nan_median(background[start:stop]))
        if signed:
            shown = power if background is None else power - quiet
        else:
            ratio = power if background is None else power / quiet
            shown = 10 * math.log10(ratio) if ratio > 0 else math.nan
        return CellValue(Held.ROWS, self.store.time_s(number), power, shown, self.store.restarted(number))

    def _no_rows(self, number: int) -> CellValue:
        held = self.store.held()
        before = [other for other in held if other < number]
        after = [other for other in held if other > number]
        if not before or not after:
            return CellValue(Held.BEFORE)
        return CellValue(Held.GAP, gap_s=(self.store.time_s(before[-1]), self.store.time_s(after[0])))


def _differs(found: Floats, background: Floats) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        change_db = 10 * np.log10(np.abs(found / background))
    known = np.abs(change_db[np.isfinite(change_db)])
    return bool(known.size and np.median(known) > _BACKGROUND_SLACK_DB)
