"""Means in 16 bits and highest values in 8 bits lose little."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sunspec_tui.core.block_codes import (
    MAX_EXCESS_DB,
    decode_means,
    decode_peaks,
    encode_means,
    encode_peaks,
)

FLOATS = hnp.arrays(np.float32, 20, elements=st.floats(width=32, allow_nan=True, allow_infinity=True))


@given(FLOATS)
def test_a_mean_keeps_sign_zero_and_nan_and_is_exact_to_a_256th(values: np.ndarray) -> None:
    found = decode_means(encode_means(values))
    assert np.array_equal(np.isnan(found), np.isnan(values))
    assert np.array_equal(np.isinf(found), np.isinf(values))
    assert np.array_equal(np.signbit(found[~np.isnan(values)]), np.signbit(values[~np.isnan(values)]))
    normal = np.isfinite(values) & (np.abs(values) > 2e-38)
    largest = np.abs(values) > 3.38e38
    error = np.abs(found[normal & ~largest].astype(float) / values[normal & ~largest].astype(float) - 1)
    assert (error <= 1 / 256).all()


@pytest.mark.parametrize(
    ("value", "code"), [(0.0, 0), (1.0, 0x3F80), (-1.0, 0xBF80), (math.inf, 0x7F80), (1.0 + 1 / 256, 0x3F81)]
)
def test_codes_of_means_are_the_upper_half_of_the_bits(value: float, code: int) -> None:
    assert encode_means(np.array([value], np.float32)).tolist() == [code]


@pytest.mark.parametrize("excess_db", [0.0, 0.05, 0.3, 1.0, 3.0, 10.0, 27.0, 41.0, MAX_EXCESS_DB])
def test_a_highest_value_is_near_the_true_one(excess_db: float) -> None:
    mean = np.array([2.5e-3], np.float32)
    peak = (mean * 10 ** (excess_db / 10)).astype(np.float32)
    found_db = 10 * np.log10(decode_peaks(encode_peaks(peak, mean), mean) / mean)
    assert abs(float(found_db[0]) - excess_db) <= 0.002 + 0.0273 * math.sqrt(excess_db)


@pytest.mark.parametrize(
    ("peak", "mean"), [(math.nan, 1.0), (1.0, math.nan), (3.0, 0.0), (1.0, -2.0), (-math.inf, 1.0), (1e6, 1.0)]
)
def test_an_unknown_highest_value_is_the_mean(peak: float, mean: float) -> None:
    means = np.array([mean], np.float32)
    codes = encode_peaks(np.array([peak], np.float32), means)
    assert codes.tolist() == [255]
    assert np.array_equal(decode_peaks(codes, means), means, equal_nan=True)
