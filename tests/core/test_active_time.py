"""Tests of active time and of the check of the wall clock."""

import threading
import time

import pytest

from sunspec_tui.core.active_time import ActiveTimer, join_within
from sunspec_tui.plots.clock_check import ClockCheck


class Clock:
    def __init__(self, now_s=100.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def test_small_steps_count_whole_and_a_step_over_a_stop_counts_as_one():
    clock = Clock()
    timer = ActiveTimer(clock, max_step_s=1.0)
    for _ in range(10):
        clock.now_s += 0.5
        timer.elapsed_s()
    assert timer.elapsed_s() == pytest.approx(5.0)
    clock.now_s += 70
    assert timer.elapsed_s() == pytest.approx(6.0)


def test_a_thread_that_gets_on_with_its_work_is_waited_for_and_one_that_hangs_is_not():
    go, count = threading.Event(), [0]

    def work():
        for _ in range(20):
            threading.Event().wait(0.05)
            count[0] += 1
        go.wait(60)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert not join_within(thread, 0.5, lambda: count[0])
    assert count[0] == 20
    go.set()
    assert join_within(thread, 30)


def test_a_thread_that_gets_on_for_ever_is_waited_for_until_the_deadline():
    begun_s, over = time.monotonic(), threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    assert not join_within(thread, 30, time.monotonic, deadline_s=begun_s + 0.3)
    assert 0.3 <= time.monotonic() - begun_s < 10
    over.set()
    assert join_within(thread, 30)


def test_a_clock_is_believed_after_it_has_agreed_for_as_long_as_is_asked():
    wall, mono = Clock(1e9), Clock(50.0)
    check = ClockCheck(wall, mono, agreement_s=600.0)

    def pass_s(seconds, wall_s=None):
        wall.now_s += seconds if wall_s is None else wall_s
        mono.now_s += seconds

    assert not check.agrees()
    pass_s(599)
    assert not check.agrees()
    pass_s(1)
    assert check.agrees()
    pass_s(10, 8 * 86400.0)
    assert not check.agrees()
    pass_s(600)
    assert check.agrees()
    pass_s(1, -3600.0)
    assert not check.agrees()
    wall.now_s = float("nan")
    pass_s(1000)
    assert not check.agrees()


def test_a_clock_that_is_corrected_slowly_is_believed_for_ever():
    wall, mono = Clock(1e9), Clock(50.0)
    check = ClockCheck(wall, mono, agreement_s=600.0)
    for _ in range(200):
        wall.now_s, mono.now_s = wall.now_s + 60.03, mono.now_s + 60.0
        agrees = check.agrees()
    assert agrees
