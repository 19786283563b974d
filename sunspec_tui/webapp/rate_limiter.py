"""Rate limiter with bursts, counted separately for each peer.

For an event that comes too early, the limiter returns the time to wait. So a flood is delayed and not refused. This
module only calculates; it does not wait.
"""

import time
from collections.abc import Callable, Hashable

_MAX_KEYS = 1024


class RateLimiter:
    """Rate limit for each of many keys.

    Parameters
    ----------
    per_s
        Events a second on average.
    burst
        Events at once after a pause.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, per_s: float, burst: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._step_s, self._burst_s = 1 / per_s, burst / per_s
        self._monotonic = monotonic
        self._due_s: dict[Hashable, float] = {}

    def reserve(self, key: Hashable = None, count: float = 1) -> float:
        """Count events and return the seconds to wait; 0 without a wait."""
        now_s = self._monotonic()
        if len(self._due_s) > _MAX_KEYS:
            self._due_s = {each: due_s for each, due_s in self._due_s.items() if due_s > now_s}
        due_s = max(self._due_s.get(key, now_s), now_s) + count * self._step_s
        self._due_s[key] = due_s
        return max(0.0, due_s - now_s - self._burst_s)

    def give_back(self, key: Hashable = None, count: float = 1) -> None:
        """Take back `count` counted events that did not happen."""
        if key in self._due_s:
            self._due_s[key] -= count * self._step_s

    def room(self, key: Hashable = None) -> float:
        """Return the number of events allowed at once now."""
        now_s = self._monotonic()
        ahead_s = max(0.0, self._due_s.get(key, now_s) - now_s)
        return max(0.0, self._burst_s - ahead_s) / self._step_s
