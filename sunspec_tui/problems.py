"""What is wrong with the program itself, not with the stream: outputs that fail, threads that have ended.

Each problem is logged once, as an event, and stands in every snapshot until it is over.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sunspec_tui.errors import named_error
from sunspec_tui.events import tell

THREAD_PREFIX = "sunspec-"
_LOG_AGAIN_S = 60.0

log = logging.getLogger(__name__)


class Problems:
    """The problems that stand, by the part of the program that has them.

    Parameters
    ----------
    monotonic
        A clock that never goes back.

    Attributes
    ----------
    threads_ended
        Threads of ours that have ended on an error.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.threads_ended = 0
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self._logged_s: dict[str, float] = {}

    @property
    def current(self) -> tuple[str, ...]:
        """A sentence for each problem that stands."""
        with self._lock:
            return tuple(self._texts.values())

    @property
    def lines_lost(self) -> int:
        """Lines of all outputs that were not written."""
        with self._lock:
            return sum(self._lost.values())

    def report(self, part: str, text: str, lost: int = 0) -> None:
        """Note a problem of a part, or with an empty text that it is over; from any thread.

        Parameters
        ----------
        part
            Such as ``standard output``.
        text
            One sentence.
        lost
            Lines that the part has lost so far.
        """
        now_s = self._monotonic()
        with self._lock:
            before = self._texts.get(part, "")
            self._lost[part] = lost
            if text:
                self._texts[part] = text
            else:
                self._texts.pop(part, None)
            # One that comes and goes is logged once a minute.
            again = now_s - self._logged_s.get(part, -_LOG_AGAIN_S) >= _LOG_AGAIN_S
            if text and not before and again:
                self._logged_s[part] = now_s
        if text and not before and again:
            tell(log, logging.ERROR, "problem", text, part=part)
        elif before and not text:
            tell(log, logging.INFO, "problem_over", f"{part} works again, {lost} lines were lost", part=part, lost=lost)

    def thread_ended(self, name: str, error: BaseException) -> None:
        """Note that a thread of ours has ended on an error."""
        self.threads_ended += 1
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        text = f"the thread {name} has ended on an error, restart the program: {named_error(error)}{place}"
        self.report(name, text)

    @contextmanager
    def watching_threads(self) -> Iterator[None]:
        """Note each thread of ours that ends on an error; those of others are handled as before."""
        before = threading.excepthook

        def ended(found: threading.ExceptHookArgs) -> None:
            name = found.thread.name if found.thread is not None else ""
            if name.startswith(THREAD_PREFIX) and found.exc_value is not None:
                self.thread_ended(name, found.exc_value)
            else:
                before(found)

        threading.excepthook = ended
        try:
            yield
        finally:
            if threading.excepthook is ended:
                threading.excepthook = before
