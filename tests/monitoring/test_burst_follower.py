"""Rows of the ring are searched, and none is lost silently."""

import logging
import threading

import numpy as np
import pytest
from live_bursts import NOON_S, Detectors, Rings, StepDetector

from sunspec_tui.core.products import Product
from sunspec_tui.monitoring.burst_follower import (
    BATCH_ROWS,
    FIRST_PAUSE_ROWS,
    MAX_PAUSE_ROWS,
    WORKING_ROWS,
    BurstFollower,
)
from sunspec_tui.monitoring.burst_status import RowCounts
from sunspec_tui.monitoring.cadence_watch import WINDOW_ROWS

LOW, HIGH, BAD = 1.0, 100.0, np.inf


class Followed:
    """Follower of rings that a test fills."""

    def __init__(self, rings=None, make=None):
        self.rings, self.detectors = rings or Rings(), Detectors()
        self.changes, self.problems = [], []
        self.follower = BurstFollower(
            self.rings,
            make or self.detectors,
            "the source",
            on_changes=self.changes.extend,
            on_problem=self.problems.append,
            poll_s=0.001,
        )

    def search(self, *powers, **options):
        self.rings.add(*powers, **options)
        self.follower.update()

    @property
    def states(self):
        """Whether the burst is open, after each change."""
        return [burst.is_open for burst in self.changes]


@pytest.fixture
def followed():
    return Followed()


def test_a_burst_opens_while_it_lasts_and_closes(followed):
    followed.search(LOW, LOW)
    assert not followed.changes
    followed.search(HIGH)
    followed.search(HIGH)
    assert (followed.states, {each.begin_s for each in followed.changes}) == ([True, True], {NOON_S + 0.5})
    followed.search(LOW)
    assert followed.states == [True, True, False]
    assert followed.follower.counts == RowCounts(5, 0, 0)
    assert followed.follower.data_s == NOON_S + 1.0


def test_the_detector_gets_axis_products_and_source():
    followed = Followed(Rings(npol=2))
    followed.search(LOW)
    made = followed.detectors.made[0]
    assert (made.products, made.source) == ((Product.XX, Product.YY), "the source")
    assert made.frequencies_hz == pytest.approx(followed.rings.epochs[0].axis.frequencies_mhz * 1e6)


def test_rows_that_came_before_the_first_look_are_searched_in_batches(followed):
    followed.search(*[LOW] * (3 * BATCH_ROWS + 5))
    assert followed.follower.counts == RowCounts(3 * BATCH_ROWS + 5, 0, 0)


def test_a_gap_is_given_as_it_is(followed):
    followed.search(HIGH)
    followed.rings.next_s += 3600
    followed.search(HIGH)
    assert followed.follower.counts == RowCounts(1, 0, 1)
    followed.search(HIGH)
    assert len(followed.detectors.made) == 1
    assert np.diff(followed.detectors.made[0].times_s) == pytest.approx([3600.25, 0.25])


def test_a_row_with_a_wrong_time_is_left_out_and_the_detector_goes_on(followed):
    followed.search(LOW, LOW)
    followed.search(HIGH, at=lambda time_s: time_s + 86400)
    followed.search(LOW, LOW)
    assert len(followed.detectors.made) == 1
    assert not followed.detectors.made[0].is_closed
    assert followed.states == []
    assert followed.follower.counts == RowCounts(4, 1, 0)


def test_the_last_row_is_searched_when_an_epoch_ends_whatever_its_time(followed):
    followed.search(LOW)
    followed.rings.next_s += 3600
    followed.search(LOW)
    followed.rings.begin_epoch(chan0=600)
    followed.search(LOW)
    assert followed.follower.counts == RowCounts(3, 0, 0)


def test_another_cadence_closes_open_bursts_and_gets_a_new_detector(followed):
    followed.search(*[LOW] * 40, HIGH)
    for _ in range(40):
        followed.rings.next_s += 4.75
        followed.search(HIGH)
    first, second = followed.detectors.made
    assert first.is_closed
    assert followed.states.count(False) == 1
    assert len(second.times_s) > 40 - WINDOW_ROWS
    assert followed.follower.counts == RowCounts(81, 0, 0)


def test_rows_that_have_left_the_ring_are_counted():
    followed = Followed(Rings(length=10))
    followed.search(LOW)
    followed.search(*[LOW] * 25)
    assert followed.follower.counts == RowCounts(11, 15, 0)


def test_rows_that_have_not_been_read_are_counted_as_waiting(followed):
    followed.search(LOW)
    followed.rings.add(LOW, LOW)
    assert followed.follower.counts == RowCounts(1, 0, 2)


@pytest.mark.parametrize("change", [{"npol": 4}, {"chan0": 600}])
def test_another_axis_or_other_products_close_open_bursts(followed, change):
    followed.search(HIGH)
    # Rows of the old epoch that were not read yet come first.
    followed.rings.add(HIGH)
    followed.rings.begin_epoch(**change)
    followed.search(LOW)
    assert followed.states == [True, True, False]
    first, second = followed.detectors.made
    assert (first.is_closed, len(first.times_s), len(second.times_s)) == (True, 2, 1)
    assert followed.follower.counts == RowCounts(3, 0, 0)


def test_rows_of_an_epoch_that_is_gone_are_counted():
    followed = Followed()
    followed.search(LOW)
    followed.rings.begin_epoch()
    followed.rings.add(LOW, LOW)
    followed.rings.begin_epoch(chan0=600)
    del followed.rings.epochs[1]
    followed.search(LOW)
    assert followed.follower.counts == RowCounts(2, 2, 0)


def test_a_replay_that_begins_anew_gets_a_new_detector(followed):
    followed.search(LOW, HIGH)
    followed.search(HIGH, HIGH, at=lambda time_s: time_s - 600)
    assert followed.states[:3] == [True, False, True]
    assert len(followed.detectors.made) == 2
    assert followed.follower.data_s == NOON_S + 0.75 - 600


def test_a_row_without_a_valid_time_is_counted(followed):
    followed.search(LOW)
    followed.search(LOW, at=lambda _: np.nan)
    assert followed.follower.counts == RowCounts(1, 1, 0)


def test_a_detector_that_fails_is_reported_once_and_tried_again(followed):
    followed.search(HIGH)
    followed.search(BAD)
    # The open burst does not stay open for ever.
    assert followed.states == [True, False]
    assert followed.follower.counts == RowCounts(1, 1, 0)
    followed.search(*[LOW] * (FIRST_PAUSE_ROWS + 3))
    assert len(followed.detectors.made) == 2
    assert followed.follower.counts == RowCounts(4, 1 + FIRST_PAUSE_ROWS, 0)
    followed.search(BAD)
    followed.search(*[LOW] * (2 * FIRST_PAUSE_ROWS))
    assert len(followed.detectors.made) == 2
    (problem,) = followed.problems
    assert problem == followed.follower.problem
    assert "ValueError: a row is \\x1b[31mbad" in problem
    assert problem.endswith("receiving continues: report the error, or use --no-bursts")


def test_a_detector_that_works_for_a_while_counts_as_working(followed):
    followed.search(BAD)
    followed.search(*[LOW] * (FIRST_PAUSE_ROWS + WORKING_ROWS - BATCH_ROWS))
    assert followed.follower.problem
    followed.search(*[LOW] * BATCH_ROWS)
    assert (followed.problems[1:], followed.follower.problem) == ([""], "")


def test_the_pause_after_errors_is_limited():
    followed = Followed(Rings(length=2 * MAX_PAUSE_ROWS))
    for number in range(12):
        # The first row after each pause is bad again.
        followed.search(BAD)
        followed.search(*[LOW] * min(FIRST_PAUSE_ROWS * 2**number, MAX_PAUSE_ROWS))
    assert followed.follower.counts.seen == 0
    followed.search(LOW)
    assert followed.follower.counts.seen == 1


def test_a_detector_that_cannot_be_made_or_closed_is_reported():
    class NoClose(StepDetector):
        def close(self):
            raise RuntimeError("stuck")

    followed = Followed(make=NoClose)
    followed.search(HIGH)
    followed.follower.close()
    assert followed.states == [True, False]
    assert "RuntimeError: stuck" in followed.follower.problem

    def no_detector(*_):
        raise ImportError("no such room")

    followed = Followed(make=no_detector)
    followed.search(LOW)
    assert "no such room" in followed.follower.problem
    assert followed.follower.counts == RowCounts(0, 1, 0)


def test_a_burst_with_invalid_values_does_not_end_the_search(followed):
    def refuse(changes):
        if changes:
            raise ValueError("no time")

    followed.follower._on_changes = refuse
    followed.search(HIGH, LOW)
    assert "invalid values" in followed.follower.problem
    followed.search(LOW)
    assert followed.follower.counts.seen == 3


def test_the_thread_reads_the_last_rows_and_closes_the_bursts(followed):
    followed.follower.start()
    followed.follower.start()
    followed.rings.add(LOW, HIGH)
    followed.follower.stop()
    followed.follower.stop()
    assert followed.states[-1] is False
    assert followed.follower.counts == RowCounts(2, 0, 0)
    assert not [each for each in threading.enumerate() if each.name == "sunspec-bursts"]
    followed.follower.start()
    followed.rings.add(LOW)
    followed.follower.stop()
    assert followed.follower.counts == RowCounts(3, 0, 0)
    assert len(followed.detectors.made) == 2


def test_a_detector_that_hangs_does_not_hang_the_end(monkeypatch, caplog):
    logging.getLogger("sunspec_tui").propagate = True
    monkeypatch.setattr("sunspec_tui.monitoring.burst_follower._JOIN_S", 0.05)
    entered, released = threading.Event(), threading.Event()

    class Hanging(StepDetector):
        def feed(self, times_s, data):
            entered.set()
            released.wait(60)
            return ()

    followed = Followed(make=Hanging)
    followed.rings.add(LOW)
    followed.follower.start()
    thread = followed.follower._thread
    assert entered.wait(10)
    followed.follower.stop()
    assert "does not return" in caplog.text
    released.set()
    thread.join(10)
    assert not thread.is_alive()
