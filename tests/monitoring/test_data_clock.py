"""The data's clock: time zones, clocks ahead, and wrong rates."""

import json
import logging
import math

import numpy as np
import pytest
from monitors import CADENCE_S, START_S, StillReceiver

from sunspec_tui.cli.headless import json_line
from sunspec_tui.core.times import format_block_time
from sunspec_tui.monitoring.data_clock import ClockFault, DataClock, median_slope, offset_fault

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("age_s", "fault"),
    [
        (0.3, ClockFault.NONE),
        (0.0, ClockFault.NONE),
        (400.0, ClockFault.NONE),
        (1700.0, ClockFault.NONE),
        (math.nan, ClockFault.NONE),
        (8.5 * HOUR_S, ClockFault.ZONE),
        (8.5 * HOUR_S + 20, ClockFault.ZONE),
        (7 * HOUR_S + 300, ClockFault.NONE),
        (24 * HOUR_S, ClockFault.ZONE),
        (24 * HOUR_S + 120, ClockFault.RECORDED),
        (10 * 365 * 24 * HOUR_S, ClockFault.RECORDED),
        (-0.2, ClockFault.AHEAD),
        (-30.0, ClockFault.AHEAD),
        (-8 * HOUR_S + 0.4, ClockFault.ZONE),
        (-8 * HOUR_S - 500, ClockFault.AHEAD),
        (-30 * HOUR_S, ClockFault.AHEAD),
    ],
)
def test_the_age_at_arrival_gives_the_fault(age_s, fault):
    assert offset_fault(age_s) is fault


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], math.nan),
        ([(0, 0)], math.nan),
        ([(0, 0), (10, 12)], 1.2),
        ([(0, 0), (10, 10), (20, 13), (30, 30), (40, 40)], 1.0),
        ([(5, 1), (5, 2)], math.nan),
    ],
)
def test_the_slope_is_the_median_of_all_pairs(points, expected):
    assert median_slope(points) == pytest.approx(expected, nan_ok=True)


def readings(rate, seconds=90, *, gulp_s=CADENCE_S, recorded=False, offset_s=0.4, hiccup_s=0.0):
    clock = DataClock()
    return [
        clock.read(
            arrived_s=n * gulp_s + (hiccup_s if 100 <= n < 110 else 0.0),
            now_s=1e9 + n * gulp_s,
            data_s=1e9 + n * gulp_s * rate - offset_s,
            sequence=0,
            recorded=recorded,
        )
        for n in range(int(seconds / gulp_s))
    ]


@pytest.mark.parametrize(
    ("rate", "wrong"), [(1.0, False), (1.08, False), (0.92, False), (0.85, True), (1.2, True), (10, True)]
)
def test_a_rate_that_differs_by_a_tenth_over_a_minute_is_a_fault(rate, wrong):
    last = readings(rate, offset_s=5000.0)[-1]
    assert last.fault is (ClockFault.RATE if wrong else ClockFault.NONE)
    assert last.rate == pytest.approx(rate, rel=1e-3)


def test_the_rate_is_unknown_for_a_minute_and_ignores_delays():
    assert all(math.isnan(each.rate) for each in readings(1.0, seconds=50))
    assert all(each.fault is ClockFault.NONE for each in readings(1.0, hiccup_s=4.0))
    assert all(each.fault is ClockFault.NONE for each in readings(1.0, seconds=300, gulp_s=1.0272))


@pytest.mark.parametrize("jump_s", [3600.0, 20.0, -20.0])
@pytest.mark.parametrize("at_s", [100, 127])
def test_a_single_jump_of_the_clock_is_no_rate_fault(jump_s, at_s):
    clock = DataClock()
    found = [
        clock.read(
            arrived_s=n * CADENCE_S,
            now_s=1e9 + n * CADENCE_S,
            data_s=1e9 - 4000 + n * CADENCE_S + (jump_s if n * CADENCE_S >= at_s else 0.0),
            sequence=0,
        )
        for n in range(1200)
    ]
    assert ClockFault.RATE not in {each.fault for each in found}


def test_a_recording_has_no_fault_of_its_clock():
    assert {each.fault for each in readings(3.0, recorded=True, offset_s=8 * HOUR_S)} == {ClockFault.NONE}
    assert {each.fault for each in readings(3.0, offset_s=1e6)} == {ClockFault.RECORDED}


def test_data_time_may_jump_at_a_new_sequence():
    clock = DataClock()
    found = [
        clock.read(arrived_s=float(n), now_s=1e9 + n, data_s=1e9 + n - 900 + 300 * (n // 50), sequence=n // 50)
        for n in range(150)
    ]
    assert {each.fault for each in found} == {ClockFault.NONE}


@pytest.mark.parametrize(
    ("offset_s", "rate", "warning", "note"),
    [
        (-8.5 * HOUR_S, 1.0, "time zone?", "the data are 8.50 h old, whole half hours: check the producer's time zone"),
        (30.0, 1.0, "data ahead of the clock", "the data end 29.9 s in the future"),
        (-700.0, 1.5, "data clock at a wrong rate", "data time runs 1.50 times as fast as frames arrive"),
    ],
)
def test_a_wrong_clock_is_a_warning_a_note_an_event_and_a_status(offset_s, rate, warning, note, caplog):
    caplog.set_level(logging.INFO)
    receiver = StillReceiver()
    sky = np.random.default_rng(0).gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
    for n in range(300):
        end_s = START_S + n * CADENCE_S * rate + offset_s
        receiver.feed(sky, last_block_time=format_block_time(end_s))
        snapshot = receiver.snapshot()
    assert warning in snapshot.warnings
    assert any(each.startswith(note) for each in snapshot.notes)
    assert json.loads(json_line(snapshot))["clock_fault"] == warning
    assert [record.levelname for record in caplog.records if note in record.getMessage()] == ["WARNING"]


def test_a_declared_replay_raises_no_clock_alarm():
    receiver = StillReceiver()
    sky = np.random.default_rng(0).gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
    for n in range(300):
        end_s = START_S + n * CADENCE_S * 4 - 3 * HOUR_S
        receiver.feed(sky, last_block_time=format_block_time(end_s), recorded=True, station="BIR")
    assert receiver.snapshot().check.clock.fault is ClockFault.NONE
    assert receiver.snapshot().station == "BIR"
