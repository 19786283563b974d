"""Keep the monitor running after a fault in an event handler.

A message whose handling fails is dropped and reported. After many faults in a short time, the app ends with its
status and its traceback. This module uses a private method of Textual, `MessagePump._dispatch_message`;
tests/tui/test_guarded.py fails when it changes.
"""

import math
from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.message import Message

MAX_FAULTS = 20
WITHIN_S = 60.0
# A fault in one of these events always ends the app, because an incomplete widget is useless.
_VITAL = (events.Load, events.Compose, events.Mount, events.Unmount)


class FaultLimit:
    """Limit of the number of faults within `WITHIN_S` seconds."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=MAX_FAULTS)

    def allows(self, now_s: float) -> bool:
        """Count a fault; return False if there were too many recently."""
        oldest_s = self._times_s[0] if len(self._times_s) == MAX_FAULTS else -math.inf
        self._times_s.append(now_s)
        return now_s - oldest_s > WITHIN_S


class Guarded(MessagePump):
    """Message handler in an app that has the method `survives`."""

    async def _dispatch_message(self, message: "Message") -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _VITAL) or not self.app.survives(error):  # type: ignore[attr-defined]
                raise
