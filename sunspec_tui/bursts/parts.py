"""Find bursts in recorded rows, in parts for several workers.

The first step, `find_traces`, has a memory of an hour, and is most of the work: parts that overlap by this time give
the same runs. The second step, `bursts_of`, is quick and takes all traces in order.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, CellFolder, CellGrid
from sunspec_tui.bursts.detector import SETTLE_BLOCKS
from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.sweeps import Sweep
from sunspec_tui.bursts.trace_finder import WARM_UP_S, Found, TraceFinder
from sunspec_tui.bursts.tracker import BurstTracker
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording

BEFORE_S = 5400.0
"""Rows before a part that give its background: the hour of the background, and the longest run."""

AFTER_S = 1500.0
"""Rows after a part that are needed to follow its last runs to their ends."""


T = TypeVar("T", Run, Sweep)

MINUTE_CELLS = SETTLE_BLOCKS * CELLS_PER_BLOCK
"""Cells from one update to the next, a minute in cells of half a second."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Runs, drift hits and sweeps of a part.

    Attributes
    ----------
    frequencies_mhz
        Centres of the bins.
    cell_s
        Length of a cell.
    runs, hits, sweeps
        Those that begin in the part.
    """

    frequencies_mhz: NDArray[np.float64]
    cell_s: float
    runs: tuple[Run, ...]
    hits: tuple[DriftHit, ...]
    sweeps: tuple[Sweep, ...] = ()


class TraceSearch:
    """Search of the rows of one part, which may come in pieces.

    Parameters
    ----------
    frequencies_hz
        Centres of the rows' bins, ascending.
    products
        Products of the rows' last axis.
    cadence_s
        Time from row to row.
    """

    def __init__(self, frequencies_hz: NDArray[np.float64], products: tuple[Product, ...], cadence_s: float) -> None:
        self._grid = CellGrid(frequencies_hz, cadence_s)
        self._folder, self._finder = (
            CellFolder(self._grid, products),
            TraceFinder(self._grid, WARM_UP_S, at_once=None),
        )
        self._runs, self._hits = list[Run](), list[DriftHit]()
        self._sweeps = list[Sweep]()

    def feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32]) -> None:
        """Add rows in the order of time."""
        for block in self._folder.feed(times_s, data):
            self._keep(self._finder.feed(block))

    def _keep(self, found: Iterable[Found]) -> None:
        for each in found:
            self._runs += each.runs
            self._hits += each.hits
            self._sweeps += each.sweeps

    def traces(self, begin_s: float = -np.inf, end_s: float = np.inf) -> Traces:
        """Return what begins in an interval, after the last rows.

        Parameters
        ----------
        begin_s, end_s
            The interval, seconds since 1970 UTC.
        """
        for block in self._folder.close():
            self._keep(self._finder.feed(block))
        self._keep(self._finder.end_warm_up())
        self._runs += self._finder.close()
        self._sweeps += self._finder.close_sweeps()
        first, last = begin_s / self._grid.cell_s, end_s / self._grid.cell_s
        return Traces(
            self._grid.frequencies_mhz,
            self._grid.cell_s,
            tuple(run for run in self._runs if first <= run.begin < last),
            tuple(hit for hit in self._hits if first <= hit.begin < last),
            tuple(sweep for sweep in self._sweeps if first <= sweep.begin < last),
        )


def find_traces(recording: Recording, begin_s: float = -np.inf, end_s: float = np.inf) -> Traces:
    """Return the runs and drift hits that begin in an interval.

    Parameters
    ----------
    recording
        Rows of the interval, with those of `BEFORE_S` before and `AFTER_S` after it, as far as there are any.
    begin_s, end_s
        The interval, seconds since 1970 UTC.
    """
    found = TraceSearch(recording.frequencies_hz, recording.products, recording.cadence_s)
    found.feed(recording.times_s, recording.data)
    return found.traces(begin_s, end_s)


def bursts_of(traces: Iterable[Traces], source: str = "") -> tuple[Burst, ...]:
    """Return the bursts of a series, the earliest first.

    Parameters
    ----------
    traces
        Those of all parts, of the same bins and cells.
    source
        Name of the files or of the archive.
    """
    parts = list(traces)
    if not parts:
        return ()
    tracker = BurstTracker(parts[0].frequencies_mhz, parts[0].cell_s, source)
    bursts: dict[str, Burst] = {}
    runs = sorted((run for part in parts for run in part.runs), key=lambda run: (run.end, run.bin, run.begin))
    sweeps = sorted((sweep for part in parts for sweep in part.sweeps), key=lambda sweep: (sweep.end, sweep.key))
    hits = [hit for part in parts for hit in part.hits]
    # Runs that go on at the end of a minute are given too, so that their bursts are not settled before they end.
    open_runs, open_sweeps = _open_at(runs), _open_at(sweeps)
    for minute, found in _minutes(runs, hits, sweeps):
        tracker.add(found.runs, found.hits, found.sweeps)
        changes = tracker.update(found.cell, open_runs.get(minute, ()), open_sweeps.get(minute, ()))
        bursts |= {burst.name: burst for burst in changes}
    bursts |= {burst.name: burst for burst in tracker.close()}
    return tuple(sorted((each for each in bursts.values() if not each.is_wrong), key=lambda burst: burst.begin_s))


def _open_at(traces: Iterable[T]) -> dict[int, list[T]]:
    """Return what goes on at the end of each minute."""
    found: dict[int, list[T]] = defaultdict(list)
    for trace in traces:
        for minute in range(trace.begin // MINUTE_CELLS, trace.end // MINUTE_CELLS):
            found[minute].append(trace)
    return found


def _minutes(runs: Iterable[Run], hits: Iterable[DriftHit], sweeps: Iterable[Sweep]) -> Iterator[tuple[int, Found]]:
    """Yield what ends in each minute, and the minute's number."""
    minutes: dict[int, tuple[list[Run], list[DriftHit], list[Sweep]]] = defaultdict(lambda: ([], [], []))
    for run in runs:
        minutes[run.end // MINUTE_CELLS][0].append(run)
    for hit in sorted(hits, key=lambda hit: (hit.end, hit.begin, hit.low_bin)):
        minutes[hit.end // MINUTE_CELLS][1].append(hit)
    for sweep in sweeps:
        minutes[sweep.end // MINUTE_CELLS][2].append(sweep)
    for minute in sorted(minutes):
        found = minutes[minute]
        yield minute, Found((minute + 1) * MINUTE_CELLS, tuple(found[0]), tuple(found[1]), tuple(found[2]))
