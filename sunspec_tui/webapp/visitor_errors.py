"""Log errors caused by visitors, at a limited rate.

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
    logged_s: float = float("-inf")
    suppressed: int = 0


class VisitorErrorLog:
    """Rate-limited log: one line a second for each kind of error.

    Parameters
    ----------
    logger
        Logger that writes the lines.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, logger: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._monotonic = logger, monotonic
        self._kinds: dict[str, _Kind] = {}

    def log(self, kind: str, error: object, level: int = logging.ERROR) -> None:
        """Log a line unless its kind was logged within the last second.

        The next line states how many lines were left out.

        Parameters
        ----------
        kind
            What happened, in the program's own words; the number of kinds must stay small.
        error
            Details of the error.
        level
            Level of the log line.
        """
        state, now_s = self._kinds.setdefault(kind, _Kind()), self._monotonic()
        if now_s - state.logged_s < LINE_S:
            state.suppressed += 1
            return
        more = f" ({state.suppressed} more since the last line)" if state.suppressed else ""
        state.logged_s, state.suppressed = now_s, 0
        self._logger.log(level, "%s: %s%s", kind, printable(error, 300), more)

    def unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        """Log an exception that nothing caught; serves as asyncio's exception handler.

        asyncio's default handler writes a traceback each time, over the screen of the terminal interface.
        """
        del loop
        error = context.get("exception")
        if isinstance(error, ConnectionError):
            self.log("a connection of the web view was lost", error, logging.DEBUG)
            return
        self.log("the web view had an error and continues", error if error is not None else context.get("message"))
