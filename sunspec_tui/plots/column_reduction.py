"""Reduce rows to the columns of a quick-look: means and highest values.

The highest values keep short bursts visible. The width of a column depends on the length of the data. Pure functions on
arrays.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import FluxScale, scale_power, scale_recording
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.plots.plot_reduction import finite_means

MAX_COLUMNS = 1440
"""Largest number of columns of a quick-look, without gaps."""

_DAY_S = 86_400.0
_MICROSECONDS = 1e6
# Each width divides an hour, or is a number of hours that divides a day: hours are reduced separately, and no column
# may be in two of them.
_WIDTHS_S = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 9, 10, 12, 15, 20, 24,
    30, 36, 40, 45, 60, 90, 120, 180, 240, 300, 360, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip


class Reduced(NamedTuple):
    """Rows reduced to columns.

    Attributes
    ----------
    means
        Means of the products over columns.
    highest
        The product's highest values, or those farthest from zero for a signed product, shape (n, nbins); NaN if a
        column has no finite value.
    rows
        Number of rows.
    cadence_s
        Data time from row to row; NaN if unknown.
    column_s
        Width of a column; 0 if each column is a row.
    begin_s, end_s
        Beginning of the first row and end of the last one, seconds since 1970 UTC.
    """

    means: Recording
    highest: NDArray[np.float32]
    rows: int
    cadence_s: float
    column_s: float
    begin_s: float
    end_s: float


def column_width_s(span_s: float, cadence_s: float, rows: int, most: int = MAX_COLUMNS) -> float:
    """Return the width of the columns for data of this length.

    0 if each row is a column.

    Parameters
    ----------
    span_s
        Time from the beginning of the first row to the end of the last one.
    cadence_s
        Length of a row; NaN if unknown.
    rows
        Number of rows.
    most
        Largest number of columns.
    """
    if rows <= most or not span_s > 0:
        return 0.0
    min_s = max(span_s / most, cadence_s if cadence_s > 0 else 0.0)
    days_s = _DAY_S * math.ceil(min_s / _DAY_S)
    return float(next((width_s for width_s in _WIDTHS_S if width_s >= min_s), days_s))


def column_edges(times_s: NDArray[np.float64], column_s: float) -> NDArray[np.int64]:
    """Return the first row of each column; columns without rows are omitted.

    Columns begin at whole multiples of their width since 1970.
    """
    if not column_s:
        return np.arange(len(times_s))
    return np.concatenate([[0], np.flatnonzero(np.diff(_column_numbers(times_s, column_s))) + 1]).astype(np.int64)


def reduce_rows(rows: Recording, product: Product, column_s: float, *, whole: bool = False) -> Reduced:
    """Reduce rows to columns.

    Parameters
    ----------
    rows
        At least one row; times must not go back.
    product
        Product of the highest values.
    column_s
        Width of a column; 0 for each row.
    whole
        True for the means of all products, not only of those that a figure of `product` needs.
    """
    power, needed = rows.power(product), rows if whole else _needed_products(rows, product)
    properties = (len(rows), rows.cadence_s, column_s, float(rows.starts_s[0]), float(rows.times_s[-1]))
    if not column_s:
        return Reduced(needed, np.where(np.isfinite(power), power, np.float32(np.nan)), *properties)
    edges = column_edges(rows.times_s, column_s)
    # A column ends where the next one begins.
    times_s = np.asarray((_column_numbers(rows.times_s[edges], column_s) + 1) * column_s, np.float64)
    means = replace(needed, data=finite_means(needed.data, edges), times_s=times_s, cadence_s=column_s)
    return Reduced(means, highest_values(power, edges, signed=product in SIGNED_PRODUCTS), *properties)


def join_columns(parts: Sequence[Reduced]) -> Reduced:
    """Join consecutive reduced rows of one axis."""
    means = replace(
        parts[0].means,
        data=np.concatenate([part.means.data for part in parts]),
        times_s=np.concatenate([part.means.times_s for part in parts]),
    )
    known = [part.cadence_s for part in parts if part.cadence_s > 0]
    cadence_s = float(np.median(known)) if known else math.nan
    highest = np.concatenate([part.highest for part in parts])
    rows = sum(part.rows for part in parts)
    return Reduced(means, highest, rows, cadence_s, parts[0].column_s, parts[0].begin_s, parts[-1].end_s)


def scale_columns(reduced: Reduced, product: Product, scale: FluxScale | None) -> Reduced:
    """Return reduced rows in sfu; unchanged without a scale.

    Parameters
    ----------
    reduced
        Reduced rows.
    product
        Product of the highest values.
    scale
        Scale of the powers.

    Raises
    ------
    UsageError
        If the powers are in sfu already.
    """
    if scale is None:
        return reduced
    factors = scale.at(reduced.means.frequencies_hz / 1e6)
    highest = scale_power(reduced.highest, factors, product)
    return reduced._replace(means=scale_recording(reduced.means, scale), highest=highest)


def highest_values(power: NDArray[np.float32], edges: NDArray[np.int64], *, signed: bool) -> NDArray[np.float32]:
    """Return the highest finite value of each group of rows.

    For signed products it is the value farthest from zero.
    """
    out = np.empty((len(edges), power.shape[1]), np.float32)
    for row, begin, end in zip(out, edges.tolist(), [*edges[1:].tolist(), len(power)], strict=True):
        block = np.where(np.isfinite(power[begin:end]), power[begin:end], np.float32(np.nan))
        row[:] = np.fmax.reduce(block)
        if signed:
            low = np.fmin.reduce(block)
            row[:] = np.where(-low > row, low, row)
    return out


def _column_numbers(times_s: NDArray[np.float64], column_s: float) -> NDArray[np.int64]:
    """Return the columns in which rows end, counted from 1970."""
    times_us = np.rint(times_s * _MICROSECONDS).astype(np.int64)
    return times_us // round(column_s * _MICROSECONDS)


def _needed_products(rows: Recording, product: Product) -> Recording:
    """Return the products that a picture needs.

    These are `product` with XX and YY if it is received, else all.
    """
    pictured = {Product.XX, Product.YY, product}
    if product not in rows.products or pictured.issuperset(rows.products):
        return rows
    numbers = [n for n, each in enumerate(rows.products) if each in pictured]
    products = tuple(rows.products[n] for n in numbers)
    return replace(rows, data=rows.data[..., numbers], products=products)
