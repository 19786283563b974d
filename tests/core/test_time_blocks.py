"""Blocks of time of all sources have the same edges."""

import numpy as np
import pytest

from sunspec_tui.core.time_blocks import STEPS_S, TimeBlocks, joined, step_within


def _rows(times_s: list[float], values: list[float]) -> TimeBlocks:
    times_us = (np.array(times_s) * 1e6).astype(np.int64)
    none = np.zeros(len(times_s), np.int64)
    power = np.array(values, np.float32)[:, None]
    return TimeBlocks.of_rows(times_us, times_us - 250_000, none, none.astype(bool), power)


def test_a_row_at_an_edge_belongs_to_the_later_block() -> None:
    blocks = _rows([1.75, 2.0, 2.25, 4.0], [1, 2, 3, 4]).merged(2)
    assert blocks.begin_us.tolist() == [0, 2_000_000, 4_000_000]
    assert blocks.end_us.tolist() == [2_000_000, 4_000_000, 6_000_000]
    assert blocks.rows.tolist() == [1, 2, 1]
    assert blocks.mean[:, 0].tolist() == [1, 2.5, 4]
    assert blocks.peak[:, 0].tolist() == [1, 3, 4]
    assert blocks.first_us.tolist() == [1_750_000, 2_000_000, 4_000_000]
    assert blocks.last_us.tolist() == [1_750_000, 2_250_000, 4_000_000]


def test_steps_merged_one_after_the_other_equal_the_rows_merged_at_once() -> None:
    rng = np.random.default_rng(1)
    times_s = np.sort(rng.uniform(0, 600, 900)).round(3).tolist()
    rows = _rows(times_s, rng.exponential(1, 900).tolist())
    stepwise = rows
    for step_s in STEPS_S:
        stepwise = stepwise.merged(step_s)
        direct = rows.merged(step_s)
        assert np.allclose(stepwise.mean, direct.mean, rtol=1e-6)
        for name in ("begin_us", "rows", "first_us", "last_us", "peak"):
            assert np.array_equal(getattr(stepwise, name), getattr(direct, name)), name


def test_bad_values_do_not_spoil_their_block() -> None:
    blocks = _rows([0.5, 1.0, 2.5], [np.nan, 3, np.nan]).merged(2)
    assert blocks.mean[0, 0] == blocks.peak[0, 0] == 3
    assert np.isnan(blocks.mean[1, 0])
    assert np.isnan(blocks.peak[1, 0])


def test_rows_out_of_order_join_their_block() -> None:
    blocks = _rows([2.5, 0.5, 2.25], [1, 2, 3]).merged(2)
    assert blocks.rows.tolist() == [1, 2]
    assert blocks.first_us.tolist() == [500_000, 2_250_000]


def test_parts_of_two_steps_are_not_joined() -> None:
    rows = _rows([0.5], [1])
    assert len(joined([rows, rows]).rows) == 2
    with pytest.raises(ValueError, match="one step"):
        joined([rows, rows.merged(2)])


@pytest.mark.parametrize(("longest_s", "step_s"), [(0.25, 0), (2, 2), (15.9, 2), (16, 16), (1000, 128)])
def test_the_longest_step_within_a_time(longest_s: float, step_s: int) -> None:
    assert step_within(longest_s) == step_s
