"""Remove the quiet background of a picture.

A steep spectrum then does not use all colours.

The terminal, the figures and the quick-looks use this definition. The web page has the same one in `background.mjs`;
tests compare both with one table. Pure functions on arrays.
"""

import numpy as np

from sunspec_tui.core.levels import Floats, nan_median, sampled_bins, sampled_rows

REMOVED = "background removed"
"""Text for titles and captions."""


def quiet_median(power: Floats) -> Floats:
    """Return the background of each bin.

    It is the median over the quieter half of the rows. A burst that lasts less than half of the time does not affect
    it. At most 256 rows are used.

    Parameters
    ----------
    power
        Linear power of rows or columns, shape (n, nbins); NaN if missing.

    Returns
    -------
    numpy.ndarray
        Shape (nbins,), NaN for a bin without a valid value.
    """
    sample = power[sampled_rows(len(power))]
    # Use absolute values, so that a negative burst of a signed product does not count as quiet.
    loudness = nan_median(np.abs(sampled_bins(sample)).T)
    known = np.isfinite(loudness)
    if not known.any():
        return np.full(power.shape[-1], np.nan, np.float32)
    quiet = known & (loudness <= nan_median(loudness))
    return nan_median(sample[quiet])


def without_background(power: Floats, background: Floats, *, signed: bool) -> Floats:
    """Return power without the background.

    Power is divided by the background; for a signed product, the background is subtracted.

    Parameters
    ----------
    power
        Linear power, shape (..., nbins).
    background
        Background of each bin, shape (nbins,). A bin without a positive background becomes NaN, unless `signed`.
    signed
        True for a product that is not shown in decibels.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if signed:
            return np.asarray(power - background, np.float32)
        return np.asarray(power / np.where(background > 0, background, np.nan), np.float32)
