"""Functions from power to pixel values, and to colour steps.

This module has only pure functions. A value that is not positive has no decibels: it is NaN here and is drawn as no
data. It is never clamped to the lowest colour.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats, Levels, nan_median
from sunspec_tui.tui.display.axes import pixel_bins

# A peak that exceeds the mean of its pixel by this factor is drawn instead of the mean.
_PEAK_FACTOR = 2.0
# Six mean distances are nearly five standard deviations of normal noise, so noise alone rarely exceeds them.
_SIGNED_PEAK_FACTOR = 6.0


def bin_pixels(mean: Floats, peak: Floats | None, npixels: int) -> Floats:
    """Merge bins into pixels and keep narrow peaks.

    Parameters
    ----------
    mean
        Mean of each bin, shape (n, nbins); NaN without data.
    peak
        Highest power of each bin, of the same shape. None for a signed product, because its peaks may also be
        negative.
    npixels
        Number of pixels along the band. If it exceeds the number of bins, bins are repeated.

    Returns
    -------
    numpy.ndarray
        Shape (n, npixels). A pixel is the mean of its valid bins, or their highest value if that exceeds twice the
        mean; NaN if no bin is valid. For a signed product, the bin farthest from the pixel's mean replaces the mean
        if its distance exceeds six times the row's typical distance.
    """
    starts, _ = pixel_bins(mean.shape[-1], npixels)
    if npixels >= mean.shape[-1]:
        mean = mean[:, starts]
        if peak is None:
            return mean
        peak = peak[:, starts]
        return np.where(peak > _PEAK_FACTOR * mean, peak, mean)
    average = _pixel_means(mean, starts)
    if peak is None:
        return _mean_or_outlier(mean, average, starts)
    highest = np.maximum.reduceat(np.where(np.isfinite(peak), peak, -np.inf), starts, axis=-1)
    return np.where(highest > _PEAK_FACTOR * average, highest, average).astype(np.float32, copy=False)


def _pixel_means(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return the means of the valid bins of each pixel."""
    valid = np.isfinite(values)
    count = np.add.reduceat(valid, starts, axis=-1, dtype=np.float32)
    total = np.add.reduceat(np.where(valid, values, 0), starts, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / count, np.float32)


def _mean_or_outlier(mean: Floats, average: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return each pixel's mean, or its farthest bin if that is outstanding."""
    widths = np.diff([*starts, mean.shape[-1]])
    distance = mean - np.repeat(average, widths, axis=-1)
    # Estimate the row's noise as a median over the pixels, which a single spectral line does not change.
    typical = nan_median(_pixel_means(np.abs(distance), starts).T)[:, None]
    above = np.fmax.reduceat(distance, starts, axis=-1)
    below = np.fmin.reduceat(distance, starts, axis=-1)
    farthest = np.where(above >= -below, above, below)
    with np.errstate(invalid="ignore"):
        stands_out = np.abs(farthest) > _SIGNED_PEAK_FACTOR * typical
    return np.where(stands_out, average + farthest, average).astype(np.float32, copy=False)


# Order in which the pixels of a 4x4 block take the upper of two steps (Bayer's matrix).
_BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) + 0.5) / 16


def dithered_steps(
    values: Floats, levels: Levels, places: tuple[float, ...], columns: NDArray[np.int64]
) -> NDArray[np.int16]:
    """Return each value's step among colours with uneven steps.

    If a value lies between two steps, a part of its pixels has the upper step. The pattern depends only on the column's
    number and on the pixel's index, so scrolling does not change it.

    Parameters
    ----------
    values
        Shape (n, npixels); NaN gives -1.
    levels
        Values of the first and of the last step.
    places
        Steps of evenly spaced values between the levels, ascending. A fraction means a place between two steps.
    columns
        Number of each of the n columns.
    """
    table = np.asarray(places, np.float32)
    with np.errstate(invalid="ignore"):
        even = np.clip((values - levels.low) / levels.span, 0, 1) * (len(table) - 1)
    is_number = ~np.isnan(even)
    found = table[np.where(is_number, even + 0.5, 0).astype(np.int16)]
    thresholds = _BAYER[columns[:, None] % 4, np.arange(values.shape[1]) % 4]
    return np.where(is_number, np.floor(found + thresholds), -1).astype(np.int16)


def colour_steps(values: Floats, levels: Levels, steps: int) -> NDArray[np.int16]:
    """Return each value's index in a table of `steps` colours.

    The index is -1 for NaN.
    """
    with np.errstate(invalid="ignore"):
        places = np.clip((values - levels.low) / levels.span * steps, 0, steps - 1)
    return np.where(np.isnan(places), -1, places).astype(np.int16)
