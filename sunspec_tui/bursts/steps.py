"""Steps of the receiver's gain: many bins jump in the same cell and stay.

Some bins go up and others down, without drift. The background takes part in such a step, so that it is no burst.
"""

import numpy as np
from numpy.typing import NDArray

MIN_STEP_DB = 1.0
"""Least step of a bin."""

MIN_SHARE, MIN_SIGN_SHARE = 0.2, 0.15
"""Least share of the bins that step together, and of these with each sign."""

AFTER_CELLS = 3
"""Cells after a step that must be known: a step stays."""

_STEP_SIGMAS = 6.0
_STAYS_WITHIN = 0.5


def gain_step_db(
    before_db: NDArray[np.float32], after_db: NDArray[np.float32], noise_db: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return the step of each bin, 0 for those without; None if it is no step of the gain.

    Parameters
    ----------
    before_db, after_db
        Cells before and after a cell in which the step may be, shape (n, nbins), at least two of each.
    noise_db
        Standard deviation of the cells, shape (nbins,).
    """
    step = after_db.mean(axis=0) - before_db.mean(axis=0)
    limit = np.maximum(_STEP_SIGMAS * noise_db / np.sqrt(len(after_db)), MIN_STEP_DB)
    is_flat = np.maximum(np.ptp(before_db, axis=0), np.ptp(after_db, axis=0)) <= _STAYS_WITHIN * np.abs(step)
    is_step = (np.abs(step) > limit) & is_flat
    ups, downs = np.count_nonzero(is_step & (step > 0)), np.count_nonzero(is_step & (step < 0))
    if ups + downs < MIN_SHARE * step.size or min(ups, downs) < MIN_SIGN_SHARE * (ups + downs):
        return None
    return np.where(is_step, step, np.float32(0))
