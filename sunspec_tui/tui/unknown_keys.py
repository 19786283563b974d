"""Answer to an unknown key: a sentence that names the help."""

import math
import re
import time
from collections.abc import Callable

from textual.events import Key

from sunspec_tui.tui.key_bindings import KEYS

BURST_GAP_S = 3.0
"""Unknown keys with a shorter time between them are one burst."""

_KNOWN = frozenset(name for key in KEYS for name in key.keys.split(","))
# Only keys that someone presses on purpose. Modifiers and media keys are left out, and so are keys with alt, because
# unknown replies of a terminal resemble them.
_PRESSED_ON_PURPOSE = re.compile(r"f\d{1,2}|ctrl\+[a-z]|insert|delete|backspace|enter")
_SHOWN = {"backspace": "backspace", "delete": "del", "insert": "ins"}


def unknown_key_text(key: str, character: str | None, *, is_printable: bool) -> str:
    """Return a sentence for an unknown key; empty for no sentence.

    Parameters
    ----------
    key
        Textual's name of the key.
    character
        Character of the key, if it has one.
    is_printable
        True if the character can be shown.
    """
    if key in _KNOWN or key.startswith("alt+") or not (is_printable or _PRESSED_ON_PURPOSE.fullmatch(key)):
        return ""
    shown = character if is_printable and character else _SHOWN.get(key, key)
    return f"no such key: {shown} — ? lists all keys"


class UnknownKeys:
    """Answers to unknown keys, at most one for a burst.

    Parameters
    ----------
    clock
        Monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_s = -math.inf

    def answer(self, event: Key) -> str:
        """Return the sentence for a pressed key; empty for no sentence."""
        text = unknown_key_text(event.key, event.character, is_printable=event.is_printable)
        if not text:
            return ""
        now_s = self._clock()
        last_s, self._last_s = self._last_s, now_s
        return text if now_s - last_s >= BURST_GAP_S else ""
