"""The cadence of a stream: the median of its last steps, kept while it changes."""

import math
from bisect import bisect_left, insort
from collections import deque

STEP_COUNT = 31
"""Steps of which the median is taken."""


class Cadence:
    """Data time from frame to frame: the median of the last steps.

    Of two middle ones it is the lower, because a gap only makes steps longer.
    """

    def __init__(self) -> None:
        self._median_s = math.nan
        self._steps: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, step_s: float) -> float:
        """Take one step, and return the median; both in seconds."""
        steps, ordered = self._steps, self._sorted
        if len(steps) == STEP_COUNT:
            oldest = steps.popleft()
            if oldest == step_s:
                # A steady stream: the same numbers have the same median.
                steps.append(step_s)
                return self._median_s
            del ordered[bisect_left(ordered, oldest)]
        steps.append(step_s)
        insort(ordered, step_s)
        self._median_s = ordered[(len(ordered) - 1) // 2]
        return self._median_s

    def clear(self) -> None:
        """Forget all steps, because what comes now may have another cadence."""
        self._steps.clear()
        self._sorted.clear()
