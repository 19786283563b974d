"""Convert the key table to Textual's bindings."""

from collections.abc import Iterator

from textual.binding import Binding

from sunspec_tui.tui.key_bindings import KEYS


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
