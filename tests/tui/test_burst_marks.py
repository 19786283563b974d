"""Brackets around bursts in the waterfall, as tables."""

import math
from itertools import pairwise

import numpy as np
import pytest

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList, BurstType
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.burst_marks import (
    BurstMark,
    CellBox,
    bracket_cells,
    burst_marks,
    marked_bursts,
    newest_burst,
    next_burst,
)
from sunspec_tui.tui.display.day_signs import Sign, SignKind, burst_signs
from sunspec_tui.tui.display.interval_cells import interval_cells

COLUMNS, LINES = 60, 10
TIMES_S = [float(i + 1) for i in range(COLUMNS)]
CELLS = list(range(COLUMNS))
BAND = FrequencyWindow(0, 100, 20.0, 70.0)


def burst(begin_s, end_s, low_mhz=31.0, high_mhz=44.0, kind=BurstType.III, **values):
    return Burst(f"{begin_s}", begin_s, begin_s, end_s, low_mhz, high_mhz, kind, **values)


def marks_of(*bursts, times_s=TIMES_S, cells=CELLS, band=BAND):
    return burst_marks(BurstList(bursts), times_s, cells, band, COLUMNS, LINES)


@pytest.mark.parametrize(
    ("given", "box"),
    [
        (burst(10.5, 14.5), CellBox(10, 14, 2, 4)),
        (burst(-5.0, 14.5), CellBox(0, 14, 2, 4, open_left=True)),
        (burst(50.5, 90.0), CellBox(50, 59, 2, 4, open_right=True)),
        (burst(50.5, 55.5, is_open=True), CellBox(50, 55, 2, 4, open_right=True)),
        (burst(10.5, 14.5, low_mhz=10.0), CellBox(10, 14, 0, 4, open_below=True)),
        (burst(10.5, 14.5, high_mhz=88.0), CellBox(10, 14, 2, 9, open_above=True)),
        (burst(10.5, 14.5, low_mhz=math.nan, high_mhz=math.nan), CellBox(10, 14, 0, 9)),
    ],
)
def test_a_bracket_has_the_cells_of_its_burst(given, box):
    assert marks_of(given) == [BurstMark(box, given.begin_s, given.end_s, BurstType.III)]


@pytest.mark.parametrize(
    "given",
    [burst(-5.0, -1.0), burst(61.0, 70.0), burst(10.0, 20.0, 5.0, 15.0), burst(10.0, 20.0, 75.0, 80.0)],
)
def test_a_burst_outside_the_picture_has_no_bracket(given):
    assert marks_of(given) == []


@pytest.mark.parametrize("count", [2, 30, 300, 3000])
def test_labels_of_many_bursts_do_not_cover_each_other(count):
    rng = np.random.default_rng(count)
    begins_s = rng.uniform(0, COLUMNS, count)
    kinds = [kind for kind in BurstType if kind is not BurstType.INTERFERENCE]
    marks = marks_of(
        *(
            Burst(f"{i}", begin_s, begin_s, begin_s + 2, 31.0, 44.0, kinds[i % len(kinds)])
            for i, begin_s in enumerate(begins_s)
        )
    )
    labels = sorted(bracket_cells(mark, COLUMNS, LINES)[-1] for mark in marks)
    assert sum(mark.count for mark in marks) == count
    for one, other in pairwise(labels):
        assert one.cell + len(one.text) < other.cell


def test_a_picture_without_rows_has_no_brackets():
    assert marks_of(burst(1.0, 2.0), times_s=[math.nan] * 3, cells=[0, 1, 2]) == []


def test_a_burst_under_the_write_cursor_continues_at_the_right():
    cells = [(each + 30) % COLUMNS for each in CELLS]
    (mark,) = marks_of(burst(25.5, 35.5), cells=cells)
    assert mark.box[:2] == (55, COLUMNS - 1)
    assert mark.box.open_right


def test_interference_and_bursts_marked_as_wrong_have_no_mark():
    bursts = BurstList([burst(1.0, 2.0), burst(3.0, 4.0, kind=BurstType.INTERFERENCE), burst(5.0, 6.0, is_wrong=True)])
    assert [each.begin_s for each in marked_bursts(bursts)] == [1.0]
    assert burst_signs(bursts) == (Sign(1.0, SignKind.TYPE_III),)


@pytest.mark.parametrize(
    ("bursts", "labels"),
    [
        ([burst(10.5, 14.5), burst(20.5, 22.5)], ["III", "III"]),
        ([burst(10.5, 14.5), burst(13.5, 22.5)], ["2 III"]),
        ([burst(10.5, 14.5), burst(13.5, 22.5, kind=BurstType.II)], ["2 bursts"]),
        # A third one has room beside a short label, but not beside the longer one of two.
        ([burst(10.5, 11.5), burst(12.5, 13.5), burst(15.5, 16.5)], ["3 III"]),
        # Other frequencies.
        ([burst(10.5, 14.5), burst(12.5, 14.5, 55.0, 60.0, BurstType.STORM)], ["III", "I"]),
    ],
)
def test_bursts_without_room_for_two_labels_share_a_bracket(bursts, labels):
    assert [mark.label for mark in marks_of(*bursts)] == labels


def test_many_bursts_leave_most_of_the_picture_free():
    random = np.random.default_rng(0)
    bursts = [
        burst(t, t + 1, low, low + width)
        for t, low, width in zip(random.uniform(0, 59, 900), random.uniform(20, 60, 900), random.uniform(1, 9, 900),
                                 strict=True)
    ]  # fmt: skip
    marks = marks_of(*bursts)
    assert sum(mark.count for mark in marks) == 900
    covered = {
        (x + i, y) for mark in marks for x, y, text in bracket_cells(mark, COLUMNS, LINES) for i in range(len(text))
    }
    assert len(covered) < COLUMNS * LINES / 8


EMPTY = "." * 20


def mark(*box, count=1):
    return BurstMark(CellBox(*box), 0.0, 1.0, BurstType.III, count)


def drawn(given, **options):
    lines = [list(EMPTY) for _ in range(6)]
    for x, y, text in bracket_cells(given, 20, 6, **options):
        lines[y][x : x + len(text)] = text
    return ["".join(line) for line in lines]


@pytest.mark.parametrize(
    ("box", "options", "lines"),
    [
        ((3, 8, 1, 3), {}, [EMPTY, "..┌III...┐..........", EMPTY, EMPTY,
                            EMPTY, "..└......┘.........."]),
        ((3, 8, 1, 3), {"ascii_only": True}, [EMPTY, "..[III...]..........", EMPTY,
                                              EMPTY, EMPTY, "..[......].........."]),
        ((3, 8, 1, 3, True, True), {}, [EMPTY, "..III...............", *[EMPTY] * 4]),
        ((0, 19, 0, 5), {}, ["┌III...............┐", *[EMPTY] * 4, "└..................┘"]),
        ((3, 8, 0, 5, False, False, True, True), {}, ["..│III...│..........", *[EMPTY] * 4,
                                                      "..│......│.........."]),
        ((18, 19, 1, 3), {}, [EMPTY, ".................III", *[EMPTY] * 3,
                              ".................└.┘"]),
        ((3, 8, 1, 3), {"has_corners": False}, [EMPTY, "...III..............",
                                                *[EMPTY] * 4]),
    ],
)  # fmt: skip
def test_a_bracket_is_drawn_beside_its_burst(box, options, lines):
    assert drawn(mark(*box), **options) == lines


@pytest.mark.parametrize("columns", range(1, 6))
def test_a_bracket_stays_in_a_tiny_picture(columns):
    for x, y, text in bracket_cells(mark(0, columns - 1, 0, 0, count=12), columns, 1):
        assert 0 <= x <= x + len(text) <= columns
        assert y == 0


def test_the_next_burst_is_found_in_both_directions():
    bursts = BurstList([burst(10.0, 11.0), burst(20.0, 21.0), burst(30.0, 31.0)])
    assert next_burst(bursts, 20.0, 1, 0.001).begin_s == 30.0
    assert next_burst(bursts, 20.0, -1, 0.001).begin_s == 10.0
    assert next_burst(bursts, 30.0, 1, 0.001) is None
    assert next_burst(NO_BURSTS, 30.0, 1) is None


def test_the_newest_burst_is_open_or_has_ended_a_short_time_ago():
    old, new, lasting = burst(10.0, 11.0), burst(20.0, 21.0), burst(5.0, 19.0, is_open=True)
    assert newest_burst(BurstList([old, new]), 30.0, 60.0) == new
    assert newest_burst(BurstList([old, new, lasting]), 30.0, 60.0) == lasting
    assert newest_burst(BurstList([old, new]), 90.0, 60.0) is None
    assert newest_burst(NO_BURSTS, 90.0, 60.0) is None
    assert newest_burst(BurstList([old]), math.nan, 60.0) is None


def test_intervals_say_where_they_continue():
    found = interval_cells(np.array([-1.0, 5.5]), np.array([3.5, 99.0]), TIMES_S, CELLS)
    assert found.first.tolist() == [0, 5]
    assert found.last.tolist() == [3, 59]
    assert found.begins_before.tolist() == [True, False]
    assert found.ends_after.tolist() == [False, True]
