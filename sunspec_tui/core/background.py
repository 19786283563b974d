"""Removal of the quiet background, so that a steep spectrum does not take all colours of a waterfall.

The one definition for the terminal, the figures and the quick-looks. The page has the same in `background.mjs`; tests
hold both against one table. Pure functions on arrays.
"""

import numpy as np

from sunspec_tui.core.levels import Floats, nan_median, sampled_bins, sampled_rows

REMOVED = "background removed"
"""Words of titles and captions."""


def quiet_median(power: Floats) -> Floats:
    """Return the background: the median of each bin over the quieter half of the rows.

    A burst that fills less than half of the time leaves no trace in it. Of many rows, 256 are looked at.

    Parameters
    ----------
    power
        Linear power of rows or columns, shape (n, nbins); NaN where there is none.

    Returns
    -------
    numpy.ndarray
        Shape (nbins,), NaN where a bin has no valid value.
    """
    sample = power[sampled_rows(len(power))]
    # By its size, so that a negative burst of a signed product is loud too.
    loudness = nan_median(np.abs(sampled_bins(sample)).T)
    known = np.isfinite(loudness)
    if not known.any():
        return np.full(power.shape[-1], np.nan, np.float32)
    quiet = known & (loudness <= nan_median(loudness))
    return nan_median(sample[quiet])


def without_background(power: Floats, background: Floats, *, signed: bool) -> Floats:
    """Return power relative to a background, or its difference for a signed product.

    Parameters
    ----------
    power
        Linear, shape (..., nbins).
    background
        Of each bin, shape (nbins,). A bin without a positive background has no value, unless `signed`.
    signed
        True for a product that has no decibels.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if signed:
            return np.asarray(power - background, np.float32)
        return np.asarray(power / np.where(background > 0, background, np.nan), np.float32)
