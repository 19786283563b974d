"""Maximum hold, minimum hold and running average of the spectrum.

Values that are not finite are ignored.
"""

import numpy as np

from sunspec_tui.core.levels import Floats

AVERAGED_ROWS = 40
"""Number of rows after which the weight of earlier rows in the running average is about one third."""


class Traces:
    """Additional traces of one product.

    Each has the shape (nbins,), with NaN before the first valid value of a bin.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again with the next rows."""
        self._traces: dict[str, Floats] = {}
        self._rows = 0

    def add(self, values: Floats) -> None:
        """Add rows, oldest first, shape (n, nbins)."""
        if not len(values):
            return
        finite = np.where(np.isfinite(values), values, np.float32(np.nan))
        if not self._traces:
            first = finite[0]
            self._traces = {"max": first.copy(), "min": first.copy(), "average": first.copy()}
            self._rows = 1
            finite = finite[1:]
        for row in finite[-4 * AVERAGED_ROWS :]:
            self._average(row)
        if len(finite):
            np.fmax(self._traces["max"], np.fmax.reduce(finite, axis=0), out=self._traces["max"])
            np.fmin(self._traces["min"], np.fmin.reduce(finite, axis=0), out=self._traces["min"])

    def _average(self, row: Floats) -> None:
        """Update the average: first a plain mean, then an exponential average."""
        self._rows += 1
        average = self._traces["average"]
        share = np.float32(1 / min(self._rows, AVERAGED_ROWS))
        known = np.isfinite(row)
        fresh = known & ~np.isfinite(average)
        average[fresh] = row[fresh]
        np.add(average, (row - average) * share, out=average, where=known)

    def get(self, name: str) -> Floats | None:
        """Return a copy of the trace ``max``, ``min`` or ``average``.

        Return None before the first row. Each row changes the trace, so the screen draws a copy.
        """
        trace = self._traces.get(name)
        return None if trace is None else trace.copy()
