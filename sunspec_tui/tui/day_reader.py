"""Read the blocks of the day strip in a thread.

Thus a slow disk does not delay the screen.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.timeline_source import TimelineSource
from sunspec_tui.tui.display.day_loader import DayContent, DayLoader

log = logging.getLogger(__name__)

POLL_S = 5.0
"""Time after which the timeline is asked for newer rows."""

RETRY_S = 60.0
"""Time after which a part that could not be read is tried again."""

END_WITHIN_S = 1.0


class DayRequest(NamedTuple):
    """What the strip should show.

    Attributes
    ----------
    source
        The timeline.
    columns
        Number of columns.
    shown_s
        End of a paused picture, rounded; None for a live one.
    """

    source: TimelineSource
    columns: int
    shown_s: float | None


class DayReader:
    """Thread that loads the strip, and ends when all is loaded.

    Parameters
    ----------
    on_news
        Called in the thread when there is something new to show.
    clock
        Monotonic clock in seconds.

    Attributes
    ----------
    content
        The newest content; None before the first row.
    """

    def __init__(self, on_news: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_news, self._clock = on_news, clock
        self._loader: tuple[TimelineSource, DayLoader] | None = None
        self._request: DayRequest | None = None
        self._done: DayRequest | None = None
        self._due_s = 0.0
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._fault = ""
        self.content: DayContent | None = None

    @property
    def length_s(self) -> float:
        """Length of the known day in seconds; 0 before the first row."""
        content = self.content
        return 0.0 if content is None else content.columns.length_s

    def want(self, request: DayRequest) -> None:
        """Load what a request lacks, unless the thread already does."""
        self._request = request
        if self._thread is not None and self._thread.is_alive():
            return
        if self._ending.is_set() or (request == self._done and self._clock() < self._due_s):
            return
        thread = threading.Thread(target=self._run, name="sunspec-day-strip", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._done, self._due_s = request, self._clock() + RETRY_S
            self._report(f"the day strip cannot be loaded: {error}; end other programs")
            return
        self._thread = thread

    def end(self) -> None:
        """End the thread, after the part that it reads."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(END_WITHIN_S)

    def _run(self) -> None:
        request = self._request
        try:
            while request is not None and not self._ending.is_set():
                follows = self._load_part(request)
                if not follows and request == self._request:
                    self._fault = ""
                    break
                request = self._request
            delay_s = POLL_S
        except SunspecError as error:
            self._report(f"a part of the day strip cannot be read: {error}")
            delay_s = RETRY_S
        except Exception as error:
            self._report(f"the day strip has failed: {error!r}")
            log.debug("the failure", exc_info=error)
            delay_s = RETRY_S
        self._done, self._due_s = request, self._clock() + delay_s

    def _load_part(self, request: DayRequest) -> bool:
        """Load one part; return True if more parts follow."""
        if self._loader is None or self._loader[0] is not request.source:
            self._loader = request.source, DayLoader(request.source)
        content, follows = self._loader[1].load(request.columns, request.shown_s)
        if content is not self.content:
            self.content = content
            self._on_news()
        return follows

    def _report(self, text: str) -> None:
        """Log a fault once, until a load has succeeded."""
        if text != self._fault:
            self._fault = text
            log_event(log, logging.WARNING, "day_strip_failed", text)
