"""Tests of colour scale levels and labels, as tables of numbers."""

import numpy as np
import pytest
from tables import PICTURE_LEVELS, power_of

from sunspec_tui.core.levels import (
    Levels,
    auto_levels,
    default_levels,
    level_label,
    middle_of_band,
    picture_levels,
    to_db,
)
from sunspec_tui.core.products import SIGNED_PRODUCTS
from sunspec_tui.tui.display.pixels import colour_steps

FLAT = np.zeros((1, 101), np.float32)
RAMP = np.linspace(0, 100, 1001, dtype=np.float32)


@pytest.mark.parametrize(
    ("nbins", "kept"),
    [(100, range(10, 90)), (10, range(1, 9)), (768, range(76, 691)), (1, [0]), (2, [0]), (5, range(4))],
)
def test_levels_look_at_the_middle_of_the_band(nbins, kept):
    values = np.tile(np.arange(nbins, dtype=np.float32), (2, 1))
    assert middle_of_band(values).tolist() == [list(kept)] * 2


def test_the_band_is_the_last_axis_of_values_of_any_shape():
    assert middle_of_band(np.arange(10, dtype=np.float32)).tolist() == list(range(1, 9))
    assert middle_of_band(np.zeros((2, 4, 10), np.float32)).shape == (2, 4, 8)


@pytest.mark.parametrize("case", PICTURE_LEVELS, ids=lambda case: case["name"])
def test_levels_of_a_picture_are_those_of_the_table_that_the_page_is_held_against(case):
    power, signed = power_of(case), case["product"] in SIGNED_PRODUCTS
    previous = Levels(*case["before"]) if "before" in case else None
    found = picture_levels(power if signed else to_db(power), previous, signed=signed) or default_levels(signed=signed)
    assert [found.low, found.high] == pytest.approx(case["levels"], abs=1e-4)


def test_levels_leave_out_a_fiftieth_below_and_a_fortieth_above_and_have_a_margin():
    found = auto_levels(RAMP)
    assert (found.low, found.high) == pytest.approx((2 - 0.5, 97.5 + 0.5))
    assert found.span == pytest.approx(96.5)


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, -2.0, 2.0), (10.0, 8.0, 12.0)])
def test_levels_of_a_flat_band_span_three_decibels_and_the_margins(value, low, high):
    assert auto_levels(FLAT + np.float32(value)) == Levels(low, high)


def test_levels_of_a_narrow_band_are_widened_evenly():
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    found = auto_levels(values)
    assert (found.low, found.high) == pytest.approx((0.02 - 0.5 - 1.0225, 0.975 + 0.5 + 1.0225), abs=1e-5)


def test_values_that_are_no_numbers_do_not_count():
    values = np.concatenate([RAMP, np.full(5000, np.nan, np.float32), np.full(50, -np.inf, np.float32)])
    assert auto_levels(values) == auto_levels(RAMP)


@pytest.mark.parametrize(
    ("previous", "stays"),
    [
        (Levels(1.5, 98.0), True),
        (Levels(1.5 + 10, 98.0 + 10), True),
        (Levels(1.5 + 10, 98.0), True),
        (Levels(1.5 + 20, 98.0), False),
        (Levels(1.5, 98.0 - 20), False),
        (Levels(1.5 - 20, 98.0), False),
        (Levels(1.5, 98.0 + 20), False),
    ],
)
def test_levels_stay_while_both_ends_fit(previous, stays):
    found = auto_levels(RAMP, previous)
    assert (found is previous) == stays
    assert stays or found == auto_levels(RAMP)


@pytest.mark.parametrize("previous", [None, Levels(1, 2)])
def test_without_values_levels_are_those_before(previous):
    assert auto_levels(np.full(4, np.nan, np.float32), previous) is previous


def test_signed_levels_reach_as_far_as_almost_all_values():
    values = np.concatenate([RAMP[:501], -RAMP])
    reach = float(np.percentile(np.abs(values), 97.5))
    assert auto_levels(values, signed=True) == Levels(-reach, reach)
    assert auto_levels(np.zeros(9, np.float32), signed=True) == Levels(-1.0, 1.0)
    assert auto_levels(np.full(9, 1e-6, np.float32), signed=True) == Levels(
        -float(np.float32(1e-6)), float(np.float32(1e-6))
    )


@pytest.mark.parametrize(
    ("value", "span", "text"),
    [
        (17.4, 10, "17"),
        (17.4, 9.99, "17.4"),
        (1.25, 1, "1.2"),
        (1.25, 0.99, "1.25"),
        (0.125, 0.1, "0.12"),
        (0.125, 0.099, "0.125"),
        (0.125, 0.01, "0.125"),
        (0.125, 0.0099, "1e-1"),
        (0.0, 0.0001, "0.000"),
        (123.456, 0.05, "1.2e2"),
        (-99.9, 5, "-99.9"),
        (-100.0, 5, "-1e2"),
        (99999.0, 20, "99999"),
        (100000.0, 20, "1e5"),
        (150000.0, 20, "1.5e5"),
        (-150000.0, 20, "-2e5"),
        (1e12, 1e12, "1e12"),
        (1.5e12, 1e12, "2e12"),
        (1e-12, 1e-12, "1e-12"),
        (-1e12, 1e12, "-1e12"),
        (-1e-12, 1e-12, "-e-12"),
        (2e123, 1e123, "2e123"),
        (-2e123, 1e123, "-e123"),
    ],
)
def test_labels_have_the_digits_that_the_span_needs_in_five_characters(value, span, text):
    assert level_label(value, span) == text


@pytest.mark.parametrize(
    ("value", "step"),
    [(-1e9, 0), (2.0, 0), (2.49, 0), (2.5, 1), (3.99, 3), (4.0, 3), (1e9, 3), (np.inf, 3), (np.nan, -1)],
)
def test_each_value_has_its_step_of_the_table(value, step):
    found = colour_steps(np.array([[value]], np.float32), Levels(2.0, 4.0), 4)
    assert (found.dtype, found.shape, found.item()) == (np.int16, (1, 1), step)


def test_decibels_are_ten_times_the_logarithm_of_positive_power():
    power = np.array([[1e-3, 1.0, 100.0], [0.0, -1.0, np.inf]], np.float32)
    found = to_db(power)
    np.testing.assert_allclose(found, [[-30.0, 0.0, 20.0], [np.nan] * 3], atol=1e-5)
    assert found.dtype == np.float32
