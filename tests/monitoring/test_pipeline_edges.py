"""Pipelines with partial losses of power or single bad channels.

Other steps in a spectrum are not reported as losses.
"""

import json
import logging

import numpy as np
import pytest
from monitors import StillReceiver
from simulated_rows import CHANNEL_AVERAGE, rows_of

from sunspec_tui.cli.headless import json_line
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.monitoring.instrument_check import InstrumentChecker
from sunspec_tui.monitoring.pipeline_check import Fault, bad_channels, mean_bad_channels, pipeline_map
from sunspec_tui.monitoring.pipeline_edges import ROWS, PartialLosses, UsualSteps, edge_steps_db
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.stream.newest_frame import NewestFrame

BINS = 24


def sun_rows(seed=0, count=ROWS, start_s=30.0):
    return np.array([row for _, row in rows_of(SimulatedSun(seed), start_s, count, seed)])


def part_of(rows, first, last, share, products=slice(None)):
    spoilt = rows.copy()
    spoilt[:, BINS * first : BINS * (last + 1), products] *= share
    return spoilt


def faulty(rows, losses=None):
    partial = (losses or PartialLosses()).find(rows, CHANNEL_AVERAGE)
    found = pipeline_map(rows, CHANNEL_AVERAGE, partial=partial).faults
    return {(int(product), int(number)) for product, number in np.argwhere(found)}


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize(("first", "last"), [(7, 7), (15, 17), (1, 1), (30, 30)])
@pytest.mark.parametrize("product", [0, 1])
def test_losses_of_a_half_and_a_fifth_of_a_pipeline_are_found(share, first, last, product):
    losses = PartialLosses()
    assert faulty(sun_rows(), losses) == set()
    expected = {(product, number) for number in range(first, last + 1)}
    assert faulty(part_of(sun_rows(start_s=36.0), first, last, share, product), losses) == expected


@pytest.mark.parametrize("seed", range(10))
def test_a_loss_of_half_a_pipeline_is_found_without_earlier_steps(seed):
    rows = sun_rows(seed)
    assert faulty(rows) == set()
    assert faulty(part_of(rows, 12, 12, 0.5)) == {(0, 12), (1, 12)}


@pytest.mark.parametrize("number", [0, 31])
def test_the_first_and_the_last_pipeline_are_found_by_a_change_of_both_powers(number):
    losses = PartialLosses()
    faulty(sun_rows(), losses)
    assert faulty(part_of(sun_rows(start_s=36.0), number, number, 0.5), losses) == {(0, number), (1, number)}
    losses = PartialLosses()
    faulty(sun_rows(), losses)
    assert faulty(part_of(sun_rows(start_s=36.0), number, number, 0.5, 0), losses) == set()


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda bins: 1 + 3 * np.exp(-(((bins - 300.0) / 12) ** 2)), id="a narrow burst"),
        pytest.param(lambda bins: 10 ** (bins / 200), id="a steep spectrum"),
        pytest.param(lambda bins: np.where(bins < 300, 1.0, 0.4), id="a step that is no edge"),
        pytest.param(lambda bins: np.where((bins >= 305) & (bins < 329), 0.5, 1.0), id="a notch beside the edges"),
        pytest.param(lambda bins: np.where(bins % 24 == 0, 50.0, 1.0), id="lines at the edges"),
        pytest.param(lambda bins: np.where(bins < 312, 1.0, 0.5), id="a step at one edge"),
    ],
)
def test_other_steps_are_no_loss(shape):
    losses = PartialLosses()
    faulty(sun_rows(), losses)
    rows = (sun_rows(start_s=36.0) * shape(np.arange(768))[None, :, None]).astype(np.float32)
    assert faulty(rows, losses) == set()


def test_steps_are_in_decibels_and_slopes_are_taken_off():
    bins = np.arange(96)
    power = 10 ** (bins / 100)[:, None] * np.where(bins < 48, 1.0, 0.5)[:, None]
    # The step between the two bins at the edge, with the slope of one bin.
    assert edge_steps_db(power, 24) == pytest.approx(np.array([[0, 10 * np.log10(0.5) + 0.1, 0]]), abs=0.01)


def test_usual_steps_exclude_losses_and_change_slowly():
    usual, steps = UsualSteps(0.01), np.array([[0.1, -0.2, 0.3]])
    lost = np.array([[False, True, False, False]])
    usual.update(steps, lost)
    assert np.isnan(usual.get(steps)).tolist() == [[True, True, False]]
    for _ in range(1000):
        usual.update(steps, np.zeros((1, 4), bool))
    assert usual.get(steps) == pytest.approx(steps)
    usual.update(steps + 1, np.zeros((1, 4), bool))
    assert usual.get(steps) == pytest.approx(steps + 0.01, abs=1e-3)
    assert np.isnan(usual.get(np.zeros((2, 3)))).all()


@pytest.mark.parametrize("lost", [slice(8, None), slice(16, None), slice(0, 16), slice(8, 16)])
def test_a_loss_must_stay_in_all_parts_of_the_rows(lost):
    rows = sun_rows()
    rows[lost] = part_of(rows, 12, 12, 0.5)[lost]
    assert faulty(rows) == set()


@pytest.mark.parametrize(("nbins", "channel_average"), [(32, 96), (96, 32), (760, 4), (1, 4096)])
def test_pipelines_of_few_or_fractional_bins_are_not_measured(nbins, channel_average):
    rows = np.ones((ROWS, nbins, 2), np.float32)
    rows[:, nbins // 2] = 0.5
    found = PartialLosses().find(rows, channel_average)
    assert found.shape == pipeline_map(rows, channel_average).level.shape
    assert not found.any()


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ([], set()),
        ([1000], set()),
        ([960, 970, 980, 990], {10}),
        (list(range(5, 3072, 96)), set(range(32))),
        (list(range(96, 192)), set()),
    ],
)
def test_many_bad_channels_are_found_and_single_ones_may_be_masked(value, where, found):
    spectrum = np.ones((3072, 4), np.float32)
    spectrum[where, 1] = value
    shares = mean_bad_channels([bad_channels(spectrum)] * 3)
    rows = np.ones((8, 768, 4), np.float32) * np.linspace(1, 2, 8, dtype=np.float32)[:, None, None]
    faults = pipeline_map(rows, 4, channels=shares).faults
    assert {int(number) for _, number in np.argwhere(faults)} == found
    assert not found or set(faults[1][sorted(found)]) == {Fault.SOME_ZERO if value == 0 else Fault.SOME_NAN}
    assert mean_bad_channels([]) is None


def test_zeros_in_changing_places_are_an_event_with_their_pipelines(caplog):
    caplog.set_level(logging.INFO)
    receiver, random = StillReceiver(), np.random.default_rng(3)
    for n in range(60):
        sky = random.gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
        if n >= 20:
            sky[:, random.random(3072) < 0.02] = 0
        receiver.feed(sky)
        receiver.snapshot()
    record = json.loads(json_line(receiver.snapshot()))["pipelines"]
    assert len(record["XX"]["some zeros"]) > 20
    assert any("some zeros" in each.getMessage() for each in caplog.records)


def checked_ring(rows, **keys):
    ring, axis = RingBuffer(ROWS, 768, 4), Axis(560, 3072, 4, 4, chan0_stated=True)
    for n, row in enumerate(rows):
        ring.append(row, 1e9 + n, n)
    arrival = NewestFrame(np.repeat(rows[-1], 4, axis=0), 0.0, 1e9 + 7, 1e9 + 7, 0, **keys)
    return InstrumentChecker().check(ring, axis, 0.25, arrival)


def test_data_of_another_station_are_not_checked_for_our_pipelines_and_carriers():
    rows = part_of(sun_rows(), 12, 12, 0.5)
    rows[:, :50] = np.nan
    assert checked_ring(rows).pipelines.faults.any()
    found = checked_ring(rows, recorded=True, station="BIR")
    assert not found.pipelines.faults.any()
    assert found.axis_check is None
    own = checked_ring(rows, recorded=True, station="ovro-lwa").pipelines
    assert {number for _, number in np.argwhere(own.faults).tolist()} == {12}


def test_dead_pipelines_of_any_recording_are_found():
    rows = sun_rows()
    rows[:, BINS * 5 : BINS * 6] = 0
    found = checked_ring(rows, recorded=True, station="BIR").pipelines
    assert {number for _, number in np.argwhere(found.faults).tolist()} == {5}
