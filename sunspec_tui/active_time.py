"""Time that this process has really had: what it spent stopped does not count.

A deadline that was set before a SIGSTOP, or before the machine slept, has passed when the process wakes, although
nobody had a chance to answer. Time is therefore counted in small steps. Pure arithmetic on a clock.
"""

import threading
import time
from collections.abc import Callable

MAX_STEP_S = 1.0
"""A step longer than this counts as this much: the process was stopped meanwhile."""


class ActiveTimer:
    """Counts seconds from its creation on, without those for which the process was stopped.

    Parameters
    ----------
    monotonic
        A clock that never goes back.
    max_step_s
        What a longer step counts as. Ask more often than that.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, max_step_s: float = MAX_STEP_S) -> None:
        self._monotonic, self._max_step_s = monotonic, max_step_s
        self._last_s = monotonic()
        self._active_s = 0.0

    def elapsed_s(self) -> float:
        """Seconds that count so far."""
        now_s = self._monotonic()
        self._active_s += min(now_s - self._last_s, self._max_step_s)
        self._last_s = now_s
        return self._active_s


def join_within(thread: threading.Thread, seconds: float, progress: Callable[[], object] = lambda: None) -> bool:
    """Wait for a thread to end; True when it has.

    Parameters
    ----------
    thread
        A thread that has been asked to end.
    seconds
        How long, without the time for which this process was stopped.
    progress
        A value that changes while the thread gets on with its work; with each change the time begins anew.
    """
    timer, seen = ActiveTimer(), progress()
    while thread.is_alive() and timer.elapsed_s() < seconds:
        thread.join(min(seconds, 0.1))
        if (now := progress()) != seen:
            timer, seen = ActiveTimer(), now
    return not thread.is_alive()
