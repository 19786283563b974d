"""Faults of pipelines are found in rows with such faults."""

import json
import math

import numpy as np
import pytest
from publishers import block_time, message
from rich.text import Text

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.headless import json_line
from sunspec_tui.monitoring.instrument_check import InstrumentCheck
from sunspec_tui.monitoring.pipeline_check import Fault, format_ranges, pipeline_map, pipelines_by_fault
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.tui.widgets.line_text import status_text
from sunspec_tui.tui.widgets.panel_text import health_text


def rows_of(n=8, nbins=768, npol=4, seed=0):
    return np.random.default_rng(seed).gamma(100, 1, (n, nbins, npol)).astype(np.float32)


def spoilt(rows, number, product, fault):
    bins = slice(24 * number, 24 * (number + 1))
    if fault is Fault.LOW:
        rows[:, bins, product] *= 0.05
    elif fault is Fault.STUCK:
        rows[:, bins, product] = rows[0, bins, product]
    else:
        rows[:, bins, product] = 0 if fault is Fault.ZERO else np.nan
    return rows


@pytest.mark.parametrize("number", [0, 7, 31])
@pytest.mark.parametrize("product", [0, 1])
@pytest.mark.parametrize("fault", [Fault.LOW, Fault.STUCK, Fault.ZERO, Fault.NAN])
def test_each_fault_is_found_in_its_pipeline_and_nowhere_else(number, product, fault):
    faults = pipeline_map(spoilt(rows_of(), number, product, fault), 4).faults
    assert faults.shape == (4, 32)
    if fault is Fault.LOW and number in (0, 31):
        assert not faults.any()  # the edge of the band looks like this fault
        return
    assert np.argwhere(faults).tolist() == [[product, number]]
    assert faults[product, number] == fault


def test_a_sky_without_faults_has_none():
    assert not pipeline_map(rows_of(), 4).faults.any()
    gulps = SimulatedSun().gulps()
    frames = np.concatenate([next(gulps).mean(axis=0) for _ in range(8)])
    assert not pipeline_map(frames.reshape(8, 768, 4, 4).mean(axis=2), 4).faults.any()


@pytest.mark.parametrize(
    ("nbins", "channel_average", "npipelines"), [(768, 4, 32), (1536, 2, 32), (10, 100, 10), (96, 1, 1), (1, 4, 1)]
)
def test_bins_belong_to_the_pipeline_of_their_first_channel(nbins, channel_average, npipelines):
    assert pipeline_map(rows_of(nbins=nbins), channel_average).faults.shape == (4, npipelines)


def test_shares_are_of_all_values_and_one_row_is_not_stuck():
    rows = rows_of(1)
    rows[:, 24:30, 0] = np.nan
    rows[:, 30:42, 0] = 0
    found = pipeline_map(rows, 4)
    assert found.nan[0, 1] == pytest.approx(0.25)
    assert found.zero[0, 1] == pytest.approx(0.5)
    assert not found.stuck.any()


def test_a_product_that_is_not_carried_is_no_fault_of_the_pipelines():
    rows = rows_of()
    rows[..., 2] = np.nan
    rows[..., 3] = 0
    assert not pipeline_map(rows, 4).faults.any()


def test_faults_are_shown_on_the_screen_and_in_the_status():
    rows = spoilt(spoilt(rows_of(), 7, 0, Fault.ZERO), 8, 1, Fault.NAN)
    found = pipeline_map(rows, 4)
    lines = health_text(HealthReading(), None, found).plain.splitlines()
    assert lines[-5] == "pipelines: 0 zero, n no numbers"
    assert lines[-4] == "XX" + "·" * 7 + "0" + "·" * 24
    assert lines[-3] == "YY" + "·" * 8 + "n" + "·" * 23
    assert max(map(len, lines)) <= 40
    live = HealthReading(StreamState.LIVE, LinkState.CONNECTED)
    told, untold = (
        Snapshot(0.0, "a:1", live, check=InstrumentCheck(pipelines=each)).warnings
        for each in (found, pipeline_map(rows_of(), 4))
    )
    assert "2 pipelines at fault" in status_text(live, "a:1", "XX", 0.0, 0.0, warnings=told).plain
    assert untold == ()
    assert isinstance(health_text(HealthReading()), Text)


def test_the_json_status_names_them():
    receiver = StreamReceiver(plot_interval=0)
    assert json.loads(json_line(receiver.snapshot()))["pipelines"] == {}
    data = np.random.default_rng(0).gamma(100, 1, (1, 3072, 4)).astype(np.float32)
    data[:, 96 * 15 : 96 * 18, 0] = np.nan
    with receiver.handler.receiving():
        receiver.handler.on_message(message(data))
    assert json.loads(json_line(receiver.snapshot()))["pipelines"] == {"XX": {"no numbers": [15, 16, 17]}}


def test_a_lasting_fault_and_its_end_are_events(caplog):
    now = [0.0]
    receiver = StreamReceiver(plot_interval=0, monotonic=lambda: now[0])
    random = np.random.default_rng(0)
    for n in range(80):
        now[0] = n / 4
        data = random.gamma(100, 1, (1, 3072, 4)).astype(np.float32)
        data[:, 96 * 7 : 96 * 8, 1] *= not 20 <= n < 50
        with receiver.handler.receiving():
            receiver.handler.on_message(message(data, last_block_time=block_time(n)))
        receiver.snapshot()
    told = [record.getMessage() for record in caplog.records if "pipelines" in record.getMessage()]
    assert told == ["pipelines at fault: YY 7 zero", "no pipelines are at fault any more"]


@pytest.mark.parametrize(("numbers", "text"), [([], ""), ([7], "7"), ([7, 15, 16, 17, 31], "7, 15-17, 31")])
def test_numbers_are_written_as_ranges(numbers, text):
    assert format_ranges(numbers) == text


def test_named_faults_have_their_pipelines():
    faults = np.array([0, Fault.ZERO, 0, Fault.NAN, Fault.NAN], np.int8)
    assert pipelines_by_fault(faults) == {Fault.ZERO: [1], Fault.NAN: [3, 4]}
    assert math.prod(pipeline_map(rows_of(npol=2), 4).faults.shape) == 64
