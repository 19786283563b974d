"""Lanes become bursts of type II, and sounders are cut off."""

from dataclasses import replace

import numpy as np
import pytest
from burst_measures import CELL_S, SHOCK, STATIONARY
from burst_runs import run
from burst_tracks import BLOCK_S, MHZ, lane_mhz

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.classify import verdict
from sunspec_tui.bursts.events import EventMaker
from sunspec_tui.bursts.joining import Piece
from sunspec_tui.bursts.lanes import lane_ratio
from sunspec_tui.bursts.measure import height_light_s
from sunspec_tui.bursts.ridge_cover import Cover
from sunspec_tui.bursts.slow_bursts import begin_of, is_lane, lane_begin, slow_groups
from sunspec_tui.bursts.sounders import SounderCutter, cut_off
from sunspec_tui.bursts.stepping import Work, finished
from sunspec_tui.bursts.sweeps import Place, Sweep
from sunspec_tui.core.bursts import BurstType

NBINS = len(MHZ)


def sweep(track, block=100, over_db=4.0, peak_db=6.0, half_width=2):
    """Return a sweep along some frequencies."""
    bins = np.abs(MHZ[:, np.newaxis] - track).argmin(axis=0).tolist()
    heights = height_light_s(np.asarray(track)).tolist()
    places = tuple(
        Place(block + n, mhz, height, over_db, peak_db, number, number - half_width, number + half_width)
        for n, (mhz, height, number) in enumerate(zip(np.asarray(track).tolist(), heights, bins, strict=True))
    )
    return Sweep(block * CELLS_PER_BLOCK - 1, places)


def cells(block):
    """Return the number of a block's first cell."""
    return block * CELLS_PER_BLOCK


LONG, SHORT = sweep(lane_mhz(30, 60.0, 400.0)), sweep(lane_mhz(9, 40.0, 400.0), block=140)
SOUNDER = sweep(20.5 + 0.1 * BLOCK_S * np.arange(35))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (LONG, True),
        (sweep(lane_mhz(30, 60.0, 400.0), over_db=1.0), False),  # the top of a continuum
        (SOUNDER, False),
        (sweep(np.full(30, 60.0)), False),
    ],
)
def test_a_lane_moves_down_and_stands_out(given, expected):
    assert is_lane(given) is expected


@pytest.mark.parametrize(
    ("lanes", "counts"),
    [
        ([LONG], [1]),
        ([LONG, SHORT], [2]),
        ([SHORT], []),  # too short to be sure
        ([LONG, sweep(lane_mhz(30, 60.0, 400.0), block=200)], [1, 1]),  # a long pause
        ([LONG, sweep(lane_mhz(30, 24.0, 800.0), block=100)], [2]),
        ([], []),
    ],
)
def test_lanes_that_follow_each_other_are_one_burst(lanes, counts):
    groups = slow_groups(lanes, [], NBINS, CELL_S)
    assert [len(group.lanes) for group in groups] == counts


def test_a_slow_piece_on_a_lane_belongs_to_it():
    bins = np.abs(MHZ[:, np.newaxis] - lane_mhz(30, 60.0, 400.0)).argmin(axis=0).tolist()
    runs = tuple(run(number, cells(100 + n), cells(102 + n)) for n, number in enumerate(bins))
    far = tuple(run(number - 12, cells(100), cells(130)) for number in set(bins))
    found = replace(STATIONARY, begin_s=400.0, end_s=520.0)
    on, off = (Piece(each, found, verdict(found, CELL_S)) for each in (runs, far))
    (group,) = slow_groups([LONG], [on, off], NBINS, CELL_S)
    assert group.pieces == (on,)


def test_the_begin_is_that_of_the_lanes_and_of_known_pieces():
    (group,) = slow_groups([LONG, SHORT], [], NBINS, CELL_S)
    assert begin_of(group, CELL_S) == LONG.begin * CELL_S
    early = replace(SHOCK, begin_s=360.0, end_s=600.0, peak_db=5.0)
    piece = Piece((run(3, cells(90), cells(150), half=cells(95)),), early, verdict(early, CELL_S))
    (group,) = slow_groups([LONG], [piece], NBINS, CELL_S)
    assert begin_of(group, CELL_S) == cells(95) * CELL_S
    (group,) = slow_groups([], [piece], NBINS, CELL_S)
    assert begin_of(group, CELL_S) == 360.0


def test_a_weak_lane_before_a_strong_one_is_not_the_begin():
    weak = sweep(lane_mhz(20, 70.0, 400.0), block=85, over_db=1.9, peak_db=3.0)
    (group,) = slow_groups([weak, LONG], [], NBINS, CELL_S)
    assert len(group.lanes) == 2
    assert begin_of(group, CELL_S) == LONG.begin * CELL_S


def test_a_steady_piece_beside_a_burst_is_not_of_it():
    shock = replace(SHOCK, begin_s=400.0, end_s=600.0)
    own = Piece((run(30, cells(100), cells(150)),), shock, verdict(shock, CELL_S))
    for run_s, belongs in ((20.0, True), (600.0, False)):
        found = replace(STATIONARY, begin_s=420.0, end_s=500.0, low_mhz=97.0, high_mhz=99.0, run_s=run_s)
        piece = Piece((run(96, cells(105), cells(125)),), found, verdict(found, CELL_S))
        (group,) = slow_groups([], [own, piece], NBINS, CELL_S)
        assert (piece in group.pieces) is belongs


def test_a_weak_ridge_before_a_lane_is_not_its_begin():
    weak = tuple(replace(place, over_db=0.5) for place in LONG.places[:3])
    assert lane_begin(Sweep(LONG.begin, weak + LONG.places[3:])) == cells(103) - 1
    assert lane_begin(LONG) == LONG.begin


def test_the_ratio_of_lanes_at_the_same_time():
    track = lane_mhz(30, 48.0, 400.0)
    assert lane_ratio([sweep(track), sweep(2 * track)]) == (2, pytest.approx(2.0))
    assert lane_ratio([sweep(track), sweep(1.05 * track)])[0] == 1
    assert lane_ratio([LONG, SHORT])[0] == 1


def test_a_run_is_covered_by_the_part_of_its_time_on_a_sweep():
    flat = sweep(np.full(10, 60.0), block=100)
    number = int(np.abs(MHZ - 60).argmin())
    runs = [
        run(number, cells(100), cells(110)),
        run(number, cells(100), cells(122)),
        run(number + 5, cells(100), cells(110)),
        run(number, cells(200), cells(201)),
    ]
    # A block before and after a sweep belongs to it.
    assert Cover([flat], NBINS).shares(runs) == pytest.approx([1.0, 0.5, 0.0, 0.0])


def crossing():
    """Return the runs of a sounder and of a burst."""
    bins = [place.low_bin + 2 for place in SOUNDER.places]
    on = [run(number, cells(100 + n), cells(101 + n) + 4) for n, number in enumerate(bins) if number not in bins[:n]]
    burst = [run(number, cells(110), cells(110) + 6) for number in range(40)]
    return on, burst


def test_a_sounder_is_cut_off_a_burst():
    on, burst = crossing()
    cover = Cover([SOUNDER], NBINS, is_narrow=True)
    taken, left = finished(cut_off((*on, *burst), cover, Work()))
    assert set(on) <= set(taken)
    assert sum(each in taken for each in burst) <= 10
    assert any(len(runs) > 25 for runs in left)
    alone = tuple(burst[20:])
    assert finished(cut_off(alone, cover, Work())) == ((), [alone])


def test_cuts_are_kept_from_call_to_call():
    on, burst = crossing()
    cutter = SounderCutter(NBINS, BLOCK_S)
    structures = [(*on, *burst)]
    first, second = (finished(cutter.cut(structures, [LONG, SOUNDER], Work())) for _ in range(2))
    assert all(one is other for one, other in zip(first[0], second[0], strict=True))
    assert first[1][0][1] is SOUNDER
    assert finished(cutter.cut(structures, [LONG], Work())) == (structures, [])


def test_a_large_burst_is_cut_in_steps():
    on, _ = crossing()
    large = [run(number, cells(110) + 10 * n, cells(110) + 10 * n + 8) for n in range(10) for number in range(40)]
    cover = Cover([SOUNDER], NBINS, is_narrow=True)
    assert len(list(cut_off((*on, *large), cover, Work()))) >= 3


def test_a_sounder_is_interference_and_lanes_alone_are_a_burst():
    maker = EventMaker(MHZ, CELL_S, "test")
    on, _ = crossing()
    later = sweep(lane_mhz(30, 60.0, 400.0), block=300)
    sounder, shock = finished(maker.events([tuple(on)], [], [SOUNDER, later]))
    assert sounder.burst.type is BurstType.INTERFERENCE
    assert sounder.burst.drift_mhz_s == pytest.approx(0.1, rel=0.1)
    assert shock.burst.type is BurstType.II
    assert shock.burst.begin_s == later.begin * CELL_S
    assert shock.burst.low_mhz < later.low_mhz < later.high_mhz < shock.burst.high_mhz
    assert shock.burst.drift_mhz_s < 0
    assert shock.sweeps == (later,)
    assert "km/s" in shock.burst.reason


def test_a_piece_belongs_to_one_burst_alone():
    first, second = sweep(lane_mhz(30, 60.0, 400.0)), sweep(lane_mhz(30, 60.0, 400.0), block=165)
    found = replace(STATIONARY, begin_s=500.0, end_s=700.0, low_mhz=45.0, high_mhz=60.0, run_s=80.0)
    shock = replace(SHOCK, begin_s=520.0, end_s=560.0, low_mhz=50.0, high_mhz=58.0)
    number = int(np.abs(MHZ - 52).argmin())
    unknown = Piece(
        (run(number, cells(125), cells(175)),), found, replace(verdict(found, CELL_S), type=BurstType.UNKNOWN)
    )
    own = Piece((run(number + 1, cells(130), cells(140)),), shock, verdict(shock, CELL_S))
    groups = slow_groups([first, second], [unknown, own], NBINS, CELL_S)
    assert sum(unknown in group.pieces for group in groups) == 1


@pytest.mark.parametrize(("descent", "belongs"), [(-0.2, True), (0.0, False)])
def test_what_is_left_of_a_burst_is_of_it_if_it_moves_down(descent, belongs):
    shock = replace(SHOCK, begin_s=400.0, end_s=600.0)
    own = Piece((run(30, cells(100), cells(150)),), shock, verdict(shock, CELL_S))
    found = replace(shock, begin_s=420.0, low_mhz=60.0, high_mhz=85.0, tail_share=1.0, descent=descent)
    rest = Piece((run(60, cells(105), cells(145)),), found, verdict(found, CELL_S))
    assert rest.verdict.type is BurstType.CONTINUUM
    (group,) = slow_groups([], [own, rest], NBINS, CELL_S)
    assert (rest in group.pieces) is belongs
