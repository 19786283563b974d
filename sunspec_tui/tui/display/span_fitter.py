"""Fit the time span of a picture of the ring."""

from typing import TYPE_CHECKING

from sunspec_tui.tui.display.span_growth import FixedSpan, SpanGrowth
from sunspec_tui.tui.display.view_actions import whole_ring, with_rows_per_column
from sunspec_tui.tui.display.view_state import View, ViewContext

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position


class SpanFitter:
    """Time span of a picture of the ring."""

    def __init__(self) -> None:
        self._growth, self._fixed_span = SpanGrowth(), FixedSpan()

    def fitted(self, view: View, context: ViewContext, position: "Position", *, can_change: bool) -> View:
        """Let the time span grow, or apply the span of the settings.

        Parameters
        ----------
        view, context, position
            The view, its context, and the position of the stream.
        can_change
            False for a picture without a size or of an earlier epoch. A paused picture keeps its span, too.
        """
        if not view.grows:
            self._growth.forget()
        if not can_change or view.paused_at_slot is not None:
            return view
        rows, ring_rows = view.rows_per_column, whole_ring(context)
        if view.span_s is not None:
            rows = self._fixed_span.rows_per_column(view.span_s, position, context.columns, ring_rows)
        elif view.grows:
            rows = self._growth.rows_per_column(position, context.columns, ring_rows)
        return view if rows == view.rows_per_column else with_rows_per_column(view, context, rows)
