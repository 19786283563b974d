"""Powers as whole numbers on an asinh scale, and as steps from the row before: small numbers, which compress well.

A code is ``asinh(power / unit) / STEP``, rounded. Far from zero that is even in decibels, near zero even in power. The
precision depends on the product alone, so that rows which follow each other have codes that can be subtracted.
Pure arithmetic.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product

STEP_DB = 0.02
STEP = STEP_DB * math.log(10) / 10
"""Step of the scale: far from zero a power is at most half of 0.02 dB off."""
SIGNED_PRECISION = 1 / 25
"""Largest error near zero of a product with signs, as a share of the median size of its values in the key row."""
SMALLEST_UNIT = 2e-45
"""Unit of powers, near the smallest float32: the scale is logarithmic, its codes are even hundredths of a decibel."""
MISSING, FAR, MIDDLE = 0, 255, 128
"""Bytes: no number; a code of its own follows; no step. Other bytes are steps of -127 to 126."""

Coded = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""Codes of values, and where there is a number."""

_LARGEST = float(np.finfo(np.float32).max)


def unit_of(values: NDArray[np.float32], product: Product) -> float:
    """Return the unit of the scale for a row and those that follow it.

    Parameters
    ----------
    values
        Power of the row, shape (nbins,).
    product
        Product of the row: those with signs get a unit of the size of their values.
    """
    if product not in SIGNED_PRODUCTS:
        return SMALLEST_UNIT
    sizes = np.abs(values)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return SMALLEST_UNIT
    middle = len(sizes) // 2
    return max(SMALLEST_UNIT, float(np.partition(sizes, middle)[middle]) * 2 * SIGNED_PRECISION / STEP)


def codes_of(values: NDArray[np.float32], unit: float) -> Coded:
    """Return the codes of powers, 0 where there is no number, and where there is one; both of the shape of `values`."""
    known = np.isfinite(values)
    # In double precision: the ratio of the largest to the smallest float32 does not fit into a float32.
    places = values.astype(np.float64)
    places /= unit
    np.arcsinh(places, out=places)
    places /= STEP
    if not known.all():
        places[~known] = 0
    return np.rint(places, out=places).astype(np.int32), known


def powers_of(codes: NDArray[np.int32], unit: float, step: float) -> NDArray[np.float32]:
    """Return the powers of codes, float32."""
    with np.errstate(over="ignore"):
        powers = np.sinh(codes * step) * unit
    # A coded value is finite: rounding must not move it out of the range of float32.
    return np.asarray(np.clip(powers, -_LARGEST, _LARGEST), np.float32)


def as_steps(codes: NDArray[np.int32], known: NDArray[np.bool_], before: Coded | None) -> bytes:
    """Write codes as one byte each, and in full where a step is too large for it or there is nothing before it.

    Parameters
    ----------
    codes, known
        As `codes_of` returns them, shape (n, nbins).
    before
        The same of the row before, shape (nbins,); None for a key row, whose steps are between bins.
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
    """Read codes, and where there is a number: the other direction of `as_steps`.

    Parameters
    ----------
    data
        What `as_steps` wrote.
    shape
        Rows and bins.
    before
        Codes of the row before; None for a key row.

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
    """Turn the steps between bins of a key row into codes; one that is no step begins anew."""
    sums = np.cumsum(steps)
    begin = np.maximum.accumulate(np.where(stepped, 0, np.arange(len(steps))))
    steps[stepped] = (sums - sums[begin] + steps[begin])[stepped]
