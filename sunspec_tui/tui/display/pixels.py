"""From power to what is drawn: decibels, levels, pixels and braille dots.

Pure functions on arrays and numbers, tested as tables. What is not a positive number has no
decibels: it stays NaN here and is drawn as no data, never clamped to the lowest colour.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats, Levels, nan_median
from sunspec_tui.tui.display.axes import pixel_bins

# A peak that stands this far above the mean of its pixel is drawn instead of the mean.
_PEAK_FACTOR = 2.0
# Six mean distances are nearly five standard deviations: noise alone hardly comes there.
_SIGNED_PEAK_FACTOR = 6.0


def bin_pixels(mean: Floats, peak: Floats | None, npixels: int) -> Floats:
    """Bins gathered into pixels, with narrow peaks kept.

    Parameters
    ----------
    mean
        Mean of each bin, shape (n, nbins); NaN where there is none.
    peak
        Highest power of each bin, the same shape; None for a signed product, where what stands out
        may be below zero too.
    npixels
        Pixels along the band; where there are more of them than bins, bins are repeated.

    Returns
    -------
    numpy.ndarray
        Shape (n, npixels): the mean of the pixel's valid bins, or their highest value where it exceeds the
        mean twofold; NaN where no bin is valid. Of a signed product the bin that is farthest from the
        pixel's mean, where it is farther than six times the row's typical distance.
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
        return _outstanding(mean, average, starts)
    highest = np.maximum.reduceat(np.where(np.isfinite(peak), peak, -np.inf), starts, axis=-1)
    return np.where(highest > _PEAK_FACTOR * average, highest, average).astype(np.float32, copy=False)


def _pixel_means(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Means of the valid bins of each pixel."""
    valid = np.isfinite(values)
    count = np.add.reduceat(valid, starts, axis=-1, dtype=np.float32)
    total = np.add.reduceat(np.where(valid, values, 0), starts, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / count, np.float32)


def _outstanding(mean: Floats, average: Floats, starts: NDArray[np.int64]) -> Floats:
    """The pixel's mean, or the bin that stands out from it."""
    widths = np.diff([*starts, mean.shape[-1]])
    distance = mean - np.repeat(average, widths, axis=-1)
    # The row's own noise: one line in it does not change the median over its pixels.
    typical = nan_median(_pixel_means(np.abs(distance), starts).T)[:, None]
    above = np.fmax.reduceat(distance, starts, axis=-1)
    below = np.fmin.reduceat(distance, starts, axis=-1)
    farthest = np.where(above >= -below, above, below)
    with np.errstate(invalid="ignore"):
        stands_out = np.abs(farthest) > _SIGNED_PEAK_FACTOR * typical
    return np.where(stands_out, average + farthest, average).astype(np.float32, copy=False)


def colour_steps(values: Floats, levels: Levels, steps: int) -> NDArray[np.int16]:
    """Place of each value in a colour table of `steps`; -1 for NaN."""
    with np.errstate(invalid="ignore"):
        places = np.clip((values - levels.low) / levels.span * steps, 0, steps - 1)
    return np.where(np.isnan(places), -1, places).astype(np.int16)
