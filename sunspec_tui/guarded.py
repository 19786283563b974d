"""What keeps a fault in the handling of one key or event from ending the monitor.

A message that cannot be handled is dropped and told of; where that happens again and again, the app ends after all,
with its status and its traceback. Of Textual's inside this leans on `MessagePump._dispatch_message`, which
tests/test_guarded.py holds.
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
# A widget without its parts is of no use.
_VITAL = (events.Load, events.Compose, events.Mount, events.Unmount)


class FaultLimit:
    """Says whether faults are few enough to go on."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=MAX_FAULTS)

    def allows(self, now_s: float) -> bool:
        """Count a fault at a time in seconds; False where there were too many lately."""
        oldest_s = self._times_s[0] if len(self._times_s) == MAX_FAULTS else -math.inf
        self._times_s.append(now_s)
        return now_s - oldest_s > WITHIN_S


class Guarded(MessagePump):
    """What handles messages in an app that has `survives`."""

    async def _dispatch_message(self, message: "Message") -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _VITAL) or not self.app.survives(error):  # type: ignore[attr-defined]
                raise
