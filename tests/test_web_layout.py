"""Rows as messages of the live stream: what is read is what was written, to the precision that is promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sunspec_tui.products import Product
from sunspec_tui.ring import Mark, Rows
from sunspec_tui.serving import layout

NBINS = 768


def rows_of(values, first=0):
    n = len(values)
    return Rows(
        np.empty((n, values.shape[1], 1), np.float32),
        1_755_475_200 + 0.25 * np.arange(n),
        np.arange(n) + 7,
        np.full(n, Mark.GAP_BEFORE, np.uint8),
        first + n,
    )


def through(values, bits=16, product=Product.XX):
    values = np.asarray(values, np.float32)
    message = layout.encode(rows_of(values), values, product, kind=layout.ROW, bits=bits, epoch=3)
    return layout.decode(message)


def sun(nrows, nbins=NBINS):
    rng = np.random.default_rng(2)
    return (10 ** (np.linspace(1, 4, nbins) + rng.normal(0, 0.1, (nrows, nbins)))).astype(np.float32)


@pytest.mark.parametrize(("bits", "most_db"), [(16, 0.001), (8, 0.15)])
def test_power_comes_through_within_its_precision_in_decibels(bits, most_db):
    values = sun(20)
    error_db = np.abs(10 * np.log10(through(values, bits).values / values))
    assert error_db.max() < most_db


@pytest.mark.parametrize(("bits", "most"), [(16, 1e-4), (8, 0.02)])
def test_signed_products_come_through_within_a_share_of_their_largest_value(bits, most):
    values = np.random.default_rng(1).normal(0, 1, (20, NBINS)).astype(np.float32)
    error = np.abs(through(values, bits, Product.V).values - values)
    assert error.max() < most * np.abs(values).max()


def test_all_that_says_what_rows_are_comes_through():
    values = sun(5)
    message = layout.decode(
        layout.encode(rows_of(values, 90), values, Product.V_OVER_I, kind=layout.HISTORY, bits=8, epoch=3)
    )
    assert (message.kind, message.product, message.epoch, message.first) == (layout.HISTORY, Product.V_OVER_I, 3, 90)
    np.testing.assert_array_equal(message.times_s, rows_of(values).times_s)
    np.testing.assert_array_equal(message.slots, rows_of(values).slots)
    np.testing.assert_array_equal(message.marks, [Mark.GAP_BEFORE] * 5)


def test_a_row_and_a_history_have_the_sizes_that_are_promised():
    row = layout.encode(rows_of(sun(1)), sun(1), Product.XX, kind=layout.ROW, bits=16, epoch=0)
    history = layout.encode(rows_of(sun(1200)), sun(1200), Product.XX, kind=layout.HISTORY, bits=8, epoch=0)
    assert len(row) <= 1700
    assert len(history) <= 1_000_000
    assert layout.next_number(history) == 1200


def test_a_bin_a_million_million_times_as_strong_leaves_the_others_as_they_were():
    values = sun(1)
    values[0, 100] = 1e20
    found = through(values).values
    np.testing.assert_allclose(found, values, rtol=0.002)


@pytest.mark.parametrize(
    "bad",
    [np.nan, np.inf, -np.inf],
)
def test_what_is_no_number_is_none_and_its_neighbours_stay(bad):
    values = sun(2)
    values[0, 5] = bad
    found = through(values).values
    assert np.isnan(found[0, 5])
    assert np.isfinite(np.delete(found[0], 5)).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-30, 1e30])
def test_a_row_of_one_value_is_that_value(value):
    found = through(np.full((1, 16), value)).values
    np.testing.assert_allclose(found, value, rtol=1e-3, atol=1e-12)


def test_a_row_without_a_number_has_none():
    assert np.isnan(through(np.full((2, 16), np.nan)).values).all()


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(width=32)))
def test_whatever_values_come_numbers_stay_numbers_of_their_order(values):
    with np.errstate(all="ignore"):
        found = through(values).values
    np.testing.assert_array_equal(np.isfinite(values), np.isfinite(found))
    for row, seen in zip(values, found, strict=True):
        good = np.isfinite(row)
        order = np.argsort(row[good], kind="stable")
        assert (np.diff(seen[good][order]) >= 0).all()


SMALLEST, LARGEST = float(np.finfo(np.float32).smallest_subnormal), float(np.finfo(np.float32).max)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("value", [3e-45, SMALLEST, -SMALLEST, 1e-38, LARGEST, -LARGEST])
def test_the_smallest_and_the_largest_numbers_alone_in_a_row_come_through(value, bits):
    found = through(np.full((1, 3), value), bits).values
    np.testing.assert_allclose(found, np.full((1, 3), value, np.float32), rtol=1e-4, atol=SMALLEST)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ends", [(SMALLEST, LARGEST), (-LARGEST, LARGEST), (-SMALLEST, LARGEST), (-3e-45, 3e-45)])
def test_both_ends_of_the_numbers_in_one_row_stay_numbers_in_order(ends, bits):
    found = through([ends], bits).values[0]
    assert np.isfinite(found).all()
    assert found[0] <= found[1]
    np.testing.assert_allclose(found[1], ends[1], rtol=1e-2, atol=SMALLEST)


@pytest.mark.parametrize("message", [b"", b"\x01" * 10, b"\x09" + b"\0" * 40])
def test_what_is_no_message_is_a_sentence(message):
    with pytest.raises(ValueError, match="message"):
        layout.decode(message)
