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


class Toast(NamedTuple):
    """Text of a toast, its severity, and its remaining time."""

    text: str
    severity: Severity
    seconds: float


class _Message(NamedTuple):
    text: str
    severity: Severity
    until_s: float


class Toasts:
    """Messages that are shown, each for its own time.

    Parameters
    ----------
    call_later
        Calls a function after some seconds.
    on_change
        Called when the toast has another text, and when it goes.
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
        self._messages: deque[_Message] = deque(maxlen=MAX_MESSAGES)

    @property
    def toast(self) -> Toast | None:
        """The toast of all messages; None if there are none."""
        if not self._messages:
            return None
        worst = max((message.severity for message in self._messages), key=_SEVERITIES.index)
        texts = "\n".join(message.text for message in self._messages)
        return Toast(texts, worst, max(message.until_s for message in self._messages) - self._clock())

    def add(self, text: str, severity: Severity, timeout_s: float) -> None:
        """Show a message for some seconds."""
        now_s = self._clock()
        self._drop_old(now_s)
        self._messages.append(_Message(shortened(text), severity, now_s + timeout_s))
        self._on_change()
        # A little later than the end, so that the time is over for certain.
        self._call_later(timeout_s + 0.05, self._follow_clock)

    def clear(self) -> bool:
        """Remove all messages; return False if there were none."""
        self._drop_old(self._clock())
        had_messages = bool(self._messages)
        self._messages.clear()
        return had_messages

    def _follow_clock(self) -> None:
        """Remove the messages whose time is over."""
        if self._drop_old(self._clock()):
            self._on_change()

    def _drop_old(self, now_s: float) -> bool:
        """Drop the messages whose time is over; return True for any."""
        kept = [message for message in self._messages if message.until_s > now_s]
        has_old = len(kept) < len(self._messages)
        self._messages.clear()
        self._messages.extend(kept)
        return has_old


def shortened(text: str) -> str:
    """Return a text of at most `MAX_CHARACTERS`, cut between words."""
    if len(text) <= MAX_CHARACTERS:
        return text
    words = text[: MAX_CHARACTERS - 1].rsplit(" ", 1)[0]
    return f"{words}…"
