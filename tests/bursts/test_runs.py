"""A run: a bin lies above its background."""

import numpy as np
import pytest

from sunspec_tui.bursts.run_finder import MAX_RUN_CELLS, MIN_HIGH_DB, MIN_LOW_DB, RunFinder, limits_db, smoothed
from sunspec_tui.bursts.runs import Spans, measured, stroke_count

LIMITS = np.array([[1.0], [2.0]], np.float32)
FIRST = 1000


def runs_of(values, circular=None, batch=None):
    """Return the runs of one bin, also the last ones."""
    finder, found = RunFinder(1), []
    excess = np.array(values, np.float32)[:, np.newaxis]
    turn = None if circular is None else np.array(circular, np.float32)[:, np.newaxis]
    for i in range(0, len(excess), batch or len(excess)):
        part = slice(i, i + (batch or len(excess)))
        found += finder.feed(FIRST + i, excess[part], None if turn is None else turn[part], LIMITS)
    return found + finder.close(FIRST + len(excess))


def spans(runs):
    """Return begin and end of runs, counted from the first cell."""
    return [(run.begin - FIRST, run.end - FIRST) for run in runs]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 1.5, 3, 2, 1.2, 0, 0], [(2, 6)]),
        ([0, 1.5, 1.9, 1.5, 0], []),  # the high limit is never reached
        ([0, 5, 0], []),  # a single cell
        ([0, 3, 3, 0, 3, 3, 0], [(1, 3), (4, 6)]),
        ([3, 3, 3], [(0, 3)]),  # it goes on at the end
        ([0, 3, 3, *[np.nan] * 10, 3, 3, 0], [(1, 15)]),  # it goes on after some missing cells
        ([0, 3, 3, *[np.nan] * 10, 0, 3, 3, 0], [(1, 3), (14, 16)]),  # it ends while cells are missing
        ([0, 3, 3, *[np.nan] * 11, 3, 3, 0], [(1, 3), (14, 16)]),  # too many are missing
        ([0, 3, 3, 3, np.nan], [(1, 4)]),
        ([0, 3, np.nan, 3, 3, 0], [(1, 5)]),
        ([np.nan] * 5, []),
        ([0, 1.5, 10, 12, 3.9, 3.5, 11, 11, 0], [(1, 4), (6, 8)]),  # a valley splits strokes
        ([0, 1.5, 10, 12, 3.9, 3.0, 2.5, 1.5, 0], [(1, 4)]),  # a tail is no run of its own
    ],
)
def test_runs_of_values(values, expected):
    assert spans(runs_of(values)) == expected
    # In the states of a run, a batch has no meaning.
    assert spans(runs_of(values, batch=1)) == expected


def test_a_long_run_goes_on_as_the_next():
    runs = runs_of(np.full(2 * MAX_RUN_CELLS + 100, 5.0), batch=8)
    assert spans(runs) == [
        (0, MAX_RUN_CELLS), (MAX_RUN_CELLS, 2 * MAX_RUN_CELLS), (2 * MAX_RUN_CELLS, 2 * MAX_RUN_CELLS + 100),
    ]  # fmt: skip


def test_the_numbers_of_a_run():
    (run,) = runs_of([0, 1.1, 2, 6, 10, 8, 6.5, 5, 4, 0], circular=np.arange(10) / 10)
    assert (run.peak - FIRST, run.onset - FIRST, run.half - FIRST) == (4, 3, 3)
    assert run.peak_db == 10
    assert run.circular == pytest.approx(0.4)
    # Half of the power over the background: (10 - 1) / 2 + 1 = 5.5, which is 7.4 dB.
    assert run.half_cells == 2
    assert run.strokes == 1
    assert not run.is_open


def test_open_runs_are_seen_before_they_end():
    finder = RunFinder(2)
    limits = np.repeat(LIMITS, 2, axis=1)
    finder.feed(0, np.array([[0, 0], [3, 1.5], [4, 1.5]], np.float32), None, limits)
    (run,) = finder.open_runs(3)
    assert (run.bin, run.begin, run.end, run.is_open) == (0, 1, 3, True)
    (closed,) = finder.close(3)
    assert (closed.begin, closed.end, closed.is_open) == (1, 3, False)
    assert finder.close(3) == []


def test_begins_and_ends_beside_missing_rows_are_not_known():
    known = [(run.lacks_begin, run.lacks_end) for run in runs_of([3, 3, 0, 3, 3, 0, *[np.nan] * 3, 3, 3])]
    assert known == [(True, False), (False, False), (True, True)]
    before, after = runs_of([0, 3, 3, np.nan, 0, 0, 3, 3, 0])
    assert (before.lacks_begin, before.lacks_end, after.lacks_begin) == (False, True, False)


def test_flat_tops_are_counted():
    values = np.array([[2, 12, 12.05, 12, 12, 12.02, 3], [np.nan] * 3 + [4, 8, 4, 2]], np.float32).T
    spans = Spans(
        np.array([3, 5]),
        np.array([50, 53]),
        np.array([57, 57]),
        np.array([False, True]),
        *np.zeros((3, 2), bool),
    )
    run, later = measured(spans, values, np.full((7, 2), np.nan, np.float32))
    assert (run.is_tail, later.is_tail) == (False, True)
    assert run.flat_cells == 5
    assert (run.bin, run.begin, run.end) == (3, 50, 57)
    assert np.isnan(run.circular)
    assert (later.bin, later.begin, later.end, later.peak, later.flat_cells) == (5, 53, 57, 54, 1)
    assert later.mean_db == 4.5


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([1, 5, 10, 5, 1], 1),
        ([1, 10, 5, 10, 1], 2),
        ([1, 10, 9, 10, 1], 1),  # the valley is not deep
        ([10, 1, 10, 1, 10], 3),
        ([5, 5, 5], 1),
        ([1, 2, 10], 1),
        ([0, 10, -np.inf, 10, 0], 2),
    ],
)
def test_strokes_are_peaks_that_valleys_separate(values, count):
    assert stroke_count(np.array(values, np.float32), float(max(values))) == count


def test_limits_are_sigmas_of_the_smoothed_cells_and_at_least_a_decibel_or_so():
    quiet = limits_db(np.array([0.03], np.float32), np.array([0.03], np.float32))
    assert quiet[:, 0] == pytest.approx([MIN_LOW_DB, MIN_HIGH_DB])
    noisy = limits_db(np.array([4.0], np.float32), np.array([9.0], np.float32))
    assert noisy[:, 0] == pytest.approx([15, 30])


def test_means_over_three_cells_and_bins_leave_out_missing_values():
    values = np.arange(25, dtype=np.float32).reshape(5, 5)
    assert smoothed(values)[1, 2] == 12
    values[2, 2] = np.nan
    assert smoothed(values)[1, 2] == 12
    assert smoothed(values)[1, 0] == pytest.approx(np.mean([5, 6, 10, 11, 15, 16]))
    assert np.isnan(smoothed(np.full((3, 4), np.nan, np.float32))).all()
