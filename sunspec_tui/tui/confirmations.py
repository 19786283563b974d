"""Describe the effect of a key, for the caption.

The functions compare two views, so a new action needs no words of its own. The clock is an argument.
"""

import time
from collections.abc import Callable, Iterator

from sunspec_tui.tui.display.layouts import layout_of
from sunspec_tui.tui.display.view_state import View, ViewContext
from sunspec_tui.tui.widgets.caption import span_text

SHOWN_S = 3.0
_OPTIONS = {
    "sweeping": ("sweeping", "scrolling"),
    "subtract": ("background removed", "background shown"),
    "linear": ("linear power", "decibels"),
    "pair": ("XX and YY together", "one product"),
    "day_strip": ("day strip shown", "day strip hidden"),
    "pipelines": ("marks of the pipelines", "no marks of the pipelines"),
}
_AT_LIMIT = {"span": "limit of the time span", "zoom": "limit of the zoom", "pan": "the end of the band"}


class Confirmation:
    """Description of the last key's effect, kept for a few seconds.

    Parameters
    ----------
    call_later
        Calls a function after some seconds.
    on_change
        Called when the words appear and when they go.
    clock
        Monotonic clock in seconds.
    """

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], object],
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call_later, self._on_change, self._clock = call_later, on_change, clock
        self._words, self._until_s = "", 0.0

    @property
    def words(self) -> str:
        """Description to show; empty after `SHOWN_S` seconds."""
        return self._words if self._clock() < self._until_s else ""

    def show(self, words: str) -> None:
        """Show words for `SHOWN_S` seconds; empty words change nothing."""
        if words:
            self._words, self._until_s = words, self._clock() + SHOWN_S
            self._on_change()
            # The call comes a little later, when the time is certainly over.
            self._call_later(SHOWN_S + 0.05, self._on_change)


def effect_of(
    name: str, before: View, after: View, context: ViewContext, cadence_s: float, *, has_colours: bool = True
) -> str:
    """Describe the most important change from one view to the next.

    If the view has not changed, return the limit that stopped the action `name`, or an empty text. A palette has an
    effect on plots also if the screen has no colours.
    """
    if before == after:
        return _AT_LIMIT.get(name, "")
    if name == "reset_view":
        return "layout, colours and levels reset"
    words = next(_effects(before, after, context, cadence_s), "")
    return words if has_colours or before.palette == after.palette else f"no colours here; {words} in plots"


def _effects(before: View, after: View, context: ViewContext, cadence_s: float) -> Iterator[str]:
    if before.product is not after.product:
        yield f"product {after.product}"
    if before.palette != after.palette:
        yield f"palette {after.palette}"
    if _has_other_span(before, after):
        yield f"time span {span_text(context.columns * after.rows_per_column * cadence_s)}"
    for name, words in _OPTIONS.items():
        if getattr(before, name) is not getattr(after, name):
            yield words[not getattr(after, name)]
    yield from _level_effects(before, after)
    yield from _layout_effects(before, after, context)
    for name in sorted(before.traces ^ after.traces):
        yield f"{name} {'shown' if name in after.traces else 'hidden'}"
    if before.share != after.share:
        yield f"{context.band.low_mhz:.1f}–{context.band.high_mhz:.1f} MHz"


def _has_other_span(before: View, after: View) -> bool:
    """Return True if the time span has changed.

    The ring and the timeline count columns in different units. A picture that only moves keeps its span.
    """
    if before.slot_s == after.slot_s:
        return before.rows_per_column != after.rows_per_column
    return before.paused_at_slot is None and after.paused_at_slot is None and not after.grows


def _level_effects(before: View, after: View) -> Iterator[str]:
    if before.levels != after.levels:
        yield (
            "automatic levels" if after.levels is None else f"levels {after.levels.low:.4g} to {after.levels.high:.4g}"
        )
    if before.bias != after.bias:
        yield "darker" if after.bias > before.bias else "brighter"
    if before.spectrum_levels != after.spectrum_levels:
        yield "automatic limits of the spectrum" if after.spectrum_levels is None else "limits of the spectrum fixed"


def _layout_effects(before: View, after: View, context: ViewContext) -> Iterator[str]:
    if layout_of(before, context.window) != layout_of(after, context.window):
        yield f"layout {layout_of(after, context.window)}"
    for name in sorted((before.hidden ^ after.hidden) | (before.opened ^ after.opened)):
        is_shown = name in after.opened or (name in before.hidden and name not in after.hidden)
        yield f"{name} {'shown' if is_shown else 'hidden'}"
    if before.maximised != after.maximised:
        yield "all shown" if after.maximised is None else f"{after.maximised} alone, esc shows all"
    if before.theme != after.theme:
        yield f"theme {after.theme}"
