"""Notice that the time from row to row has changed.

A detector has cells for one cadence: it finds nothing in rows that are longer, and smears rows that are shorter.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

WINDOW_ROWS = 24
"""Number of steps from row to row that tell the cadence."""

MAX_RATIO = 1.5
"""A cadence that is longer or shorter by this factor is another one."""

# Missing rows make many steps longer, so that only the shortest ones tell the cadence. Some rows may be late and the
# next step too short, so that only half of the steps tell that it is shorter.
_SHORT, _MIDDLE = 0.1, 0.5


class CadenceWatch:
    """Cadence of rows in the order of time."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; the next rows may have any cadence."""
        self._last_s, self._usual_s = float("nan"), float("nan")
        self._steps_s: deque[float] = deque(maxlen=WINDOW_ROWS)

    def has_changed(self, times_s: NDArray[np.float64]) -> bool:
        """Add rows; return True if their cadence is another one.

        Parameters
        ----------
        times_s
            Times of the rows, seconds, ascending, at least one.
        """
        self._steps_s.extend(step_s for step_s in np.diff(times_s, prepend=self._last_s).tolist() if step_s > 0)
        self._last_s = float(times_s[-1])
        if len(self._steps_s) < WINDOW_ROWS:
            return False
        ordered = sorted(self._steps_s)
        short_s, middle_s = (ordered[round(share * (WINDOW_ROWS - 1))] for share in (_SHORT, _MIDDLE))
        if math.isnan(self._usual_s):
            self._usual_s = short_s
        return short_s > MAX_RATIO * self._usual_s or middle_s < self._usual_s / MAX_RATIO
