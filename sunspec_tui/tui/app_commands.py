"""Convert the key table to Textual's bindings."""

from collections.abc import Iterator

from textual.binding import Binding

from sunspec_tui.tui.key_bindings import KEYS


def key_bindings() -> Iterator[Binding]:
    """Yield a binding for each key.

    Keys have priority, so that a key acts before the next one: the keys after one that opens a dialog reach the dialog.
    """
    for key in KEYS:
        yield Binding(
            key.keys,
            key.action,
            key.help,
            show=False,
            tooltip=key.help,
            key_display=key.shown,
            priority=True,
        )


KEY_ACTION_NAMES = frozenset(key.action.partition("(")[0] for key in KEYS)
"""Names of the actions of all keys, without their arguments."""
