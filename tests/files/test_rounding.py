"""Tests that powers are rounded to the bits above their noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.files.archive.rounding import needed_bits, noise_share, rounded, rounded_to_steps_of, rounding_share

BIN_HZ = 4 * CHANNEL_WIDTH_HZ
FLOATS = arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(width=32))
BITS = st.integers(1, 22)


@pytest.mark.parametrize(
    ("channels", "time_s", "bits"),
    [(4, 0.25, 9), (4, 0.2508, 9), (4, 1.0, 10), (4, 4.0, 11), (1, 0.25, 8), (96, 0.25, 12), (4, 1e-6, 1),
     (4096, 1e6, 23)],
)  # fmt: skip
def test_so_many_bits_keep_a_tenth_of_the_noise(channels, time_s, bits):
    assert needed_bits(channels * CHANNEL_WIDTH_HZ, time_s) == bits
    if 1 < bits < 23:
        assert rounding_share(bits, channels * CHANNEL_WIDTH_HZ, time_s) <= 0.1
        assert rounding_share(bits - 1, channels * CHANNEL_WIDTH_HZ, time_s) > 0.1


@pytest.mark.parametrize(
    ("value", "bits", "found"),
    [
        (1.0, 2, 1.0), (1.1, 2, 1.0), (1.125, 2, 1.0), (1.2, 2, 1.25), (1.375, 2, 1.5), (1.625, 2, 1.5),
        (1.875, 2, 2.0), (-1.2, 2, -1.25), (1.99, 2, 2.0), (0.0, 2, 0.0), (-0.0, 2, -0.0), (1e-42, 2, 1e-42),
        (3.4e38, 2, 3.4e38), (np.inf, 2, np.inf), (-np.inf, 2, -np.inf), (1.1, 23, 1.1),
    ],
)  # fmt: skip
def test_a_value_becomes_the_nearest_one_of_few_bits(value, bits, found):
    result = rounded(np.array([value], np.float32), bits)
    np.testing.assert_array_equal(result, np.array([found], np.float32))
    assert np.signbit(result[0]) == np.signbit(value)


@pytest.mark.parametrize("bits", [1, 9, 22])
def test_no_kind_of_nan_becomes_a_number(bits):
    words = np.array([0xFFFFFFFF, 0x7FFFFFFF, 0x7FC00000, 0xFF800001, 0x7F800001], np.uint32)
    assert np.isnan(rounded(words.view(np.float32), bits)).all()


@given(FLOATS, BITS)
def test_rounding_keeps_what_is_special_and_stays_within_half_a_step(values, bits):
    found = rounded(values, bits)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(values))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(values))
    usual = np.isfinite(values) & (np.abs(values) >= np.finfo(np.float32).tiny)
    error = np.abs(found[usual].astype(float) - values[usual].astype(float))
    assert (error <= np.abs(values[usual].astype(float)) * 2.0 ** -(bits + 1)).all()
    np.testing.assert_array_equal(rounded(found, bits), found)


@given(FLOATS, st.floats(width=32), st.floats(width=32), BITS)
def test_a_cross_product_is_rounded_to_steps_of_the_intensity_or_left_alone(values, xx, yy, bits):
    xx, yy = np.full_like(values, xx), np.full_like(values, yy)
    found = rounded_to_steps_of(values, xx, yy, bits)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(values))
    with np.errstate(over="ignore", invalid="ignore"):
        intensity = (xx * np.float32(0.5) + yy * np.float32(0.5)).astype(float)
    usable = np.isfinite(values) & np.isfinite(intensity) & (intensity > 0)
    error = np.abs(found[usable].astype(float) - values[usable].astype(float))
    assert (error <= intensity[usable] * 2.0 ** -(bits + 1)).all()
    np.testing.assert_array_equal(found[~usable], values[~usable])


def test_the_error_is_below_a_tenth_of_the_noise_and_has_no_bias():
    rows = np.random.default_rng(0).uniform(1, 100, 300_000).astype(np.float32)
    bits = needed_bits(BIN_HZ, 0.25)
    share = (rounded(rows, bits).astype(float) - rows) / rows / noise_share(BIN_HZ, 0.25)
    assert 0.02 < share.std() < 0.1
    assert abs(share.mean()) < 5 * share.std() / np.sqrt(share.size)
