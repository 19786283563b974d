"""Powers come to the bins of another axis, or are NaN there."""

import numpy as np
import pytest

from sunspec_tui.core.bin_mapping import bin_width_hz, is_same_axis, mapped, source_bins

EVEN = np.arange(10.0, 20.0)


@pytest.mark.parametrize(
    ("frequencies", "width"),
    [
        (EVEN, 1.0),
        (EVEN[::-1], 1.0),
        ([10, 10, 10, 11, 12], 1.0),  # an e-CALLISTO file repeats its lowest frequency
        ([10, 10.4, 11.3, 11.8, 12.3], 0.9),
        ([10, 11, 12, 40, 41, 42], 1.0),  # a hole in the band is no bin
        ([10, 12], 2.0),
    ],
)
def test_the_width_of_bins_bridges_uneven_steps_but_no_hole(frequencies, width):
    assert bin_width_hz(np.array(frequencies, float)) == pytest.approx(width)


def test_a_single_frequency_has_no_width():
    assert np.isnan(bin_width_hz(np.array([5e7])))


@pytest.mark.parametrize(
    ("source", "target", "width", "expected"),
    [
        (EVEN, EVEN + 1e-9, 1.0, None),
        ([10, 11, 12], [11, 12, 13], 1.0, [1, 2, -1]),
        ([10, 11, 12], [10.5, 10.6, 12.5, 12.6], 1.0, [0, 1, 2, -1]),
        ([10, 11, 12], [8, 9.4, 9.5], 1.0, [-1, -1, 0]),
        ([10, 10.5, 11, 11.5], [10, 11], 0.5, [0, 2]),  # a coarser axis
        ([10, 11], [10, 10.25, 10.5, 10.75, 11], 1.0, [0, 0, 0, 1, 1]),  # a finer axis
        ([10, 12, 30, 32], [11, 20, 31], 2.0, [0, -1, 2]),
        ([10, 10, 10, 11], [10, 11], 1.0, [2, 3]),
        ([50], [49, 50, 51], 1.0, [-1, 0, -1]),
        ([], [49, 50], 1.0, [-1, -1]),
    ],
)
def test_each_bin_takes_the_nearest_bin_within_half_a_width(source, target, width, expected):
    found = source_bins(np.array(source, float), np.array(target, float), width)
    assert found is None if expected is None else found.tolist() == expected


def test_an_unknown_width_takes_no_bin():
    assert source_bins(np.array([50.0]), np.array([50.1]), float("nan")).tolist() == [-1]


def test_values_of_absent_bins_are_nan_and_the_source_is_unchanged():
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    found = mapped(values, np.array([2, -1, 0, 0]))
    np.testing.assert_array_equal(found[0], [[4, 5], [np.nan, np.nan], [0, 1], [0, 1]])
    np.testing.assert_array_equal(found[1, :, 0], [10, np.nan, 6, 6])
    assert found.dtype == np.float32
    assert values[0, 2, 1] == 5
    assert mapped(values, None) is values


def test_axes_are_the_same_to_a_millionth():
    assert is_same_axis(EVEN, EVEN * (1 + 1e-8))
    assert not is_same_axis(EVEN, EVEN * 1.001)
    assert not is_same_axis(EVEN, EVEN[1:])
