"""Polarisation products: the ones that come, the ones that follow from them, and their averaging.

Pure arithmetic on arrays of shape (..., npol). The wire carries XX, YY, Re(XY*) and Im(XY*);
I = (XX + YY) / 2 is this instrument's convention. No product is ever clamped: what is not a
number stays none, in its own bin and its own product.
"""

import math
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Product(StrEnum):
    """What a spectrum can show; the values are the names that users type and read."""

    XX = "XX"
    YY = "YY"
    XY_REAL = "XY_real"
    XY_IMAG = "XY_imag"
    I = "I"  # noqa: E741 - the Stokes parameter's own name
    Q = "Q"
    U = "U"
    V = "V"
    V_OVER_I = "V/I"


WIRE_PRODUCTS = (Product.XX, Product.YY, Product.XY_REAL, Product.XY_IMAG)
SIGNED_PRODUCTS = frozenset({Product.XY_REAL, Product.XY_IMAG, Product.Q, Product.U, Product.V, Product.V_OVER_I})
"""Products that are negative as a matter of course, so that a logarithm does not suit them."""

_NEEDS = {Product.XX: 1, Product.YY: 2, Product.I: 2, Product.Q: 2}


_FLOAT32 = np.dtype(np.float32)
_BINS_AT_ONCE = 4
"""Bins of which one matrix product makes the means together: more cost more, and fewer too."""


def plain_name(product: Product) -> str:
    """Name of a product where a slash means something else, in files and groups: V/I is ``V_over_I``."""
    return str(product).replace("/", "_over_")


def available(npol: int) -> tuple[Product, ...]:
    """Products that a stream of `npol` polarisation products can show."""
    return tuple(product for product in Product if _NEEDS.get(product, 4) <= npol)


def derive(rows: NDArray[np.float32], product: Product) -> NDArray[np.float32]:
    """One product of rows as they were received.

    Parameters
    ----------
    rows
        Power, shape (..., npol).
    product
        One of ``available(npol)``.

    Returns
    -------
    numpy.ndarray
        Shape (...,), float32. V/I is not a number where I is not positive.
    """
    if product in WIRE_PRODUCTS:
        return rows[..., WIRE_PRODUCTS.index(product)]
    if product is Product.U:
        return rows[..., 2]
    if product is Product.V:
        return rows[..., 3]
    # What comes of bad values is bad itself: no warning is needed to see it.
    with np.errstate(invalid="ignore", over="ignore"):
        return _combined(rows, product)


def _combined(rows: NDArray[np.float32], product: Product) -> NDArray[np.float32]:
    """Q, I or V/I."""
    half = np.float32(0.5)
    if product is Product.Q:
        return np.asarray(rows[..., 0] * half - rows[..., 1] * half, np.float32)
    intensity: NDArray[np.float32] = rows[..., 0] * half + rows[..., 1] * half
    if product is Product.I:
        return intensity
    positive = np.where(intensity > 0, intensity, np.float32(np.nan))
    return np.asarray(rows[..., 3] / positive, np.float32)


def bin_count(nchan: int, channel_average: int) -> int:
    """Bins of `nchan` channels; a last bin may hold fewer than `channel_average`."""
    return -(-nchan // channel_average)


@lru_cache(maxsize=16)
def _averaging_matrix(channel_average: int, npol: int, bins: int) -> NDArray[np.float32]:
    """Matrix that averages the channels of some bins, shape (bins * channel_average * npol, bins * npol)."""
    one = np.kron(np.full((channel_average, 1), 1 / channel_average), np.eye(npol))
    return np.kron(np.eye(bins), one).astype(np.float32)


def average_channels(spectrum: NDArray[Any], channel_average: int, out: NDArray[np.float32]) -> None:
    """Average neighbouring channels of all products at once.

    Parameters
    ----------
    spectrum
        Power of one beam, shape (nchan, npol).
    channel_average
        Channels a bin.
    out
        Where the bins are written: float32, C-order, shape (bin_count(nchan), npol). A bin is the plain
        mean of its channels, so one channel that is not a number makes its bin none, in that
        product alone.

    Notes
    -----
    Bad values may raise numpy's warning of an invalid value; whoever calls this for every frame turns it off
    once (``numpy.errstate``), because doing it here costs as much as half the product.
    """
    nchan = len(spectrum)
    whole = nchan // channel_average
    used = whole * channel_average
    # numpy looks at an array longer than these two lines, also where it has nothing to do.
    fits = spectrum.dtype is _FLOAT32 and spectrum.flags.c_contiguous
    values = spectrum if fits else np.ascontiguousarray(spectrum, np.float32)
    if used == nchan:
        _average_whole_bins(values, channel_average, out)
        return
    if whole:
        _average_whole_bins(values[:used], channel_average, out[:whole])
    # In float32 the sum of large powers would overflow where their mean does not.
    out[whole] = values[used:].mean(axis=0, dtype=np.float64)


def _average_whole_bins(values: NDArray[np.float32], channel_average: int, out: NDArray[np.float32]) -> None:
    """Average channels that fill their bins; see `average_channels`."""
    nbins, npol = out.shape
    bins = _BINS_AT_ONCE if nbins % _BINS_AT_ONCE == 0 else 1
    matrix = _averaging_matrix(channel_average, npol, bins)
    values.reshape(-1, len(matrix)).dot(matrix, out.reshape(-1, bins * npol))
    # In a matrix product one bad value spoils its neighbours' products: 0 * NaN is NaN. One dot product tells whether
    # all is well, in a third of the time of isfinite().all(). Squares that overflow only cost the slower way, which
    # makes a bin infinite if the sum of its channels overflows: to weight them first takes a quarter longer.
    flat = out.reshape(-1)
    if not math.isfinite(flat.dot(flat)):
        np.einsum("bcp->bp", values.reshape(nbins, channel_average, npol), out=out)
        out /= np.float32(channel_average)
