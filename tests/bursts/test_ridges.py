"""Narrow ridges are followed through what lies behind them."""

import numpy as np
import pytest
from burst_tracks import BLOCK_S, CELL_S, MHZ, lane_mhz

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.ridges import MAX_GAP_S, MAX_RIDGE_S, MAX_RIDGES, RidgeFinder

LOW_DB, NOISE_DB = np.full(100, 0.8, np.float32), np.full(100, 0.2, np.float32)
FIRST = 1000


def picture(tracks, peak_db=6.0, continuum_db=0.0, noise_db=0.2, width=0.04):
    """Return smoothed cells with a ridge on each track.

    Their shape is (blocks, cells, bins).
    """
    rng = np.random.default_rng(0)
    blocks = max(len(track) for track in tracks)
    excess = continuum_db + noise_db * rng.standard_normal((blocks, CELLS_PER_BLOCK, len(MHZ)))
    for track in tracks:
        for block, mhz in enumerate(track):
            if np.isfinite(mhz):
                excess[block] += peak_db * np.exp(-((np.log(MHZ / mhz) / width) ** 2))
    return excess.astype(np.float32)


def sweeps_in(excess, finder=None):
    """Return the sweeps of some blocks."""
    finder = finder or RidgeFinder(MHZ, CELL_S)
    found = [sweep for n, cells in enumerate(excess) for sweep in finder.feed(FIRST + n, cells, LOW_DB, NOISE_DB)]
    return found + finder.close()


@pytest.mark.parametrize("continuum_db", [0.0, 5.0])
@pytest.mark.parametrize(("start_mhz", "delay"), [(85.0, 300.0), (60.0, 500.0), (45.0, 800.0)])
def test_a_lane_has_its_drift_also_on_a_continuum(start_mhz, delay, continuum_db):
    track = lane_mhz(40, start_mhz, delay)
    (sweep,) = sweeps_in(picture([track], continuum_db=continuum_db))
    assert BLOCK_S / sweep.slope[0] == pytest.approx(delay, rel=0.05)
    assert sweep.change == pytest.approx(track[-1] / track[0] - 1, abs=0.03)
    middle = len(track) // 2
    truth = (track[middle + 1] - track[middle - 1]) / (2 * BLOCK_S)
    drift, error = sweep.drift_mhz_s(BLOCK_S, track[middle])
    assert drift == pytest.approx(truth, rel=0.1)
    assert 0 < error < 0.1 * abs(drift)


def test_the_lanes_of_a_fundamental_and_its_harmonic_are_two():
    track = lane_mhz(30, 45.0, 400.0)
    found = sorted(sweeps_in(picture([track, 2 * track])), key=lambda sweep: sweep.low_mhz)
    assert [round(sweep.high_mhz) for sweep in found] == [45, 90]


def test_the_begin_of_a_lane_is_known_to_a_cell():
    excess = picture([np.concatenate([np.full(3, np.nan), lane_mhz(30, 60.0, 400.0)])])
    excess[3, :3] = 0  # the lane begins at the fourth cell of its first block
    (sweep,) = sweeps_in(excess)
    # Smoothed cells belong to the cell before.
    assert sweep.begin == (FIRST + 3) * CELLS_PER_BLOCK - 1 + 3


@pytest.mark.parametrize(
    "track",
    [
        np.full(60, 60.0),  # a carrier
        60.0 + 0.6 * np.sin(np.arange(60)),  # a ridge that wanders
        lane_mhz(60, 60.0, 20.0)[:7],  # a beam, and too short
        lane_mhz(60, 60.0, 4000.0),  # too slow
    ],
)
def test_what_does_not_drift_as_a_shock_is_no_sweep(track):
    assert sweeps_in(picture([track])) == []


def test_noise_and_broad_continuum_give_nothing():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.25, (200, CELLS_PER_BLOCK, 100)).astype(np.float32)
    assert sweeps_in(noise) == []
    assert sweeps_in(noise + np.float32(6) * np.exp(-(((MHZ - 60) / 40) ** 2)).astype(np.float32)) == []


def test_a_ridge_outlives_a_short_gap_and_ends_after_a_long_one():
    track = lane_mhz(40, 60.0, 400.0)
    most = round(MAX_GAP_S / BLOCK_S)
    for gap, count in ((most, 1), (most + 1, 2)):
        hidden = track.copy()
        hidden[18 : 18 + gap] = np.nan
        assert len(sweeps_in(picture([hidden]))) == count


def test_an_ionosonde_sweeps_upward():
    (sweep,) = sweeps_in(picture([20.5 + 0.1 * BLOCK_S * np.arange(35)]))
    assert sweep.is_sounder(BLOCK_S)
    assert sweep.drift_mhz_s(BLOCK_S, 27.0)[0] > 0
    (lane,) = sweeps_in(picture([lane_mhz(40, 60.0, 400.0)]))
    assert not lane.is_sounder(BLOCK_S)


def test_missing_values_are_no_ridge():
    excess = picture([lane_mhz(40, 60.0, 400.0)])
    excess[:, :, 10:20] = np.nan
    excess[20] = np.nan
    assert len(sweeps_in(excess)) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_bins_are_no_error(count):
    finder = RidgeFinder(np.linspace(40.0, 42.0, count), CELL_S)
    for n in range(20):
        assert (
            finder.feed(FIRST + n, np.full((CELLS_PER_BLOCK, count), 5, np.float32), LOW_DB[:count], NOISE_DB[:count])
            == []
        )
    assert finder.close() == []


def test_the_memory_is_bounded():
    finder = RidgeFinder(MHZ, CELL_S)
    rng = np.random.default_rng(2)
    most = round(MAX_RIDGE_S / BLOCK_S)
    for n in range(2 * most):
        finder.feed(
            FIRST + n, (20 * rng.random((1, 100)) * np.ones((CELLS_PER_BLOCK, 1))).astype(np.float32), LOW_DB, NOISE_DB
        )
        assert len(finder._active) <= MAX_RIDGES
        assert all(len(ridge.places) <= most for ridge in finder._active)


def test_an_open_sweep_grows_and_keeps_its_key():
    finder = RidgeFinder(MHZ, CELL_S)
    seen = []
    for n, cells in enumerate(picture([lane_mhz(30, 60.0, 400.0)])):
        finder.feed(FIRST + n, cells, LOW_DB, NOISE_DB)
        seen += finder.open_sweeps()
    assert len({sweep.key for sweep in seen}) == 1
    assert all(sweep.is_open for sweep in seen)
    lengths = [len(sweep.places) for sweep in seen]
    assert lengths == sorted(lengths)
    assert lengths[-1] == 30
