"""The part of a view that the next run takes up again, as JSON values and back.

What does not fit this version is left out; nothing here reads or writes a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.display.view_actions import with_product
from sunspec_tui.tui.display.view_state import PANELS, PICTURES, THEMES, TRACES, View

_MAX_LEVEL = 1e30
_PLAIN = ("palette", "rows_per_column", "sweeping", "subtract", "linear", "pair", "pipelines", "maximised", "theme")


def view_to_json(view: View) -> dict[str, Any]:
    """What the next run takes up again, as JSON values."""
    kept: dict[str, Any] = {name: getattr(view, name) for name in _PLAIN}
    kept["product"] = str(view.product)
    kept["levels"] = [view.levels.low, view.levels.high] if view.levels else None
    kept["traces"] = sorted(view.traces)
    kept["hidden"] = sorted(view.hidden)
    return kept


def view_from_json(view: View, kept: Mapping[str, Any]) -> View:
    """A view with what an earlier run has kept; what does not fit this version is left out."""
    allowed: dict[str, Callable[[Any], bool]] = {
        "palette": lambda value: value in PALETTES,
        "rows_per_column": lambda value: type(value) is int and 1 <= value <= 1 << 20,
        "maximised": lambda value: value in (None, *PICTURES, *PANELS),
        "theme": lambda value: value in THEMES,
    }
    plain = {name: kept[name] for name in _PLAIN if name in kept}
    fitting = {name: value for name, value in plain.items() if allowed.get(name, _is_bool)(value)}
    view = replace(view, **fitting)
    if kept.get("product") in tuple(Product):
        view = replace(view, product=Product(kept["product"]))
    view = replace(view, levels=_levels(kept.get("levels")))
    return replace(view, traces=_names(kept.get("traces"), TRACES), hidden=_names(kept.get("hidden"), PANELS))


def _levels(value: Any) -> Levels | None:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(each, float | int) for each in value):
        return None
    low, high = value
    return Levels(float(low), float(high)) if -_MAX_LEVEL < low < high < _MAX_LEVEL else None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _names(value: Any, known: tuple[str, ...]) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return frozenset()
    return frozenset(value).intersection(known)


def first_view(settings: Settings, kept: Mapping[str, Any]) -> View:
    """The view to begin with: what was kept, and over it what the user has asked for."""
    view = view_from_json(View(), kept)
    if settings.product is not None:
        view = with_product(view, Product(settings.product))
    return view if settings.theme is None else replace(view, theme=settings.theme)
