"""Waterfall image: cached pixels of its columns, updated for new rows.

The pixels of a column are kept until its rows, the band or the product change. Thus a new frame costs the work for one
column, even if the history is long. The kept pixels are float values, so that new levels and palettes also apply to old
rows. This module uses neither cells nor colours.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.background import quiet_median, without_background
from sunspec_tui.core.levels import (
    LEVEL_SLACK,
    STEADY_SLACK,
    Floats,
    Levels,
    auto_levels,
    middle_of_band,
    sampled_bins,
    sampled_rows,
    to_db,
)
from sunspec_tui.core.row_blocks import BlockSpans
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.tui.display.picture_values import CellValue, ColumnContent, PixelCode
from sunspec_tui.tui.display.pixels import bin_pixels, colour_steps, dithered_steps
from sunspec_tui.tui.display.timeline_columns import TimelineColumns

# The background is computed again when this share of the picture is new. It is replaced if the difference exceeds
# `_BACKGROUND_SLACK_DB`.
_BACKGROUND_SHARE = 0.25
_BACKGROUND_SLACK_DB = 0.3


class Drawing(NamedTuple):
    """Settings that turn rows into pixels.

    Attributes
    ----------
    band
        Displayed bins.
    pixels
        Number of pixels along the band.
    signed
        True to draw linear values about zero instead of dB.
    subtract
        True to remove the quiet background.
    levels
        Manual levels; None for automatic levels.
    bias
        Shift of automatic levels: more than 0 makes the picture darker.
    """

    band: FrequencyWindow
    pixels: int
    signed: bool = False
    subtract: bool = False
    levels: Levels | None = None
    bias: float = 0.0


class WaterfallImage:
    """Pixels of the displayed columns.

    Parameters
    ----------
    columns
        Number of columns to keep.
    nbins
        Bins of a row.
    rows_per_column
        Number of slots in a column or, in pixels, in a cell.
    cell_px
        Width of a cell in pixels; 1 in blocks.
    timeline
        Columns of a timeline, which replace those of rows; None for the ring.

    Attributes
    ----------
    values
        Displayed values, float32, shape (columns, pixels), lowest frequency first; column n is at n modulo the width.
    versions
        Number for each column that increases when its values change.
    """

    def __init__(
        self,
        columns: int,
        nbins: int,
        rows_per_column: int,
        cell_px: int = 1,
        *,
        timeline: TimelineColumns | None = None,
    ) -> None:
        self.store = timeline or ColumnStore(columns, nbins, rows_per_column, cell_px)
        self.timeline = timeline
        self.levels: Levels | None = None
        self.oldest_column: int | None = None
        """Column of the oldest row when history was loaded; an empty column before it is not a gap."""
        self._auto: Levels | None = None
        self._drawing: Drawing | None = None
        self._background: Floats | None = None
        self._background_age = self._background_columns = 0
        self._stale: set[int] = set()
        self.values: Floats = np.empty((columns, 0), np.float32)
        self.versions = np.zeros(columns, np.int64)
        self._sample: Floats = np.empty((columns, 0), np.float32)
        self._levels_key: object = None

    def add(
        self,
        values: Floats,
        times_s: NDArray[np.float64],
        slots: NDArray[np.int64],
        marks: NDArray[np.uint8],
    ) -> bool:
        """Add rows; see `ColumnStore.add`.

        Return True if a kept column has changed.
        """
        return self._mark_stale(self.store.newest, self.store.add(values, times_s, slots, marks))

    def add_blocks(self, spans: BlockSpans, mean: Floats, peak: Floats) -> bool:
        """Add blocks of rows; see `ColumnStore.add_blocks`.

        Return True if a kept column has changed.
        """
        return self._mark_stale(self.store.newest, self.store.add_blocks(spans, mean, peak))

    def _mark_stale(self, newest: int | None, changed: list[int]) -> bool:
        """Note changed columns; `newest` is the newest column before the change."""
        self._stale.update(changed)
        if newest is not None and changed and changed[-1] > newest:
            self._background_age += changed[-1] - newest
        return bool(changed)

    def add_time_blocks(self, blocks: TimeBlocks, begin_slot: int, end_slot: int) -> None:
        """Add blocks of a timeline; see `TimelineColumns.add_time_blocks`."""
        if self.timeline is not None:
            changed = self.timeline.add_time_blocks(blocks, begin_slot, end_slot)
            self._stale.update(changed)
            self._background_age += len(changed)

    def replace_newest(self, begin: int, newest: int) -> None:
        """Forget a timeline's columns from `begin` on, and continue to `newest`."""
        if self.timeline is not None:
            self.timeline.forget_from(begin)
            self.timeline.newest = newest

    def draw(self, drawing: Drawing) -> None:
        """Update pixels and levels."""
        if drawing != self._drawing:
            self._apply_drawing(drawing)
        if drawing.subtract:
            self._update_background()
        newest = self.store.newest
        if newest is None:
            return
        stale = sorted(number for number in self._stale if self.store.has_rows(number))
        self._stale.clear()
        if stale:
            self._draw_columns(stale, drawing)
        # Update the levels only for a new cell. An update for every row would make the colours flicker.
        due = (newest // self.store.grid.per_cell, drawing)
        if due != self._levels_key or len(stale) > 1:
            self._levels_key = due
            self.levels = self._find_levels(drawing)

    def _apply_drawing(self, drawing: Drawing) -> None:
        old, self._drawing = self._drawing, drawing
        if old is None or (old.signed, old.subtract) != (drawing.signed, drawing.subtract):
            self._auto = self._background = None
        if old is None or (old.band, old.pixels, old.signed, old.subtract) != (
            drawing.band, drawing.pixels, drawing.signed, drawing.subtract,
        ):  # fmt: skip
            width = self.store.width
            self.values = np.full((width, drawing.pixels), np.nan, np.float32)
            self.versions += 1
            nbins = drawing.band.stop - drawing.band.start
            self._sample = np.full_like(sampled_bins(np.empty((width, nbins), np.float32)), np.nan)
            self._stale = set(self.store.stored_numbers())

    def _draw_columns(self, numbers: list[int], drawing: Drawing) -> None:
        at = np.array(numbers, np.int64) % self.store.width
        mean, peak = self._displayed_power(numbers, drawing, subtract=drawing.subtract)
        sample = sampled_bins(mean)
        pixels = bin_pixels(mean, peak, drawing.pixels)
        self.values[at] = pixels if drawing.signed else to_db(pixels)
        self.versions[at] += 1
        self._sample[at] = sample if drawing.signed else to_db(sample)

    def _displayed_power(self, numbers: list[int], drawing: Drawing, *, subtract: bool) -> tuple[Floats, Floats | None]:
        """Return mean and peak of the displayed bins.

        With `subtract`, they are relative to the background. A signed product has no peak.
        """
        shown = slice(drawing.band.start, drawing.band.stop)
        mean, peak = (part[:, shown] for part in self.store.statistics(numbers))
        if subtract and self._background is not None:
            background = self._background[shown]
            mean, peak = (without_background(part, background, signed=drawing.signed) for part in (mean, peak))
        return mean, None if drawing.signed else peak

    def _find_levels(self, drawing: Drawing) -> Levels | None:
        if drawing.levels is not None:
            self._auto = None
            return drawing.levels
        numbers = np.array(self.store.stored_numbers(), np.int64)
        at = numbers[sampled_rows(len(numbers))] % self.store.width
        # Hysteresis compares automatic levels only, without the bias and without manual levels.
        slack = LEVEL_SLACK if self.store.grid.cell_px == 1 else STEADY_SLACK
        # In a long column, pixels show peaks, which are above all means even if the Sun is quiet.
        values = self._sample[at] if self.timeline is None else middle_of_band(self.values[at])
        levels = self._auto = auto_levels(values, self._auto, signed=drawing.signed, slack=slack)
        return None if levels is None else Levels(levels.low + drawing.bias, levels.high + drawing.bias)

    def _update_background(self) -> None:
        """Compute the background again if enough columns are new.

        The background is the quiet median of the kept columns.
        """
        # The background of few columns is noisy, so it is renewed sooner.
        if self._background is not None and self._background_age < _BACKGROUND_SHARE * self._background_columns:
            return
        numbers = self.store.stored_numbers()
        mean, _ = self.store.statistics(numbers)
        background = quiet_median(mean)
        grown = len(numbers) > self._background_columns
        self._background_age, self._background_columns = 0, len(numbers)
        if self._background is None or grown or _background_differs(background, self._background):
            self._background = background
            self._stale = set(numbers)

    def renew_background(self) -> None:
        """Compute the background again at the next drawing, because history was loaded."""
        self._background_columns = 0

    def steps(self, axis: ColumnAxis, count: int, places: tuple[float, ...] | None = None) -> NDArray[np.int16]:
        """Return the palette steps of all pixels, in cell order.

        Parameters
        ----------
        axis
            Displayed columns and their cells.
        count
            Number of steps of the palette.
        places
            Steps of evenly spaced values, see `dithered_steps`; None if all steps are equally wide.

        Returns
        -------
        numpy.ndarray
            int16, shape (axis.columns, pixels), lowest frequency first; negative values are `PixelCode`.
        """
        out = np.full((axis.columns, self.values.shape[1]), PixelCode.BEFORE, np.int16)
        if axis.write_cursor is not None:
            out[axis.write_cursor] = PixelCode.WRITE_CURSOR
        numbers, first = np.arange(axis.oldest, axis.newest + 1), self.first_column
        cells, stored = axis.cells_of(numbers), self.store.stored(numbers)
        if first is not None:
            out[cells[~stored & (numbers > first)]] = PixelCode.GAP
        if self.timeline is not None and self.timeline.unloaded_slots:
            out[cells[self.timeline.unloaded(numbers)]] = PixelCode.NOT_LOADED
        if self.levels is None:
            out[cells[stored]] = PixelCode.NO_DATA
        elif stored.any():
            out[cells[stored]] = self._column_steps(numbers[stored], self.levels, count, places)
        out[cells[self.store.with_restarts(numbers)]] = PixelCode.RESTART
        return out

    def _column_steps(
        self, numbers: NDArray[np.int64], levels: Levels, count: int, places: tuple[float, ...] | None
    ) -> NDArray[np.int16]:
        """Return the palette steps of columns with rows."""
        values = self.values[numbers % self.store.width]
        if places is None:
            return colour_steps(values, levels, count)
        return dithered_steps(values, levels, places, numbers)

    @property
    def first_column(self) -> int | None:
        """First column with rows, or first column in which rows were expected."""
        return self._first(self.store.stored_numbers())

    def _first(self, numbers: list[int]) -> int | None:
        """Return the first column with rows; earlier columns cannot miss rows."""
        return min(numbers[:1] + ([] if self.oldest_column is None else [self.oldest_column]), default=None)

    def cell_value(self, number: int, pixel: int) -> CellValue:
        """Return the data of a pixel.

        Parameters
        ----------
        number
            Number of the column.
        pixel
            Index of the pixel along the band, counted from the low end.
        """
        drawing = self._drawing
        if drawing is None or not self.store.has_rows(number):
            return self._no_rows(number)
        mean, peak = self._displayed_power([number], drawing, subtract=False)
        timeline = self.timeline
        # The first column of the ring may begin between rows, so its missing rows are not known.
        is_counted = timeline is not None or number != self._first(self.store.stored_numbers())
        return CellValue(
            ColumnContent.ROWS,
            self.store.first_s(number),
            self.store.time_s(number),
            power=float(bin_pixels(mean, peak, drawing.pixels)[0, pixel]),
            shown=float(self.values[number % self.store.width, pixel]),
            restarted=self.store.restarted(number),
            missing=self.store.missing(number) if is_counted else 0,
            begin_s=math.nan if timeline is None else timeline.begin_s(number),
            block_s=math.nan if timeline is None else timeline.block_s(number),
        )

    def columns_with_missing_rows(self, numbers: list[int]) -> list[int]:
        """Return the columns that have some rows and lack others."""
        first, asked = self._first(self.store.stored_numbers()), np.array(numbers, np.int64)
        lacking = asked[self.store.lacking(asked)] if len(asked) else asked
        return [int(number) for number in lacking if self.timeline is not None or number != first]

    def _no_rows(self, number: int) -> CellValue:
        if self.timeline is not None and self.timeline.unloaded(np.array([number]))[0]:
            return CellValue(ColumnContent.NOT_LOADED)
        numbers = self.store.stored_numbers()
        first = self._first(numbers)
        if first is None or number < first:
            return CellValue(ColumnContent.BEFORE)
        before = [self.store.time_s(other) for other in numbers if other < number]
        after = [self.store.time_s(other) for other in numbers if other > number]
        return CellValue(ColumnContent.GAP, gap_s=((before or [math.nan])[-1], (after or [math.nan])[0]))


def _background_differs(new: Floats, old: Floats) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        change_db = 10 * np.log10(np.abs(new / old))
    known = np.isfinite(change_db)
    if not np.array_equal(np.isfinite(new), np.isfinite(old)):
        return True
    return bool(known.any() and np.median(np.abs(change_db[known])) > _BACKGROUND_SLACK_DB)
