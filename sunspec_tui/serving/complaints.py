"""One line a second for each kind of thing that goes wrong with visitors, however often it does.

A visitor must not fill a log or a disk by what it sends. Nothing here decides what is wrong.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sunspec_tui.printable import printable

LINE_S = 1.0


@dataclass(slots=True)
class _Kind:
    said_s: float = float("-inf")
    unsaid: int = 0


class Complaints:
    """Logs at most one line a second for each kind, with the number of those that were left out.

    Parameters
    ----------
    log
        Where lines go.
    monotonic
        A clock that never goes back, in seconds.
    """

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log, self._monotonic = log, monotonic
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, error: object, level: int = logging.ERROR) -> None:
        """Log one line, unless one of its kind was logged within the last second.

        Parameters
        ----------
        kind
            What has happened, in words of the program; few different ones.
        error
            What is known of it.
        level
            How bad it is.
        """
        seen, now_s = self._kinds.setdefault(kind, _Kind()), self._monotonic()
        if now_s - seen.said_s < LINE_S:
            seen.unsaid += 1
            return
        more = f" ({seen.unsaid} more since the last line)" if seen.unsaid else ""
        seen.said_s, seen.unsaid = now_s, 0
        self._log.log(level, "%s: %s%s", kind, printable(error, 300), more)

    def unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        """Log what asyncio found nobody to handle: as its exception handler.

        Its own would log a traceback each time, on the screen where a terminal interface draws.
        """
        del loop
        error = context.get("exception")
        if isinstance(error, ConnectionError):
            self.say("a connection of the web view was lost", error, logging.DEBUG)
            return
        self.say("the web view met an error and goes on", error if error is not None else context.get("message"))
