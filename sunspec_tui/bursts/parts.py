"""Find bursts in recorded rows, in parts for several workers.

The first step, `find_traces`, has a memory of an hour, and is most of the work: parts that overlap by this time give
the same runs. The second step, `bursts_of`, is quick and takes all traces in order.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, CellFolder, CellGrid
from sunspec_tui.bursts.detector import SETTLE_BLOCKS
from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.trace_finder import WARM_UP_BLOCKS, TraceFinder
from sunspec_tui.bursts.tracker import BurstTracker
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.recording import Recording

BEFORE_S = 5400.0
"""Rows before a part that give its background: the hour of the background, and the longest run."""

AFTER_S = 1500.0
"""Rows after a part that are needed to follow its last runs to their ends."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Runs and drift hits of a part.

    Attributes
    ----------
    frequencies_mhz
        Centres of the bins.
    cell_s
        Length of a cell.
    runs, hits
        Those that begin in the part.
    """

    frequencies_mhz: NDArray[np.float64]
    cell_s: float
    runs: tuple[Run, ...]
    hits: tuple[DriftHit, ...]


def find_traces(recording: Recording, begin_s: float = -np.inf, end_s: float = np.inf) -> Traces:
    """Return the runs and drift hits that begin in an interval.

    Parameters
    ----------
    recording
        Rows of the interval, with those of `BEFORE_S` before and `AFTER_S` after it, as far as there are any.
    begin_s, end_s
        The interval, seconds since 1970 UTC.
    """
    grid = CellGrid(recording.frequencies_hz, recording.cadence_s)
    folder, finder = CellFolder(grid, recording.products), TraceFinder(grid, WARM_UP_BLOCKS)
    blocks = folder.feed(recording.times_s, recording.data)
    if len(recording.times_s):
        blocks.append(folder.close())
    found = [each for block in blocks for each in finder.feed(block)] + finder.end_warm_up()
    runs = [run for each in found for run in each.runs] + finder.close()
    first, last = begin_s / grid.cell_s, end_s / grid.cell_s
    return Traces(
        grid.frequencies_mhz,
        grid.cell_s,
        tuple(run for run in runs if first <= run.begin < last),
        tuple(hit for each in found for hit in each.hits if first <= hit.begin < last),
    )


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
    for cell, runs, hits in _steps(parts):
        tracker.add(runs, hits)
        bursts |= {burst.name: burst for burst in tracker.update(cell)}
    bursts |= {burst.name: burst for burst in tracker.close()}
    return tuple(sorted((each for each in bursts.values() if not each.is_wrong), key=lambda burst: burst.begin_s))


def _steps(parts: Sequence[Traces]) -> Iterator[tuple[int, list[Run], list[DriftHit]]]:
    """Yield the traces of each minute, in order of their ends."""
    length = SETTLE_BLOCKS * CELLS_PER_BLOCK
    runs = sorted((run for part in parts for run in part.runs), key=lambda run: (run.end, run.bin, run.begin))
    hits = sorted((hit for part in parts for hit in part.hits), key=lambda hit: (hit.end, hit.begin, hit.low_bin))
    minutes: dict[int, tuple[list[Run], list[DriftHit]]] = {}
    for run in runs:
        minutes.setdefault(run.end // length, ([], []))[0].append(run)
    for hit in hits:
        minutes.setdefault(hit.end // length, ([], []))[1].append(hit)
    for minute in sorted(minutes):
        yield (minute + 1) * length, *minutes[minute]
