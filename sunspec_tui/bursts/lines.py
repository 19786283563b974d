"""Lines of times against heights: the tracks of exciters."""

import numpy as np
from numpy.typing import NDArray

Line = tuple[float, float, float]
"""Slope, its standard error, and the residual; all NaN if there is no line."""

_NO_LINE: Line = (float("nan"), float("nan"), float("nan"))
_FIT_ROUNDS = 3
_MIN_FITTED = 4
_OUTLIER_SIGMAS = 2.0
_MAX_RIDGE_RESIDUAL, _RIDGE_SIGMAS, _MAX_RIDGE_RATIO = 1.5, 3.0, 2.0


def fitted_line(x: NDArray[np.float64], times_s: NDArray[np.float64], resolution_s: float) -> Line:
    """Fit times to a line; return slope, its error, and residual.

    Outliers are left out. The residual is at least half of the resolution. All are NaN with too few or equal `x`.
    """
    line, kept = _NO_LINE, np.ones(len(x), bool)
    for _ in range(_FIT_ROUNDS):
        count, kept_x, kept_s = np.count_nonzero(kept), x[kept], times_s[kept]
        if count < _MIN_FITTED or kept_x.min() == kept_x.max():
            break
        mean_x, mean_s = kept_x.sum() / count, kept_s.sum() / count
        from_mean = kept_x - mean_x
        squares = float(from_mean @ from_mean)
        slope = float(from_mean @ kept_s) / squares
        offsets = times_s - mean_s - slope * (x - mean_x)
        kept_offsets = offsets[kept]
        residual = max(float(kept_offsets @ kept_offsets / count) ** 0.5, resolution_s / 2)
        line = slope, residual / squares**0.5, residual
        before, kept = kept, np.abs(offsets) <= _OUTLIER_SIGMAS * residual
        if (before == kept).all():
            break
    return line


def ridge_line(x: NDArray[np.float64], peaks_s: NDArray[np.float64], onsets: Line, resolution_s: float) -> Line:
    """Return the line of the peaks, or that of the onsets.

    The rise to half of the decibels takes longer for a stronger burst, and longer at lower frequencies. So the onsets
    of a strong burst drift faster than its ridge. The peaks of a group may be those of different strokes; then only its
    onsets lie on a line.

    Parameters
    ----------
    x, peaks_s, resolution_s
        As in `fitted_line`.
    onsets
        Slope, error and residual of the onsets.
    """
    peaks = fitted_line(x, peaks_s, resolution_s)
    is_line = peaks[2] <= max(_MAX_RIDGE_RESIDUAL * onsets[2], resolution_s)
    if not is_line or abs(peaks[0]) < _RIDGE_SIGMAS * peaks[1]:
        return onsets
    is_known = abs(onsets[0]) >= _RIDGE_SIGMAS * onsets[1]
    agrees = 1 / _MAX_RIDGE_RATIO <= peaks[0] / onsets[0] <= _MAX_RIDGE_RATIO if is_known else True
    return peaks if agrees else onsets
