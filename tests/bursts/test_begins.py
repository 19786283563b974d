"""A burst begins on its track, not with what precedes it."""

from dataclasses import replace

import numpy as np
import pytest
from burst_measures import BEAM, CELL_S
from burst_runs import run
from burst_tracks import HEIGHTS, MHZ

from sunspec_tui.bursts.begins import begin_without, early_runs, half_begin

DELAY = 4.0


def beam(bins, cell=200, **given):
    """Return the runs of an exciter of type III."""
    halves = cell + np.rint(DELAY * (HEIGHTS[list(bins)] - HEIGHTS[-1]) / CELL_S).astype(int)
    return [
        run(number, int(half) - 2, int(half) + 10, half=int(half), peak=int(half) + 3, **given)
        for number, half in zip(bins, halves, strict=True)
    ]


FOUND = replace(BEAM, begin_s=80.0, peak_s=110.0, peak_db=5.0, delay=DELAY, delay_error=0.1, residual_s=0.3)
TRACK = beam(range(20, 90, 2))


@pytest.mark.parametrize(
    ("seconds", "is_group", "count"), [(0, False, 0), (6, False, 4), (6, True, 0), (30, True, 4), (30, False, 4)]
)
def test_what_is_early_precedes_the_track(seconds, is_group, count):
    before = [each._replace(half=each.half - int(seconds / CELL_S)) for each in TRACK[:4]]
    early = early_runs([*before, *TRACK], FOUND, HEIGHTS, CELL_S, is_group=is_group)
    assert early == (before if count else [])


def test_weak_runs_and_unknown_drifts_tell_nothing():
    weak = beam(range(20, 28, 2), cell=100, peak_db=1.0)
    assert early_runs([*weak, *TRACK], FOUND, HEIGHTS, CELL_S, is_group=False) == []
    unknown = replace(FOUND, delay_error=5.0)
    early = beam(range(20, 28, 2), cell=100)
    assert early_runs([*early, *TRACK], unknown, HEIGHTS, CELL_S, is_group=False) == []


def test_the_begin_without_early_runs_is_that_of_the_track():
    before = beam(range(20, 28, 2), cell=100)
    expected = min(each.half for each in TRACK)
    begin_s = begin_without([*before, *TRACK], before, FOUND, CELL_S)
    assert begin_s == pytest.approx(expected * CELL_S, abs=2 * CELL_S)
    # It is never later than the peak.
    assert begin_without([*before, *TRACK], before, replace(FOUND, peak_s=90.0), CELL_S) == 90.0


def test_a_slow_piece_is_seen_at_half_of_its_decibels():
    runs = [run(number, 10, 90, half=40 + number, peak_db=8.0) for number in range(5)]
    assert half_begin([*runs, *(run(number, 0, 9, half=3, peak_db=2.0) for number in range(5))], 8.0) == 42
    assert len(MHZ) == len(HEIGHTS)
