"""Tests of slots, starts, cadence and gaps of recordings."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.recording import channels_of, continuous_runs, measured_cadence_s, slots


@pytest.mark.parametrize(
    ("times_s", "cadence_s", "found"),
    [
        ([0, 0.9, 2.8], 1.0, [0, 1, 3]),
        ([0, 1.9], 1.0, [0, 2]),
        ([0, 2.4], 1.0, [0, 2]),
        ([0, 2.6], 1.0, [0, 3]),
        ([0, 0.2, 0.3], 1.0, [0, 1, 2]),
        ([10, 10.249, 10.751], 0.25, [0, 1, 3]),
        ([0, -5, -4], 1.0, [0, 1, 2]),
        ([0, 1e6], 0.5, [0, 2_000_000]),
        ([3, 5], 0.0, [0, 1]),
        ([3, 5], -1.0, [0, 1]),
    ],
)
def test_a_step_is_as_many_slots_as_lie_nearest_and_at_least_one(times_s, cadence_s, found):
    assert slots(np.array(times_s, float), cadence_s).tolist() == found


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(-0.2, 0.2)), min_size=1, max_size=60),
    st.sampled_from([1e-3, 0.25, CADENCE_S, 1.0272, 60.0]),
)
def test_slots_are_found_again_however_times_lie_about_them(steps, cadence_s):
    places = np.cumsum([0, *(step for step, _ in steps[1:])])
    jitter = np.array([early for _, early in steps])
    found = slots((places + jitter) * cadence_s, cadence_s)
    np.testing.assert_array_equal(found, places)
    assert found.dtype == np.int64


def test_a_row_begins_a_cadence_before_its_end():
    rows = recording(4)
    np.testing.assert_allclose(rows.starts_s, START_S + np.arange(4) * CADENCE_S, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cadence_s", [math.nan, 0.0, -1.0])
def test_a_row_of_no_known_length_begins_where_it_ends(cadence_s):
    rows = replace(recording(4), cadence_s=cadence_s)
    np.testing.assert_array_equal(rows.starts_s, rows.times_s)


@pytest.mark.parametrize(
    ("times_s", "cadence_s"),
    [
        ([0, 1, 2, 3], 1.0),
        ([0, 1, 2, 12], 1.0),
        ([0, 0.9, 2.0], 1.0),
        ([0, 1, 1, 2], 1.0),
        ([5, 6, 0, 1], 1.0),
        ([0, 1, 101], 1.0),
        ([0, 1.4, 2.4], 1.2),
        ([0, 1, 2.6], 1.0),
        ([0, 86_400], 86_400.0),
        ([7], math.nan),
        ([7, 7], math.nan),
        ([9, 8], math.nan),
        ([], math.nan),
        ([0, 1e-7], math.nan),
        ([0, 86_401], math.nan),
        # Where it changes, it is the usual one.
        (np.cumsum([1.0272] * 30 + [0.5136] * 40), 0.5136),
        (np.cumsum([1.0272] * 50 + [0.5136] * 40), 1.0272),
        (np.cumsum([0.25] * 50 + [0.3] * 40), 0.25),
        ([0, 1e300], math.nan),
    ],
)
def test_the_cadence_is_measured_from_steps_that_are_usual(times_s, cadence_s):
    assert measured_cadence_s(np.array(times_s, float)) == pytest.approx(cadence_s, nan_ok=True)


@pytest.mark.parametrize(
    ("step_s", "parted"),
    [(1.0, False), (1.49, False), (1.5, False), (1.51, True), (0.5, False), (0.49, True), (0.0, True), (-1.0, True)],
)
def test_rows_part_where_a_step_is_half_a_cadence_off(step_s, parted):
    runs = continuous_runs(np.array([0.0, step_s]), 1.0)
    assert len(runs) == 1 + parted
    assert [index for run in runs for index in range(run.start, run.stop)] == [0, 1]


@pytest.mark.parametrize("cadence_s", [math.nan, 0.0])
def test_rows_of_no_known_length_are_one_run(cadence_s):
    assert continuous_runs(np.array([0.0, 9.0, 3.0]), cadence_s) == [slice(0, 3)]


@pytest.mark.parametrize(("first", "last", "count"), [(0, 3, 4), (1, 3, 3), (None, 2, 3), (2, None, 2), (3, 3, 1)])
def test_rows_between_two_times_are_counted_to_the_microsecond(first, last, count):
    """A time written with six digits selects its row.

    The row's float has more digits.
    """
    rows = recording(4)
    begin = None if first is None else round(float(rows.times_s[first]), 6) - 1e-6
    end = None if last is None else round(float(rows.times_s[last]), 6)
    assert len(rows.between(begin, end)) == count


def test_rows_after_a_time_do_not_have_the_one_that_ends_there():
    rows = recording(4)
    assert len(rows.between(round(float(rows.times_s[1]), 6), None)) == 2


@pytest.mark.parametrize(("average", "found"), [(1, True), (4, True), (2048, True), (2049, False), (10**7, False)])
def test_two_bins_of_more_channels_than_there_are_are_no_channels(average, found):
    places = np.arange(2) * average + (average - 1) / 2
    assert (channels_of(places * CHANNEL_WIDTH_HZ) is not None) == found
