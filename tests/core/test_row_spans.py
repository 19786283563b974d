"""Tests of row starts and column places, as tables."""

import math

import numpy as np
import pytest

from sunspec_tui.core.row_spans import (
    GAP,
    cadence_changes,
    place_columns,
    row_lengths_s,
    row_starts_s,
    starts_sequence,
    without_even_gaps,
)


@pytest.mark.parametrize(
    ("ends_s", "slots", "begins_s"),
    [
        ([1, 2, 3], [0, 1, 2], [0, 1, 2]),
        ([1, 2, 5, 6], [0, 1, 4, 5], [0, 1, 4, 5]),
        ([2, 4, 5, 6], [0, 1, 2, 3], [0, 2, 4, 5]),  # a shorter cadence
        ([1, 2, 4, 6], [0, 1, 3, 4], [0, 1, 2, 4]),  # a longer one, which looks like a gap at first
        ([1, 2, 4, 6, 8], [0, 1, 3, 5, 6], [0, 1, 2, 4, 6]),
        ([1, 2, 2.5, 9, 9.5], [0, 1, 2, 15, 16], [0, 1, 2, 8.5, 9]),  # after a gap as the next row
        ([1, 2, 9], [0, 1, 8], [0, 1, 8]),  # without a next row as the one before
        ([10, 11, 3, 3.5], [0, 1, 2, 3], [9, 10, 2.5, 3]),  # a step back
        ([10, 11, 3], [0, 1, 2], [9, 10, 2.9]),
        ([10, 11, 11, 12], [0, 1, 2, 3], [9, 10, 10, 11]),  # one time twice
        ([7], [3], [6.9]),
        ([], [], []),
    ],
)
def test_a_row_begins_where_its_predecessor_ends_or_is_as_long_as_its_neighbours(ends_s, slots, begins_s):
    found = row_starts_s(np.array(ends_s, float), np.array(slots, np.int64), 0.1)
    assert found.tolist() == pytest.approx(begins_s)


def test_a_row_after_a_restart_is_as_long_as_the_rows_of_its_own_sequence():
    restarts = np.array([False, False, False, True, False])
    ends_s, slots = np.array([1.0, 2.0, 3.0, 3.8, 4.3]), np.arange(5)
    assert row_starts_s(ends_s, slots, 1.0, restarts).tolist() == pytest.approx([0, 1, 2, 3.3, 3.8])
    assert starts_sequence(ends_s, restarts).tolist() == [True, False, False, True, False]
    assert restarts.tolist() == [False, False, False, True, False]
    alone = np.array([False, False, True, True, False])
    assert row_starts_s(ends_s, slots, 0.7, alone).tolist() == pytest.approx([0, 1, 2.3, 3.3, 3.8])


@pytest.mark.parametrize("cadence_s", [math.nan, 0.0, -1.0])
def test_a_row_of_which_nothing_is_known_has_no_length(cadence_s):
    assert row_starts_s(np.array([5.0]), np.zeros(1, np.int64), cadence_s).tolist() == [5.0]


def test_beginnings_are_exactly_the_ends_before():
    ends_s = 1_755_552_894.787341 + np.cumsum(np.random.default_rng(1).uniform(0.2, 0.3, 1000))
    np.testing.assert_array_equal(row_starts_s(ends_s, np.arange(1000), 0.25)[1:], ends_s[:-1])


@pytest.mark.parametrize(
    ("steps", "strides", "found"),
    [
        ([1] * 10 + [2] * 10, [1] * 10 + [2] * 10, [1] * 20),
        ([1] * 10 + [2] * 7, [1] * 10 + [2] * 7, [1] * 10 + [2] * 7),
        ([1, 2, 1, 3, 2, 2, 1, 1, 2], [1, 2, 1, 3, 2, 2, 1, 1, 2], [1, 2, 1, 3, 2, 2, 1, 1, 2]),
        ([1] * 9 + [5] + [1] * 9, [1] * 9 + [5] + [1] * 9, [1] * 9 + [5] + [1] * 9),
        ([1] * 4, [1] * 4, [1] * 4),
    ],
)
def test_equal_steps_in_a_row_are_a_cadence_and_not_gaps(steps, strides, found):
    times_s, slots = np.cumsum([0.0, *steps]), np.cumsum([3, *strides])
    assert np.diff(without_even_gaps(times_s, slots)).tolist() == found
    assert without_even_gaps(times_s, slots)[0] == 3


@pytest.mark.parametrize(
    ("steps", "changes"),
    [
        ([1] * 10 + [2] * 10, [(11, 1, 2)]),
        ([1] * 10 + [7] + [1] * 10, []),  # a gap
        ([2] * 8 + [50] + [1] * 8, [(9, 2, 1)]),
        ([1] * 10 + [2] * 7, []),
        ([1] * 8 + [-100] + [0.9] * 8 + [2] * 8, [(18, 0.9, 2)]),
        ([0] * 20, []),
        ([-1] * 20, []),
        ([0.15, 0.88] * 20, []),
        ([1], []),
        ([], []),
    ],
)
def test_a_change_of_cadence_is_found_with_its_first_row(steps, changes):
    found = cadence_changes(np.cumsum([5.0, *steps]))
    assert [row for row, _, _ in found] == [row for row, _, _ in changes]
    assert [steps for _, *steps in found] == [pytest.approx(steps) for _, *steps in changes]


def test_jitter_is_no_change_of_cadence():
    steps = np.random.default_rng(3).uniform(0.92, 1.08, 20_000)
    assert cadence_changes(np.cumsum(steps)) == []


@pytest.mark.parametrize(
    ("spans", "edges_s", "rows"),
    [
        ([(0, 1), (1, 2)], [0, 1, 2], [0, 1]),
        ([(0, 1), (3, 4)], [0, 1, 3, 4], [0, GAP, 1]),
        ([(5, 6), (6, 7), (0, 2)], [0, 2, 5, 6, 7], [2, GAP, 0, 1]),  # a step back
        ([(0, 4), (1, 2)], [0, 1, 2, 4], [0, 1, 0]),
        ([(1, 2), (0, 4)], [0, 4], [1]),  # covered
        ([(0, 2), (1, 3)], [0, 1, 3], [0, 1]),
        ([(0, 1), (1 + 1e-7, 2)], [0, 1, 2], [0, 1]),  # apart by less than a microsecond
        ([(1, 1), (0, 2)], [0, 2], [1]),
    ],
)
def test_columns_stand_at_their_times_and_the_later_row_is_shown(spans, edges_s, rows):
    found = place_columns(*np.array(spans, float).T)
    assert found.edges_s.tolist() == pytest.approx(edges_s, abs=1e-6)
    assert found.rows.tolist() == rows


@pytest.mark.parametrize(
    ("steps_s", "cadence_s", "lengths_s"),
    [
        ([1.0] * 20 + [0.5] * 30, 0.5, [1.0] * 20 + [0.5] * 30),
        ([0.5] * 20 + [1.0] * 10 + [0.25] * 9, 0.5, [0.5] * 20 + [1.0] * 10 + [0.25] * 9),
        # A restart with a gap: the row after it has the new cadence.
        ([1.0] * 20 + [7.3] + [0.5] * 10, 1.0, [1.0] * 20 + [0.5] * 11),
        # Gaps and a few uneven steps are no change.
        ([0.5] * 20 + [3.0] + [0.5] * 10 + [0.4, 0.7], 0.5, [0.5] * 33),
        ([0.5, 0.5], math.nan, [0.0, 0.0]),
        ([1.0] * 20 + [0.5] * 30, 0.0, [0.0] * 50),
        ([], 0.5, []),
    ],
)
def test_the_length_of_a_row_is_the_cadence_of_the_rows_around(steps_s, cadence_s, lengths_s):
    np.testing.assert_allclose(row_lengths_s(np.cumsum(steps_s), cadence_s), lengths_s, rtol=0, atol=1e-9)
