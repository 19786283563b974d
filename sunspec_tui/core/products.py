"""Polarisation products: derive Stokes parameters, and average channels.

Pure arithmetic on arrays of shape (..., npol). The stream carries XX, YY, Re(XY*) and Im(XY*);
I = (XX + YY) / 2 is this instrument's convention. Products are never clamped: a NaN stays NaN, and
affects only its own bin and its own product.
"""

import math
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Product(StrEnum):
    """Polarisation products; the values are the names that users type and read."""

    XX = "XX"
    YY = "YY"
    XY_REAL = "XY_real"
    XY_IMAG = "XY_imag"
    I = "I"  # noqa: E741 - the name of the Stokes parameter
    Q = "Q"
    U = "U"
    V = "V"
    V_OVER_I = "V/I"


WIRE_PRODUCTS = (Product.XX, Product.YY, Product.XY_REAL, Product.XY_IMAG)
PEAK_PRODUCTS = frozenset({Product.XX, Product.YY, Product.I})
"""Products whose highest powers are known at all steps of a timeline."""

SIGNED_PRODUCTS = frozenset({Product.XY_REAL, Product.XY_IMAG, Product.Q, Product.U, Product.V, Product.V_OVER_I})
"""Products that are often negative, so that they are shown linear and not in dB."""

_NEEDS = {Product.XX: 1, Product.YY: 2, Product.I: 2, Product.Q: 2}
_FLOAT32 = np.dtype(np.float32)
_BINS_AT_ONCE = 4
"""Bins that one matrix product averages together: this is faster than more or fewer bins."""


def plain_name(product: Product) -> str:
    """Return a product's name without a slash.

    Names of files and groups cannot have one: V/I becomes ``V_over_I``.
    """
    return str(product).replace("/", "_over_")


@lru_cache(maxsize=16)
def available(npol: int) -> tuple[Product, ...]:
    """Return the products that a stream of `npol` polarisation products can show."""
    return tuple(product for product in Product if _NEEDS.get(product, 4) <= npol)


def derive(rows: NDArray[np.float32], product: Product) -> NDArray[np.float32]:
    """Return one product of received rows.

    Parameters
    ----------
    rows
        Power, shape (..., npol).
    product
        One of ``available(npol)``.

    Returns
    -------
    numpy.ndarray
        Shape (...,), float32. V/I is NaN if I is not positive.
    """
    if product in WIRE_PRODUCTS:
        return rows[..., WIRE_PRODUCTS.index(product)]
    if product is Product.U:
        return rows[..., 2]
    if product is Product.V:
        return rows[..., 3]
    # No warnings: bad values give bad results, which are shown as bad.
    with np.errstate(invalid="ignore", over="ignore"):
        return _combined(rows, product)


def _combined(rows: NDArray[np.float32], product: Product) -> NDArray[np.float32]:
    """Return Q, I or V/I."""
    half = np.float32(0.5)
    if product is Product.Q:
        return np.asarray(rows[..., 0] * half - rows[..., 1] * half, np.float32)
    intensity: NDArray[np.float32] = rows[..., 0] * half + rows[..., 1] * half
    if product is Product.I:
        return intensity
    positive = np.where(intensity > 0, intensity, np.float32(np.nan))
    return np.asarray(rows[..., 3] / positive, np.float32)


def bin_count(nchan: int, channel_average: int) -> int:
    """Return the number of bins of `nchan` channels.

    The last bin may have fewer than `channel_average`.
    """
    return -(-nchan // channel_average)


@lru_cache(maxsize=16)
def _averaging_matrix(channel_average: int, npol: int, bins: int) -> NDArray[np.float32]:
    """Return the matrix that averages the channels of some bins.

    Its shape is (bins * channel_average * npol, bins * npol).
    """
    one = np.kron(np.full((channel_average, 1), 1 / channel_average), np.eye(npol))
    return np.kron(np.eye(bins), one).astype(np.float32)


def average_channels(spectrum: NDArray[Any], channel_average: int, out: NDArray[np.float32]) -> None:
    """Average neighbouring channels of all products at once.

    Parameters
    ----------
    spectrum
        Power of one beam, shape (nchan, npol).
    channel_average
        Channels per bin.
    out
        Array for the bins: float32, C-order, shape (bin_count(nchan), npol). A bin is the plain mean of its
        channels, so a NaN in one channel makes its bin NaN, in that product alone.

    Notes
    -----
    Bad values may raise numpy's warning of an invalid value. The caller suppresses it once for each frame
    (``numpy.errstate``): doing so here would take half as long as the average itself.
    """
    nchan = len(spectrum)
    whole = nchan // channel_average
    used = whole * channel_average
    # This check is faster than a call of numpy that finds nothing to convert.
    fits = spectrum.dtype is _FLOAT32 and spectrum.flags.c_contiguous
    values = spectrum if fits else np.ascontiguousarray(spectrum, np.float32)
    if used == nchan:
        _average_whole_bins(values, channel_average, out)
        return
    if whole:
        _average_whole_bins(values[:used], channel_average, out[:whole])
    # In float32 the sum of large powers may overflow although their mean does not.
    out[whole] = values[used:].mean(axis=0, dtype=np.float64)


def _average_whole_bins(values: NDArray[np.float32], channel_average: int, out: NDArray[np.float32]) -> None:
    """Average channels that fill their bins; see `average_channels`."""
    nbins, npol = out.shape
    bins = _BINS_AT_ONCE if nbins % _BINS_AT_ONCE == 0 else 1
    matrix = _averaging_matrix(channel_average, npol, bins)
    values.reshape(-1, len(matrix)).dot(matrix, out.reshape(-1, bins * npol))
    # In a matrix product one bad value spoils the other products of its bins: 0 * NaN is NaN. One dot product detects
    # bad values in a third of the time of isfinite().all(). It also detects values whose squares overflow; they only
    # cause the slower calculation below. In that calculation a bin is infinite if the sum of its channels overflows.
    # Dividing the channels before the sum would avoid that, but takes a quarter longer.
    flat = out.reshape(-1)
    if not math.isfinite(flat.dot(flat)):
        np.einsum("bcp->bp", values.reshape(nbins, channel_average, npol), out=out)
        out /= np.float32(channel_average)
