"""Structures are cut at pauses between strokes."""

import pytest
from burst_runs import run

from sunspec_tui.bursts.strokes import cut_at_pause, longest_pause

CELL_S = 0.5


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 10)] * 4 + [(20, 30)] * 4, (10, 20)),
        ([(0, 10)] * 4 + [(12, 20)] * 3 + [(40, 50)] * 3, (20, 40)),
        ([(0, 10)] * 4 + [(5, 15)] * 4, None),  # no pause
        ([(0, 10)] * 4 + [(9, 21)] * 2 + [(20, 30)] * 4, (10, 20)),  # two bins alone are a pause too
        ([(0, 10)] * 2, None),
        ([], None),
    ],
)
def test_the_longest_pause(spans, expected):
    assert longest_pause([begin for begin, _ in spans], [end for _, end in spans]) == expected


def stroke(cell, bins, peak_db=5.0):
    """Return the runs of a stroke."""
    return [
        run(number, cell, cell + 12, half=cell + 2, peak=cell + 3, half_cells=5, peak_db=peak_db) for number in bins
    ]


def test_strokes_with_a_pause_are_cut_and_weak_runs_go_to_the_nearer():
    first, second = stroke(0, range(10)), stroke(60, range(10))
    weak = stroke(12, [3], peak_db=2.0)
    parts = cut_at_pause([*first, *weak, *second], 5.0, CELL_S)
    assert parts == [(*first, *weak), tuple(second)]


@pytest.mark.parametrize(
    "runs",
    [
        stroke(0, range(10)) + stroke(10, range(10)),  # a short pause
        stroke(0, range(10)) + stroke(60, range(2)),  # too few bins
        stroke(0, range(10)) + stroke(60, range(10), peak_db=2.0),  # a weak part is no burst of its own
    ],
)
def test_other_structures_stay_whole(runs):
    assert cut_at_pause(runs, 5.0, CELL_S) == [tuple(runs)]
