"""Keep the monitor running after a fault in an event handler.

A message whose handling fails is dropped and reported. After many faults in a short time, the app ends with its
status and its traceback. This module uses private methods of Textual, `MessagePump._dispatch_message` and
`App._handle_exception`. tests/tui/test_guarded.py fails when they change.
"""

import logging
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.message import Message

log = logging.getLogger(__name__)

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
    """Message handler whose faults go to the app, a `GuardedApp`."""

    async def _dispatch_message(self, message: "Message") -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, _VITAL) or not self.app.handle_fault(error):  # type: ignore[attr-defined]
                raise


class GuardedApp(Guarded, App[int]):
    """App that continues after a fault, and ends after many of them.

    Parameters
    ----------
    driver_class
        Driver of the terminal; None for Textual's own.
    """

    def __init__(self, driver_class: "type[Driver] | None" = None) -> None:
        super().__init__(driver_class=driver_class)
        self._faults = FaultLimit()

    def handle_fault(self, error: Exception) -> bool:
        """Log a fault of a message handler; return True to continue."""
        continues = self._faults.allows(time.monotonic())
        if continues:
            self.report_fault(logging.ERROR, "monitor_fault", f"the screen failed to handle a message: {error!r}")
            log.debug("traceback of the screen's fault", exc_info=error)
        return continues

    def report_fault(self, level: int, kind: str, text: str) -> None:
        """Log a fault of the screen.

        An app with an event log overrides this method.
        """
        log.log(level, "%s (%s)", text, kind)

    def _handle_exception(self, error: Exception) -> None:
        self.report_fault(logging.CRITICAL, "monitor_failed", f"the screen has failed, the monitor ends: {error!r}")
        super()._handle_exception(error)
