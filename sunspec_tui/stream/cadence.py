"""Measure a stream's cadence: the median of its recent time steps."""

import math
from bisect import bisect_left, insort
from collections import deque

STEP_COUNT = 31
"""Number of steps in the median."""


class Cadence:
    """Running median of the data time from frame to frame.

    For an even number of steps it is the lower of the two middle ones, because a gap only makes steps longer.
    """

    def __init__(self) -> None:
        self._median_s = math.nan
        self._steps: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, step_s: float) -> float:
        """Add one step and return the median, both in seconds."""
        steps, ordered = self._steps, self._sorted
        if len(steps) == STEP_COUNT:
            oldest = steps.popleft()
            if oldest == step_s:
                # In a steady stream the steps are the same as before, and so is their median.
                steps.append(step_s)
                return self._median_s
            del ordered[bisect_left(ordered, oldest)]
        steps.append(step_s)
        insort(ordered, step_s)
        self._median_s = ordered[(len(ordered) - 1) // 2]
        return self._median_s

    def clear(self) -> None:
        """Forget all steps; the next ones may have another cadence."""
        self._steps.clear()
        self._sorted.clear()
