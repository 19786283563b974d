"""Combine the receiver's rows and the observer's view into the displayed pictures.

This module does not read a socket or use a terminal.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sunspec_tui.core.bursts import NO_BURSTS
from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.levels import Levels, without_warnings
from sunspec_tui.core.notes import NO_NOTES
from sunspec_tui.tui.display.drift_ruler import Ruler
from sunspec_tui.tui.display.early_actions import EarlyActions, nothing_to_act_on
from sunspec_tui.tui.display.history_loader import HistoryLoader, LiveSource, PictureRequest
from sunspec_tui.tui.display.scene_actions import SceneActions
from sunspec_tui.tui.display.scene_context import context_of
from sunspec_tui.tui.display.shown_scene import ShownScene
from sunspec_tui.tui.display.span_fitter import SpanFitter
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.time_navigation import TimeNavigator
from sunspec_tui.tui.display.timeline_display import TimelineDisplay
from sunspec_tui.tui.display.view_actions import refit, with_product
from sunspec_tui.tui.display.view_state import Cursor, PictureSize, View, ViewContext, Window
from sunspec_tui.tui.display.waterfall_image import Drawing, WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
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
        self.size = PictureSize()
        self.window = Window(120, 40)
        self.sweeps = False
        self.day_is_longer = False
        self.spectrum_levels: Levels | None = None
        self.notes = NO_NOTES
        self.bursts = NO_BURSTS
        self.ruler: Ruler | None = None
        self.unit = ARBITRARY

    @property
    def shown(self) -> ShownScene:
        """What is shown of the present view."""
        return self._shown(self.view)

    def _shown(self, view: View) -> ShownScene:
        return ShownScene(view, self.size, self.history, self.timeline, self.sweeps, self.unit)

    @property
    def context(self) -> ViewContext:
        """Context of the next view action."""
        return self.context_of(self.view)

    def context_of(self, view: View) -> ViewContext:
        """Return the context of a view, in its slots."""
        return context_of(self._shown(view), self.window, self.spectrum_levels)

    @property
    def rows_received(self) -> int:
        """Number of rows that the stream has brought; 0 before the first."""
        position = self.history.source.position() if self.history.source else None
        return position.count if position else 0

    @property
    def traces(self) -> Traces:
        """Further traces of the spectrum."""
        return self.history.traces

    @property
    def loading(self) -> bool:
        """True if rows wait to be loaded, even without new rows."""
        awaits_blocks = self.shown.in_timeline and self.timeline.loader.loading
        return self.history.loading or self.history.is_behind or awaits_blocks

    @property
    def past_epoch(self) -> "Epoch | None":
        """Earlier epoch that the picture shows; None for the present epoch."""
        return self.history.past_epoch

    def set_source(self, source: LiveSource) -> None:
        """Set the source of the rows."""
        self.history.source = source

    def fit(self, columns: int, lines: int, pixels_per_line: int, cell_px: int = 1) -> None:
        """Set the size of the waterfall; the parameters are those of `PictureSize`."""
        self._has_size = True
        size = PictureSize(columns, lines, pixels_per_line, cell_px)
        if size == self.size:
            return
        self._fit_cells(cell_px)
        before, old_view = self.context, self.view
        self.size = size
        shown = self.shown
        if shown.in_timeline:
            self.view = self.timeline.fitted(old_view)
        elif shown.picture is not None and columns != before.columns:
            self.view = refit(old_view, before, self.context)
            about_cursor = self.view != old_view
            self.view = self._navigator.at_row(
                self.view, old_view, before.end_slot, self.context, about_cursor=about_cursor
            )

    def _fit_cells(self, cell_px: int) -> None:
        """Set the width of a cell; keep the cursor at its time."""
        cursor, before = self.view.cursor, self.shown.grid
        self.size = self.size._replace(cell_px=cell_px)
        after = self.shown.grid
        if cursor is not None and cursor.number is not None and after != before:
            number = after.number_of(min(before.middle_slot(cursor.number), self.shown.end_slot))
            self.view = replace(self.view, cursor=Cursor(number, cursor.bin))

    def apply_action(self, name: str, *arguments: Any) -> str:
        """Change the view by one of `view_actions.VIEW_ACTIONS`.

        Before the first row, some actions wait for it. Others have nothing to act on: for these, return a sentence that
        says so, else an empty text.
        """
        if self.shown.position is None or self.early_actions:
            sentence = nothing_to_act_on(name, self.view) if self.shown.position is None else ""
            if sentence or self.early_actions.keep(name, arguments):
                return sentence
        return self._apply(name, *arguments)

    def _apply(self, name: str, *arguments: Any) -> str:
        if name == "go_to":
            self.view, sentence = self.timeline.go_to(self.view, arguments[0], self.shown.end_s)
            return sentence
        if name == "at_time":
            self.view, sentence = self.timeline.at_time(self.view, arguments[0])
            return sentence
        if name in _LEVEL_ACTIONS:
            # Setting levels while XX substitutes for a missing product selects XX.
            self.view = with_product(self.view, self.shown.product)
        self.view = self._actions.applied(self.view, name, *arguments)
        return ""

    @without_warnings()
    def update(self) -> bool:
        """Load new rows and some older ones.

        Return True if the pictures have changed.
        """
        if not self.shown.in_timeline:
            self._navigator.keep_paused_epoch(self.view)
        position = self.history.refresh_position()
        if position is None:
            return self._update_without_stream()
        self._fit_time(position)
        self._apply_early_actions(position)
        if not self.shown.in_timeline and not self.history.matches(self._request(position)):
            self.timeline.mode.refresh(now=True)
            self.view = self.timeline.settled(self.view)
        if self.shown.in_timeline:
            return self._load_timeline()
        self.timeline.loader.forget()
        if not self.history.matches(self._request(position)):
            self.view = self._navigator.at_oldest_rows(self.view, self.size.columns, position)
        return self.history.load(position, self._request(position))

    def _update_without_stream(self) -> bool:
        """Load the timeline before the first row of the stream."""
        self.timeline.mode.refresh()
        if not self._has_size:
            return False
        self.view = self.timeline.fitted(self.timeline.opened(self.view))
        position = self.shown.position
        if position is None or not self.shown.in_timeline:
            return False
        self._apply_early_actions(position)
        return self._load_timeline()

    def _load_timeline(self) -> bool:
        return self.timeline.load(self.view, self.shown.product, self.shown.kept_columns)

    def _apply_early_actions(self, position: "Position") -> None:
        for name, arguments in self.early_actions.drain(position, has_size=self._has_size):
            if sentence := self._apply(name, *arguments):
                log.warning("%s", sentence)

    def _fit_time(self, position: "Position") -> None:
        """Fit the span; show the ring or the timeline, as needed."""
        # A span beyond the ring waits for the first rows, so each of these counts.
        each_row = self.shown.in_timeline or (self.view.span_s is not None and position.count < _FIRST_ROWS)
        was_read = self._has_size and self.timeline.mode.refresh(each_row=each_row)
        if not self.shown.in_timeline:
            can_change = self._has_size and self.past_epoch is None
            self.view = self._fitter.fitted(self.view, self.context, position, can_change=can_change)
        if was_read and self._has_size and self.view.paused_at_slot is None:
            self.view = self.timeline.fitted(self.timeline.settled(self.view))

    def _request(self, position: "Position") -> PictureRequest:
        return PictureRequest(
            position.epoch,
            self.shown.kept_columns,
            self.shown.product,
            self.view.rows_per_column,
            self.view.paused_at_slot,
            self.size.cell_px,
        )

    @without_warnings()
    def draw(self) -> WaterfallImage | None:
        """Update the pixels of the picture and return it."""
        shown = self.shown
        if shown.picture is None:
            return None
        own = shown.product is self.view.product
        shown.picture.draw(
            Drawing(
                band=shown.band,
                pixels=self.size.height_px,
                signed=shown.signed,
                subtract=self.view.subtract,
                levels=self.view.levels if own else None,
                bias=self.view.bias if own else 0.0,
            )
        )
        return shown.picture

    def note_day(self, length_s: float) -> bool:
        """Note the length of the known day.

        Return True if it has just become longer than the picture. It stays longer in this run, because a change of the
        time span must not change the layout.
        """
        begin_s, end_s = self.shown.interval_s
        if self.day_is_longer or not length_s > max(_MIN_DAY_S, _LONGER_SHARE * (end_s - begin_s)):
            return False
        self.day_is_longer = True
        return True

    def close(self) -> None:
        """End the threads of the scene."""
        self.timeline.close()
