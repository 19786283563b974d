"""Encode powers as steps on an asinh scale, which compress well.

A code is ``asinh(power / unit) / STEP``, rounded. Codes are evenly spaced in decibels far from zero, and in power near
zero. A row is stored as differences from the codes of the previous row. The precision depends only on the product, so
that codes of consecutive rows can be subtracted.

Pure arithmetic.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product

STEP_DB = 0.02
STEP = STEP_DB * math.log(10) / 10
"""Step of the scale: far from zero the error of a power is at most half of 0.02 dB."""
SIGNED_PRECISION = 1 / 25
"""Largest error near zero of a signed product, as a share of the median magnitude of its values in the key row."""
SMALLEST_UNIT = 2e-45
"""Unit of powers, near the smallest float32: the scale is then logarithmic, with steps of 0.02 dB."""
MISSING, FAR, MIDDLE = 0, 255, 128
"""Bytes for a missing value, for a code that follows in full, and for step 0; other bytes are steps of -127 to 126."""

Coded = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""Codes of values, and the mask of valid values."""

_LARGEST = float(np.finfo(np.float32).max)


def unit_of(values: NDArray[np.float32], product: Product) -> float:
    """Return the unit of the scale for a row and its continuations.

    Parameters
    ----------
    values
        Power of the row, shape (nbins,).
    product
        Product of the row; for a signed product the unit follows the magnitude of the values.
    """
    if product not in SIGNED_PRODUCTS:
        return SMALLEST_UNIT
    magnitudes = np.abs(values)
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    if not len(magnitudes):
        return SMALLEST_UNIT
    middle = len(magnitudes) // 2
    return max(SMALLEST_UNIT, float(np.partition(magnitudes, middle)[middle]) * 2 * SIGNED_PRECISION / STEP)


def codes_of(values: NDArray[np.float32], unit: float, step: float = STEP) -> Coded:
    """Return the codes of powers, and the mask of valid values.

    Both have the shape of `values`. The code of an invalid value is 0.
    """
    known = np.isfinite(values)
    # In double precision: the ratio of the largest to the smallest float32 does not fit into a float32.
    scaled = values.astype(np.float64)
    scaled /= unit
    np.arcsinh(scaled, out=scaled)
    scaled /= step
    if not known.all():
        scaled[~known] = 0
    return np.rint(scaled, out=scaled).astype(np.int32), known


def powers_of(codes: NDArray[np.int32], unit: float, step: float) -> NDArray[np.float32]:
    """Return the powers of codes, float32."""
    with np.errstate(over="ignore"):
        powers = np.sinh(codes * step) * unit
    # A coded value is finite: rounding must not move it out of the range of float32.
    return np.asarray(np.clip(powers, -_LARGEST, _LARGEST), np.float32)


def as_steps(codes: NDArray[np.int32], known: NDArray[np.bool_], before: Coded | None) -> bytes:
    """Write codes as steps of one byte.

    A code with a large step, or without a previous value, is written in full after the steps.

    Parameters
    ----------
    codes, known
        Return values of `codes_of`, shape (n, nbins).
    before
        The same for the previous row, shape (nbins,); None for a key row, whose steps are between bins.
    """
    if before is None:
        before = np.append(np.int32(0), codes[0, :-1]), np.append(False, known[0, :-1])
    steps = codes - np.concatenate((before[0][None], codes[:-1]))
    steps += MIDDLE
    far = (steps <= MISSING) | (steps >= FAR)
    if not (known.all() and before[1].all()):
        far |= ~np.concatenate((before[1][None], known[:-1]))
        far &= known
        steps[~known] = MISSING
    steps[far] = FAR
    return steps.astype(np.uint8).tobytes() + codes[far].astype("<i4").tobytes()


def from_steps(data: bytes, shape: tuple[int, int], before: NDArray[np.int32] | None) -> Coded:
    """Read codes and the mask of valid values: the inverse of `as_steps`.

    Parameters
    ----------
    data
        Bytes that `as_steps` wrote.
    shape
        Numbers of rows and bins.
    before
        Codes of the previous row; None for a key row.

    Raises
    ------
    ValueError
        If the length is wrong.
    """
    count = shape[0] * shape[1]
    steps = np.frombuffer(data[:count], np.uint8)
    far = steps == FAR
    if len(steps) != count or len(data) != count + 4 * np.count_nonzero(far):
        raise ValueError("the length of a message is wrong")
    codes = np.where(steps == MISSING, 0, steps.astype(np.int32) - MIDDLE)
    codes[far] = np.frombuffer(data, "<i4", offset=count)
    codes, known, far = codes.reshape(shape), (steps != MISSING).reshape(shape), far.reshape(shape)
    stepped = known & ~far
    if before is None:
        _add_up(codes[0], stepped[0])
    for n, row in enumerate(codes):
        newest = codes[n - 1] if n else before
        if newest is not None:
            row[stepped[n]] += newest[stepped[n]]
    return codes, known


def _add_up(steps: NDArray[np.int32], stepped: NDArray[np.bool_]) -> None:
    """Convert the steps between bins to codes, in place.

    The sum restarts at each bin whose code is written in full, and after missing values.
    """
    sums = np.cumsum(steps)
    begin = np.maximum.accumulate(np.where(stepped, 0, np.arange(len(steps))))
    steps[stepped] = (sums - sums[begin] + steps[begin])[stepped]
