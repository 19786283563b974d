"""Rows that are cut into overlapping parts give the same bursts."""

from itertools import pairwise

import numpy as np
import pytest
from burst_runs import run
from extent import extent, some
from simulated_bursts import (
    CADENCE_S,
    FREQUENCIES_HZ,
    QUIET,
    START_S,
    bursts_of_day,
    continuum,
    disturbances_of_day,
    rows_of_day,
    single_iii,
)
from solar_event import EVENTS, needs_events

from sunspec_tui.bursts.parts import AFTER_S, BEFORE_S, Traces, bursts_of, find_traces
from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.read import read_recording

HOURS = extent(2.8, 6.0)
EDGES_H = ((2.0,), (1.1, 1.8, 2.4), (1.9, 2.0, 2.7), (1.2345, 1.3, 2.6))


def cut(recording, begin_s, end_s):
    """Return the rows of an interval."""
    kept = (recording.times_s > begin_s) & (recording.times_s <= end_s)
    return Recording(
        recording.data[kept], recording.products, recording.times_s[kept], recording.frequencies_hz, recording.cadence_s
    )


def in_parts(recording, edges):
    """Return the bursts of a recording that is cut at some times."""
    edges = [-np.inf, *edges, np.inf]
    return bursts_of(
        find_traces(cut(recording, begin_s - BEFORE_S, end_s + AFTER_S), begin_s, end_s)
        for begin_s, end_s in pairwise(edges)
    )


def assert_same(found, expected, cadence_s):
    """Check types, times and numbers of bursts."""
    assert [burst.type for burst in found] == [burst.type for burst in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.begin_s, one.peak_s, one.end_s) == pytest.approx(
            (other.begin_s, other.peak_s, other.end_s), abs=cadence_s, rel=0
        )
        for name in ("low_mhz", "high_mhz", "peak_db", "drift_mhz_s", "drift_error_mhz_s", "confidence", "lane_ratio"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=0.01, nan_ok=True), (name, one, other)


@pytest.fixture(scope="module")
def day():
    """Hours of the simulated Sun with disturbances, rows of a second."""
    rows = list(rows_of_day(bursts_of_day(4, HOURS), disturbances_of_day(4, HOURS), 4, HOURS))
    times_s, data = np.concatenate([each[0] for each in rows]), np.concatenate([each[1] for each in rows])
    data = data.reshape(-1, 4, *data.shape[1:]).mean(axis=1)
    recording = Recording(data, (Product.I,), times_s[3::4], FREQUENCIES_HZ, 4 * CADENCE_S)
    return recording, in_parts(recording, [])


@pytest.mark.parametrize("edges_h", some(EDGES_H, 2))
def test_parts_of_the_simulated_sun_give_the_bursts_of_the_whole(day, edges_h):
    recording, expected = day
    assert len(expected) > 10
    assert_same(in_parts(recording, [START_S + 3600 * each for each in edges_h]), expected, recording.cadence_s)


def test_a_gap_may_lie_anywhere_between_the_parts(day):
    recording, _ = day
    begin_s, end_s = START_S + 0.4 * 3600, START_S + 1.7 * 3600
    kept = (recording.times_s <= begin_s) | (recording.times_s > end_s)
    gappy = Recording(
        recording.data[kept], recording.products, recording.times_s[kept], FREQUENCIES_HZ, recording.cadence_s
    )
    expected = in_parts(gappy, [])
    for edge_h in some((1.0, 1.75, 2.0, 2.5), 1):
        assert_same(in_parts(gappy, [START_S + 3600 * edge_h]), expected, recording.cadence_s)


@pytest.fixture(scope="module")
def flare():
    """An hour of a flare, and its bursts."""
    recordings = [read_recording(path) for path in EVENTS if "GREENLAND" in path.name and "_63." in path.name]
    hour = Recording(
        np.concatenate([each.data for each in recordings]),
        recordings[0].products,
        np.concatenate([each.times_s for each in recordings]),
        recordings[0].frequencies_hz,
        recordings[0].cadence_s,
    )
    return hour, in_parts(hour, [])


@needs_events
@pytest.mark.parametrize("edges_s", some([(900.0,), (1137.7, 1500.0), (450.0, 1800.0, 2650.0)], 2))
def test_parts_of_an_hour_of_a_flare_give_the_bursts_of_the_whole(flare, edges_s):
    hour, expected = flare
    assert len(expected) >= 10
    assert_same(in_parts(hour, [hour.times_s[0] + each for each in edges_s]), expected, hour.cadence_s)


def test_a_strong_burst_at_the_end_of_a_file_hides_no_faint_one_before_it():
    rng = np.random.default_rng(2)
    bursts = [single_iii(400.0, 1.5, rng), continuum(500.0, 15.0, rng)]
    rows = list(rows_of_day(bursts, QUIET, 0, 0.25))
    data, times_s = np.concatenate([each[1] for each in rows]), np.concatenate([each[0] for each in rows])
    faint, strong = in_parts(Recording(data, (Product.I,), times_s, FREQUENCIES_HZ, CADENCE_S), [])
    assert (faint.type, strong.type) == (BurstType.III, BurstType.CONTINUUM)
    assert faint.begin_s - START_S == pytest.approx(bursts[0].begin_s, abs=6)
    assert faint.peak_db < 2


@pytest.mark.parametrize("lost_s", [498.0, 500.0, 502.0])
def test_a_row_that_is_missing_at_the_begin_of_a_burst_makes_it_no_interference(lost_s):
    rows = list(rows_of_day([single_iii(500.0, 10.0, np.random.default_rng(0))], QUIET, 0, 0.2))
    data, times_s = np.concatenate([each[1] for each in rows]), np.concatenate([each[0] for each in rows])
    means = data.reshape(-1, 8, *data.shape[1:]).mean(axis=1).astype(np.float32)
    means[times_s[7::8] - START_S == lost_s] = np.nan
    (found,) = in_parts(Recording(means, (Product.I,), times_s[7::8], FREQUENCIES_HZ, 8 * CADENCE_S), [])
    assert found.type is BurstType.III


@pytest.mark.parametrize("drift_db", [3.0, -3.0])
def test_a_drift_of_the_gain_is_no_burst(drift_db):
    rows = list(rows_of_day([], QUIET, 0, 0.25))
    data, times_s = np.concatenate([each[1] for each in rows]), np.concatenate([each[0] for each in rows])
    phase = np.linspace(0, np.pi, len(data), dtype=np.float32)
    gain = 10 ** (drift_db / 20 * (1 - np.cos(phase)))
    drifting = data * gain[:, np.newaxis, np.newaxis]
    assert in_parts(Recording(drifting, (Product.I,), times_s, FREQUENCIES_HZ, CADENCE_S), []) == ()


def test_no_parts_and_no_rows_give_no_bursts():
    assert bursts_of([]) == ()
    nothing = Recording(np.empty((0, 256, 1), np.float32), (Product.I,), np.empty(0), FREQUENCIES_HZ, 0.25)
    assert in_parts(nothing, [START_S]) == ()


def test_a_burst_is_not_settled_while_a_later_part_of_it_goes_on():
    mhz = np.linspace(20.0, 100.0, 100)
    first = int(START_S / 0.5)
    # The second part begins after a short pause, and its runs end ten minutes later.
    early = [run(number, first + 11 * number % 60, first + 600) for number in range(20, 80)]
    late = [run(number, first + 620 + 11 * number % 60, first + 1840) for number in range(20, 80)]
    others = [run(5, cell, cell + 9) for cell in range(first, first + 1800, 120)]
    (found,) = bursts_of([Traces(mhz, 0.5, tuple(early + late + others), ())])
    assert found.type is BurstType.CONTINUUM
    assert found.end_s == (first + 1840) * 0.5
