"""Thread that updates a timeline every second."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

_POLL_S = 1.0


class TimelineUpdater:
    """Thread that calls a function every second.

    So no row leaves the ring before it is read.

    Parameters
    ----------
    update
        Function to call; an error is reported once, and the next call tries again.
    poll_s
        Seconds from call to call.
    """

    def __init__(self, update: Callable[[], None], poll_s: float = _POLL_S) -> None:
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
        while not self._ending.wait(self._poll_s):
            try:
                self._update()
                problem = ""
            except Exception as error:
                if repr(error) != problem:
                    problem = repr(error)
                    log.exception("the history of the day is not updated; the next second tries again")
