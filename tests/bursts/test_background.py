"""The background is a low quantile of the last hour."""

import numpy as np
import pytest

from sunspec_tui.bursts.background import (
    FIRST_S,
    MIN_BLOCKS,
    MIN_NOISE_DB,
    WINDOW_S,
    BackgroundFollower,
    block_level_db,
    quantiles,
)

BLOCK_S = 4.0
WINDOW_BLOCKS = round(WINDOW_S / BLOCK_S)
FIRST = 445_000_000


def cells(level_db, nbins=4, noise_db=0.1, seed=0):
    """Return the cells of a block."""
    return (level_db + np.random.default_rng(seed).normal(0, noise_db, (8, nbins))).astype(np.float32)


def followed(levels_db, noise_db=0.1):
    """Return a follower after blocks of some levels."""
    follower = BackgroundFollower(4, BLOCK_S)
    for i, level_db in enumerate(levels_db):
        follower.add(FIRST + i, cells(level_db, noise_db=noise_db, seed=i))
    return follower


def test_there_is_no_background_before_a_minute():
    count = round(FIRST_S / BLOCK_S)
    follower = followed([10] * (count - 1))
    assert follower.background() is None
    follower.add(FIRST + count - 1, cells(10))
    assert follower.background().level_db == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("block_s", [8.0, 64.0, 600.0])
def test_long_blocks_give_a_background_after_a_minute_or_a_few_blocks(block_s):
    follower, first = BackgroundFollower(4, block_s), None
    for i in range(MIN_BLOCKS + 20):
        follower.add(FIRST + i, cells(10, seed=i))
        first = i + 1 if first is None and follower.background() is not None else first
    assert first == max(MIN_BLOCKS, round(FIRST_S / block_s))
    background = follower.background()
    assert background.level_db == pytest.approx(10, abs=0.2)
    assert background.recent_db == pytest.approx(10, abs=0.1)
    assert np.isfinite(background.spread_db + background.noise_db).all()


def test_level_noise_and_recent_level():
    background = followed([10] * 300).background()
    assert background.level_db == pytest.approx(10, abs=0.1)
    assert background.recent_db == pytest.approx(10, abs=0.1)
    assert background.noise_db == pytest.approx(0.1, rel=0.2)
    assert np.all(background.spread_db >= MIN_NOISE_DB)


def test_a_burst_of_forty_minutes_does_not_become_its_own_background():
    background = followed([10] * 300 + [20] * 600).background()
    assert background.level_db == pytest.approx(10, abs=0.2)
    assert background.recent_db == pytest.approx(20, abs=0.2)


def test_a_burst_soon_after_the_first_rows_does_not_become_its_own_background():
    follower = followed([10] * 22)
    for i in range(420):
        follower.add(FIRST + 22 + i, cells(25, seed=100 + i))
        follower.background()
    background = follower.background()
    assert background.level_db == pytest.approx(10, abs=0.3)
    assert background.spread_db.max() < 0.3
    for i in range(WINDOW_BLOCKS):
        follower.add(FIRST + 442 + i, cells(25, seed=600 + i))
    assert follower.background().level_db == pytest.approx(25, abs=0.3)


def test_the_background_falls_at_once_after_a_start_within_a_burst():
    follower = followed([25] * 30)
    follower.background()
    for i in range(15):
        follower.add(FIRST + 30 + i, cells(10, seed=i))
        follower.background()
    assert follower.background().level_db == pytest.approx(10, abs=0.3)


def test_what_is_older_than_the_window_is_forgotten():
    follower = followed([10] * 100 + [20] * (WINDOW_BLOCKS + 30))
    assert follower.background().level_db == pytest.approx(20, abs=0.2)


def test_the_background_of_the_last_hour_does_not_depend_on_what_was_before():
    levels = list(10 + np.random.default_rng(3).normal(0, 1, 1500))
    whole, late = followed(levels), BackgroundFollower(4, BLOCK_S)
    for i in range(400, 1500):
        late.add(FIRST + i, cells(levels[i], seed=i))
    for one, other in zip(
        (getattr(whole.background(), name) for name in ("level_db", "recent_db", "spread_db", "noise_db")),
        (getattr(late.background(), name) for name in ("level_db", "recent_db", "spread_db", "noise_db")),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_missing_blocks_are_unknown_and_count_as_time():
    follower = followed([10] * 30)
    follower.add(FIRST + 200, cells(12))
    assert follower.count == 201
    assert follower.background().level_db == pytest.approx(10, abs=0.3)


def test_a_bin_that_is_missing_has_no_level_and_harms_no_other():
    follower = BackgroundFollower(4, BLOCK_S)
    for i in range(60):
        block = cells(10, seed=i)
        block[:, 2] = np.nan
        follower.add(FIRST + i, block)
    level_db = follower.background().level_db
    assert np.isnan(level_db).tolist() == [False, False, True, False]
    assert level_db[[0, 1, 3]] == pytest.approx(10, abs=0.2)


def test_a_step_shifts_all_levels():
    follower = followed([10] * 60)
    before = follower.background()
    step = np.array([1, -2, 0, 3], np.float32)
    follower.shift(step)
    after = follower.background()
    np.testing.assert_allclose(after.level_db - before.level_db, step, atol=1e-5)
    np.testing.assert_allclose(after.recent_db - before.recent_db, step, atol=1e-5)
    np.testing.assert_allclose(after.spread_db, before.spread_db, atol=1e-5)


def test_the_level_of_a_block_is_the_mean_of_its_middle_half():
    block = np.array([0, 1, 2, 3, 4, 5, 6, 1000], np.float32)[:, np.newaxis]
    assert block_level_db(block).tolist() == [3.5]
    block[:2] = np.nan
    assert np.isfinite(block_level_db(block)).all()
    block[2] = np.nan
    assert np.isnan(block_level_db(block)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1], [2], [3]], [1, 2]),
        ([[3], [np.nan], [1], [2]], [1, 2]),
        ([[np.nan], [5]], [5, 5]),
        ([[np.nan], [np.nan]], [np.nan, np.nan]),
    ],
)
def test_quantiles_of_known_values(values, expected):
    found = quantiles(np.array(values, np.float32), (0.0, 0.5))
    np.testing.assert_array_equal(np.concatenate(found), np.array(expected, np.float32))


def test_quantiles_of_bins_with_different_gaps():
    values = np.array([[1, np.nan], [2, 20], [3, 30]], np.float32)
    (middle,) = quantiles(values, (0.5,))
    assert middle.tolist() == [2, 20]
