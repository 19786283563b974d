"""Log errors caused by visitors, at most one line a second for each kind.

A visitor must not be able to fill the log or the disk. This module does not decide what is an error.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sunspec_tui.core.printable import printable

LINE_S = 1.0


@dataclass(slots=True)
class _Kind:
    said_s: float = float("-inf")
    unsaid: int = 0


class Complaints:
    """Rate-limited log: one line a second for each kind of error.

    Parameters
    ----------
    log
        Logger that writes the lines.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log, self._monotonic = log, monotonic
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, error: object, level: int = logging.ERROR) -> None:
        """Log a line unless its kind was logged within the last second.

        The next line says how many lines were left out.

        Parameters
        ----------
        kind
            What happened, in the program's own words; the number of kinds must stay small.
        error
            Details of the error.
        level
            Level of the log line.
        """
        seen, now_s = self._kinds.setdefault(kind, _Kind()), self._monotonic()
        if now_s - seen.said_s < LINE_S:
            seen.unsaid += 1
            return
        more = f" ({seen.unsaid} more since the last line)" if seen.unsaid else ""
        seen.said_s, seen.unsaid = now_s, 0
        self._log.log(level, "%s: %s%s", kind, printable(error, 300), more)

    def unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        """Log an exception that nothing caught; serves as asyncio's exception handler.

        asyncio's default handler writes a traceback each time, over the screen of the terminal interface.
        """
        del loop
        error = context.get("exception")
        if isinstance(error, ConnectionError):
            self.say("a connection of the web view was lost", error, logging.DEBUG)
            return
        self.say("the web view had an error and continues", error if error is not None else context.get("message"))
