"""Code means in 16 bits and highest values in 8 bits.

A mean is the upper half of a float32: it keeps sign, zero and NaN, and its relative error is at most 1/256 (0.017 dB).
A highest value is coded as its excess over the mean in decibels. The step of the code grows with the excess, so that
the error is at most 0.03 dB at 1 dB and 0.1 dB at 10 dB. Pure arithmetic.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import Floats

MeanCodes = NDArray[np.uint16]
PeakCodes = NDArray[np.uint8]

MAX_EXCESS_DB = 48.0
"""Largest excess of a highest value over its mean: one of 63 000 rows has all the power."""

_NO_PEAK = 255
_MAX_CODE = 254


def encode_means(values: Floats) -> MeanCodes:
    """Round values to the upper 16 bits of a float32.

    Half of the last bit is rounded up in magnitude. A value that would round to infinity keeps its bits instead.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = ((bits.astype(np.uint64) + 0x8000) >> 16).astype(np.uint16)
    exponent = np.uint16(0x7F80)
    # Infinities stay infinite. A NaN or a finite value must not become infinite.
    kept = (bits >> 16).astype(np.uint16)
    special = (kept & exponent) == exponent
    spilled = ~special & ((rounded & exponent) == exponent)
    result = np.where(special | spilled, kept, rounded)
    return np.where(np.isnan(values), kept | np.uint16(0x40), result)


def decode_means(codes: MeanCodes) -> Floats:
    """Return the values of codes, float32."""
    return (codes.astype(np.uint32) << np.uint32(16)).view(np.float32)


def encode_peaks(peak: Floats, mean: Floats) -> PeakCodes:
    """Code highest values relative to their means.

    Parameters
    ----------
    peak, mean
        Highest value and mean, of one shape. A highest value without a positive mean, or below it, is not coded.

    Returns
    -------
    numpy.ndarray
        uint8 of the same shape; 255 where the highest value is not known.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        excess_db = 10 * np.log10(peak.astype(np.float64) / mean)
        steps = np.rint(_MAX_CODE * np.sqrt(np.maximum(excess_db, 0) / MAX_EXCESS_DB))
    known = np.isfinite(excess_db) & (mean > 0) & (steps <= _MAX_CODE)
    return np.where(known, np.where(known, steps, 0), _NO_PEAK).astype(np.uint8)


def decode_peaks(codes: PeakCodes, mean: Floats) -> Floats:
    """Return highest values, float32; the mean where they are not known.

    Parameters
    ----------
    codes
        Codes of `encode_peaks`.
    mean
        The decoded means, of the same shape.
    """
    return mean * _FACTORS[codes]


_FACTORS = (10 ** (MAX_EXCESS_DB / 10 * (np.arange(256) / _MAX_CODE) ** 2)).astype(np.float32)
_FACTORS[_NO_PEAK] = 1.0
