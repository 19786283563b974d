"""A change of the cadence is noticed, missing rows are not one."""

import numpy as np
import pytest

from sunspec_tui.monitoring.cadence_watch import WINDOW_ROWS, CadenceWatch


def changes(*steps_s):
    """Return the numbers of the rows at which a change is noticed."""
    watch, found = CadenceWatch(), []
    for number, time_s in enumerate(np.cumsum(steps_s)):
        if watch.has_changed(np.array([time_s])):
            found.append(number)
            watch.forget()
    return found


def lossy_steps(lost_share):
    """Return steps in seconds if some rows are lost."""
    received = np.random.default_rng(1).random(4000) > lost_share
    return np.diff(np.flatnonzero(received)) / 4


@pytest.mark.parametrize(("before_s", "after_s"), [(0.25, 0.5), (0.25, 5.0), (5.0, 0.25), (1.0, 1.6)])
def test_another_cadence_is_noticed_once_and_soon(before_s, after_s):
    (row,) = changes(*[before_s] * 100, *[after_s] * 100)
    assert 100 < row < 100 + WINDOW_ROWS


@pytest.mark.parametrize(
    "steps_s",
    [
        [0.25] * 50,
        [0.25] * 100 + [3600.0] + [0.25] * 100,
        [0.2, 0.3] * 100,
        [1.0] * 100 + [1.4] * 100,
        lossy_steps(0.1),
        lossy_steps(0.5),
    ],
    ids=["few", "gap", "uneven", "a little", "lossy", "very lossy"],
)
def test_gaps_and_lost_rows_are_no_change(steps_s):
    assert changes(*steps_s) == []


def test_rows_in_batches_give_the_same():
    watch = CadenceWatch()
    assert not watch.has_changed(np.arange(0, 16, 0.25))
    assert watch.has_changed(np.arange(16.0, 80.0))
