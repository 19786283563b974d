"""Apply the observer's actions to a view of ring or timeline."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sunspec_tui.tui.display.history_loader import HistoryLoader
from sunspec_tui.tui.display.time_navigation import TimeNavigator
from sunspec_tui.tui.display.timeline_display import TimelineDisplay
from sunspec_tui.tui.display.view_actions import VIEW_ACTIONS
from sunspec_tui.tui.display.view_state import View, ViewContext

_TIME_ACTIONS = ("span", "reset_view")
_MOVING_ACTIONS = (*_TIME_ACTIONS, "scroll_back", "live", "escape", "toggle_pause")


class SceneActions:
    """Actions on views of one source.

    Parameters
    ----------
    history, timeline
        The ring and the timeline of the source. An action may change the epoch that the history shows.
    navigator
        Navigator through the rows of the history.
    context_of
        Returns the context of a view.
    """

    def __init__(
        self,
        history: HistoryLoader,
        timeline: TimelineDisplay,
        navigator: TimeNavigator,
        context_of: Callable[[View], ViewContext],
    ) -> None:
        self._history, self._timeline, self._navigator = history, timeline, navigator
        self._context_of = context_of

    def applied(self, view: View, name: str, *arguments: Any) -> View:
        """Return the view after one of `VIEW_ACTIONS`."""
        if name in _MOVING_ACTIONS:
            self._timeline.mode.refresh(now=True)
            view = self._timeline.before_action(view, name, arguments)
        apply = self._in_ring if view.slot_s is None else self._in_timeline
        view = apply(view, name, *arguments)
        return self._timeline.settled(view) if name in _MOVING_ACTIONS else view

    def _in_timeline(self, view: View, name: str, *arguments: Any) -> View:
        if name == "span":
            return self._timeline.span(view, *arguments)
        return replace(VIEW_ACTIONS[name](view, self._context_of(view), *arguments), slot_s=view.slot_s)

    def _in_ring(self, old_view: View, name: str, *arguments: Any) -> View:
        context = self._context_of(old_view)
        view = VIEW_ACTIONS[name](old_view, context, *arguments)
        view = self._navigator.at_row(
            view, old_view, context.end_slot, self._context_of(view), about_cursor=name in _TIME_ACTIONS
        )
        if name == "scroll_back":
            was_paused_at = old_view.paused_at_slot
            return self._navigator.change_epoch(view, context.columns, was_paused_at, back=arguments[0] > 0)
        if view.paused_at_slot is None:
            self._history.past_epoch = None
        return view
