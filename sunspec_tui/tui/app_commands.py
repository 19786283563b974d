"""Convert the key table to Textual bindings and palette commands.

Textual needs the table of keys as `Binding` objects, and the command palette needs it as `SystemCommand` objects.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.app import SystemCommand
from textual.binding import Binding

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.products import available
from sunspec_tui.tui.display.view_state import THEMES
from sunspec_tui.tui.key_bindings import GROUPS, KEYS


def key_bindings() -> Iterator[Binding]:
    """Yield a binding for each key.

    Tab has priority, because Textual would move the focus otherwise.
    """
    for key in KEYS:
        yield Binding(
            key.keys,
            key.action,
            key.help,
            show=False,
            tooltip=key.help,
            key_display=key.shown,
            priority="tab" in key.keys,
        )


def key_commands(run_action: Callable[[str], Any]) -> Iterator[SystemCommand]:
    """Yield a command for each key; `run_action` performs its action."""
    for group, keys in GROUPS.items():
        for key in keys:
            yield SystemCommand(f"{group}: {key.help}", f"key {key.shown}", partial(run_action, key.action))


def choice_commands(
    npol: int, choose_product: Callable[[str], Any], choose: Callable[..., Any]
) -> Iterator[SystemCommand]:
    """Yield a command for each product, palette and theme.

    Parameters
    ----------
    npol
        Number of products in the stream.
    choose_product
        Shows the product with the given name.
    choose
        Sets the fields of the view that are given by keyword.
    """
    for product in available(npol):
        yield SystemCommand(f"Product {product}", "waterfall and spectrum", partial(choose_product, str(product)))
    for palette in PALETTES:
        yield SystemCommand(f"Palette {palette}", "colours of the waterfall", partial(choose, palette=palette))
    for theme in THEMES:
        yield SystemCommand(f"Theme {theme}", "colours of the rest", partial(choose, theme=theme))
