"""The axis check, on simulated skies with a known axis."""

import json
import logging

import numpy as np
import pytest
from publishers import block_time, message

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.headless import json_line
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.known_carriers import CARRIERS_MHZ, SERVICES_MHZ
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.monitoring.axis_check import AxisCheck, check_axis, narrow_lines
from sunspec_tui.monitoring.event_reporter import EventReporter
from sunspec_tui.monitoring.instrument_check import InstrumentCheck, InstrumentChecker
from sunspec_tui.monitoring.pipeline_check import pipeline_map
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.stream.newest_frame import NewestFrame


def sky(chan0, seed=0, start=0, rows=16):
    gulps = SimulatedSun(seed, chan0).gulps()
    for _ in range(start):
        next(gulps)
    return np.mean([next(gulps).mean(axis=0)[0, :, 0].reshape(768, 4).mean(axis=1) for _ in range(rows)], axis=0)


def axis(chan0):
    return bin_frequencies_hz(chan0, 3072, 4) / 1e6


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("true_chan0", [560, 600, 520, 640, 470])
def test_a_shift_of_the_axis_is_found_to_a_bin(seed, true_chan0):
    found = check_axis(sky(true_chan0, seed)[None], axis(560), 4)
    assert found.shift_channels == pytest.approx(true_chan0 - 560, abs=4)
    assert found.matched >= 3


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_bursts_do_not_shift_an_axis_that_is_right(start):
    assert not check_axis(sky(560, 0, start)[None], axis(560), 4).shift_channels


def test_a_sky_without_lines_gives_no_result():
    smooth = 1e3 * axis(560) ** -2.5
    assert check_axis(smooth[None], axis(560), 4) == AxisCheck((), 0, None)
    assert check_axis(np.full((3, 768), np.nan), axis(560), 4).shift_channels is None
    assert check_axis(np.ones((1, 1)), np.array([20.0]), 4).shift_channels is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0])
def test_bad_values_are_no_lines_and_no_warning(bad):
    rows = np.ones((4, 768), np.float32)
    rows[1, 100], rows[:, 300:310], rows[2, 500] = bad, bad, -np.inf
    assert not check_axis(rows, axis(560), 4).shift_channels
    assert pipeline_map(np.repeat(rows[..., None], 4, axis=2), 4).faults.shape == (4, 32)


ANALOGUE_MHZ = (55.25, 59.75, 61.25, 65.75, 67.25, 71.75, 77.25, 81.75, 83.25)


def band(carriers_mhz, true_chan0=560):
    """Return the power of a quiet band with carriers, for chan0 560."""
    power = np.ones(768)
    for mhz in carriers_mhz:
        nearest = int(np.argmin(np.abs(axis(true_chan0) - mhz)))
        if abs(axis(true_chan0)[nearest] - mhz) < 0.05:
            power[nearest] = 10
    return power[None]


def test_todays_carriers_confirm_a_right_axis():
    found = check_axis(band(CARRIERS_MHZ), axis(560), 4)
    assert (found.shift_channels, found.matched) == (0, 9)


@pytest.mark.parametrize("carriers", [ANALOGUE_MHZ, ANALOGUE_MHZ[::2], SERVICES_MHZ["ATSC"], ()])
def test_television_alone_and_no_carriers_tell_no_shift(carriers):
    assert not check_axis(band(carriers), axis(560), 4).shift_channels


@pytest.mark.parametrize("true_chan0", [520, 600, 640])
def test_carriers_of_today_on_a_wrong_axis_tell_the_shift(true_chan0):
    assert check_axis(band(CARRIERS_MHZ, true_chan0), axis(560), 4).shift_channels == true_chan0 - 560


def test_lines_at_random_places_are_no_shift():
    random = np.random.default_rng(0)
    for _ in range(50):
        power = np.ones(768)
        power[random.choice(768, 5, replace=False)] = 10
        assert not check_axis(power[None], axis(560), 4).shift_channels


@pytest.mark.parametrize("channel_average", [1, 4])
@pytest.mark.parametrize("seed", range(6))
def test_noise_of_a_recorders_test_mode_gives_no_shift(seed, channel_average):
    rows = np.random.default_rng(seed).standard_normal((16, 3072 // channel_average)).astype(np.float32)
    mhz = bin_frequencies_hz(560, 3072, channel_average) / 1e6
    assert check_axis(rows, mhz, channel_average).shift_channels is None


def test_a_line_stands_out_from_both_sides_and_a_step_does_not():
    mhz, power = np.arange(100.0), np.ones(100)
    power[40] = 2.0
    power[70:] = 3.0
    assert narrow_lines(power, mhz) == (40.0,)
    power[20], power[50], power[52] = np.nan, np.nan, 9.0
    assert narrow_lines(power, mhz) == (40.0,)


@pytest.mark.parametrize(("stated", "said"), [(None, "the axis looks 40 channels too low"), (600, "")])
def test_a_shifted_axis_is_reported_and_not_changed(stated, said, caplog):
    now = [0.0]
    receiver = StreamReceiver(plot_interval=0, monotonic=lambda: now[0])
    gulps = SimulatedSun(0, 600).gulps()
    for n in range(40):
        now[0] = n / 4
        with receiver.handler.receiving():
            receiver.handler.on_message(message(next(gulps).mean(axis=0), last_block_time=block_time(n), chan0=stated))
        last = receiver.snapshot()
    status = json.loads(json_line(last))
    assert (status["chan0"], status["axis_shift_channels"]) == ((600, 0) if stated else (560, 40))
    [finding] = [each for each in last.findings if each.kind == "axis"]
    assert bool(finding.note) == bool(said)
    assert finding.note.startswith(said)
    told = [record.getMessage() for record in caplog.records if "axis" in record.getMessage()]
    assert len(told) == bool(said)
    assert all(each.startswith(said) for each in told)


def test_a_lasting_shift_is_one_event(caplog):
    caplog.set_level(logging.INFO)
    teller = EventReporter(logging.getLogger("sunspec_tui"))
    for n in range(100):
        check = AxisCheck((), 4 + n % 3, 40 if n < 80 else 0)
        teller.report_snapshot(
            Snapshot(0.0, "a:1", axis=Axis(560, 3072, 4, 4), check=InstrumentCheck(axis_check=check)), float(n)
        )
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the axis looks 40 channels too low: 6 known carriers fit chan0 600",
        "narrow lines no longer indicate a shifted frequency axis",
    ]


def checked_ring(ring, axis):
    arrival = NewestFrame(np.zeros((3072, 4), np.float32), 0.0, 1e9, 1e9, 0)
    return InstrumentChecker().check(ring, axis, 0.25, arrival)


def test_lines_are_searched_in_yy_if_xx_is_dead():
    ring, rows = RingBuffer(20, 768, 4), np.full((768, 4), np.nan, np.float32)
    rows[:, 1] = sky(600)
    for n in range(16):
        ring.append(rows, n, n)
    assert checked_ring(ring, Axis(560, 3072, 4, 4)).axis_check.shift_channels == 40


def test_pipelines_are_not_checked_with_wider_bins():
    ring = RingBuffer(20, 16, 4)
    ring.append(np.zeros((16, 4), np.float32), 0.0, 0)
    assert checked_ring(ring, Axis(560, 3072, 192, 4)).pipelines is None
