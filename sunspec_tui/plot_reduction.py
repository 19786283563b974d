"""Rows and bins joined into as many as a figure can show, so that a plot's cost has a limit.

A figure is 1512 pixels wide and 660 high. A ring of a hundred thousand rows, or a frame of a million channels, is
reduced to means before it is sent to the plot process. Pure functions on arrays.
"""

import numpy as np
from numpy.typing import NDArray

MAX_ROWS = 4096
"""Columns of a figure at most, without those of gaps: a quarter of an hour at four rows a second is drawn as it is."""

MAX_BINS = 4096
"""Bins of a figure at most."""


def joined_count(count: int, most: int) -> int:
    """How many neighbours are joined into one, so that of `count` at most `most` remain."""
    return max(1, -(-count // most))


def finite_means(data: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean of the finite values from each edge to the next, along the first axis; NaN where there are none.

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
            # Bad values are few: only their bins are looked at value by value.
            finite = np.isfinite(block[:, bad])
            sums = np.where(finite, block[:, bad], 0).sum(axis=0, dtype=np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean[bad] = sums / finite.sum(axis=0)
    return out


def row_edges(slots: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """First of each group of so many rows; none reaches across a gap that is longer than it."""
    breaks = np.flatnonzero(np.diff(slots) > rows) + 1
    return np.union1d(np.arange(0, len(slots), rows), breaks).astype(np.int64)


def last_of(edges: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Last row of each group."""
    return np.append(edges[1:], count).astype(np.int64) - 1


def joined_bins(values: NDArray[np.float32], bins: int) -> NDArray[np.float32]:
    """Means of so many neighbouring bins, along the last axis; not of the values that are not finite."""
    if bins == 1:
        return values
    edges = np.arange(0, values.shape[-1], bins)
    return np.ascontiguousarray(finite_means(np.ascontiguousarray(values.T), edges).T)


def joined_frequencies(frequencies: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Centres of so many neighbouring bins."""
    if bins == 1:
        return frequencies
    edges = np.arange(0, len(frequencies), bins)
    return np.asarray((frequencies[edges] + frequencies[last_of(edges, len(frequencies))]) / 2)
