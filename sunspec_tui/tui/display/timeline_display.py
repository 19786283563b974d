"""Show the timeline where a picture does not fit into the ring.

The methods take a view and return the next one, as view actions do. The scene keeps the view.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frequency_axis import Position
from sunspec_tui.core.products import Product
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.tui.display.history_loader import HistoryLoader
from sunspec_tui.tui.display.span_growth import rows_of_span
from sunspec_tui.tui.display.time_goal import NOW_S, parse_time_goal
from sunspec_tui.tui.display.time_slots import DAY_S, TimeSlots, longest_span_s, next_span_s
from sunspec_tui.tui.display.timeline_loader import TimelineLoader, TimelineRequest
from sunspec_tui.tui.display.timeline_mode import TimelineMode, ring_lacks
from sunspec_tui.tui.display.view_actions import shown_slots, whole_ring, with_rows_per_column
from sunspec_tui.tui.display.view_state import Cursor, View, ViewContext

if TYPE_CHECKING:
    from sunspec_tui.tui.display.waterfall_image import WaterfallImage

_NO_LIMIT = 1 << 40
_NO_EPOCH = -1
# Span of a picture without a stream.
_FIRST_SPAN_S = 300.0

ContextOf = Callable[[View], ViewContext]


class TimelineDisplay:
    """Timeline of a scene: when it is shown, and its picture.

    Parameters
    ----------
    history
        Loader of the ring's rows.
    context_of
        Returns the context of a view.
    clock
        Monotonic clock in seconds.
    """

    def __init__(self, history: HistoryLoader, context_of: ContextOf, clock: Callable[[], float]) -> None:
        self._history, self._context_of = history, context_of
        self.mode = TimelineMode(history, clock)
        self.loader = TimelineLoader(clock)

    @property
    def picture(self) -> "WaterfallImage | None":
        """Image of the timeline."""
        return self.loader.picture

    def position(self, slot_s: float) -> Position | None:
        """Return the timeline's position in slots of a length; None without rows."""
        ring, (begin_s, end_s) = self._history.position, self.mode.known_range_s()
        if not begin_s <= end_s:
            return ring
        slots = TimeSlots(slot_s)
        oldest, newest = slots.slot_at(begin_s) + 1, slots.slot_at(end_s)
        oldest = min(oldest, newest)
        axis, length = self.mode.axis(), newest - oldest + 1
        if axis is None:
            return None
        count, epoch = (ring.count, ring.epoch) if ring else (0, _NO_EPOCH)
        return Position(count, length, oldest, newest, slot_s, axis, epoch)

    # Changes of the view

    def before_action(self, view: View, name: str, arguments: tuple[Any, ...]) -> View:
        """Show the timeline if an action leads out of the ring."""
        if view.slot_s is not None or not self.mode.is_earlier(than_epochs=name == "scroll_back"):
            return view
        context = self._context_of(view)
        leads_out = name == "span" and arguments[0] > 0 and view.rows_per_column >= whole_ring(context)
        if name == "scroll_back" and arguments[0] > 0:
            first, _ = shown_slots(view, context)
            width = context.columns * view.rows_per_column
            leads_out = first - min(arguments[0], 1e9) * width < context.oldest
        return self._entered(view) if leads_out else view

    def span(self, view: View, by: int) -> View:
        """Select the next longer or shorter span of the timeline."""
        slots, context = TimeSlots(view.slot_s or 1.0), self._context_of(view)
        now_s = self._wanted_s(view) or context.columns * view.rows_per_column * slots.slot_s
        span_s = next_span_s(now_s, by, self.mode.known_s)
        if span_s is not None:
            rows = slots.cell_slots(span_s, context.columns)
        elif by < 0:
            span_s, rows = None, max(1, view.rows_per_column // 2)
        else:
            return view
        return with_rows_per_column(replace(view, grows=False, span_s=span_s), context, rows)

    def _wanted_s(self, view: View) -> float | None:
        """Return the chosen span, at most that of all rows.

        None if none is chosen.
        """
        return None if view.span_s is None else min(view.span_s, longest_span_s(self.mode.known_s))

    def fitted(self, view: View) -> View:
        """Return a view of the timeline with the rows of its span."""
        if view.span_s is None or view.slot_s is None:
            return view
        context = self._context_of(view)
        span_s = self._wanted_s(view) or view.span_s
        rows = TimeSlots(view.slot_s).cell_slots(span_s, context.columns)
        return view if rows == view.rows_per_column else with_rows_per_column(view, context, rows)

    def settled(self, view: View) -> View:
        """Show the ring if it has the whole picture, else the timeline."""
        if not self.mode.has_ring:
            return self._without_ring(view)
        if view.slot_s is not None:
            return self._left_if_possible(view)
        context = self._context_of(view)
        if view.grows and view.paused_at_slot is None:
            return view
        lacks = self._ring_lacks(view, context) and self.mode.is_earlier(than_epochs=True)
        return self._entered(view) if lacks else view

    def _ring_lacks(self, view: View, context: ViewContext) -> bool:
        """Return True if the ring does not have all that is wanted."""
        if view.span_s is not None and view.paused_at_slot is None and self._history.position is not None:
            cadence_s = self._history.position.cadence_s
            if rows_of_span(view.span_s, context.columns, cadence_s, _NO_LIMIT) > whole_ring(context):
                return True
        return ring_lacks(view, context)

    def opened(self, view: View) -> View:
        """Show the timeline before the stream's first row."""
        if view.slot_s is not None or self.mode.state is None or self.mode.axis() is None:
            return view
        extent = self.mode.state.extent
        slots = TimeSlots.of_cadence(extent.cadence_s)
        view = replace(view, slot_s=slots.slot_s, paused_at_slot=None, cursor=None, marks=(None, None))
        if view.span_s is not None:
            return self.fitted(view)
        columns = self._context_of(view).columns
        return replace(view, rows_per_column=slots.cell_slots(_FIRST_SPAN_S, columns))

    def _without_ring(self, view: View) -> View:
        """Return a view of recorded rows.

        It shows all of them, at most a day, until a span is chosen.
        """
        if self.mode.state is None or (view.slot_s is not None and not view.grows):
            return view
        slot_s = view.slot_s or TimeSlots.of_cadence(self.mode.state.extent.cadence_s).slot_s
        span_s = view.span_s or min(max(self.mode.known_s, 1.0), DAY_S)
        return self.fitted(replace(view, slot_s=slot_s, grows=False, span_s=span_s))

    def _entered(self, view: View) -> View:
        view = self.mode.enter(view, self._context_of(view))
        if view.slot_s is not None:
            self._history.past_epoch = None
            self._history.refresh_position()
            self.mode.refresh(now=True)
        return view if view.paused_at_slot is not None else self.fitted(view)

    def _left_if_possible(self, view: View) -> View:
        if self.mode.state is None:
            return self.mode.left(view, self._context_of(view))
        left = self.mode.left(view, self._context_of(view))
        is_growing = view.grows and view.paused_at_slot is None
        if is_growing or not self.mode.is_earlier():
            return left
        context = self._context_of(left)
        return view if self._ring_lacks(left, context) else replace(left, span_s=None)

    def go_to(self, view: View, text: str, end_s: float) -> tuple[View, str]:
        """Pause with a time in the picture's middle, under the cursor.

        Parameters
        ----------
        view
            Present view.
        text
            The time, as `parse_time_goal` accepts it.
        end_s
            End of the picture.

        Returns
        -------
        view, sentence
            The next view, and why it has not changed; empty if it has.
        """
        self.mode.refresh(now=True)
        _, newest_s = self.mode.known_range_s()
        try:
            # Before the first picture, its end is that of the newest row.
            goal_s = parse_time_goal(text, end_s if math.isfinite(end_s) else newest_s, newest_s)
        except UsageError as error:
            return view, str(error)
        return self.at_time(view, goal_s, sets_cursor=True)

    def at_time(self, view: View, goal_s: float, *, sets_cursor: bool = False) -> tuple[View, str]:
        """Pause the picture with a time in its middle; see `go_to`.

        The time is in seconds since 1970 UTC, or `NOW_S`. Without `sets_cursor` there is no cursor afterwards.
        """
        begin_s, newest_s = self.mode.known_range_s()
        if goal_s == NOW_S:
            return self.settled(replace(view, paused_at_slot=None)), ""
        if not begin_s <= goal_s <= newest_s:
            known = f"{format_date_and_clock(begin_s)} to {format_date_and_clock(newest_s)}"
            return view, f"there are no rows at {format_date_and_clock(goal_s)}; they are known from {known} UTC"
        if view.slot_s is None:
            view = self.mode.enter(view, self._context_of(view))
        return self.settled(self._centred(view, goal_s, sets_cursor=sets_cursor)), ""

    def _centred(self, view: View, time_s: float, *, sets_cursor: bool) -> View:
        """Pause a picture with a time in its middle.

        It ends at the newest row at the latest.
        """
        if view.slot_s is None:
            return view
        context = self._context_of(replace(view, paused_at_slot=None))
        middle = TimeSlots(view.slot_s).slot_at(time_s)
        end_slot = middle + context.columns * view.rows_per_column // 2
        index = view.cursor.bin if view.cursor else (context.band.start + context.band.stop) // 2
        cursor = Cursor(context.grid(view.rows_per_column).number_of(middle), index) if sets_cursor else None
        return replace(view, paused_at_slot=min(end_slot, context.newest), cursor=cursor)

    # The picture

    def load(self, view: View, product: Product, kept_columns: int) -> bool:
        """Load a part of the picture; return True if it has changed."""
        ring, state = self._history.position, self.mode.state
        position = None if view.slot_s is None else self.position(view.slot_s)
        if position is None or state is None or view.slot_s is None:
            return False
        followed = ring is not None and self._history.follow(ring, product)
        context = self._context_of(view)
        request = TimelineRequest(
            np.rint(position.axis.frequencies_mhz * 1e3).astype(np.int64).tobytes(),
            len(position.axis.frequencies_mhz),
            kept_columns,
            product,
            context.grid(view.rows_per_column),
            TimeSlots(view.slot_s),
            view.paused_at_slot,
        )
        return self.loader.load(state.source, request, state.extent) or followed

    def close(self) -> None:
        """End the thread that fetches blocks."""
        self.loader.fetcher.stop()
