"""Runs of neighbouring bins are linked if they agree in time."""

import pytest
from burst_runs import run

from sunspec_tui.bursts.structures import Structures, are_linked


@pytest.mark.parametrize(
    ("first", "second", "linked"),
    [
        ((0, 10), (2, 12), True),
        ((0, 10), (4, 14), True),
        ((0, 10), (6, 16), False),
        ((0, 10), (10, 20), False),
        ((0, 10), (0, 27), True),
        ((0, 10), (0, 28), False),  # the one lasts much longer
        ((0, 2), (0, 7), True),
        ((0, 2), (0, 8), False),
    ],
)
def test_runs_that_overlap_and_last_equally_long_are_linked(first, second, linked):
    assert are_linked(run(0, *first), run(1, *second)) is linked
    assert are_linked(run(1, *second), run(0, *first)) is linked


def test_a_drifting_track_is_one_structure_over_two_missing_bins():
    structures = Structures()
    for number in (0, 1, 2, 5, 6, 7):
        structures.add(run(number, 2 * number, 2 * number + 16))
    assert [len(runs) for runs in structures.all()] == [6]
    structures.add(run(11, 22, 38))  # four bins further
    assert sorted(len(runs) for runs in structures.all()) == [1, 6]


def test_a_stroke_that_crosses_a_lane_is_not_linked_with_it():
    structures = Structures()
    lane = [run(number, 0, 200) for number in (4, 5, 6)]
    stroke = [run(number, 100 + number, 104 + number) for number in (0, 1, 2, 3, 7, 8, 9)]
    for each in [*lane, *stroke]:
        structures.add(each)
    found = structures.all()
    assert {frozenset(runs) for runs in found if set(runs) & set(lane)} == {frozenset(lane)}
    # Its parts below and above the lane are apart by more than two bins.
    assert sorted(len(runs) for runs in found) == [3, 3, 4]


def test_a_run_may_join_two_structures():
    structures = Structures()
    for each in (run(0, 0, 10), run(6, 0, 10)):
        structures.add(each)
    assert len(structures.all()) == 2
    structures.add(run(3, 0, 10))
    assert [len(runs) for runs in structures.all()] == [3]


def test_runs_of_one_bin_are_not_linked():
    structures = Structures()
    structures.add(run(0, 0, 10))
    structures.add(run(0, 2, 9))
    assert len(structures.all()) == 2


def test_a_run_that_begins_where_the_last_one_ends_is_a_part_of_it():
    structures = Structures()
    structures.add(run(0, 0, 100, peak=40, onset=2, half=3, peak_db=8.0, mean_db=4.0, half_cells=50, circular=0.1))
    structures.add(run(1, 0, 100))
    assert len(structures) == 2
    structures.add(run(0, 100, 120, peak=110, peak_db=9.0, mean_db=6.0, half_cells=5, circular=0.4, is_open=True))
    (runs,) = structures.all()
    (long,) = (each for each in runs if each.bin == 0)
    assert (long.begin, long.end, long.peak, long.onset, long.half, long.is_open) == (0, 120, 110, 2, 3, True)
    assert (long.peak_db, long.half_cells, long.strokes, long.circular) == (9.0, 55, 2, 0.4)
    assert long.mean_db == pytest.approx((4 * 100 + 6 * 20) / 120)
    assert len(structures) == 2
    structures.add(run(0, 120, 220, is_tail=True))
    structures.add(run(0, 221, 230))
    assert len(structures) == 4


def test_removed_runs_leave_nothing_behind():
    structures = Structures()
    runs = [run(number, 0, 10) for number in range(5)]
    for each in runs:
        structures.add(each)
    structures.remove(runs[:2])
    assert [len(left) for left in structures.all()] == [3]
    structures.remove(runs[2:])
    assert structures.all() == []
    assert not structures._owner
    assert not any(structures._of_bin.values())


def test_a_copy_takes_runs_that_go_on_without_a_change_of_the_first():
    structures = Structures()
    structures.add(run(0, 0, 10))
    copied = structures.copy()
    copied.add(run(1, 0, 12, is_open=True))
    assert [len(runs) for runs in copied.all()] == [2]
    assert [len(runs) for runs in structures.all()] == [1]
