"""Layouts: the panels that a window shows, and their heights.

This module has only pure functions of sizes and of the view.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sunspec_tui.tui.display.view_state import PANELS, View, ViewContext, Window

LAYOUTS = ("watch", "operate", "engineer")
"""Names of the layouts: the picture; plots and events; readings for developers."""

WIDE_PANELS = {
    "watch": (),
    "operate": ("delay", "health", "plots", "log"),
    "engineer": ("delay", "health", "memory", "log"),
}
NARROW_PANELS = {"watch": (), "operate": ("plots", "log"), "engineer": ("health", "memory")}

_MIN_COLUMNS, _MIN_LINES = 78, 18
_WIDE_COLUMNS, _LARGE_LINES = 100, 26
_MIN_STRIP_COLUMNS, _TWO_STRIP_LINES = 50, 36
_MIN_LOG_LINES, _USUAL_LOG_LINES = 3, 6
_CHART_LINES, _MAX_DELAY_LINES = 3, 12
# Panels in the order in which they lose lines, each with the number of lines that it keeps.
_SHRINKING = (("plots", 3), ("memory", 2), ("delay", 3), ("log", 2), ("health", 4))


def is_small(window: Window) -> bool:
    """Return True for a window without room for panels beside the pictures."""
    return window.columns < _WIDE_COLUMNS or window.lines < _LARGE_LINES


def layout_of(view: View, window: Window) -> str:
    """Return the chosen layout, or else the usual one of this size."""
    return view.layout or ("watch" if is_small(window) else "operate")


def has_strip(view: View, window: Window) -> bool:
    """Return True if the panels are in a strip below the pictures."""
    return window.columns < _WIDE_COLUMNS and layout_of(view, window) == "operate"


def shown_panels(view: View, window: Window) -> tuple[str, ...]:
    """Return the names of the visible panels, as on the screen."""
    if view.maximised is not None:
        return (view.maximised,) if view.maximised in PANELS else ()
    if window.columns < _MIN_COLUMNS or window.lines < _MIN_LINES:
        return ()
    names = {*_usual_panels(view, window)} - view.hidden
    if not is_small(window):
        names |= view.opened
    return tuple(name for name in PANELS if name in names)


def _usual_panels(view: View, window: Window) -> tuple[str, ...]:
    panels = NARROW_PANELS if window.columns < _WIDE_COLUMNS else WIDE_PANELS
    return panels[layout_of(view, window)]


def day_strip_lines(view: View, window: Window, *, is_longer: bool) -> int:
    """Return the number of lines of the day strip.

    Parameters
    ----------
    view, window
        Choices of the observer, and size of the terminal.
    is_longer
        True if more rows are known than the picture shows.
    """
    is_alone = view.maximised is not None and view.maximised != "waterfall"
    if not (view.day_strip and is_longer) or is_alone:
        return 0
    if window.columns < _MIN_STRIP_COLUMNS or window.lines < _MIN_LINES:
        return 0
    return 2 if window.lines >= _TWO_STRIP_LINES else 1


# Actions


def next_layout(view: View, context: ViewContext) -> View:
    """Select the next layout, with its usual panels."""
    index = LAYOUTS.index(layout_of(view, context.window))
    return _with_layout(view, LAYOUTS[(index + 1) % len(LAYOUTS)])


def _with_layout(view: View, layout: str) -> View:
    return replace(view, layout=layout, hidden=frozenset(), opened=frozenset(), maximised=None)


def toggle_panel(view: View, context: ViewContext, name: str) -> View:
    """Hide or show a panel.

    In a small window, or while another panel is shown alone, show the panel alone.
    """
    if is_small(context.window) or view.maximised in PANELS:
        return replace(view, maximised=None if view.maximised == name else name)
    shown = frozenset(shown_panels(replace(view, maximised=None), context.window)) ^ {name}
    usual = frozenset(_usual_panels(view, context.window))
    return replace(view, hidden=usual - shown, opened=shown - usual)


def toggle_panels(view: View, context: ViewContext) -> View:
    """Hide all panels, or show those of the layout.

    If the layout has no panels, select *operate*.
    """
    if shown_panels(replace(view, maximised=None), context.window) and not view.hidden:
        return replace(view, hidden=frozenset(PANELS), opened=frozenset())
    view = replace(view, hidden=frozenset(), opened=frozenset())
    return view if _usual_panels(view, context.window) else _with_layout(view, "operate")


def maximise(view: View, _: ViewContext, names: tuple[str, ...]) -> View:
    """Show the next picture or panel alone on the screen.

    After the last one, show all again.
    """
    order = (None, *names)
    index = order.index(view.maximised) if view.maximised in order else 0
    return replace(view, maximised=order[(index + 1) % len(order)])


LAYOUT_ACTIONS: Mapping[str, Callable[..., View]] = {
    action.__name__: action for action in (next_layout, toggle_panel, toggle_panels, maximise)
}
"""Actions of the layout by name, as in `view_actions.VIEW_ACTIONS`."""


# Room of the panels in a column


def frame_lines(needed: Mapping[str, int], lines: int) -> int:
    """Return the number of lines of a panel's frame.

    It is 2 if boxes around the panels have room, else 1 for titles only.
    """
    total = sum(max(count, _min_lines(name)) + 2 for name, count in needed.items())
    return 2 if total <= lines else 1


def panel_heights(needed: Mapping[str, int], lines: int) -> dict[str, int]:
    """Return the height of each panel of a column, with its frame.

    Parameters
    ----------
    needed
        Lines of each panel's text; those of the log do not count.
    lines
        Height of the column.
    """
    frame = frame_lines(needed, lines)
    heights = {name: max(count, _min_lines(name)) for name, count in needed.items()}
    spare = lines - sum(heights.values()) - frame * len(heights)
    heights = _grown(heights, spare) if spare > 0 else _shrunk(heights, -spare)
    return {name: height + frame for name, height in heights.items()}


def _min_lines(name: str) -> int:
    return _MIN_LOG_LINES if name == "log" else 1


def _grown(heights: dict[str, int], spare: int) -> dict[str, int]:
    """Give spare lines to the log and the delay's chart.

    First the log gets a few, then the chart, then the log again.
    """
    grown = dict(heights)
    log_lines = min(spare, _USUAL_LOG_LINES - _MIN_LOG_LINES) if "log" in grown else 0
    chart_lines = min(spare - log_lines, _MAX_DELAY_LINES - grown["delay"]) if "delay" in grown else 0
    if chart_lines < _CHART_LINES:
        chart_lines = 0
    if "log" in grown:
        grown["log"] += spare - chart_lines
    if "delay" in grown:
        grown["delay"] += chart_lines
    return grown


def _shrunk(heights: dict[str, int], excess: int) -> dict[str, int]:
    """Take lines from the panels, from the least important ones first."""
    shrunk = dict(heights)
    for kept in (None, 1):
        for name, kept_lines in _SHRINKING:
            if name in shrunk:
                lost = min(excess, max(0, shrunk[name] - (kept or kept_lines)))
                shrunk[name] -= lost
                excess -= lost
    return shrunk
