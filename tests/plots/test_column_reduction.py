"""Columns of quick-looks: means and highest values.

The number of columns depends on the length of the data.
"""

import numpy as np
import pytest
from recordings import CADENCE_S, recording

from sunspec_tui.core.products import Product
from sunspec_tui.plots.column_reduction import MAX_COLUMNS, column_edges, column_width_s, join_columns, reduce_rows

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("span_s", "cadence_s", "rows", "width_s"),
    [
        (DAY_S, 0.25, 345_600, 60),
        (3600, 0.25, 14_400, 2.5),
        (3600, 5.0, 720, 0),
        (MAX_COLUMNS * 60.0, 60.0, MAX_COLUMNS, 0),
        (900, 0.25, 3600, 1),
        (7 * DAY_S, 1.0, 604_800, 600),
        (1000 * DAY_S, 60.0, 1_440_000, DAY_S),
        (2000 * DAY_S, 60.0, 2_880_000, 2 * DAY_S),
        (0.1, 1e-6, 100_000, 0.001),
        # A few rows that lie far apart, and rows without a time of their own.
        (DAY_S, 100.0, 2000, 120),
        (3600, float("nan"), 14_400, 2.5),
        (0, 1.0, 5000, 0),
    ],
)
def test_columns_fit_the_length_of_the_data(span_s, cadence_s, rows, width_s):
    assert column_width_s(span_s, cadence_s, rows) == width_s


@pytest.mark.parametrize("hours", range(1, 25))
def test_no_column_of_a_day_lies_in_two_hours(hours):
    width_s = column_width_s(hours * 3600.0, 0.25, hours * 14_400)
    assert 3600 % width_s == 0
    assert MAX_COLUMNS / 2 <= hours * 3600 / width_s <= MAX_COLUMNS


def test_columns_are_means_of_the_rows_that_end_in_them_and_of_finite_values_alone():
    rows = recording(40, nchan=64)
    rows.data[3, 2, 0] = np.inf
    found = reduce_rows(rows, Product.XX, 2.0)
    places = np.floor(rows.times_s / 2.0)
    assert found.means.cadence_s == 2.0
    np.testing.assert_array_equal(found.means.times_s, 2.0 * (np.unique(places) + 1))
    for i, place in enumerate(np.unique(places)):
        inside = np.where(np.isfinite(rows.data), rows.data, np.nan)[places == place]
        np.testing.assert_allclose(found.means.data[i], np.nanmean(inside[..., :2], axis=0), rtol=1e-5)
        np.testing.assert_array_equal(found.highest[i], np.nanmax(inside[..., 0], axis=0))


def test_a_column_without_rows_is_left_out_and_one_without_a_number_is_none():
    rows = recording(40, nchan=64, gaps=(20,))
    rows.data[:, 4, 1] = np.nan
    found = reduce_rows(rows, Product.YY, 0.5)
    assert np.diff(found.means.times_s).max() > 2
    assert np.isnan(found.means.data[:, 4, 1]).all()
    assert np.isnan(found.highest[:, 4]).all()
    assert np.isfinite(found.highest[:, 5]).all()


def test_of_a_signed_product_the_value_farthest_from_zero_stays():
    rows = recording(30, nchan=16)
    rows.data[..., 3] = 1
    rows.data[7, 2, 3], rows.data[8, 2, 3] = -9, 8
    found = reduce_rows(rows, Product.XY_IMAG, 1e6)
    np.testing.assert_array_equal(found.highest, [[1, 1, -9, 1]])


def test_a_burst_of_two_seconds_is_seen_in_a_day_and_its_mean_is_not():
    """Rows of 0.25 s with a burst, in columns of a minute.

    The burst has ten decibels and lasts two seconds.
    """
    count = 14_400
    rows = recording(count, nchan=16, npol=1)
    rows.data[...] = np.random.default_rng(0).normal(100, 1, rows.data.shape)
    rows.data[7000:7008, 1:] *= 10
    found = reduce_rows(rows, Product.XX, 60.0)
    place = int(np.argmax(found.highest[:, 2]))
    usual = np.median(found.highest[:, 2])
    assert 10 * np.log10(found.highest[place, 2] / usual) > 9
    assert 10 * np.log10(found.means.data[:, 2, 0].max() / 100) < 1.5
    burst_s = rows.times_s[7000]
    assert found.means.times_s[place] - 60 <= burst_s < found.means.times_s[place]


def test_reduced_parts_are_joined_as_if_they_had_been_one():
    rows = recording(100, nchan=16)
    edges = column_edges(rows.times_s, 2.0)
    cut = int(edges[len(edges) // 2])
    whole = reduce_rows(rows, Product.I, 2.0)
    parts = join_columns([reduce_rows(rows.only(part), Product.I, 2.0) for part in (slice(0, cut), slice(cut, None))])
    np.testing.assert_array_equal(parts.highest, whole.highest)
    np.testing.assert_array_equal(parts.means.data, whole.means.data)
    np.testing.assert_array_equal(parts.means.times_s, whole.means.times_s)
    assert (parts.rows, parts.column_s) == (100, 2.0)
    assert parts.cadence_s == CADENCE_S


@pytest.mark.parametrize("product", ["XX", "XY_real", "V", "V/I"])
def test_each_row_is_a_column_where_there_are_few(product):
    rows = recording(10, nchan=16)
    found = reduce_rows(rows, Product(product), 0.0)
    power = rows.power(Product(product))
    np.testing.assert_array_equal(found.highest, np.where(np.isfinite(power), power, np.nan))
    assert set(found.means.products) >= {Product.XX, Product.YY}
    np.testing.assert_array_equal(found.means.times_s, rows.times_s)
