"""Track problems of the program itself: failed outputs and ended threads.

Each problem is logged once as an event, and is part of every snapshot until it is over. This module does not track
faults of the stream.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sunspec_tui.core.errors import error_text
from sunspec_tui.core.event_log import log_event

THREAD_PREFIX = "sunspec-"
_LOG_AGAIN_S = 60.0

log = logging.getLogger(__name__)


class Problems:
    """Current problems of the program, by the part that has them.

    Parameters
    ----------
    monotonic
        Monotonic clock, in seconds.

    Attributes
    ----------
    threads_ended
        Number of this program's threads that an error has ended.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.threads_ended = 0
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self._logged_s: dict[str, float] = {}
        self._over_s: dict[str, float] = {}

    @property
    def current(self) -> tuple[str, ...]:
        """One sentence for each current problem."""
        with self._lock:
            return tuple(self._texts.values())

    @property
    def lines_lost(self) -> int:
        """Number of lines that all outputs have lost."""
        with self._lock:
            return sum(self._lost.values())

    def report(self, part: str, text: str, lost: int = 0) -> None:
        """Set or clear the problem of a part; from any thread.

        Parameters
        ----------
        part
            Part of the program, such as ``standard output``.
        text
            One sentence; empty when the problem is over.
        lost
            Number of lines that the part has lost so far.
        """
        now_s = self._monotonic()
        with self._lock:
            before = self._texts.get(part, "")
            self._lost[part] = lost
            if text:
                self._texts[part] = text
            else:
                self._texts.pop(part, None)
            # A problem that recurs is logged at most once per minute, and so is its end.
            over_s = self._over_s.get(part, -_LOG_AGAIN_S)
            if before and not text and now_s - over_s >= _LOG_AGAIN_S:
                self._over_s[part] = now_s
            again = now_s - self._logged_s.get(part, -_LOG_AGAIN_S) >= _LOG_AGAIN_S
            if text and not before and again:
                self._logged_s[part] = now_s
        if text and not before and again:
            log_event(log, logging.ERROR, "problem", text, part=part)
        elif before and not text and now_s - over_s >= _LOG_AGAIN_S:
            log_event(
                log, logging.INFO, "problem_over", f"{part} works again, {lost} lines were lost", part=part, lost=lost
            )

    def thread_ended(self, name: str, error: BaseException) -> None:
        """Report that an error has ended one of this program's threads."""
        self.threads_ended += 1
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        text = f"the thread {name} ended with an error, restart the program: {error_text(error)}{place}"
        self.report(name, text)

    @contextmanager
    def watching_threads(self) -> Iterator[None]:
        """Report each thread of this program that an error ends.

        Threads of other libraries are handled as before.
        """
        before = threading.excepthook

        def ended(args: threading.ExceptHookArgs) -> None:
            name = args.thread.name if args.thread is not None else ""
            if name.startswith(THREAD_PREFIX) and args.exc_value is not None:
                self.thread_ended(name, args.exc_value)
            else:
                before(args)

        threading.excepthook = ended
        try:
            yield
        finally:
            if threading.excepthook is ended:
                threading.excepthook = before
