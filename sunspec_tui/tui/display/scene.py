"""Combine the receiver's rows and the observer's view into the displayed pictures.

This module does not read a socket or use a terminal.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CHANNELS_PER_PIPELINE
from sunspec_tui.core.levels import Floats, Levels, without_warnings
from sunspec_tui.core.notes import NO_NOTES
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.early_actions import EarlyActions, nothing_to_act_on
from sunspec_tui.tui.display.history_loader import HistoryLoader, LiveSource, PictureRequest
from sunspec_tui.tui.display.span_growth import FixedSpan, SpanGrowth
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.time_navigation import TimeNavigator
from sunspec_tui.tui.display.view_actions import (
    VIEW_ACTIONS,
    marked_slots,
    refit,
    whole_ring,
    with_product,
    with_rows_per_column,
)
from sunspec_tui.tui.display.view_state import Cursor, Interval, View, ViewContext, Window
from sunspec_tui.tui.display.waterfall_image import Drawing, WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch

_TIME_ACTIONS = ("span", "reset_view")
_LEVEL_ACTIONS = ("shift_levels", "toggle_automatic_levels", "bias", "fix_spectrum")


class Scene:
    """Content of the pictures.

    Parameters
    ----------
    view
        View that the observer has chosen.
    source
        Source of the rows; may be set later.
    clock
        Monotonic clock in seconds.
    """

    def __init__(
        self, view: View, source: LiveSource | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.history = HistoryLoader(source, clock)
        self._navigator = TimeNavigator(self.history)
        self._growth, self._fixed_span = SpanGrowth(), FixedSpan()
        self._has_size = False
        self.early_actions = EarlyActions()
        self.view = view
        self.columns, self.lines, self.pixels_per_line, self.cell_px = 2, 1, 2, 1
        self.window = Window(120, 40)
        self.sweeps = False
        self.spectrum_levels: Levels | None = None
        self.notes = NO_NOTES
        self.unit = ARBITRARY

    @property
    def position(self) -> "Position | None":
        """Position of the displayed source; None before the first row."""
        return self.history.position

    @property
    def rows_received(self) -> int:
        """Number of rows that the stream has brought; 0 before the first."""
        position = self.history.source.position() if self.history.source else None
        return position.count if position else 0

    @property
    def picture(self) -> WaterfallImage | None:
        """Image of the waterfall; None before the first row."""
        return self.history.picture

    @property
    def latest(self) -> "Rows | None":
        """Last row of the picture, of all products.

        None before the first row of the stream.
        """
        return self.history.latest

    @property
    def traces(self) -> Traces:
        """Further traces of the spectrum."""
        return self.history.traces

    @property
    def loading(self) -> bool:
        """True if rows wait to be loaded, even without new rows."""
        return self.history.loading or self.history.is_behind

    @property
    def past_epoch(self) -> "Epoch | None":
        """Earlier epoch that the picture shows; None for the present epoch."""
        return self.history.past_epoch

    # Input

    def set_source(self, source: LiveSource) -> None:
        """Set the source of the rows."""
        self.history.source = source

    def fit(self, columns: int, lines: int, pixels_per_line: int, cell_px: int = 1) -> None:
        """Set the waterfall's size in cells, and the cell size in pixels.

        Parameters
        ----------
        columns, lines
            Size in cells.
        pixels_per_line
            Height of a cell in pixels.
        cell_px
            Width of a cell in pixels; 1 in blocks.
        """
        self._has_size = True
        size = (columns, lines, pixels_per_line, cell_px)
        if size == (self.columns, self.lines, self.pixels_per_line, self.cell_px):
            return
        self._fit_cells(cell_px)
        before, old_view = self.context, self.view
        self.columns, self.lines, self.pixels_per_line, self.cell_px = size
        if self.picture is not None and columns != before.columns:
            self.view = refit(old_view, before, self.context)
            about_cursor = self.view != old_view
            self.view = self._navigator.at_row(
                self.view, old_view, before.end_slot, self.context, about_cursor=about_cursor
            )

    def _fit_cells(self, cell_px: int) -> None:
        """Set the width of a cell; keep the cursor at its time."""
        cursor, before = self.view.cursor, self.grid
        self.cell_px = cell_px
        if cursor is not None and cursor.number is not None and self.grid != before:
            number = self.grid.number_of(min(before.middle_slot(cursor.number), self.context.end_slot))
            self.view = replace(self.view, cursor=Cursor(number, cursor.bin))

    def apply_action(self, name: str, *arguments: Any) -> str:
        """Change the view by one of `view_actions.VIEW_ACTIONS`.

        Before the first row, some actions wait for it. Others have nothing to act on: for these, return a sentence that
        says so, else an empty text.
        """
        if self.position is None or self.early_actions:
            sentence = nothing_to_act_on(name, self.view) if self.position is None else ""
            if sentence or self.early_actions.keep(name, arguments):
                return sentence
        self._apply(name, *arguments)
        return ""

    def _apply(self, name: str, *arguments: Any) -> None:
        if name in _LEVEL_ACTIONS:
            # Setting levels while XX substitutes for a missing product selects XX.
            self.view = with_product(self.view, self.product)
        before, old_view = self.context.end_slot, self.view
        self.view = VIEW_ACTIONS[name](old_view, self.context, *arguments)
        self.view = self._navigator.at_row(
            self.view, old_view, before, self.context, about_cursor=name in _TIME_ACTIONS
        )
        if name == "scroll_back":
            self.view = self._navigator.change_epoch(
                self.view, self.columns, old_view.paused_at_slot, back=arguments[0] > 0
            )
        elif self.view.paused_at_slot is None:
            self.history.past_epoch = None

    @without_warnings()
    def update(self) -> bool:
        """Load new rows and some older ones.

        Return True if the pictures have changed.
        """
        self._navigator.keep_paused_epoch(self.view)
        position = self.history.refresh_position()
        if position is None:
            return False
        self._fit_span(position)
        for name, arguments in self.early_actions.drain(position, has_size=self._has_size):
            self._apply(name, *arguments)
        if not self.history.matches(self._request(position)):
            self.view = self._navigator.at_oldest_rows(self.view, self.columns, position)
        return self.history.load(position, self._request(position))

    def _fit_span(self, position: "Position") -> None:
        """Let the time span grow, or apply the span of the settings.

        A paused picture keeps its span.
        """
        view = self.view
        if not view.grows:
            self._growth.forget()
        if not self._has_size or view.paused_at_slot is not None or self.past_epoch is not None:
            return
        context = self.context
        rows, ring_rows = view.rows_per_column, whole_ring(context)
        if view.span_s is not None:
            rows = self._fixed_span.rows_per_column(view.span_s, position, self.columns, ring_rows)
        elif view.grows:
            rows = self._growth.rows_per_column(position, self.columns, ring_rows)
        if rows != view.rows_per_column:
            self.view = with_rows_per_column(view, context, rows)

    def _request(self, position: "Position") -> PictureRequest:
        return PictureRequest(
            position.epoch,
            self.grid.kept_columns(self.columns),
            self.product,
            self.view.rows_per_column,
            self.view.paused_at_slot,
            self.cell_px,
        )

    @property
    def product(self) -> Product:
        """Chosen product, or XX if the stream does not carry it."""
        if self.position is None or self.view.product in available(self.position.axis.npol):
            return self.view.product
        return Product.XX

    @property
    def product_unit(self) -> str:
        """Unit of the displayed product; a ratio is shown without a unit."""
        return ARBITRARY if self.product is Product.V_OVER_I else self.unit

    @property
    def signed(self) -> bool:
        """True if the displayed product is drawn about zero."""
        return replace(self.view, product=self.product).signed

    # Output

    @property
    def band(self) -> FrequencyWindow:
        """Displayed bins."""
        if self.position is None:
            return FrequencyWindow(0, 1, 0.0, 1.0)
        axis = self.position.axis
        return FrequencyWindow.of(axis.frequencies_mhz, self.view.share, axis.bin_mhz)

    @property
    def grid(self) -> ColumnGrid:
        """Division of the slots into columns."""
        return ColumnGrid(self.view.rows_per_column, self.cell_px)

    @property
    def time_axis(self) -> ColumnAxis:
        """Displayed columns."""
        newest = self.picture.store.newest if self.picture else None
        # A paused picture does not move, so a slow link or sixel need not make it sweep.
        sweeps = self.sweeps and self.view.paused_at_slot is None
        return ColumnAxis(self.columns, newest or 0, self.view.sweeping or sweeps, self.grid)

    @property
    def context(self) -> ViewContext:
        """Context of the next view action."""
        position = self.position
        newest, oldest = (position.newest, position.oldest) if position else (0, 0)
        return ViewContext(
            npol=position.axis.npol if position else 4,
            ring_rows=position.length if position else 0,
            columns=self.columns,
            lines=self.lines,
            nbins=len(position.axis.frequencies_mhz) if position else 1,
            newest=newest,
            oldest=oldest,
            end_slot=newest if self.view.paused_at_slot is None else self.view.paused_at_slot,
            pixels_per_line=self.pixels_per_line,
            sweeping=self.time_axis.sweeping,
            band=self.band,
            levels=self.picture.levels if self.picture else None,
            spectrum_levels=self.spectrum_levels,
            window=self.window,
            cell_px=self.cell_px,
        )

    def interval(self) -> Interval | None:
        """Return the marked interval, or else the interval of the picture.

        Return None if it has no rows.
        """
        if self.position is None or self.history.source is None:
            return None
        first, last = marked_slots(self.view, self.context)
        start, stop = self.history.number_at(first), self.history.number_at(last + 1)
        ends = [self.history.rows(number, number + 1) for number in (start, stop - 1)]
        if stop <= start or any(rows is None or not len(rows) for rows in ends):
            return None
        begin_s, end_s = (float(rows.times_s[0]) for rows in ends if rows is not None)
        lost = max(0, self.position.oldest - first) if first in self.view.marks else 0
        return Interval(start, stop, begin_s, end_s, self.view.marks != (None, None), lost)

    @without_warnings()
    def draw(self) -> WaterfallImage | None:
        """Update the pixels of the picture and return it."""
        if self.picture is None:
            return None
        own = self.product is self.view.product
        self.picture.draw(
            Drawing(
                band=self.band,
                pixels=self.lines * self.pixels_per_line,
                signed=self.signed,
                subtract=self.view.subtract,
                levels=self.view.levels if own else None,
                bias=self.view.bias if own else 0.0,
            )
        )
        return self.picture

    @without_warnings()
    def power(self, product: Product) -> Floats | None:
        """Return one product of the picture's last row, shape (nbins,)."""
        if self.latest is None or not len(self.latest) or product not in available(self.latest.data.shape[-1]):
            return None
        return derive(self.latest.data[-1], product)

    @property
    def end_s(self) -> float:
        """End of the picture's last row; NaN without rows."""
        return float(self.latest.times_s[-1]) if self.latest is not None and len(self.latest) else math.nan

    @property
    def edges_mhz(self) -> tuple[float, ...]:
        """Edges of the pipelines."""
        if self.position is None:
            return ()
        axis = self.position.axis
        channels = axis.chan0 - 0.5 + np.arange(0, axis.nchan + 1, CHANNELS_PER_PIPELINE)
        return tuple((channels * CHANNEL_WIDTH_HZ / 1e6).tolist())
