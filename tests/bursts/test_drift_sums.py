"""Faint bursts are seen as sums along the tracks of exciters."""

import math

import numpy as np
import pytest
from extent import extent

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.drift_sums import BANDS, SPEEDS, DriftSums, band_sums, offsets_cells
from sunspec_tui.bursts.measure import height_light_s

MHZ = np.linspace(20.3, 86.5, 116)
CELL_S, NOISE_DB = 0.5, 0.3
FIRST_BLOCK, QUIET_BLOCKS = 445_000_000, 60


def noise(blocks, seed=0):
    """Return cells of noise, shape (cells, bins)."""
    return np.random.default_rng(seed).normal(0, NOISE_DB, (blocks * CELLS_PER_BLOCK, len(MHZ))).astype(np.float32)


def hits_of(cells, first_block=FIRST_BLOCK):
    """Return the hits in cells."""
    sums = DriftSums(MHZ, CELL_S)
    blocks = cells.reshape(-1, CELLS_PER_BLOCK, len(MHZ))
    return [hit for i, block in enumerate(blocks) for hit in sums.feed(first_block + i, block)]


def with_track(cells, speed, cell, db, length=4):
    """Add the track of an exciter; its speed is in c."""
    heights = height_light_s(MHZ)
    begins = cell + np.rint((heights - heights[-1]) / speed / CELL_S).astype(int)
    for number, begin in enumerate(begins):
        cells[max(0, begin) : max(0, begin + length), number] += db
    return cells


@pytest.mark.parametrize("speed", [0.4, 0.22, 0.12, 0.07])
def test_a_track_below_the_noise_of_a_cell_is_found_with_its_speed(speed):
    cell = (QUIET_BLOCKS + 10) * CELLS_PER_BLOCK
    hits = hits_of(with_track(noise(QUIET_BLOCKS + 60), speed, cell, 1.2 * NOISE_DB))
    assert len(hits) == 1
    (hit,) = hits
    # Speeds are a third apart.
    assert speed / 1.5 <= hit.speed <= speed * 1.5
    begin = hit.begin - FIRST_BLOCK * CELLS_PER_BLOCK
    heights = height_light_s(MHZ[[hit.low_bin, hit.high_bin]])
    expected = cell + (heights[1] - height_light_s(MHZ[-1:])[0]) / speed / CELL_S
    assert begin == pytest.approx(expected, abs=6)
    assert hit.mean_db == pytest.approx(1.2 * NOISE_DB, rel=0.4)
    assert MHZ[hit.low_bin] < MHZ[hit.high_bin]
    assert hit.sum > hit.undrifted


def test_a_track_that_is_weaker_than_a_fifth_of_a_decibel_is_not_sought():
    quiet = noise(200) / 10
    assert hits_of(with_track(quiet, 0.16, 800, 0.1)) == []
    assert len(hits_of(with_track(quiet, 0.16, 1200, 0.4))) == 1


def test_a_column_is_not_found():
    cells = noise(100)
    cells[600:602] += 5 * NOISE_DB
    assert hits_of(cells) == []


def test_an_ionosonde_is_not_found():
    cells = noise(120)
    for number in np.flatnonzero(MHZ < 35):
        begin = 500 + int((MHZ[number] - 20) / 0.1 / CELL_S)
        cells[begin : begin + 6, number] += 10
    assert hits_of(cells) == []


def test_an_exciter_that_comes_down_is_not_taken_for_one_that_goes_out():
    assert hits_of(with_track(noise(120), -0.3, 600, 2 * NOISE_DB)) == []


@pytest.mark.parametrize("seed", range(extent(1, 6)))
def test_hours_of_noise_give_no_hit(seed):
    assert hits_of(noise(extent(1800, 9000), seed)) == []


def test_missing_cells_bins_and_blocks_do_no_harm():
    cells = with_track(noise(200), 0.22, 1200, 2 * NOISE_DB)
    cells[:, 40:50] = np.nan
    cells[300:310] = np.nan
    assert len(hits_of(cells)) == 1
    sums = DriftSums(MHZ, CELL_S)
    for number in [*range(20), *range(500, 520)]:
        assert sums.feed(number, cells[:CELLS_PER_BLOCK]) == []


@pytest.mark.parametrize("mhz", [np.linspace(20, 87, 10), np.array([50.0]), np.linspace(100, 180, 80), np.empty(0)])
def test_a_band_with_few_bins_between_25_and_90_megahertz_has_no_sums(mhz):
    sums = DriftSums(mhz, CELL_S)
    assert not sums.is_possible
    assert sums.feed(0, np.zeros((CELLS_PER_BLOCK, len(mhz)), np.float32)) == []


@pytest.mark.parametrize("speed", SPEEDS)
def test_delays_follow_the_heights(speed):
    offsets = offsets_cells(MHZ, speed, CELL_S)
    assert offsets[len(MHZ) // 2] == 0
    if math.isinf(speed):
        assert not offsets.any()
    else:
        # Lower frequencies come later from an exciter that moves out.
        assert np.all(np.diff(offsets) * np.sign(speed) <= 0)


def test_sums_of_noise_have_the_noise_of_one_cell():
    tracks = np.random.default_rng(0).normal(0, math.sqrt(2), (500, 1, BANDS * 5)).astype(np.float32)
    assert band_sums(tracks, 5).std(axis=(0, 1)) == pytest.approx(1, abs=0.15)
