"""Count the seconds in which this process was not suspended.

A process may be stopped by a SIGSTOP or by a sleep of the machine. When it continues, a deadline may have passed
although it could do nothing in that time. Time is therefore counted in small steps. Pure arithmetic on a clock.
"""

import math
import threading
import time
from collections.abc import Callable

MAX_STEP_S = 1.0
"""A longer step counts as this much, because the process was stopped meanwhile."""


class ActiveTimer:
    """Timer that does not count while the process is stopped.

    Parameters
    ----------
    monotonic
        Monotonic clock, in seconds.
    max_step_s
        A longer step counts as this much. Call `elapsed_s` more often than that.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, max_step_s: float = MAX_STEP_S) -> None:
        self._monotonic, self._max_step_s = monotonic, max_step_s
        self._last_s = monotonic()
        self._active_s = 0.0

    def elapsed_s(self) -> float:
        """Return the seconds counted since the timer was made."""
        now_s = self._monotonic()
        self._active_s += min(now_s - self._last_s, self._max_step_s)
        self._last_s = now_s
        return self._active_s


def join_within(
    thread: threading.Thread,
    seconds: float,
    progress: Callable[[], object] = lambda: None,
    *,
    deadline_s: float = math.inf,
) -> bool:
    """Wait for a thread to end; return True if it has.

    Parameters
    ----------
    thread
        Thread that was asked to end.
    seconds
        Longest time to wait, without the time while this process is stopped.
    progress
        Returns a value that changes while the thread makes progress; each change restarts `seconds`.
    deadline_s
        Time on `time.monotonic` at which the wait ends, even if there is progress.
    """
    timer, seen = ActiveTimer(), progress()
    while thread.is_alive() and timer.elapsed_s() < seconds and (left_s := deadline_s - time.monotonic()) > 0:
        thread.join(min(seconds, left_s, 0.1))
        if (now := progress()) != seen:
            timer, seen = ActiveTimer(), now
    return not thread.is_alive()
