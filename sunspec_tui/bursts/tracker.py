"""Follow bursts from their begin to their end.

A burst keeps its name while runs are added to it. Two minutes and a half after its last run it is settled: it cannot
change any more, and its runs are forgotten.
"""

from collections.abc import Generator, Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.events import Event, EventMaker
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.stepping import finished
from sunspec_tui.bursts.structures import Structures
from sunspec_tui.bursts.sweeps import Sweep
from sunspec_tui.core.bursts import Burst

SETTLED_S = 150.0
"""Time without a new run after which a burst is settled."""

OPEN_S = 30.0
"""Time without a new run after which a burst has ended: the next stroke of a group may follow."""

FAR_CELL = 2**62
"""Cell after all others."""

MAX_RUNS = 6000
"""Largest number of runs in memory; with more of them the oldest bursts are settled early."""

# Times to add a run, and to make and name a burst, in microseconds of `Work`.
_ADD_US, _NAME_US = 20.0, 150.0

Key = tuple[int, int]


class BurstTracker:
    """Bursts that are not settled yet.

    Parameters
    ----------
    frequencies_mhz
        Centres of all bins.
    cell_s
        Length of a cell.
    source
        Address of the stream, or name of the file.
    """

    def __init__(self, frequencies_mhz: NDArray[np.float64], cell_s: float, source: str) -> None:
        self._maker, self._cell_s = EventMaker(frequencies_mhz, cell_s, source), cell_s
        self._structures = Structures()
        self._hits: list[DriftHit] = []
        self._sweeps: list[Sweep] = []
        self._names: dict[Key, str] = {}
        self._shown: dict[str, Burst] = {}
        self._name_counts: dict[str, int] = {}

    @property
    def run_count(self) -> int:
        """Number of runs in memory."""
        return len(self._structures)

    def add(self, runs: Iterable[Run], hits: Iterable[DriftHit], sweeps: Iterable[Sweep] = ()) -> None:
        """Add what was found in a block."""
        for run in runs:
            self._structures.add(run)
        self._hits += hits
        self._sweeps += sweeps

    def update(
        self, cell: int, open_runs: Iterable[Run] = (), open_sweeps: Iterable[Sweep] = (), *, settles: bool = True
    ) -> tuple[Burst, ...]:
        """Return the bursts that are new or have changed; see `steps`."""
        return finished(self.steps(cell, open_runs, open_sweeps, settles=settles))

    def steps(
        self, cell: int, open_runs: Iterable[Run] = (), open_sweeps: Iterable[Sweep] = (), *, settles: bool = True
    ) -> Generator[None, None, tuple[Burst, ...]]:
        """Find the bursts that are new or have changed, in steps.

        Runs that are added between the steps belong to the next update.

        Parameters
        ----------
        cell
            Number of the cell after the newest.
        open_runs, open_sweeps
            Runs and sweeps that go on.
        settles
            True to hand out the bursts that are settled.
        """
        structures, sweeps, hits = self._structures.copy(), (*self._sweeps, *open_sweeps), tuple(self._hits)
        for run in open_runs:
            structures.add(run)
            self._maker.work.add(_ADD_US)
            yield from self._maker.work.pauses()
        events = yield from self._maker.events(structures.all(), hits, sweeps)
        self._maker.work.add(_NAME_US * len(events))
        yield from self._maker.work.pauses()
        still_open_s = cell * self._cell_s - OPEN_S
        used: set[str] = set()
        changes = self._changes([self._named(event, still_open_s, used) for event in events])
        if settles:
            self._settle(cell * self._cell_s, events)
        return changes

    def close(self) -> tuple[Burst, ...]:
        """Return the last changes; nothing goes on after them."""
        return self.update(FAR_CELL, settles=False)

    # Names

    def _named(self, event: Event, still_open_s: float, used: set[str]) -> Burst:
        """Return the burst of an event with its name.

        It is the name of the oldest run that has one. If a burst has fallen apart, its earliest part keeps the name.
        """
        keys = keys_of(event)
        known = (
            (begin, number, self._names[number, begin]) for number, begin in keys if (number, begin) in self._names
        )
        _, _, oldest = min((each for each in known if each[2] not in used), default=(0, 0, ""))
        name = oldest or self._new_name(event.burst.begin_s)
        used.add(name)
        self._names.update(dict.fromkeys(keys, name))
        is_open = event.burst.is_open or event.burst.end_s > still_open_s
        return replace(event.burst, name=name, is_open=is_open)

    def _new_name(self, begin_s: float) -> str:
        second = datetime.fromtimestamp(begin_s, UTC).strftime("%Y%m%dT%H%M%S")
        self._name_counts[second] = count = self._name_counts.get(second, 0) + 1
        return f"{second}-{count}"

    # Changes

    def _changes(self, bursts: Iterable[Burst]) -> tuple[Burst, ...]:
        """Return what differs from the last update."""
        now = {burst.name: burst for burst in bursts}
        changes = [burst for name, burst in now.items() if not is_same(self._shown.get(name), burst)]
        gone = [
            replace(
                burst, is_open=False, is_wrong=True, is_withdrawn=True, reason="became a part of another burst, or none"
            )
            for name, burst in self._shown.items()
            if name not in now
        ]
        self._shown = now
        return (*changes, *gone)

    def _settle(self, now_s: float, events: Iterable[Event]) -> None:
        """Forget the bursts and runs that cannot change any more."""
        latest_s = now_s - SETTLED_S
        if len(self._structures) > MAX_RUNS:
            latest_s = now_s
        # A run that goes on has another end here than in the event.
        kept: set[Key] = set()
        # A faint burst ends later than its hit.
        kept_hits: set[DriftHit] = set()
        settled: set[Run | Sweep | DriftHit] = set()
        sweeps: list[Sweep] = []
        for event in events:
            hits = [event.hit] if event.hit else []
            if event.burst.is_open or event.burst.end_s >= latest_s:
                kept.update(keys_of(event))
                kept_hits.update(hits)
                sweeps += event.sweeps
            else:
                # A hit that this burst explains must not be a burst of its own when it has gone.
                settled.update(event.runs, event.sweeps, hits, self._maker.explained(self._hits, event.burst))
                self._forget(event)
        # Parts of a structure may be bursts of their own: those that are settled must not be found anew.
        old = [
            run
            for runs in self._structures.all()
            for is_old in [max(run.end for run in runs) * self._cell_s < latest_s]
            for run in runs
            if run in settled or (is_old and (run.bin, run.begin) not in kept)
        ]
        self._structures.remove(old)
        self._hits = [
            hit for hit in self._hits if hit not in settled and (hit in kept_hits or hit.end * self._cell_s >= latest_s)
        ]
        # A sweep in runs that are kept must be kept too, so that the next update finds it there again.
        begins = (run.begin for runs in self._structures.all() for run in runs)
        oldest = min([latest_s / self._cell_s, *begins, *(sweep.begin for sweep in sweeps)])
        self._sweeps = [sweep for sweep in self._sweeps if sweep.end >= oldest and sweep not in settled]
        self._names = {key: name for key, name in self._names.items() if key in kept or key[1] >= oldest}

    def _forget(self, event: Event) -> None:
        """Forget the name of a settled burst; it is shown no more."""
        for key in keys_of(event):
            name = self._names.pop(key, None)
            if name is not None:
                self._shown.pop(name, None)


def is_same(before: Burst | None, now: Burst) -> bool:
    """Return True if nothing has changed; two unknown numbers are the same."""
    if before is None:
        return False
    pairs = ((getattr(before, field.name), getattr(now, field.name)) for field in fields(Burst))
    return all(one == other or (one != one and other != other) for one, other in pairs)


def keys_of(event: Event) -> list[Key]:
    """Return keys that stay the same while an event grows."""
    keys = [(run.bin, run.begin) for run in event.runs] + [sweep.key for sweep in event.sweeps]
    return keys or [(-1, round(event.burst.begin_s))]
