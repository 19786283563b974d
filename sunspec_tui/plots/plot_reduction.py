"""Average rows and bins to the resolution of a figure.

This limits the cost of a plot: a figure is 1512 pixels wide and 660 high. A ring buffer of a hundred thousand rows, or
a frame of a million channels, is reduced to means before it is sent to the plot process. Pure functions on arrays.
"""

import numpy as np
from numpy.typing import NDArray

MAX_ROWS = 4096
"""Largest number of columns of a figure, without gaps; 15 minutes with four rows per second are not averaged."""

MAX_BINS = 4096
"""Largest number of bins of a figure."""


def group_size(count: int, maximum: int) -> int:
    """Return the neighbours to average to reduce `count` to `maximum`."""
    return max(1, -(-count // maximum))


def finite_means(data: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.float32]:
    """Average the finite values between edges, along the first axis.

    The mean is NaN if a group has no finite value.

    Parameters
    ----------
    data
        Shape (n, ...).
    edges
        First row of each group, ascending from 0.
    """
    out = np.empty((len(edges), *data.shape[1:]), np.float32)
    for mean, begin, end in zip(out, edges, [*edges[1:], len(data)], strict=True):
        block = data[begin:end]
        with np.errstate(over="ignore", invalid="ignore"):
            np.divide(block.sum(axis=0, dtype=np.float64), end - begin, out=mean, casting="same_kind")
        bad = ~np.isfinite(mean)
        if bad.any():
            # Invalid values are rare, so only their bins use a mask.
            finite = np.isfinite(block[:, bad])
            sums = np.where(finite, block[:, bad], 0).sum(axis=0, dtype=np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean[bad] = sums / finite.sum(axis=0)
    return out


def row_edges(slots: NDArray[np.int64], rows: int, anew: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first row of each group of at most `rows` rows.

    A group ends before a gap that is longer than a group, and before a row that begins `anew`.
    """
    breaks = np.flatnonzero((np.diff(slots) > rows) | anew[1:]) + 1
    return np.union1d(np.arange(0, len(slots), rows), breaks).astype(np.int64)


def last_rows(edges: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the last row of each group."""
    return np.append(edges[1:], count).astype(np.int64) - 1


def average_bins(values: NDArray[np.float32], bins: int) -> NDArray[np.float32]:
    """Average finite values of groups of `bins` bins, along the last axis."""
    if bins == 1:
        return values
    edges = np.arange(0, values.shape[-1], bins)
    return np.ascontiguousarray(finite_means(np.ascontiguousarray(values.T), edges).T)


def average_frequencies(frequencies: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Return the centres of groups of `bins` bins."""
    if bins == 1:
        return frequencies
    edges = np.arange(0, len(frequencies), bins)
    return np.asarray((frequencies[edges] + frequencies[last_rows(edges, len(frequencies))]) / 2)
