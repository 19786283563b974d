"""Rows are searched in the order of time."""

import math

import numpy as np
import pytest

from sunspec_tui.monitoring.row_order import is_next_needed, rows_in_order

NAN = math.nan


@pytest.mark.parametrize(
    ("times_s", "last_s", "parts"),
    [
        ([], NAN, []),
        ([1, 2, 3], NAN, [(False, [0, 1, 2])]),
        ([1, 2, 3], 0, [(False, [0, 1, 2])]),
        ([1, 500, 501], 0, [(False, [0, 1, 2])]),  # a gap
        ([1, NAN, 3], 0, [(False, [0, 2])]),
        ([NAN, math.inf], 0, []),
        ([1, 1, 2], 0, [(False, [0, 2])]),  # a time that was repeated
        ([5, 3, 4, 6], 0, [(False, [0, 3])]),  # a few rows with wrong times
        ([5, 3], 5, []),
        ([100, 5, 6], 99, [(False, [0]), (True, [1, 2])]),  # a replay begins anew
        ([5, 6, NAN], 100, [(True, [0, 1])]),
        ([100, 50, 10], NAN, [(False, [0]), (True, [1]), (True, [2])]),
        ([6, 7, 900, 8, 9], 5, [(False, [0, 1, 3, 4])]),  # one time is in the future
        ([18, 0.5, 18.5], 17, [(False, [0, 2])]),
        ([900, 6, 7], 5, [(False, [1, 2])]),
        ([20, 40, 60], 0, [(False, [0, 1, 2])]),  # slow rows
    ],
)
def test_parts_have_growing_times(times_s, last_s, parts):
    found = rows_in_order(np.array(times_s, np.float64), last_s)
    assert [(goes_back, numbers.tolist()) for goes_back, numbers in found] == parts


@pytest.mark.parametrize(
    ("times_s", "last_s", "is_needed"),
    [
        ([], 5, False),
        ([6], 5, False),
        ([900], 5, True),
        ([6, 900], 5, True),
        ([1], 20, True),
        ([900], NAN, False),
        ([6, NAN], 5, False),
        ([900, NAN], 5, False),
    ],
)
def test_a_row_that_is_far_from_the_one_before_waits_for_the_next(times_s, last_s, is_needed):
    assert is_next_needed(np.array(times_s, np.float64), last_s) is is_needed
