"""Convert the observer's view settings to JSON values and back.

Values that this version does not know are ignored. This module reads and writes no files.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels, chosen_levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.view_options import MAX_LEVEL
from sunspec_tui.tui.display.layouts import LAYOUTS
from sunspec_tui.tui.display.time_slots import TIMELINE_SPANS_S
from sunspec_tui.tui.display.view_actions import with_product
from sunspec_tui.tui.display.view_state import PANELS, PICTURES, THEMES, TRACES, View

_UNCONVERTED = (
    "palette",
    "rows_per_column",
    "grows",
    "sweeping",
    "subtract",
    "linear",
    "pair",
    "pipelines",
    "layout",
    "day_strip",
    "maximised",
    "theme",
)


def view_to_json(view: View) -> dict[str, Any]:
    """Return the part of a view that is saved, as JSON values."""
    saved: dict[str, Any] = {name: getattr(view, name) for name in _UNCONVERTED}
    saved["product"] = str(view.product)
    saved["span_s"] = view.span_s
    saved["levels"] = [view.levels.low, view.levels.high] if view.levels else None
    saved["traces"] = sorted(view.traces)
    saved["hidden"] = sorted(view.hidden)
    saved["opened"] = sorted(view.opened)
    return saved


def view_from_json(view: View, saved: Mapping[str, Any]) -> View:
    """Return a view with the saved values of an earlier run.

    Unknown and invalid values are ignored.
    """
    allowed: dict[str, Callable[[Any], bool]] = {
        "palette": lambda value: value in PALETTES,
        "rows_per_column": lambda value: type(value) is int and 1 <= value <= 1 << 20,
        "layout": lambda value: value in (None, *LAYOUTS),
        "maximised": lambda value: value in (None, *PICTURES, *PANELS),
        "theme": lambda value: value in THEMES,
    }
    default = View().rows_per_column
    if saved.get("rows_per_column", default) != default:
        # An earlier version saved no `grows`; this span is not its default, so the observer has chosen it.
        view = replace(view, grows=False)
    unconverted = {name: saved[name] for name in _UNCONVERTED if name in saved}
    valid = {name: value for name, value in unconverted.items() if allowed.get(name, _is_bool)(value)}
    view = replace(view, **valid, span_s=_span_s(saved.get("span_s")))
    if saved.get("product") in tuple(Product):
        view = replace(view, product=Product(saved["product"]))
    view = replace(view, levels=_levels(saved.get("levels")))
    view = replace(view, hidden=_names(saved.get("hidden"), PANELS), opened=_names(saved.get("opened"), PANELS))
    return replace(view, traces=_names(saved.get("traces"), TRACES))


def _span_s(value: Any) -> float | None:
    """Return a saved span in seconds; None if there is none."""
    return float(value) if type(value) in (int, float) and 0 < value <= TIMELINE_SPANS_S[-1] else None


def _levels(value: Any) -> Levels | None:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(each, float | int) for each in value):
        return None
    low, high = value
    return Levels(float(low), float(high)) if -MAX_LEVEL < low < high < MAX_LEVEL else None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _names(value: Any, known: tuple[str, ...]) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return frozenset()
    return frozenset(value).intersection(known)


def initial_view(settings: Settings, saved: Mapping[str, Any]) -> View:
    """Return the initial view: saved values, overridden by the user's settings."""
    view = view_from_json(View(grows=True), saved)
    if settings.product is not None:
        view = with_product(view, Product(settings.product))
    if settings.palette is not None:
        view = replace(view, palette=settings.palette)
    if settings.levels is not None:
        view = replace(view, levels=chosen_levels(settings.levels))
    if settings.span is not None:
        view = replace(view, grows=False, span_s=settings.span)
    return view if settings.theme is None else replace(view, theme=settings.theme)


def view_to_keep(view: View, settings: Settings, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a view to save for the next run.

    A setting applies to one run. If the observer has not changed its value, the value saved before is kept.

    Parameters
    ----------
    view
        The present view.
    settings
        Settings of this run.
    saved
        Values that were saved before this run.
    """
    now, first = view_to_json(view), view_to_json(initial_view(settings, saved))
    kept = {
        name
        for name in ("product", "palette", "levels", "theme")
        if getattr(settings, name) is not None and now[name] == first[name]
    }
    if "product" in kept and now["levels"] == first["levels"]:
        # Levels belong to a product. The saved levels belong to the saved product, so both are kept.
        kept.add("levels")
    if view.span_s is not None and (view.slot_s is None or view.span_s == settings.span):
        # The span is that of the settings, or a saved one for which there are not enough rows yet.
        kept |= {"rows_per_column", "grows", "span_s"}
    kept_values = {name: saved[name] for name in kept if name in saved}
    return {name: value for name, value in now.items() if name not in kept} | kept_values
