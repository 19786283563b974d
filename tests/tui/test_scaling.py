"""Decibels, levels, pixels, columns and dots, tested with tables of numbers."""

import math

import numpy as np
import pytest

from sunspec_tui.core.background import quiet_median
from sunspec_tui.core.colormaps import PALETTES, colours
from sunspec_tui.core.levels import Levels, auto_levels, level_label, middle_of_band, nan_median, to_db
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.tui.display.braille import braille, plain_dots, trace_dots
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.tui.display.pixels import bin_pixels, colour_steps


def test_only_positive_finite_power_has_decibels():
    power = np.array([1, 10, 0, -1, np.nan, np.inf], np.float32)
    np.testing.assert_array_equal(to_db(power), np.array([0, 10, np.nan, np.nan, np.nan, np.nan], np.float32))


def test_levels_ignore_the_edges_of_the_band_and_stay_while_they_fit():
    values = np.tile(np.linspace(10, 20, 100, dtype=np.float32), (5, 1))
    values[:, :10], values[:, 90:] = -80, 90
    values = middle_of_band(values)
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


def test_signed_levels_are_symmetric_about_zero():
    values = np.array([[-3, -1, 0, 1, 2]], np.float32)
    levels = auto_levels(values, signed=True)
    assert levels.low == -levels.high
    assert 2 < levels.high <= 3
    assert auto_levels(np.zeros((1, 4), np.float32), signed=True) == Levels(-1, 1)


def test_a_narrow_line_of_a_signed_product_survives_and_noise_does_not_become_one():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(200, 768)).astype(np.float32)
    plain = bin_pixels(mean, None, 40)
    assert (np.abs(plain) > 2).mean() < 0.001
    mean[0, 400] = -50
    assert bin_pixels(mean, None, 40)[0].min() == pytest.approx(-50, abs=1)


def test_the_quiet_median_ignores_a_burst_of_less_than_half_the_time():
    mean = np.tile(np.array([1, 2, 4, np.nan], np.float32), (10, 1))
    mean[6:] *= 100
    np.testing.assert_allclose(quiet_median(mean), [1, 2, 4, np.nan])
    assert np.isnan(quiet_median(np.full((3, 2), np.nan, np.float32))).all()


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_median_agrees_with_numpy_where_there_are_values(n):
    values = np.random.default_rng(n).normal(size=(n, 7)).astype(np.float32)
    values[0, 0] = np.nan
    expected = [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan for column in values.T]
    np.testing.assert_allclose(nan_median(values), expected, rtol=1e-6)


def _dot_rows(*values, low=0, high=4, rows=5, thickness=2, columns=None):
    """Return a trace as text: one character for each dot."""
    line = np.array(values, np.float32)
    dots = trace_dots(line, low, high, columns or len(values), rows, thickness=thickness)
    return ["".join(".#"[int(dot)] for dot in row) for row in dots]


_NAN = math.nan
_LINES = {
    "a value between two dots is both": ((1.5, 1.5, 1.5), ["...", "...", "###", "###", "..."]),
    "a value at the top stays inside": ((4, 4, 0), ["##.", "##.", ".#.", ".##", "..#"]),
    "a step up": ((0, 0, 3, 3), ["..##", "..##", "..#.", "###.", "##.."]),
    "a step down": ((3, 3, 0, 0), ["##..", "##..", ".#..", ".###", "..##"]),
    "a narrow peak stays one dot wide": ((0, 0, 4, 0, 0), ["..#..", "..#..", "..#..", "#####", "##.##"]),
    "a notch has two walls": ((3, 3, 0, 3, 3), ["##.##", "##.##", ".#.#.", ".###.", "..#.."]),
    "a gap stays a gap": ((3, _NAN, _NAN, 0), ["#...", "#...", "....", "...#", "...#"]),
    "one value between gaps": ((_NAN, 2, _NAN), ["...", ".#.", ".#.", "...", "..."]),
    "above the axis": ((0, 9, 0), [".#.", ".#.", ".#.", "###", "#.#"]),
    "below the axis": ((3, -9, 3), ["#.#", "#.#", "#.#", "#.#", "#.#"]),
}


@pytest.mark.parametrize("name", _LINES)
def test_a_trace_is_a_connected_line(name):
    values, expected = _LINES[name]
    assert _dot_rows(*values) == expected


_THIN_LINES = {
    "corner to corner": ((0, 1, 2, 3, 4), ["....#", "...##", "..##.", ".##..", "##..."]),
    "a peak": ((0, 0, 4, 0), ["..#.", "..#.", "..#.", "..#.", "####"]),
    "a gap": ((0, _NAN, 4), ["..#", "...", "...", "...", "#.."]),
}


@pytest.mark.parametrize("name", _THIN_LINES)
def test_a_thin_trace_is_a_connected_line(name):
    values, expected = _THIN_LINES[name]
    assert _dot_rows(*values, thickness=1) == expected


@pytest.mark.parametrize("thickness", [1, 2])
@pytest.mark.parametrize("columns", [9, 40, 200])
def test_neighbouring_columns_of_a_trace_share_a_row(columns, thickness):
    values = np.random.default_rng(columns).normal(size=97).astype(np.float32)
    dots = trace_dots(values, -4, 4, columns, 12, thickness=thickness)
    assert (dots[:, 1:] & dots[:, :-1]).any(axis=0).all()
    assert dots.sum(axis=0).min() >= thickness


def test_a_trace_that_is_zoomed_in_has_steps_without_holes():
    assert _dot_rows(0, 4, columns=6, rows=4, high=3, thickness=1) == ["...#..", "...#..", "...#..", "####.."]


def test_a_single_peak_among_many_values_has_its_full_height():
    values = np.zeros(768, np.float32)
    values[500] = 1
    assert trace_dots(values, 0, 1, 40, 16)[0].sum() == 1


def test_braille_cells_have_eight_dots():
    assert braille(np.ones((4, 2), bool)).tolist() == [[ord("⣿")]]
    top_left = np.zeros((4, 2), bool)
    top_left[0, 0] = True
    assert braille(top_left).tolist() == [[ord("⠁")]]


def test_cells_without_braille_have_two_dots_that_touch_their_neighbours():
    dots = np.array([[1, 0, 1, 0], [0, 1, 1, 0]], bool)
    assert "".join(map(chr, plain_dots(dots)[0])) == "-_| "


@pytest.mark.parametrize("name", PALETTES)
def test_colour_maps_agree_with_matplotlib_where_it_has_them(name):
    import matplotlib as mpl

    published = np.round(mpl.colormaps[name](np.arange(256))[:, :3] * 255)
    assert np.abs(colours(name, 256).astype(float) - published).max() <= 7


def rows(slots, value=1.0, nbins=4):
    slots = np.array(slots, np.int64)
    return np.full((len(slots), nbins), value, np.float32), slots * 0.25, slots, np.zeros(len(slots), np.uint8)


def test_columns_collect_rows_by_slot_and_leave_gaps_empty():
    store = ColumnStore(10, 4, 2)
    assert store.add(*rows([0, 1, 2, 9])) == [0, 1, 4]
    assert [store.has_rows(number) for number in range(-1, 6)] == [False, True, True, False, False, True, False]
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


def test_columns_are_the_same_when_history_comes_in_blocks_from_its_newest_end():
    values, times_s, slots, marks = rows(range(60))
    whole, blocks = ColumnStore(12, 4, 3), ColumnStore(12, 4, 3)
    whole.add(values, times_s, slots, marks)
    for start in (40, 20, 0):
        part = slice(start, start + 20)
        blocks.add(values[part], times_s[part], slots[part], marks[part])
    assert blocks.stored_numbers() == whole.stored_numbers()
    assert blocks.times_s(whole.stored_numbers()) == whole.times_s(whole.stored_numbers())
    np.testing.assert_allclose(blocks.statistics(whole.stored_numbers()), whole.statistics(whole.stored_numbers()))


def test_a_restart_marks_its_column():
    store = ColumnStore(10, 4, 2)
    values, times_s, slots, marks = rows([0, 1, 6])
    marks[2] = Mark.RESTART
    store.add(values, times_s, slots, marks)
    assert [store.restarted(number) for number in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("value", "span", "text"),
    [
        (17.4, 14, "17"), (-2.5, 8, "-2.5"), (0.012, 0.02, "0.012"), (1.0, 2.0, "1.0"), (-123456.0, 2e5, "-1e5"),
        (15000, 2e4, "15000"), (-10000, 2e4, "-1e4"), (-0.0005, 0.001, "-5e-4"), (12345678, 2e7, "1.2e7"),
        (0.004, 0.008, "4e-3"), (0, 1e-6, "0.000"), (-1e-12, 2e-12, "-e-12"), (-0.25, 0.5, "-0.25"),
    ],
)  # fmt: skip
def test_values_of_a_scale_are_written_in_five_cells_and_never_cut(value, span, text):
    assert level_label(value, span) == text
    assert len(text) <= 5
