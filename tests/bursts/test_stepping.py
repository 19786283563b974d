"""Long work is done in steps."""

from burst_runs import CELL_S, FIRST, MHZ, beam

from sunspec_tui.bursts.stepping import STEP_US, Work, finished
from sunspec_tui.bursts.tracker import BurstTracker


def counted(steps):
    """Return the number of pauses, and the result."""
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return pauses, end.value
        pauses += 1


def test_a_pause_comes_after_the_work_of_a_step():
    work = Work()
    work.add(STEP_US - 1)
    assert list(work.pauses()) == []
    work.add(1)
    assert list(work.pauses()) == [None]
    assert list(work.pauses()) == []


def test_all_steps_give_the_result():
    def steps():
        yield
        yield
        return "result"

    assert finished(steps()) == "result"


def test_many_bursts_are_followed_in_steps_and_what_is_added_meanwhile_waits():
    follows = BurstTracker(MHZ, CELL_S, "test")
    for number in range(12):
        follows.add(beam(first=FIRST + 60 * number), ())
    steps = follows.steps(FIRST + 900)
    next(steps)
    follows.add(beam(first=FIRST + 840), ())
    pauses, changes = counted(steps)
    assert pauses >= 2
    assert len(changes) == 12
    assert len(follows.update(FIRST + 900)) == 1


def test_a_single_burst_is_followed_at_once():
    follows = BurstTracker(MHZ, CELL_S, "test")
    pauses, changes = counted(follows.steps(FIRST + 100, beam(low=80)))
    assert pauses <= 1
    assert len(changes) == 1
