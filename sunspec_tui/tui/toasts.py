"""Toasts: messages over the picture for a moment.

There is one toast, with the newest two messages, so that it never covers much.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

MAX_MESSAGES = 2
MAX_CHARACTERS = 220
Severity = Literal["information", "warning", "error"]
_SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class _Message(NamedTuple):
    text: str
    severity: Severity
    until_s: float


class Toasts:
    """Messages that are shown now.

    Parameters
    ----------
    clock
        Monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._messages: deque[_Message] = deque(maxlen=MAX_MESSAGES)

    def add(self, text: str, severity: Severity, timeout_s: float) -> tuple[str, Severity, float]:
        """Add a message; return the toast for all messages.

        A toast has text, severity and seconds.
        """
        now_s = self._clock()
        self._drop_old(now_s)
        self._messages.append(_Message(shortened(text), severity, now_s + timeout_s))
        worst = max((message.severity for message in self._messages), key=_SEVERITIES.index)
        texts = "\n".join(message.text for message in self._messages)
        return texts, worst, max(message.until_s for message in self._messages) - now_s

    def clear(self) -> bool:
        """Remove all messages; return False if there were none."""
        self._drop_old(self._clock())
        had_messages = bool(self._messages)
        self._messages.clear()
        return had_messages

    def _drop_old(self, now_s: float) -> None:
        kept = [message for message in self._messages if message.until_s > now_s]
        self._messages.clear()
        self._messages.extend(kept)


def shortened(text: str) -> str:
    """Return a text of at most `MAX_CHARACTERS`, cut between words."""
    if len(text) <= MAX_CHARACTERS:
        return text
    words = text[: MAX_CHARACTERS - 1].rsplit(" ", 1)[0]
    return f"{words}…"
