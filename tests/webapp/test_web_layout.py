"""Rows are encoded and decoded with the documented precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.ring_buffer import Mark, Rows
from sunspec_tui.webapp import row_codes, row_messages
from sunspec_tui.webapp.history_messages import History
from sunspec_tui.webapp.row_chain import KEY_ROWS, RowChain

NBINS = 768
PRECISION = 10 ** (row_codes.STEP_DB / 20) - 1
"""Half of 0.02 dB as a ratio."""
PRODUCTS = [Product.XX, Product.V]


def rows_of(values, first=0, marks=0):
    n = len(values)
    return Rows(
        np.empty((n, values.shape[1], 1), np.float32),
        1_755_475_200 + 0.25 * np.arange(first, first + n),
        np.arange(first, first + n) + 7,
        np.full(n, marks, np.uint8),
        first + n,
    )


def through(values, product=Product.XX):
    """Return values that were encoded and decoded as a history."""
    values = np.asarray(values, np.float32)
    coded = row_messages.coded(rows_of(values), values, row_codes.unit_of(values[0], product))
    return row_messages.decode(row_messages.encode(coded, product=product, kind=row_messages.HISTORY, epoch=3, first=0))


def chained(values, product=Product.XX, chain=None, first=0, marks=0):
    """Return values as encoded rows that continue each other."""
    chain = chain or RowChain(product, 3)
    values = np.asarray(values, np.float32)
    return [chain.add(rows_of(row[None], first + n, marks), row[None]) for n, row in enumerate(values)]


def message_of(row):
    return row.continued or row.key


def sun(nrows, nbins=NBINS, noise=0.1):
    rng = np.random.default_rng(2)
    return (10 ** (np.linspace(1, 4, nbins) + rng.normal(0, noise, (nrows, nbins)))).astype(np.float32)


def test_power_is_decoded_to_a_hundredth_of_a_decibel():
    values = sun(20)
    error_db = np.abs(10 * np.log10(through(values).values / values))
    assert error_db.max() < 0.01001


def test_power_far_below_that_of_the_first_row_is_decoded_too():
    values = np.concatenate((sun(1), sun(1) * np.float32(1e-20), sun(1)))
    np.testing.assert_allclose(through(values).values, values, rtol=1.001 * PRECISION)


def test_power_of_even_hundredths_of_a_decibel_is_decoded_exactly():
    values = 10 ** (np.arange(-30, 30, 0.02) / 10)
    np.testing.assert_allclose(through(values[None]).values[0], values, rtol=2e-7)


def test_signed_products_are_decoded_within_a_share_of_their_median_magnitude():
    values = np.random.default_rng(1).normal(0, 1, (20, NBINS)).astype(np.float32)
    values[:, 5] = 1e6
    error = np.abs(through(values, Product.V).values - values)
    assert np.delete(error, 5, axis=1).max() < 1.1 * row_codes.SIGNED_PRECISION * np.median(np.abs(values[0]))
    assert error[:, 5].max() < 1e6 * PRECISION


def test_numbers_times_slots_and_marks_are_decoded():
    values = sun(5)
    coded = row_messages.coded(rows_of(values, 90, Mark.GAP_BEFORE), values, 1.0)
    message = row_messages.decode(
        row_messages.encode(coded, product=Product.V_OVER_I, kind=row_messages.HISTORY, epoch=3, first=90)
    )
    assert (message.kind, message.product, message.epoch, message.first) == (
        row_messages.HISTORY,
        Product.V_OVER_I,
        3,
        90,
    )
    np.testing.assert_array_equal(message.times_s, rows_of(values, 90).times_s)
    np.testing.assert_array_equal(message.slots, rows_of(values, 90).slots)
    np.testing.assert_array_equal(message.marks, [Mark.GAP_BEFORE] * 5)


def test_rows_and_a_history_have_the_documented_sizes():
    values = sun(120, noise=0.004)
    assert np.mean([len(message_of(row)) for row in chained(values)]) <= 700
    many = np.tile(values, (10, 1))
    history = History(Product.XX, 0, NBINS)

    class Source:
        @staticmethod
        def rows_between(start, stop):
            return Rows(
                many[start:stop, :, None], np.arange(start, stop) / 4.0, np.arange(start, stop),
                np.zeros(stop - start, np.uint8), stop,
            )  # fmt: skip

    while not history.extend(Source, 1200):
        pass
    message = history.message()
    assert len(message) <= 1_000_000
    assert row_messages.next_number(message) == 1200


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_viewer_that_starts_from_a_key_row_decodes_the_same_values(product):
    values = np.random.default_rng(4).normal(0, 1, (20, 50)).astype(np.float32)
    values[np.random.default_rng(5).random(values.shape) < 0.1] = np.nan
    rows = chained(values, product, first=1)
    all_along = row_messages.Decoder()
    seen = [all_along.decode(message_of(row)).values for row in rows]
    for start in range(len(rows)):
        decoder = row_messages.Decoder()
        late = [decoder.decode(rows[start].key).values]
        late += [decoder.decode(message_of(row)).values for row in rows[start + 1 :]]
        np.testing.assert_array_equal(late, seen[start:])


def test_a_row_that_does_not_follow_the_newest_is_refused():
    rows = chained(sun(4, 16), first=1)
    decoder = row_messages.Decoder()
    with pytest.raises(ValueError, match="does not follow"):
        decoder.decode(rows[1].continued)
    decoder.decode(rows[0].key)
    with pytest.raises(ValueError, match="does not follow"):
        decoder.decode(rows[2].continued)


def test_key_rows_come_at_the_start_and_at_fixed_row_numbers():
    rows = chained(sun(2 * KEY_ROWS, 16), first=5)
    assert [row.number for row in rows if row.continued is None] == [5, KEY_ROWS, 2 * KEY_ROWS]


@pytest.mark.parametrize(
    ("mark", "is_key"), [(Mark.GAP_BEFORE, True), (Mark.RESTART, True), (Mark.REVERSAL, True), (Mark.REPEAT, False)]
)
def test_key_rows_come_after_a_gap_or_a_restart(mark, is_key):
    chain = RowChain(Product.XX, 3)
    chained(sun(2, 16), chain=chain, first=1)
    [row] = chained(sun(1, 16), chain=chain, first=3, marks=mark | Mark.TIME_GUESSED)
    assert (row.continued is None) is is_key


def test_a_row_after_rows_that_were_not_encoded_is_a_key_row():
    chain = RowChain(Product.XX, 3)
    chained(sun(2, 16), chain=chain, first=1)
    [row] = chained(sun(1, 16), chain=chain, first=9)
    assert row.continued is None


def test_a_row_that_equals_the_one_before_takes_few_bytes():
    rows = chained(np.tile(sun(1), (3, 1)), first=1)
    assert len(rows[1].continued) < 100


def test_a_bin_of_enormous_power_does_not_change_other_bins():
    values = sun(1)
    values[0, 100] = 1e20
    np.testing.assert_allclose(through(values).values, values, rtol=1.001 * PRECISION)


@pytest.mark.parametrize(
    "bad",
    [np.nan, np.inf, -np.inf],
)
@pytest.mark.parametrize("product", PRODUCTS)
def test_an_invalid_value_stays_invalid_and_does_not_change_others(bad, product):
    values = sun(3)
    values[0, [0, 5, 6, -1]] = bad
    values[1, [0, 9]] = bad
    found = through(values, product).values
    np.testing.assert_array_equal(np.isnan(found), ~np.isfinite(values))
    good = np.isfinite(values)
    # Near zero the precision of a signed product depends on its median magnitude.
    allowed = PRECISION * np.abs(values) + (
        row_codes.SIGNED_PRECISION * np.nanmedian(np.abs(values[0])) if product in SIGNED_PRODUCTS else 0
    )
    assert (np.abs(found - values)[good] <= 1.01 * allowed[good]).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-30, -1e-30, 1e30, -1e30])
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_row_of_equal_values_is_decoded(value, product):
    found = through(np.full((2, 16), value), product).values
    np.testing.assert_allclose(found, value, rtol=0.0401 if product is Product.V else 1.001 * PRECISION)


@pytest.mark.parametrize("product", PRODUCTS)
def test_numbers_of_any_size_in_one_row_are_decoded(product):
    values = np.array([[1e-30, 1e30, -1e30, 0, 1, -1e-30, 1e10]] * 2, np.float32)
    found = through(values, product).values
    unit = row_codes.unit_of(values[0], product)
    assert (np.abs(found - values) <= 1.001 * PRECISION * np.hypot(values.astype(float), unit)).all()


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_row_of_invalid_values_is_decoded_as_invalid(product):
    assert np.isnan(through(np.full((2, 16), np.nan), product).values).all()


@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(width=32)),
    st.sampled_from(PRODUCTS),
)
def test_any_values_keep_their_validity_and_order(values, product):
    with np.errstate(all="ignore"):
        found = through(values, product).values
        decoder = row_messages.Decoder()
        one_by_one = [decoder.decode(message_of(row)).values[0] for row in chained(values, product)]
    np.testing.assert_array_equal(np.isfinite(values), np.isfinite(found))
    np.testing.assert_array_equal(one_by_one, found)
    for row, seen in zip(values, found, strict=True):
        good = np.isfinite(row)
        order = np.argsort(row[good], kind="stable")
        assert (np.diff(seen[good][order]) >= 0).all()


SMALLEST, LARGEST = float(np.finfo(np.float32).smallest_subnormal), float(np.finfo(np.float32).max)


@pytest.mark.parametrize("value", [3e-45, SMALLEST, -SMALLEST, 1e-38, LARGEST, -LARGEST])
def test_the_smallest_and_the_largest_numbers_alone_in_a_row_come_through(value):
    found = through(np.full((1, 3), value)).values
    np.testing.assert_allclose(found, np.full((1, 3), value, np.float32), rtol=1.001 * PRECISION, atol=SMALLEST)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("ends", [(SMALLEST, LARGEST), (-LARGEST, LARGEST), (-SMALLEST, LARGEST), (-3e-45, 3e-45)])
def test_both_ends_of_the_numbers_in_one_row_stay_numbers_in_order(ends, product):
    found = through([ends], product).values[0]
    assert np.isfinite(found).all()
    assert found[0] <= found[1]
    np.testing.assert_allclose(found[1], ends[1], rtol=0.05, atol=SMALLEST)


KEY = chained(sun(1, 16), first=0)[0].key


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01" * 10,
        b"\x09" + b"\0" * 40,
        KEY[:-1],
        KEY + b"\0",
        KEY[:30],
        KEY[:32] + bytes(len(KEY) - 32),
        KEY[:8] + b"\x02" + KEY[9:],
        KEY[:12] + b"\x11" + KEY[13:],
        KEY[:1] + b"\x02" + KEY[2:],
    ],
)
def test_an_invalid_message_is_an_error_in_one_sentence(message):
    with pytest.raises(ValueError, match="message"):
        row_messages.decode(message)
