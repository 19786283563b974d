"""The play head moves through rows, and nothing after it is shown."""

import math

import numpy as np
import pytest
from timelines import RowTimeline

from sunspec_tui.core.products import Product
from sunspec_tui.files.playhead import PlayedTimeline, PlayHead

BEGIN_S = 1_700_000_000 // 128 * 128 + 0.1
CADENCE_S = 0.25
RNG = np.random.default_rng(5)
ROWS = RowTimeline.steady(BEGIN_S, CADENCE_S, RNG.lognormal(3, 1, (2000, 6, 4)).astype(np.float32))
ROWS.coarse_before_s, ROWS.coarse_s = 0.0, 1


def rows_until(head_s):
    """Return a timeline of the rows that end before a time."""
    count = int(np.searchsorted(ROWS.times_s, head_s))
    found = RowTimeline.steady(BEGIN_S, CADENCE_S, ROWS.data[:count])
    found.coarse_before_s, found.coarse_s = 0.0, 1
    return found


@pytest.mark.parametrize(
    ("moves", "speed", "expected"),
    [
        ([0.5], 1, BEGIN_S + 0.5),
        ([0.5, 0.25], 10, BEGIN_S + 7.5),
        ([-3.0], 10, BEGIN_S),  # a clock that goes back
        ([99.0], 1, BEGIN_S + 99),
        ([100.0], 1, math.inf),
        ([1e9], 1, math.inf),
    ],
)
def test_the_head_moves_at_its_speed_and_stops_at_the_end(moves, speed, expected):
    head = PlayHead(speed)
    assert not head.is_playing
    head.play_from(BEGIN_S)
    for seconds in moves:
        moving = head.move(seconds, BEGIN_S + 100)
    assert head.time_s == expected
    assert head.is_playing == moving == math.isfinite(expected)


@pytest.mark.parametrize(
    ("at", "expected"), [(5, 5), (12, 12), (16, 90), (89, 90), (91, 91), (200, 200), (201, 201), (206, 206)]
)
def test_a_long_gap_is_skipped_and_a_short_one_is_not(at, expected):
    head = PlayHead(1)
    head.play_from(at)
    head.skip([(10, 90), (200, 209)], 10)
    assert head.time_s == expected


@pytest.mark.parametrize("head_s", [BEGIN_S + 200.03, BEGIN_S + 0.3, (BEGIN_S + 300) // 128 * 128, BEGIN_S + 499.9])
@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.XY_IMAG])
def test_blocks_up_to_the_head_are_those_of_the_rows_before_it(head_s, product):
    played, expected = PlayedTimeline(ROWS, lambda: head_s), rows_until(head_s)
    for step_s in (0, 2, 16, 128):
        limits = (BEGIN_S // 128 * 128, BEGIN_S // 128 * 128 + 640)
        found, wanted = (each.blocks(step_s, *limits, product) for each in (played, expected))
        assert sum(len(part.rows) for part in found) == len(wanted[0].rows)
        for name in ("begin_us", "end_us", "rows", "first_us", "last_us", "missing"):
            mine = np.concatenate([getattr(part, name) for part in found])
            np.testing.assert_array_equal(mine, getattr(wanted[0], name), err_msg=f"{name} of {step_s} s")
        for name in ("mean", "peak"):
            mine = np.concatenate([getattr(part, name) for part in found])
            np.testing.assert_allclose(mine, getattr(wanted[0], name), rtol=2e-5, err_msg=f"{name} of {step_s} s")


def test_only_longer_blocks_are_kept_as_they_are():
    # The last block may then have rows after the head.
    coarse = RowTimeline.steady(BEGIN_S, CADENCE_S, ROWS.data)
    coarse.coarse_before_s, coarse.coarse_s = BEGIN_S + 1e6, 128
    parts = PlayedTimeline(coarse, lambda: BEGIN_S + 200).blocks(16, BEGIN_S // 128 * 128, BEGIN_S + 512, Product.I)
    assert {part.step_s for part in parts} == {128}


def test_extent_and_recording_end_at_the_head():
    played = PlayedTimeline(ROWS, lambda: BEGIN_S + 100)
    assert played.extent().end_s == played.extent().finished_s == BEGIN_S + 100
    assert played.extent().begin_s == pytest.approx(BEGIN_S)
    assert len(played.recording(BEGIN_S, BEGIN_S + 200)) == 399
    assert played.axis() is not None


def test_a_head_before_all_rows_shows_one_row_and_none_shows_all():
    assert PlayedTimeline(ROWS, lambda: 0.0).extent().end_s == pytest.approx(BEGIN_S + CADENCE_S)
    assert PlayedTimeline(ROWS, lambda: math.inf).extent() == ROWS.extent()
    nothing = RowTimeline.steady(BEGIN_S, CADENCE_S, ROWS.data[:0])
    assert PlayedTimeline(nothing, lambda: 0.0).extent() is None
