"""Decibels, levels, ticks, pixels, columns and braille, as tables of numbers."""

import numpy as np
import pytest

from sunspec_tui.colormaps import PALETTES, colours
from sunspec_tui.columns import ColumnStore
from sunspec_tui.ring import Mark
from sunspec_tui.scaling import (
    Levels,
    auto_levels,
    bin_pixels,
    braille,
    clock_step,
    colour_steps,
    nice_step,
    ticks,
    to_db,
    trace_dots,
)
from sunspec_tui.widgets.spectrum import mhz_axis
from sunspec_tui.widgets.waterfall import time_ticks


def test_only_positive_finite_power_has_decibels():
    power = np.array([1, 10, 0, -1, np.nan, np.inf], np.float32)
    np.testing.assert_array_equal(to_db(power), np.array([0, 10, np.nan, np.nan, np.nan, np.nan], np.float32))


def test_levels_ignore_the_edges_of_the_band_and_stay_while_they_fit():
    values = np.tile(np.linspace(10, 20, 100, dtype=np.float32), (5, 1))
    values[:, :10], values[:, 90:] = -80, 90
    levels = auto_levels(values)
    assert 9 < levels.low < 12
    assert 17.5 < levels.high < 20
    assert auto_levels(values + 0.3, levels) is levels
    assert auto_levels(values + 9, levels).low == pytest.approx(levels.low + 9, abs=0.01)
    assert auto_levels(np.full((2, 10), np.nan, np.float32), levels) is levels
    assert auto_levels(np.full((2, 10), np.nan, np.float32)) is None


def test_one_hot_bin_of_768_survives_in_its_pixel():
    mean = np.ones((1, 768), np.float32)
    mean[0, 400] = 100
    pixels = bin_pixels(mean, mean, 20)
    assert pixels[0].argmax() == 400 * 20 // 768
    assert pixels.max() == 100


def test_pixels_without_a_valid_bin_have_no_value():
    mean = np.full((1, 8), np.nan, np.float32)
    mean[0, 4:] = 2
    np.testing.assert_array_equal(bin_pixels(mean, mean, 2), [[np.nan, 2]])


def test_more_pixels_than_bins_repeat_them():
    mean = np.array([[1, 2]], np.float32)
    assert bin_pixels(mean, mean, 5).tolist() == [[1, 1, 1, 2, 2]]


def test_colour_steps_span_the_levels_and_mark_no_data():
    values = np.array([-5, 0, 4.9, 5, 10, 99, np.nan], np.float32)
    assert colour_steps(values, Levels(0, 10), 10).tolist() == [0, 0, 4, 5, 9, 9, -1]


@pytest.mark.parametrize(
    ("span", "most", "step"), [(73.5, 8, 10), (73.5, 20, 5), (1, 10, 0.1), (20, 10, 2), (0, 5, 1), (100, 1, 100)]
)
def test_steps_are_1_2_or_5(span, most, step):
    assert nice_step(span, most) == pytest.approx(step)


def test_ticks_are_round_and_inside():
    assert ticks(13.4, 86.8, 8) == [20, 30, 40, 50, 60, 70, 80]


@pytest.mark.parametrize(("span_s", "most", "step"), [(60, 6, 10), (300, 6, 60), (75, 5, 15), (1e6, 3, 86400)])
def test_clock_steps_are_round_times(span_s, most, step):
    assert clock_step(span_s, most) == step


def test_a_time_tick_stays_on_its_row_while_the_waterfall_moves():
    tick_s = 1_755_542_520.0  # 18:42:00 UTC
    times_s = [tick_s - 30 + n for n in range(80)]
    first = {moment_s: column for column, moment_s in time_ticks(times_s[:60], 5)}
    later = {moment_s: column for column, moment_s in time_ticks(times_s[7:67], 5)}
    assert first[tick_s] == 30
    assert later[tick_s] == 30 - 7


def test_no_tick_is_put_into_a_gap():
    times_s = [0.0 + n for n in range(5)] + [float("nan")] * 5 + [10.0 + n for n in range(5)]
    for column, _ in time_ticks(times_s, 20):
        assert np.isfinite(times_s[column])


def test_mhz_labels_stand_under_their_cells():
    axis = mhz_axis(10.0, 90.0, 81)
    assert axis[axis.index("20") : axis.index("20") + 2] == "20"
    assert axis.index("50") == 40 - 1
    assert len(axis) == 81


def test_a_trace_is_drawn_from_corner_to_corner():
    dots = trace_dots(np.linspace(0, 1, 8, dtype=np.float32), 0, 1, 8, 8)
    assert dots.argmax(axis=0).tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_a_trace_has_no_holes_and_breaks_at_no_data():
    values = np.array([0, 1, 0, np.nan, 1, 1], np.float32)
    dots = trace_dots(values, 0, 1, 6, 9)
    assert dots.any(axis=0).tolist() == [True, True, True, False, True, True]
    assert (dots[:, 1] | dots[:, 0]).all()


def test_a_single_peak_among_many_values_is_drawn_to_its_top():
    values = np.zeros(768, np.float32)
    values[500] = 1
    assert trace_dots(values, 0, 1, 40, 16)[0].sum() == 1


def test_braille_cells_carry_their_eight_dots():
    assert braille(np.ones((4, 2), bool)) == ["⣿"]
    top_left = np.zeros((4, 2), bool)
    top_left[0, 0] = True
    assert braille(top_left) == ["⠁"]


@pytest.mark.parametrize("name", PALETTES)
def test_colour_maps_agree_with_matplotlib_where_it_has_them(name):
    import matplotlib as mpl

    published = np.round(mpl.colormaps[name](np.arange(256))[:, :3] * 255)
    assert np.abs(colours(name, 256).astype(float) - published).max() <= 7


def rows(slots, value=1.0, nbins=4):
    slots = np.array(slots, np.int64)
    return np.full((len(slots), nbins), value, np.float32), slots * 0.25, slots, np.zeros(len(slots), np.uint8)


def test_columns_gather_rows_by_slot_and_leave_gaps_empty():
    store = ColumnStore(10, 4, 2)
    assert store.add(*rows([0, 1, 2, 9])) == [0, 1, 4]
    assert [store.holds(number) for number in range(-1, 6)] == [False, True, True, False, False, True, False]
    mean, peak = store.statistics([0, 2])
    assert mean[0].tolist() == peak[0].tolist() == [1, 1, 1, 1]
    assert np.isnan(mean[1]).all()


def test_columns_are_the_same_whether_rows_come_one_by_one_or_together():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 4)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    slots = np.cumsum(rng.integers(1, 4, 60))
    marks = np.zeros(60, np.uint8)
    whole, single = ColumnStore(12, 4, 3), ColumnStore(12, 4, 3)
    whole.add(values, slots * 1.0, slots, marks)
    for i in range(60):
        single.add(values[i : i + 1], slots[i : i + 1] * 1.0, slots[i : i + 1], marks[i : i + 1])
    numbers = list(range(whole.newest - 11, whole.newest + 1))
    for one, other in zip(whole.statistics(numbers), single.statistics(numbers), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_restart_marks_its_column():
    store = ColumnStore(10, 4, 2)
    values, times_s, slots, marks = rows([0, 1, 6])
    marks[2] = Mark.RESTART
    store.add(values, times_s, slots, marks)
    assert [store.restarted(number) for number in range(4)] == [False, False, False, True]
