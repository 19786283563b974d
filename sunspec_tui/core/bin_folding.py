"""Fold neighbouring bins, to limit the memory of long histories.

Pure arithmetic.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import Floats


def fold_factor(nbins: int, max_bins: int) -> int:
    """Return how many neighbouring bins to fold, so that `max_bins` are enough."""
    return max(1, -(-nbins // max_bins))


def folded_frequencies_hz(frequencies_hz: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return the centres of folded bins: the mean centre of their bins."""
    starts = np.arange(0, len(frequencies_hz), factor)
    sums: NDArray[np.float64] = np.add.reduceat(frequencies_hz, starts)
    return sums / np.diff(np.append(starts, len(frequencies_hz)))


def folded_means(values: Floats, factor: int) -> Floats:
    """Return the mean of the finite values of folded bins.

    Parameters
    ----------
    values
        Power, shape (n, nbins).
    factor
        Number of neighbouring bins to fold; the last folded bin may have fewer.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, ceil(nbins / factor)); NaN where no value is finite.
    """
    if factor == 1:
        return values
    starts, finite = np.arange(0, values.shape[1], factor), np.isfinite(values)
    sums = np.add.reduceat(np.where(finite, values, 0), starts, axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / np.add.reduceat(finite, starts, axis=1, dtype=np.int64), np.float32)


def folded_peaks(values: Floats, factor: int) -> Floats:
    """Return the highest finite value of folded bins, else NaN."""
    if factor == 1:
        return values
    finite = np.where(np.isfinite(values), values, np.float32(np.nan))
    return np.asarray(np.fmax.reduceat(finite, np.arange(0, values.shape[1], factor), axis=1), np.float32)
