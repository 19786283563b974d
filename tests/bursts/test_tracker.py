"""Bursts keep their names while they grow, and are forgotten in time."""

from dataclasses import replace

import pytest
from burst_runs import CELL_S, FIRST, MHZ, beam, run

from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.events import Event
from sunspec_tui.bursts.stepping import Work
from sunspec_tui.bursts.tracker import MAX_RUNS, OPEN_S, SETTLED_S, BurstTracker, is_same
from sunspec_tui.core.bursts import Burst, BurstType


def tracker():
    """Return a tracker of the simulated bins."""
    return BurstTracker(MHZ, CELL_S, "test")


def test_a_burst_is_opened_grows_and_is_closed_under_one_name():
    follows, runs = tracker(), beam()
    opened = follows.update(FIRST + 8, [run(each.bin, each.begin, each.end, is_open=True) for each in runs[-40:]])
    follows.add(runs[-40:], ())
    grown = follows.update(FIRST + 24, [run(each.bin, each.begin, each.end, is_open=True) for each in runs[:-40]])
    follows.add(runs[:-40], ())
    closed = follows.update(FIRST + 40 + 2 * int(OPEN_S))
    (first,), (second,), (third,) = opened, grown, closed
    assert {first.name, second.name} == {third.name}
    assert (first.is_open, second.is_open, third.is_open) == (True, True, False)
    assert first.low_mhz > second.low_mhz == third.low_mhz
    assert third.type is BurstType.III
    assert third.source == "test"


def test_an_update_without_a_change_is_silent():
    follows = tracker()
    follows.add(beam(), ())
    assert len(follows.update(FIRST + 60)) == 1
    assert follows.update(FIRST + 68) == ()


def test_two_bursts_of_one_second_have_different_names():
    follows = tracker()
    follows.add(beam(low=10, high=45), ())
    follows.add(beam(first=FIRST + 400), ())
    follows.add(beam(first=FIRST + 800), ())
    names = [burst.name for burst in follows.update(FIRST + 900)]
    assert len(set(names)) == len(names) == 3


def test_a_settled_burst_is_forgotten_and_not_told_again():
    follows = tracker()
    follows.add(beam(), ())
    (burst,) = follows.update(FIRST + 60)
    later = FIRST + 60 + int(SETTLED_S / CELL_S) + 1
    assert not any(each.is_open for each in follows.update(later))
    assert follows.update(later + 8) == ()
    assert not follows._structures.all()
    assert not follows._names
    assert not follows._shown
    assert follows.run_count == 0
    follows.add(beam(first=later), ())
    (other,) = follows.update(later + 60)
    assert other.name != burst.name


def test_pieces_that_grow_together_become_one_burst_and_the_other_name_ends():
    follows, runs = tracker(), beam()
    follows.add([*runs[:25], *runs[-25:]], ())
    apart = follows.update(FIRST + 60)
    follows.add(runs[25:-25], ())
    together = follows.update(FIRST + 68)
    if len(apart) == 2:
        (kept,) = [burst for burst in together if not burst.is_wrong]
        (gone,) = [burst for burst in together if burst.is_wrong]
        assert {kept.name, gone.name} == {burst.name for burst in apart}
        assert not gone.is_open


def test_a_drift_hit_is_a_burst_unless_a_burst_explains_it():
    hit = DriftHit(FIRST, FIRST + 20, 10, 90, 0.22, 25.0, 8.0, 0.5)
    follows = tracker()
    follows.add((), [hit])
    (burst,) = follows.update(FIRST + 40)
    assert burst.type is BurstType.III
    assert burst.drift_mhz_s < 0
    assert (burst.low_mhz, burst.high_mhz) == (MHZ[10], MHZ[90])
    strong = tracker()
    strong.add(beam(), [hit])
    (only,) = strong.update(FIRST + 60)
    assert only.peak_db == pytest.approx(5)


@pytest.mark.parametrize("late_cells", [-1, 0, 2, 10, 15, 30])
def test_a_faint_burst_is_not_withdrawn_when_it_is_settled(late_cells):
    hit = DriftHit(FIRST, FIRST + 20, 10, 90, 0.22, 25.0, 8.0, 0.5)
    follows = tracker()
    follows.add((), [hit])
    first = FIRST + 20 + int(SETTLED_S / CELL_S) + late_cells
    changes = [*follows.update(FIRST + 40), *follows.update(FIRST + 120)]
    changes += [burst for cell in range(first, first + 400, 120) for burst in follows.update(cell)]
    assert len({burst.name for burst in changes}) == 1
    assert not any(burst.is_wrong for burst in changes)
    assert not follows._hits


@pytest.mark.parametrize("start", range(0, 120, 15))
def test_a_hit_does_not_outlive_the_burst_that_explains_it(start):
    runs = beam(FIRST + start)
    end = max(each.end for each in runs)
    follows = tracker()
    follows.add(
        sorted(runs, key=lambda each: (each.end, each.bin)), [DriftHit(end + 4, end + 30, 10, 99, 0.25, 20.0, 5.0, 1.0)]
    )
    changes = [burst for cell in range(FIRST + 240, FIRST + 1500, 120) for burst in follows.update(cell)]
    assert len({burst.name for burst in changes}) == 1


def test_the_number_of_runs_in_memory_is_bounded():
    follows = tracker()
    for number in range(20):
        first = FIRST + 90 * number
        follows.add([run(i, first + 3 * j, first + 3 * j + 2) for i in range(0, 116, 4) for j in range(30)], ())
        follows.update(first + 90)
        assert follows.run_count <= MAX_RUNS + 29 * 30
    assert follows.run_count == sum(len(runs) for runs in follows._structures.all())


def test_unknown_numbers_are_no_change():
    one, other = (Burst("a", 1.0, 2.0, 3.0, 20.0, 80.0, drift_mhz_s=float("nan")) for _ in range(2))
    assert is_same(one, other)
    assert not is_same(one, replace(other, lanes=2))
    assert not is_same(None, one)


def test_nothing_gives_nothing():
    assert tracker().update(FIRST) == ()
    assert tracker().close() == ()


class PartMaker:
    """Makes two bursts of a structure: early and late runs."""

    def __init__(self, edge):
        self.edge, self.work = edge, Work()

    def events(self, structures, hits, sweeps):
        """Return the parts as bursts of unknown type."""
        yield from self.work.pauses()
        parts = [
            tuple(each for each in runs if (each.begin < self.edge) is is_early)
            for runs in structures
            for is_early in (True, False)
        ]
        return [Event(part, self.burst(part)) for part in parts if part]

    def explained(self, hits, burst):
        """Return none of the hits."""
        return []

    @staticmethod
    def burst(runs):
        """Return the burst of some runs."""
        begin_s, end_s = min(each.begin for each in runs) * CELL_S, max(each.end for each in runs) * CELL_S
        return Burst("", begin_s, begin_s, end_s, 20.0, 30.0)


def test_a_settled_part_of_a_structure_is_not_found_anew():
    follows = tracker()
    length = 2 * int(SETTLED_S)
    # Each run is linked with the next one, so that all are one structure; the late ones last longer.
    cells = [FIRST + 100 * n for n in range(12)]
    follows.add([run(10 + n, cell, cell + 200) for n, cell in enumerate(cells)], ())
    follows._maker = PartMaker(cells[4])
    seen = []
    for cell in range(FIRST + 600, cells[-1] + 3 * length, 100):
        seen += follows.update(cell)
    assert len({burst.name for burst in seen}) == 2
    assert not any(burst.is_wrong for burst in seen)
    assert follows.run_count == 0
