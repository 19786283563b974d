"""Space repeated attempts with intervals that double (exponential backoff).

Clocks are arguments.
"""

import math


class Backoff:
    """Counter of attempts, with the time of the next one.

    Parameters
    ----------
    first_s
        Interval before the second attempt.
    longest_s
        Intervals double up to this.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self.attempts = 0
        self._due_s = -math.inf

    @property
    def interval_s(self) -> float:
        """Seconds from the last attempt to the next one."""
        return min(self._first_s * 2.0 ** min(max(0, self.attempts - 1), 60), self._longest_s)

    def is_due(self, now_s: float) -> bool:
        """Return True if the time of the next attempt has come."""
        return now_s >= self._due_s

    def attempt(self, now_s: float) -> None:
        """Note an attempt at `now_s`."""
        self.attempts += 1
        self._due_s = now_s + self.interval_s

    def reset(self, now_s: float = -math.inf) -> None:
        """Reset the count: the first attempt is due at `now_s`."""
        self.attempts = 0
        self._due_s = now_s
