"""Combine the receiver's rows and the observer's view into the displayed pictures.

This module does not read a socket or use a terminal.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.levels import Levels, without_warnings
from sunspec_tui.core.notes import NO_NOTES
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.early_actions import EarlyActions, nothing_to_act_on
from sunspec_tui.tui.display.history_loader import HistoryLoader, LiveSource, PictureRequest
from sunspec_tui.tui.display.scene_actions import SceneActions
from sunspec_tui.tui.display.scene_context import context_of, steps_of
from sunspec_tui.tui.display.span_fitter import SpanFitter
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.time_navigation import TimeNavigator
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.timeline_display import TimelineDisplay
from sunspec_tui.tui.display.view_actions import refit, with_product
from sunspec_tui.tui.display.view_state import Cursor, View, ViewContext, Window
from sunspec_tui.tui.display.waterfall_image import Drawing, WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch

log = logging.getLogger(__name__)

# A shorter day has no strip: at first, the picture grows with the rows.
_MIN_DAY_S, _LONGER_SHARE = 360.0, 1.25
_FIRST_ROWS = 8
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
        self.timeline = TimelineDisplay(self.history, self.context_of, clock)
        self._navigator = TimeNavigator(self.history)
        self._actions = SceneActions(self.history, self.timeline, self._navigator, self.context_of)
        self._fitter = SpanFitter()
        self._has_size = False
        self.early_actions = EarlyActions()
        self.view = view
        self.columns, self.lines, self.pixels_per_line, self.cell_px = 2, 1, 2, 1
        self.window = Window(120, 40)
        self.sweeps = False
        self.day_is_longer = False
        self.spectrum_levels: Levels | None = None
        self.notes = NO_NOTES
        self.unit = ARBITRARY

    @property
    def position(self) -> "Position | None":
        """Position of the displayed source; None before the first row.

        In the timeline, its slots are units of time, and the cadence is their length.
        """
        return self._position_of(self.view)

    def _position_of(self, view: View) -> "Position | None":
        return self.history.position if view.slot_s is None else self.timeline.position(view.slot_s)

    @property
    def in_timeline(self) -> bool:
        """True if the picture shows the timeline, False for the ring."""
        return self.view.slot_s is not None

    @property
    def has_ring(self) -> bool:
        """False for recorded rows, which are shown without a stream."""
        return self.timeline.mode.has_ring

    @property
    def rows_received(self) -> int:
        """Number of rows that the stream has brought; 0 before the first."""
        position = self.history.source.position() if self.history.source else None
        return position.count if position else 0

    @property
    def is_empty(self) -> bool:
        """True if there are no rows to show."""
        return self.position is None and self.timeline.mode.state is None

    @property
    def picture(self) -> WaterfallImage | None:
        """Image of the waterfall; None before the first row."""
        return self.timeline.picture if self.in_timeline else self.history.picture

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
        awaits_blocks = self.in_timeline and self.timeline.loader.loading
        return self.history.loading or self.history.is_behind or awaits_blocks

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
        if self.in_timeline:
            self.view = self.timeline.fitted(old_view)
        elif self.picture is not None and columns != before.columns:
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
        return self._apply(name, *arguments)

    def _apply(self, name: str, *arguments: Any) -> str:
        if name == "go_to":
            self.view, sentence = self.timeline.go_to(self.view, arguments[0], self.end_s)
            return sentence
        if name == "at_time":
            self.view, sentence = self.timeline.at_time(self.view, arguments[0])
            return sentence
        if name in _LEVEL_ACTIONS:
            # Setting levels while XX substitutes for a missing product selects XX.
            self.view = with_product(self.view, self.product)
        self.view = self._actions.applied(self.view, name, *arguments)
        return ""

    @without_warnings()
    def update(self) -> bool:
        """Load new rows and some older ones.

        Return True if the pictures have changed.
        """
        if not self.in_timeline:
            self._navigator.keep_paused_epoch(self.view)
        position = self.history.refresh_position()
        if position is None:
            return self._update_without_stream()
        self._fit_time(position)
        self._apply_early_actions(position)
        if not self.in_timeline and not self.history.matches(self._request(position)):
            self.timeline.mode.refresh(now=True)
            self.view = self.timeline.settled(self.view)
        if self.in_timeline:
            return self._load_timeline()
        self.timeline.loader.forget()
        if not self.history.matches(self._request(position)):
            self.view = self._navigator.at_oldest_rows(self.view, self.columns, position)
        return self.history.load(position, self._request(position))

    def _update_without_stream(self) -> bool:
        """Load the timeline before the first row of the stream."""
        self.timeline.mode.refresh()
        if not self._has_size:
            return False
        self.view = self.timeline.fitted(self.timeline.opened(self.view))
        position = self.position
        if position is None or not self.in_timeline:
            return False
        self._apply_early_actions(position)
        return self._load_timeline()

    def _load_timeline(self) -> bool:
        return self.timeline.load(self.view, self.product, self.grid.kept_columns(self.columns))

    def _apply_early_actions(self, position: "Position") -> None:
        for name, arguments in self.early_actions.drain(position, has_size=self._has_size):
            if sentence := self._apply(name, *arguments):
                log.warning("%s", sentence)

    def _fit_time(self, position: "Position") -> None:
        """Fit the span; show the ring or the timeline, as needed."""
        # A span beyond the ring waits for the first rows, so each of these counts.
        each_row = self.in_timeline or (self.view.span_s is not None and position.count < _FIRST_ROWS)
        was_read = self._has_size and self.timeline.mode.refresh(each_row=each_row)
        if not self.in_timeline:
            can_change = self._has_size and self.past_epoch is None
            self.view = self._fitter.fitted(self.view, self.context, position, can_change=can_change)
        if was_read and self._has_size and self.view.paused_at_slot is None:
            self.view = self.timeline.fitted(self.timeline.settled(self.view))

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
        """Chosen product, or XX if the stream does not carry it.

        Recorded files may carry neither.
        """
        if self.position is None or self.view.product in self.position.axis.products:
            return self.view.product
        carried = self.position.axis.products
        return Product.XX if Product.XX in carried else carried[0]

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
        return ColumnGrid(self.view.rows_per_column, self.cell_px, steps_of(self.view))

    @property
    def time_axis(self) -> ColumnAxis:
        """Displayed columns."""
        newest = self.picture.store.newest if self.picture else None
        # A picture that is paused, or of recorded rows, does not move: a slow link or sixel need not make it sweep.
        sweeps = self.sweeps and self.view.paused_at_slot is None and self.has_ring
        return ColumnAxis(self.columns, newest or 0, self.view.sweeping or sweeps, self.grid)

    @property
    def context(self) -> ViewContext:
        """Context of the next view action."""
        return self.context_of(self.view)

    def context_of(self, view: View) -> ViewContext:
        """Return the context of a view, in its slots."""
        return context_of(self, view, self._position_of(view))

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

    @property
    def shows_column_mean(self) -> bool:
        """True if the spectrum is the mean of the last column."""
        is_live = self.view.paused_at_slot is None and self.has_ring and self.has_stream
        return self.in_timeline and not is_live

    @property
    def has_stream(self) -> bool:
        """True if the stream has brought a row."""
        return self.history.position is not None

    @property
    def column_s(self) -> float:
        """Seconds in a cell of the timeline; NaN for the ring."""
        return math.nan if self.view.slot_s is None else self.view.rows_per_column * self.view.slot_s

    @property
    def end_s(self) -> float:
        """End of the picture's last row; NaN without rows."""
        if self.view.slot_s is not None and self.shows_column_mean:
            return TimeSlots(self.view.slot_s).begin_s(self.context.end_slot)
        if not self.has_ring:
            return self.timeline.mode.end_s
        return float(self.latest.times_s[-1]) if self.latest is not None and len(self.latest) else math.nan

    @property
    def shown_s(self) -> tuple[float, float]:
        """Begin and end of the picture, in seconds since 1970 UTC.

        Both are NaN without rows.
        """
        cadence_s = self.position.cadence_s if self.position else math.nan
        return self.end_s - self.columns * self.view.rows_per_column * cadence_s, self.end_s

    def note_day(self, length_s: float) -> bool:
        """Note the length of the known day.

        Return True if it has just become longer than the picture. It stays longer in this run, because a change of the
        time span must not change the layout.
        """
        begin_s, end_s = self.shown_s
        if self.day_is_longer or not length_s > max(_MIN_DAY_S, _LONGER_SHARE * (end_s - begin_s)):
            return False
        self.day_is_longer = True
        return True

    def close(self) -> None:
        """End the threads of the scene."""
        self.timeline.close()
