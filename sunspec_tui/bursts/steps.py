"""Find steps of the receiver's gain.

Many bins jump in the same cell and stay, some up and others down, without drift. The background takes part in such a
step, so that the bins that went up are no burst.
"""

import numpy as np
from numpy.typing import NDArray

MIN_STEP_DB = 1.0
"""Least step of a bin."""

MIN_SHARE, MIN_SIGN_SHARE = 0.2, 0.15
"""Least share of the bins that step together, and of these with each sign."""

SIDE_CELLS = 4
"""Cells before and after a step that are compared: a step stays."""

_FLAT_SHARE = 0.25
_WINDOW = 2 * SIDE_CELLS + 1


def gain_step_db(before_db: NDArray[np.float32], after_db: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return each bin's step of the gain; None without one.

    The step is 0 for bins that do not take part.

    Parameters
    ----------
    before_db, after_db
        Cells before and after the cell in which the step may be, shape (n, nbins), at least two of each.
    """
    step = after_db.mean(axis=0) - before_db.mean(axis=0)
    # A step that is four times as high as the cells beside it vary is far above their noise.
    is_flat = np.maximum(np.ptp(before_db, axis=0), np.ptp(after_db, axis=0)) <= _FLAT_SHARE * np.abs(step)
    is_step = (np.abs(step) > MIN_STEP_DB) & is_flat
    ups, downs = np.count_nonzero(is_step & (step > 0)), np.count_nonzero(is_step & (step < 0))
    if ups + downs < MIN_SHARE * step.size or min(ups, downs) < MIN_SIGN_SHARE * (ups + downs):
        return None
    return np.where(is_step, step, np.float32(0))


class StepFinder:
    """Finds steps of the gain in blocks that follow each other."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None

    def feed(self, decibels: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Add the cells of a block; return a new step.

        Parameters
        ----------
        decibels
            Cells, shape (n, nbins).
        """
        cells = decibels if self._last is None else np.concatenate([self._last, decibels])
        self._last = cells[-(_WINDOW - 1) :]
        if len(cells) < _WINDOW:
            return None
        change = cells[SIDE_CELLS + 1 : 1 - SIDE_CELLS or None] - cells[SIDE_CELLS - 1 : -SIDE_CELLS - 1]
        shares = (np.abs(change) > MIN_STEP_DB).sum(axis=1) / cells.shape[1]
        best = int(shares.argmax())
        if shares[best] < MIN_SHARE:
            return None
        before, after = cells[best : best + SIDE_CELLS], cells[best + SIDE_CELLS + 1 : best + _WINDOW]
        step = gain_step_db(before, after)
        if step is not None:
            # The next search begins behind the step, so that it is found once.
            self._last = cells[max(best + SIDE_CELLS + 1, len(cells) - _WINDOW + 1) :]
        return step

    def forget(self) -> None:
        """Begin anew after missing rows."""
        self._last = None
