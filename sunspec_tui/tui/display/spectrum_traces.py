"""Maximum hold, minimum hold and running average of the spectrum, since they were last reset.

State and arithmetic only. What is not a number never enters a trace.
"""

import numpy as np

from sunspec_tui.core.levels import Floats

AVERAGED_ROWS = 40
"""Rows after which the running average has forgotten two thirds of what was before."""


class Traces:
    """Further traces of one product, shape (nbins,) each; NaN where nothing valid has come."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next rows."""
        self._held: dict[str, Floats] = {}
        self._rows = 0

    def add(self, values: Floats) -> None:
        """Take rows, oldest first, shape (n, nbins)."""
        if not len(values):
            return
        finite = np.where(np.isfinite(values), values, np.float32(np.nan))
        if not self._held:
            first = finite[0]
            self._held = {"max": first.copy(), "min": first.copy(), "average": first.copy()}
            self._rows = 1
            finite = finite[1:]
        for row in finite[-4 * AVERAGED_ROWS :]:
            self._average(row)
        if len(finite):
            np.fmax(self._held["max"], np.fmax.reduce(finite, axis=0), out=self._held["max"])
            np.fmin(self._held["min"], np.fmin.reduce(finite, axis=0), out=self._held["min"])

    def _average(self, row: Floats) -> None:
        """A plain mean at first, then one that forgets slowly."""
        self._rows += 1
        average = self._held["average"]
        share = np.float32(1 / min(self._rows, AVERAGED_ROWS))
        known = np.isfinite(row)
        fresh = known & ~np.isfinite(average)
        average[fresh] = row[fresh]
        np.add(average, (row - average) * share, out=average, where=known)

    def get(self, name: str) -> Floats | None:
        """The trace ``max``, ``min`` or ``average``; None before the first row."""
        return self._held.get(name)
