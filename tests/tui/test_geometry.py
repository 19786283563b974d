"""Places of ticks, cells, columns and labels, as tables of numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz
from sunspec_tui.plots.figure import bin_edges
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow, nice_step, pixel_bins, ticks
from sunspec_tui.tui.display.axis_labels import TimeColumns, clock_step, labels, time_labels
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.widgets.spectrum import mhz_axis

FREQUENCIES_MHZ = bin_frequencies_hz(560, 3072, 4) / 1e6


@pytest.mark.parametrize(
    ("span", "most", "step"),
    [(73.5, 8, 10), (73.5, 20, 5), (1, 10, 0.1), (20, 10, 2), (0, 5, 1), (100, 1, 100), (float("nan"), 4, 1)],
)
def test_steps_are_1_2_or_5(span, most, step):
    assert nice_step(span, most) == pytest.approx(step)


@given(st.floats(1e-9, 1e12), st.integers(1, 200))
def test_every_span_has_a_step(span, most):
    assert span / nice_step(span, most) <= most * (1 + 1e-6)


def test_ticks_are_round_and_inside():
    assert ticks(13.4, 86.8, 8) == [20, 30, 40, 50, 60, 70, 80]
    assert ticks(0.05, 0.45, 5) == [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize(("span_s", "most", "step"), [(60, 6, 10), (300, 6, 60), (75, 5, 15), (1e6, 3, 432_000)])
def test_clock_steps_are_round_times(span_s, most, step):
    assert clock_step(span_s, most) == step


def test_a_time_tick_stays_on_its_row_while_the_waterfall_moves():
    tick_s = 1_755_542_520.0  # 18:42:00 UTC
    times_s = [tick_s - 30 + n for n in range(80)]
    for moved in range(20):
        found = {moment_s: column for column, moment_s in TimeColumns.of(times_s[moved : moved + 60]).ticks(5)}
        assert found[tick_s] == 30 - moved


def test_unequal_columns_have_each_round_time_once():
    # Columns of 5 min 18 s end with their last block of 128 s.
    blocks = [math.floor(n * 318 / 128) * 128 for n in range(1, 140)]
    found = TimeColumns.of([3600.0 * 3 + end_s for end_s in blocks]).ticks(12)
    assert [moment_s / 3600 for _, moment_s in found] == list(range(4, 16))
    for column, moment_s in found:
        before_s, end_s = (3600 * 3 + end_s for end_s in blocks[column - 1 : column + 1])
        assert before_s < moment_s <= end_s


def test_gaps_have_no_ticks():
    times_s = [0.0 + n for n in range(5)] + [float("nan")] * 5 + [10.0 + n for n in range(5)]
    for column, _ in TimeColumns.of(times_s).ticks(20):
        assert np.isfinite(times_s[column])


@pytest.mark.parametrize(
    ("first_s", "columns", "each_s", "width", "found"),
    [
        # Of 5 min 19 s, only the last two minutes have data, and no full five minutes are among them.
        (7010.0, 11, 11.0, 29, [(19, "╵01:57:00")]),
        (7010.0, 60, 1.0, 60, [(40, "╵01:57:30"), (25, "╵01:57:15"), (10, "╵01:57:00")]),
        (7010.0, 3, 1.0, 8, []),
        # The first rows are too few for a time at the right of its tick.
        (7010.0, 6, 1.0, 29, [(20, "01:56:55╵")]),
    ],
)
def test_a_narrow_picture_has_a_time_on_its_axis(first_s, columns, each_s, width, found):
    times_s = [math.nan] * (width - columns) + [first_s + n * each_s for n in range(columns)]
    cells = list(range(width))
    assert time_labels(times_s, cells, width) == found


def test_no_time_covers_the_cursor_on_the_axis():
    times_s = [math.nan] * 23 + [7010.0 + n for n in range(6)]
    cells = list(range(29))
    assert time_labels(times_s, cells, 29, [(10, "▲")]) == [(10, "▲"), (20, "01:56:55╵")]
    assert time_labels(times_s, cells, 29, [(23, "▲")]) == [(23, "▲")]


@pytest.mark.parametrize(
    ("nbins", "npixels", "starts", "stops"),
    [(8, 2, [0, 4], [4, 8]), (2, 5, [0, 0, 0, 1, 1], [1, 1, 1, 2, 2]), (3, 3, [0, 1, 2], [1, 2, 3])],
)
def test_pixels_hold_neighbouring_bins(nbins, npixels, starts, stops):
    first, after = pixel_bins(nbins, npixels)
    assert first.tolist() == starts
    assert after.tolist() == stops


def test_the_band_has_the_edges_of_its_bins():
    band = FrequencyWindow.of(FREQUENCIES_MHZ)
    assert (band.start, band.stop) == (0, 768)
    assert band.low_mhz == pytest.approx(560 * 0.02392578125 - 0.02392578125 / 2)
    assert band.bin_mhz == pytest.approx(0.095703125)
    upper_half = FrequencyWindow.of(FREQUENCIES_MHZ, (0.5, 1.0))
    assert upper_half.start == 384
    assert upper_half.low_mhz == pytest.approx((band.low_mhz + band.high_mhz) / 2)


@pytest.mark.parametrize(("nchan", "channel_average"), [(3072, 3072), (3072, 5000), (1, 1)])
def test_one_bin_of_all_channels_has_the_axis_of_the_whole_band(nchan, channel_average):
    axis, channels_hz = Axis(560, nchan, channel_average, 4), bin_frequencies_hz(560, nchan, 1)
    band = FrequencyWindow.of(axis.frequencies_mhz, alone_mhz=axis.bin_mhz)
    half_hz = CHANNEL_WIDTH_HZ / 2
    expected = pytest.approx([(channels_hz[0] - half_hz) / 1e6, (channels_hz[-1] + half_hz) / 1e6])
    assert [band.low_mhz, band.high_mhz] == expected
    assert bin_edges(axis.frequencies_mhz, axis.bin_mhz).tolist() == expected


@pytest.mark.parametrize("cells", [5, 20, 40, 400])
@pytest.mark.parametrize("share", [(0.0, 1.0), (0.25, 0.375), (0.99, 1.0)])
def test_a_bin_maps_to_a_cell_and_back(cells, share):
    band = FrequencyWindow.of(FREQUENCIES_MHZ, share)
    for number in range(band.start, band.stop):
        cell = band.cell_of_bin(number, cells)
        start, stop = band.bins_of(cell, cells)
        assert start <= number < stop or stop - start <= 1
    assert band.cell_of_bin(band.stop, cells) is None


def test_a_frequency_and_the_bin_that_holds_it_share_a_cell():
    band = FrequencyWindow.of(FREQUENCIES_MHZ)
    for number in range(0, 768, 7):
        by_bin, by_mhz = band.cell_of_bin(number, 24), band.cell_of(FREQUENCIES_MHZ[number], 24)
        assert abs(by_bin - by_mhz) <= 1
    assert band.cell_of(5.0, 24) is None
    assert band.cell_of(90.0, 24) is None


@pytest.mark.parametrize("sweeping", [False, True])
@pytest.mark.parametrize("newest", [0, 3, 1000, 1004])
def test_a_column_maps_to_a_cell_and_back(sweeping, newest):
    axis = ColumnAxis(10, newest, sweeping)
    cells = [axis.cell_of(number) for number in axis.numbers]
    assert axis.cells_of(np.array(axis.numbers)).tolist() == cells
    assert [axis.number_at(cell) for cell in cells] == axis.numbers
    assert axis.numbers[-1] == newest
    assert len(set(cells)) == len(cells) == (9 if sweeping else 10)
    assert axis.number_at(-1) is None
    assert axis.number_at(10) is None


def test_scrolling_keeps_the_newest_at_the_right_and_sweeping_keeps_columns_in_place():
    assert ColumnAxis(10, 57).cell_of(57) == 9
    assert ColumnAxis(10, 58).cell_of(57) == 8
    assert ColumnAxis(10, 57, sweeping=True).cell_of(57) == ColumnAxis(10, 60, sweeping=True).cell_of(57) == 7
    assert ColumnAxis(10, 57, sweeping=True).write_cursor == 8
    assert ColumnAxis(10, 57, sweeping=True).number_at(8) is None


def test_labels_never_touch_and_earlier_ones_have_priority():
    assert labels([(0, "aaaa"), (4, "b"), (5, "cc"), (9, "d")], 10) == [(0, "aaaa"), (5, "cc"), (9, "d")]
    assert labels([(9, "ab")], 10) == []
    assert labels([(1, "abc")], 10, centred=True) == [(0, "abc")]


def test_mhz_labels_are_under_their_cells():
    axis = mhz_axis(FrequencyWindow(0, 80, 10.0, 90.0), 80)
    assert axis.index("20") == 10 - 1
    assert axis.index("50") == 40 - 1
    assert len(axis) == 80


@pytest.mark.parametrize("sweeping", [False, True])
@pytest.mark.parametrize("grid", [ColumnGrid(4, 10), ColumnGrid(54, 7), ColumnGrid(1, 10), ColumnGrid(13)])
@pytest.mark.parametrize("newest", [5, 1003])
def test_the_cells_of_many_columns_are_those_of_each(sweeping, grid, newest):
    axis = ColumnAxis(12, newest, sweeping, grid)
    assert axis.cells_of(np.array(axis.numbers)).tolist() == [axis.cell_of(number) for number in axis.numbers]


# An axis as of an e-CALLISTO station: steps of 0.1 to 1.4 MHz.
UNEVEN_MHZ = np.array([10.0, 10.4, 10.5, 11.9, 12.0, 12.6, 14.0, 14.1, 14.2, 14.3, 14.4, 14.5])


def test_an_uneven_axis_names_each_bin_by_its_own_frequency():
    band = FrequencyWindow.of(UNEVEN_MHZ)
    for number, mhz in enumerate(UNEVEN_MHZ):
        low, high = band.edges_mhz(number, number + 1)
        assert low < mhz < high
        assert band.cell_of(mhz, 12) == number
    assert band.low_mhz == pytest.approx(9.8)
    assert band.high_mhz == pytest.approx(14.55)
    assert band.cell_of(9.7, 12) is None
    assert band.cell_of(14.55, 12) is None
    assert band.centre_mhz(4, 6) == pytest.approx((11.95 + 13.3) / 2)


def test_a_part_of_an_uneven_axis_keeps_its_frequencies():
    band = FrequencyWindow.of(UNEVEN_MHZ, (0.5, 1.0))
    assert (band.start, band.stop) == (6, 12)
    assert band.low_mhz == pytest.approx(13.3)
    assert band.cell_of(14.2, 6) == 2


@pytest.mark.parametrize("last_step", [0.51, 0.7, 1.0])
def test_a_narrower_last_bin_leaves_the_axis_even(last_step):
    frequencies = np.append(np.arange(20.0), 19 + last_step)
    assert not FrequencyWindow.of(frequencies).uneven_edges_mhz
