"""Structures are measured: drift, times, lanes, half power."""

import numpy as np
import pytest
from burst_runs import run

from sunspec_tui.bursts.lanes import lanes_of, ridge
from sunspec_tui.bursts.lines import fitted_line, ridge_line
from sunspec_tui.bursts.measure import (
    drift_of_delay,
    first_seen,
    half_power_by_frequency,
    height_light_s,
    measures,
)
from sunspec_tui.bursts.run_columns import columns_of

MHZ = np.linspace(25, 85, 120)
CELL_S = 0.5


def exciter(speed, jitter_s=0.3, rise_cells=0, seed=0, length=12, **given):
    """Return runs along the track of an exciter."""
    rng = np.random.default_rng(seed)
    heights = height_light_s(MHZ)
    peaks = 1000 + ((heights - heights[-1]) / speed + rng.normal(0, jitter_s, len(MHZ))) / CELL_S
    runs = []
    for number, peak in enumerate(np.rint(peaks).astype(int).tolist()):
        early = rise_cells * number // len(MHZ)
        numbers = {"peak": peak, "half": peak - early, "onset": peak - early, "peak_db": 8.0} | given
        runs.append(run(number, peak - early - 1, peak + length, **numbers))
    return runs


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("speed", [0.6, 0.3, 0.1, 0.05])
def test_the_speed_of_an_exciter_is_found_within_its_error(speed, seed):
    found = measures(exciter(speed, seed=seed), MHZ, CELL_S)
    assert 1 / found.ridge_delay == pytest.approx(speed, rel=0.1)
    assert abs(found.ridge_delay - 1 / speed) < 4 * found.ridge_error
    assert abs(found.delay - 1 / speed) < 4 * found.delay_error
    assert found.drift_mhz_s == pytest.approx(drift_of_delay(1 / speed, found.middle_mhz), rel=0.1)
    assert 0 < found.drift_error_mhz_s < 0.1 * abs(found.drift_mhz_s)
    assert found.significance > 20


def test_a_structure_that_goes_on_or_lacks_end_has_not_ended_at_once():
    runs = [run(number, 1000, 1020) for number in range(40)]
    assert measures(runs, MHZ, CELL_S).end_spread_s == 0
    for given in ({"is_open": True}, {"lacks_end": True}):
        assert measures([*runs, run(41, 1000, 1020, **given)], MHZ, CELL_S).end_spread_s == np.inf


def test_the_share_of_the_bins_with_a_run():
    runs = exciter(0.3)
    assert measures(runs, MHZ, CELL_S).filled_share == 1
    assert measures(runs[::3], MHZ, CELL_S).filled_share == pytest.approx(1 / 3, abs=0.01)


def test_the_drift_is_that_of_the_peaks_where_the_rise_depends_on_frequency():
    found = measures(exciter(0.3, jitter_s=0.1, rise_cells=4), MHZ, CELL_S)
    assert found.drift_mhz_s == pytest.approx(drift_of_delay(1 / 0.3, found.middle_mhz), rel=0.05)
    assert abs(found.delay * 0.3 - 1) > 0.1


def test_the_drift_is_that_of_the_onsets_where_the_peaks_lie_on_no_line():
    x, onsets = np.linspace(0, 3, 50), 5 * np.linspace(0, 3, 50)
    line = fitted_line(x, onsets, 0.5)
    strokes = onsets + np.random.default_rng(0).choice([0, 10, 20], 50)
    assert ridge_line(x, strokes, line, 0.5) == line
    assert ridge_line(x, onsets + 1, line, 0.5)[0] == pytest.approx(5)
    # Peaks without a drift of their own, or with that of something else.
    assert ridge_line(x, np.zeros(50), line, 0.5) == line
    assert ridge_line(x, 0.3 * x, line, 0.05) == line
    unknown = (float("nan"),) * 3
    assert np.isnan(ridge_line(x[:2], onsets[:2], unknown, 0.5)).all()


def test_a_fitted_line_leaves_out_outliers():
    x = np.linspace(0, 4, 40)
    times = 3 * x + np.random.default_rng(0).normal(0, 0.1, 40)
    times[[5, 20, 33]] += [30, -40, 25]
    slope, error, residual = fitted_line(x, times, 0.1)
    assert slope == pytest.approx(3, abs=4 * error)
    assert residual < 0.2


@pytest.mark.parametrize(("x", "times"), [([1, 2, 3], [1, 2, 3]), ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]), ([], [])])
def test_too_few_or_equal_values_have_no_line(x, times):
    assert np.isnan(fitted_line(np.array(x, float), np.array(times, float), 0.5)).all()


@pytest.mark.parametrize(
    ("delay", "frequency_mhz", "sign"), [(3.3, 50, -1), (300, 50, -1), (-3.3, 50, 1), (3.3, 80, -1)]
)
def test_an_exciter_that_moves_out_drifts_down(delay, frequency_mhz, sign):
    assert np.sign(drift_of_delay(delay, frequency_mhz)) == sign
    assert np.isnan(drift_of_delay(0.0, frequency_mhz))


def test_a_beam_of_a_third_of_the_speed_of_light_drifts_by_tens_of_megahertz_a_second():
    # Alvarez and Haddock (1973): 0.01 f^1.84, 19 MHz/s at 60 MHz.
    assert -40 < drift_of_delay(3.0, 60) < -10


def test_times_and_band():
    found = measures(exciter(0.2, jitter_s=0), MHZ, CELL_S)
    assert found.low_mhz == 25
    assert found.high_mhz == 85
    assert found.bins == 120
    assert found.begin_s <= found.peak_s <= found.end_s
    assert found.begin_s == pytest.approx(1000 * CELL_S, abs=1.5)
    assert found.ratio == pytest.approx(85 / 25)
    assert found.peak_db == 8
    assert not found.is_saturated
    assert np.isnan(found.circular)


def test_a_weak_run_before_a_burst_is_not_its_begin():
    early = [run(number, 500, 510, peak_db=1.0) for number in range(3)]
    found = measures([*early, *exciter(0.2, jitter_s=0)], MHZ, CELL_S)
    assert found.begin_s == pytest.approx(1000 * CELL_S, abs=1.5)


def test_a_burst_with_flat_tops_far_above_the_background_is_saturated():
    assert measures(exciter(0.2, peak_db=20.0, flat_cells=6), MHZ, CELL_S).is_saturated
    assert not measures(exciter(0.2, peak_db=5.0, flat_cells=6), MHZ, CELL_S).is_saturated


def test_circular_polarisation_is_weighted_with_power():
    runs = [run(0, 0, 5, peak_db=20.0, circular=0.5), run(1, 0, 5, peak_db=0.0, circular=-0.5), run(2, 0, 5)]
    assert measures(runs, MHZ, CELL_S).circular == pytest.approx((50 - 0.5) / 101)


@pytest.mark.parametrize(
    ("bins", "cells", "first"),
    [([0, 1, 2, 3], [9, 5, 5, 6], 6), ([0, 1, 2], [1, 7, 8], 8), ([4], [3], 3), ([0, 5, 9, 12], [1, 2, 3, 9], 3)],
)
def test_a_burst_begins_where_three_neighbouring_bins_are_seen(bins, cells, first):
    assert first_seen(np.array(bins), np.array(cells, float)) == first


def test_durations_at_half_power_in_parts_of_the_band():
    mhz = np.linspace(20, 80, 60)
    runs = [run(number, 0, 60, half_cells=round(440 / mhz[number])) for number in range(60)]
    parts = half_power_by_frequency(columns_of(runs), mhz, 0.5)
    assert len(parts) == 4
    assert all(seconds == pytest.approx(220 / frequency, rel=0.1) for frequency, seconds in parts)
    single = columns_of([run(0, 0, 60, half_cells=4)])
    assert half_power_by_frequency(single, np.array([50.0]), 0.5) == ((50.0, 2.0),)


def lane(low_mhz, high_mhz, ratio=1.0):
    """Return the runs of a lane that falls for two minutes."""
    bins = [i for i, mhz in enumerate(MHZ) if low_mhz * ratio <= mhz <= high_mhz * ratio]
    begins = np.rint(240 * (high_mhz * ratio - MHZ[bins]) / ((high_mhz - low_mhz) * ratio)).astype(int)
    return [run(number, begin, begin + 20) for number, begin in zip(bins, begins.tolist(), strict=True)]


def test_the_lanes_of_fundamental_and_harmonic_have_a_ratio_of_two():
    count, ratio = lanes_of([lane(26, 42), lane(26, 42, 2)], MHZ)
    assert count == 2
    assert ratio == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("pieces", [[lane(26, 42)], [lane(26, 42), lane(26, 42, 1.05)]])
def test_one_lane_or_a_split_band_has_no_ratio(pieces):
    count, ratio = lanes_of(pieces, MHZ)
    assert count == 1
    assert np.isnan(ratio)


def test_lanes_that_follow_each_other_have_no_ratio():
    later = [run(each.bin, each.begin + 1000, each.end + 1000) for each in lane(26, 42, 2)]
    assert lanes_of([lane(26, 42), later], MHZ)[0] == 1


def test_a_ridge_is_the_mean_frequency_of_each_cell():
    first, mean_mhz = ridge([run(0, 5, 7, peak_db=1.0), run(2, 6, 8, peak_db=3.0), run(4, 9, 10)], MHZ)
    step = MHZ[1] - MHZ[0]
    assert first == 5
    np.testing.assert_allclose(mean_mhz, [25, 25 + 1.5 * step, 25 + 2 * step, np.nan, 25 + 4 * step])
