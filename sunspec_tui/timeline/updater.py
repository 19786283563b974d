"""Thread that updates a timeline before rows leave the ring."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

MAX_POLL_S = 16.0
"""Longest time between two updates.

An update of many rows takes little more time than one of a few.
"""

_SHARE = 0.05  # seconds for each row of the ring: a fifth of the ring at the usual four rows a second


def poll_s(buffer_length: int) -> float:
    """Return the seconds between updates for a ring of so many rows."""
    return min(MAX_POLL_S, _SHARE * buffer_length)


class TimelineUpdater:
    """Thread that calls a function at its start and then regularly.

    Parameters
    ----------
    update
        Function to call; an error is reported once, and the next call tries again.
    poll_s
        Seconds from call to call.
    """

    def __init__(self, update: Callable[[], None], poll_s: float) -> None:
        self._update, self._poll_s = update, poll_s
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; without effect while it runs."""
        if self._thread is None:
            self._ending.clear()
            self._thread = threading.Thread(target=self._run, name="sunspec-timeline", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        problem = ""
        while not self._ending.is_set():
            try:
                self._update()
                problem = ""
            except Exception as error:
                if repr(error) != problem:
                    problem = repr(error)
                    log.exception("the history of the day is not updated; the next try is in %g s", self._poll_s)
            self._ending.wait(self._poll_s)
