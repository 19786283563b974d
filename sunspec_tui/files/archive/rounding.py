"""Round power to the precision that its noise allows.

Rounded power makes smaller files.

A power that is the mean over a bandwidth B and a time t has a relative noise of 1 / sqrt(B t) (the radiometer equation,
e.g. Rohlfs & Wilson, Tools of Radio Astronomy, chapter 4). Rounding to k bits of mantissa has a relative standard
deviation of at most 2**-k / sqrt(12). Pure arithmetic.
"""

import math

import numpy as np
from numpy.typing import NDArray

SHARE_OF_NOISE = 0.1
"""Largest standard deviation of rounding, as a share of the noise."""

MANTISSA_BITS = 23
"""Bits of mantissa of a float32."""

_EXPONENT = np.uint32(0xFF)
_STEPS_RMS = math.sqrt(12)


def noise_share(bandwidth_hz: float, time_s: float) -> float:
    """Return the relative noise of a mean power.

    The power is the mean over a bandwidth and a time.
    """
    return 1 / math.sqrt(bandwidth_hz * time_s)


def needed_bits(bandwidth_hz: float, time_s: float) -> int:
    """Return the number of mantissa bits to keep.

    It is the smallest number whose rounding error is below `SHARE_OF_NOISE` of the noise.
    """
    bits = math.ceil(-math.log2(_STEPS_RMS * SHARE_OF_NOISE * noise_share(bandwidth_hz, time_s)))
    return min(max(bits, 1), MANTISSA_BITS)


def rounding_share(bits: int, bandwidth_hz: float, time_s: float) -> float:
    """Return the largest error of rounding, relative to the noise.

    The error is the standard deviation of rounding to `bits`.
    """
    return 2.0**-bits / _STEPS_RMS / noise_share(bandwidth_hz, time_s)


def rounded(power: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round values to some bits of mantissa.

    Rounding is to the nearest value, halves to even. Values that are not finite, zero or subnormal, and values that
    would become infinite, are not changed.

    Parameters
    ----------
    power
        Values, float32, any shape.
    bits
        Bits of mantissa to keep, 1 to 23.

    Returns
    -------
    numpy.ndarray
        A copy.
    """
    if bits >= MANTISSA_BITS:
        return power.copy()
    dropped = np.uint32(MANTISSA_BITS - bits)
    words = np.ascontiguousarray(power, np.float32).view(np.uint32)
    half = (np.uint32(1) << (dropped - np.uint32(1))) - np.uint32(1)
    found = (words + half + ((words >> dropped) & np.uint32(1))) & ~((np.uint32(1) << dropped) - np.uint32(1))
    before, after = (words >> np.uint32(MANTISSA_BITS)) & _EXPONENT, (found >> np.uint32(MANTISSA_BITS)) & _EXPONENT
    # A carry can turn the largest finite values into infinity.
    keep = (before == 0) | (before == _EXPONENT) | (after == _EXPONENT)
    return np.where(keep, words, found).view(np.float32)


def rounded_to_steps_of(
    cross: NDArray[np.float32], xx: NDArray[np.float32], yy: NDArray[np.float32], bits: int
) -> NDArray[np.float32]:
    """Round a cross product to whole steps of the intensity's last bit.

    The noise of the cross product is that of the intensity, even if the cross product is small. The cross product is
    not changed if the intensity is not positive and finite.

    Parameters
    ----------
    cross
        Re(XY*) or Im(XY*), float32, any shape.
    xx, yy
        XX and YY of the same rows.
    bits
        Bits of mantissa of the intensity to keep, 1 to 23.
    """
    if bits >= MANTISSA_BITS:
        return cross
    with np.errstate(over="ignore", invalid="ignore"):
        intensity = xx * np.float32(0.5) + yy * np.float32(0.5)
        usable = np.isfinite(intensity) & (intensity >= np.finfo(np.float32).tiny * 2.0**bits)
        _, exponent = np.frexp(np.where(usable, intensity, np.float32(1)))
        # A step is a power of two, so that the product and the quotient are exact.
        found = np.ldexp(np.rint(np.ldexp(cross, bits + 1 - exponent)), exponent - 1 - bits)
    keep = ~usable | ~np.isfinite(found)
    return np.where(keep, cross, found).astype(np.float32)
