"""Edges of bins, and powers mapped from one frequency axis to another.

A bin takes the value of the nearest bin of the other axis, if that is within half a bin width; else it is NaN. Pure
arithmetic.
"""

import numpy as np
from numpy.typing import NDArray

NO_BIN = -1
"""Value for a bin without a source bin."""

_SAME_FREQUENCY = 1e-6
_MAX_STEP_RATIO = 2.0
_TOLERANCE = 1e-6
_EVENNESS = 0.5  # largest offset of a bin on an even axis, in bins; a narrower last bin moves others by less


def bin_width_hz(frequencies_hz: NDArray[np.float64]) -> float:
    """Return the width of an axis's bins; NaN for a single frequency.

    Axes of e-CALLISTO stations are not even. The width is the largest step between neighbours that is at most twice the
    median step, so that neighbouring bins touch each other, but do not fill a hole in the band.
    """
    steps_hz = np.diff(np.unique(frequencies_hz))
    if not steps_hz.size:
        return float("nan")
    limit_hz = _MAX_STEP_RATIO * float(np.median(steps_hz))
    return float(steps_hz[steps_hz <= limit_hz * (1 + _TOLERANCE)].max())


def is_same_axis(source_hz: NDArray[np.float64], target_hz: NDArray[np.float64]) -> bool:
    """Return True if two axes have the same bins."""
    same_count = len(source_hz) == len(target_hz)
    return same_count and np.allclose(source_hz, target_hz, rtol=_SAME_FREQUENCY, atol=0)


def source_bins(
    source_hz: NDArray[np.float64], target_hz: NDArray[np.float64], width_hz: float
) -> NDArray[np.intp] | None:
    """Return the source bin of each bin of another axis.

    Parameters
    ----------
    source_hz, target_hz
        Centres of the bins of both axes, ascending, shape (n,) and (m,).
    width_hz
        Width of a bin: a source bin is used if its centre is at most half of it away.

    Returns
    -------
    numpy.ndarray or None
        Shape (m,), `NO_BIN` where no source bin is near enough; None if both axes have the same bins. Of two source
        bins at the same distance, the lower one is used. Of source bins of the same frequency, it is the last one:
        e-CALLISTO files repeat their lowest frequency, and the last of these bins fits the next one.
    """
    if is_same_axis(source_hz, target_hz):
        return None
    if not len(source_hz):
        return np.full(len(target_hz), NO_BIN, np.intp)
    after = np.clip(np.searchsorted(source_hz, target_hz), 1, max(1, len(source_hz) - 1))
    before, after = after - 1, np.minimum(after, len(source_hz) - 1)
    nearer = np.abs(source_hz[after] - target_hz) < np.abs(source_hz[before] - target_hz)
    nearest = np.where(nearer, after, before)
    near_enough = np.abs(source_hz[nearest] - target_hz) <= width_hz / 2 * (1 + _TOLERANCE)
    last_of_equals = np.searchsorted(source_hz, source_hz[nearest], "right") - 1
    return np.where(near_enough, last_of_equals, NO_BIN)


def mapped(values: NDArray[np.float32], bins: NDArray[np.intp] | None) -> NDArray[np.float32]:
    """Return values of other bins.

    Parameters
    ----------
    values
        Powers, shape (n, source bins, ...).
    bins
        Result of `source_bins`. None returns the values unchanged.
    """
    if bins is None:
        return values
    chosen = values[:, bins]
    chosen[:, bins == NO_BIN] = np.nan
    return chosen


def bin_edges(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of two or more bins, shape (nbins + 1,).

    They are in the middle between the centres. The first and the last bin are symmetric about their centres.
    """
    middles = (frequencies[1:] + frequencies[:-1]) / 2
    ends = 2 * frequencies[[0, -1]] - middles[[0, -1]]
    return np.concatenate([ends[:1], middles, ends[1:]])


def is_even(frequencies: NDArray[np.float64], step: float) -> bool:
    """Return True if the steps between bins are nearly even.

    No bin is more than half a step away from its frequency on an even axis.
    """
    places = frequencies[0] + step * np.arange(len(frequencies))
    return bool((np.abs(frequencies - places) <= _EVENNESS * step).all())
