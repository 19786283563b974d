"""Tests of polarisation products and channel averaging, as tables."""

import math
import warnings

import numpy as np
import pytest

from sunspec_tui.core.products import (
    SIGNED_PRODUCTS,
    WIRE_PRODUCTS,
    Product,
    available,
    average_channels,
    bin_count,
    derive,
    plain_name,
)

XX, YY, XY_REAL, XY_IMAG, I, Q, U, V, V_OVER_I = Product  # noqa: E741 - the Stokes parameter's own name
ROWS = np.array([[[5.0, 3.0, 0.5, -1.0], [1.0, 2.0, -4.0, 6.0]]], np.float32)


@pytest.mark.parametrize(
    ("product", "values"),
    [
        (XX, [5.0, 1.0]),
        (YY, [3.0, 2.0]),
        (XY_REAL, [0.5, -4.0]),
        (XY_IMAG, [-1.0, 6.0]),
        (I, [4.0, 1.5]),
        (Q, [1.0, -0.5]),
        (U, [0.5, -4.0]),
        (V, [-1.0, 6.0]),
        (V_OVER_I, [-0.25, 4.0]),
    ],
)
def test_each_product_is_its_formula(product, values):
    found = derive(ROWS, product)
    assert found.dtype == np.float32
    assert found.tolist() == [values]


@pytest.mark.parametrize(
    ("xx", "yy", "ratio"),
    [(0.0, 0.0, math.nan), (-1.0, -1.0, math.nan), (-3.0, 1.0, math.nan), (0.5, 0.0, 4.0), (1.0, 1.0, 1.0)],
)
def test_the_ratio_is_unknown_where_the_intensity_is_not_positive(xx, yy, ratio):
    found = derive(np.array([[[xx, yy, 0.0, 1.0]]], np.float32), V_OVER_I)
    np.testing.assert_array_equal(found, np.array([[ratio]], np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize("product", [I, Q, V_OVER_I])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_bad_and_huge_powers_give_values_without_a_warning(product, bad):
    rows = np.array([[[bad, -bad, bad, bad], [1e-30, 1e-30, 3e38, 3e38]]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert derive(rows, product).shape == (1, 2)


@pytest.mark.parametrize(
    ("npol", "expected"),
    [(1, {XX}), (2, {XX, YY, I, Q}), (4, set(Product)), (3, {XX, YY, I, Q})],
)
def test_a_stream_shows_the_products_that_it_carries(npol, expected):
    assert set(available(npol)) == expected
    assert list(available(npol)) == [product for product in Product if product in expected]


def test_names_for_files_hold_no_slash():
    assert [plain_name(product) for product in Product] == [
        "XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V_over_I",
    ]  # fmt: skip


def test_products_that_may_be_negative_are_known():
    assert {XY_REAL, XY_IMAG, Q, U, V, V_OVER_I} == SIGNED_PRODUCTS
    assert WIRE_PRODUCTS == (XX, YY, XY_REAL, XY_IMAG)


@pytest.mark.parametrize(
    ("nchan", "average", "nbins"), [(3072, 4, 768), (10, 4, 3), (12, 4, 3), (13, 4, 4), (3, 4, 1), (1, 1, 1)]
)
def test_a_last_bin_may_hold_fewer_channels(nchan, average, nbins):
    assert bin_count(nchan, average) == nbins


def binned(spectrum, average):
    spectrum = np.asarray(spectrum)
    out = np.full((bin_count(len(spectrum), average), spectrum.shape[1]), -99.0, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        average_channels(spectrum, average, out)
    return out.tolist()


@pytest.mark.parametrize(
    ("spectrum", "average", "expected"),
    [
        ([[1.0, 10.0], [3.0, 30.0], [5.0, 50.0], [7.0, 70.0]], 2, [[2.0, 20.0], [6.0, 60.0]]),
        ([[1.0, 10.0], [3.0, 30.0], [5.0, 50.0]], 2, [[2.0, 20.0], [5.0, 50.0]]),
        ([[1.0], [2.0], [4.0], [8.0], [16.0]], 3, [[7.0 / 3], [12.0]]),
        ([[1.0, 2.0]], 4, [[1.0, 2.0]]),
        ([[1.0, 2.0], [3.0, 4.0]], 1, [[1.0, 2.0], [3.0, 4.0]]),
    ],
)
def test_bins_are_means_of_neighbouring_channels_of_each_product(spectrum, average, expected):
    np.testing.assert_allclose(binned(np.array(spectrum, np.float32), average), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint16, ">f4"])
def test_spectra_of_other_types_and_orders_are_averaged_too(dtype):
    spectrum = np.array([[1, 2], [3, 4], [5, 6], [8, 10]], dtype)
    assert binned(spectrum, 2) == [[2.0, 3.0], [6.5, 8.0]]
    assert binned(np.asfortranarray(spectrum), 2) == [[2.0, 3.0], [6.5, 8.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_channel_spoils_its_own_bin_and_product_alone(bad):
    spectrum = np.ones((7, 3), np.float32)
    spectrum[2, 1] = bad
    spectrum[6, 0] = bad
    found = np.array(binned(spectrum, 2))
    assert np.argwhere(~np.isfinite(found)).tolist() == [[1, 1], [3, 0]]
    assert found[np.isfinite(found)].tolist() == [1.0] * 10


def test_a_last_bin_whose_sum_overflows_has_its_mean_and_others_are_infinite():
    spectrum = np.full((11, 2), 3e38, np.float32)
    spectrum[0, 1] = np.nan
    found = np.array(binned(spectrum, 4))
    np.testing.assert_array_equal(found[:2, 0], np.inf)
    np.testing.assert_allclose(found[2], 3e38, rtol=1e-6)


def test_powers_whose_squares_overflow_have_their_means():
    np.testing.assert_allclose(binned(np.full((4, 2), 1e30, np.float32), 2), [[1e30, 1e30]] * 2, rtol=1e-6)
