"""Find runs and drift hits in blocks of cells.

Cells are compared with the background of the last hour. The memory is bounded, so rows that are read in overlapping
parts give the same runs as rows that are read at once.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.background import Background, BackgroundFollower
from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, Block, CellGrid
from sunspec_tui.bursts.drift_sums import DriftHit, DriftSums
from sunspec_tui.bursts.ridges import RidgeFinder
from sunspec_tui.bursts.run_finder import RunFinder, limits_db, smoothed
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.steps import StepFinder
from sunspec_tui.bursts.sweeps import Sweep

WARM_UP_S = 900.0
"""Time of recorded rows that give the first background."""

MAX_RUN_S = 1200.0
"""Longest run: parts overlap by this time and the memory of the background."""

MIN_TAIL_S = 30.0
"""Shortest tail of a run that counts: a continuum after a burst (type V) lasts for half a minute."""

MAX_HELD_S = 5.0
"""Longest time without rows over which a run goes on, see `run_finder.MAX_HELD_CELLS`."""

MIN_RUN_HISTORY = 20
"""Least number of cells of the longest run, however long the cells are."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a block has given.

    Attributes
    ----------
    cell
        Number of the cell after the block's last.
    runs
        Runs that have ended.
    hits
        Drift hits that are now known.
    sweeps
        Sweeps of ridges that have ended.
    """

    cell: int
    runs: tuple[Run, ...]
    hits: tuple[DriftHit, ...]
    sweeps: tuple[Sweep, ...] = ()


class TraceFinder:
    """Finds runs, drift hits and sweeps, block by block.

    Its memory ends after the background's window and the longest run.

    Parameters
    ----------
    grid
        Bins and cells.
    warm_up_s
        Shortest time of the first rows that wait, to be compared with their own background.
    at_once
        Blocks that are processed at once after the warm-up; None for all. A live search must not take long at once.
    """

    def __init__(self, grid: CellGrid, warm_up_s: float = 0.0, at_once: int | None = 2) -> None:
        nbins = len(grid.frequencies_mhz)
        self._block_s, self._warm_up_blocks, self._at_once = grid.block_s, round(warm_up_s / grid.block_s), at_once
        max_run_cells = max(MIN_RUN_HISTORY, round(MAX_RUN_S / grid.cell_s))
        min_tail_cells = max(1, round(MIN_TAIL_S / grid.cell_s))
        self._held_cells = int(MAX_HELD_S / grid.cell_s)
        self._runs = RunFinder(nbins, max_run_cells, min_tail_cells, self._held_cells)
        self._sums = DriftSums(grid.frequencies_mhz, grid.cell_s)
        self._ridges = RidgeFinder(grid.frequencies_mhz, grid.cell_s)
        self._newest: int | None = None
        self._begin(nbins)
        self._last: NDArray[np.float32] | None = None
        self._last_circular: NDArray[np.float32] | None = None
        self._number: int | None = None

    def _begin(self, nbins: int) -> None:
        """Begin without a background."""
        self._background = BackgroundFollower(nbins, self._block_s)
        # Blocks that wait, with the recent levels of their time.
        self._waiting: deque[tuple[Block, NDArray[np.float32]]] | None = deque()
        self._first_background: Background | None = None
        self._first_number = 0
        self._steps, self._step_list = StepFinder(), list[tuple[int, NDArray[np.float32]]]()

    def feed(self, block: Block) -> list[Found]:
        """Add a block; return what it gives, also of blocks that waited."""
        before: list[Found] = []
        if not block.decibels.shape[1]:
            return before
        gap = 1 if self._newest is None else block.number - self._newest
        if gap > self._background.window_blocks:
            # Rows that are read from here on have no other background either.
            before = self.end_warm_up()
            self._begin(block.decibels.shape[1])
        elif gap > 1:
            self._steps.forget()
        self._newest = block.number
        return before + self._feed(block)

    def _feed(self, block: Block) -> list[Found]:
        """Add a block that the background may take part in."""
        self._background.add(block.number, block.decibels)
        self._follow_gain(block)
        if self._waiting is None:
            return self._processed(block, self._background.background())
        self._wait(self._waiting, block)
        is_warm = self._background.count >= max(self._warm_up_blocks, self._background.least)
        return self.end_warm_up(self._at_once) if is_warm else []

    def _wait(self, waiting: deque[tuple[Block, NDArray[np.float32]]], block: Block) -> None:
        """Let a block wait for the first background.

        Its recent level is that of its own time: a later burst would raise that of a later time, and hide faint bursts.
        The blocks of the first minute share one level.
        """
        recent_db = self._background.recent_db()
        if self._background.count <= self._background.least:
            for number, (other, _) in enumerate(waiting):
                waiting[number] = other, recent_db - self._steps_db(other.number, block.number)
        waiting.append((block, recent_db))

    def end_warm_up(self, most: int | None = None) -> list[Found]:
        """Process blocks that wait, with the first background.

        Parameters
        ----------
        most
            Largest number of blocks; None for all.
        """
        if self._waiting is None:
            return []
        if self._first_background is None:
            self._first_background, self._first_number = self._background.background(least=1), self._newest or 0
        count = len(self._waiting) if most is None else min(most, len(self._waiting))
        blocks = [self._waiting.popleft() for _ in range(count)]
        found = [
            each
            for block, recent_db in blocks
            for each in self._processed(block, self._background_at(block.number, recent_db))
        ]
        if not self._waiting:
            self._waiting = None
            self._step_list.clear()
        return found

    def _follow_gain(self, block: Block) -> None:
        """Let the background take part in a step of the gain."""
        step = self._steps.feed(block.decibels)
        if step is not None:
            self._background.shift(step)
            if self._waiting is not None:
                self._step_list.append((block.number, step))

    def _steps_db(self, after: int, until: int) -> NDArray[np.float32]:
        """Return the sum of the steps of the gain between two blocks."""
        steps = [step for number, step in self._step_list if after < number <= until]
        return np.asarray(np.sum(steps, axis=0, dtype=np.float32))

    def _background_at(self, number: int, recent_db: NDArray[np.float32]) -> Background | None:
        """Return the first background at the time of a block.

        It has the steps of the gain until then, and the recent level of that time.
        """
        first = self._first_background
        if first is None:
            return None
        made = self._first_number
        level_db = first.level_db - self._steps_db(number, made) + self._steps_db(made, number)
        return replace(first, level_db=level_db, recent_db=recent_db)

    def _processed(self, block: Block, background: Background | None) -> list[Found]:
        """Process a block, after a missing one over which runs go on."""
        is_held = self._number is not None and block.number == self._number + 2
        blocks = [unknown_before(block)] if is_held and self._held_cells >= CELLS_PER_BLOCK else []
        return [self._process(each, background) for each in (*blocks, block)]

    def _process(self, block: Block, background: Background | None) -> Found:
        """Find the runs and hits of a block."""
        cell = block.number * CELLS_PER_BLOCK
        if background is None:
            return Found(cell + CELLS_PER_BLOCK, (), ())
        runs: list[Run] = []
        if self._number is not None and block.number != self._number + 1:
            runs += self._runs.close(self._number * CELLS_PER_BLOCK + CELLS_PER_BLOCK - 1)
            self._last = self._last_circular = None
        self._number = block.number
        excess = block.decibels - background.level_db
        before = excess[:1].repeat(2, axis=0) if self._last is None else self._last
        cells = np.concatenate([before, excess])
        self._last = cells[-2:]
        limits = limits_db(background.spread_db, background.noise_db)
        # The mean of three cells is known one cell later.
        smooth = smoothed(cells)
        runs += self._runs.feed(cell - 1, smooth, self._circular(block), limits, np.isnan(cells[1:-1]))
        hits = self._sums.feed(block.number, block.decibels - background.recent_db)
        sweeps = self._ridges.feed(block.number, smooth, limits[0], background.noise_db)
        return Found(cell + CELLS_PER_BLOCK, tuple(runs), tuple(hits), tuple(sweeps))

    def _circular(self, block: Block) -> NDArray[np.float32] | None:
        """Return V/I of the cells that the smoothed ones belong to."""
        if block.circular is None:
            return None
        before = block.circular[:1] if self._last_circular is None else self._last_circular
        self._last_circular = block.circular[-1:]
        return np.concatenate([before, block.circular[:-1]])

    @property
    def has_open_runs(self) -> bool:
        """True if runs go on that count already."""
        return self._runs.has_open_runs

    def open_runs(self) -> list[Run]:
        """Return the runs that go on."""
        return [] if self._number is None else self._runs.open_runs(self._end)

    def open_sweeps(self) -> list[Sweep]:
        """Return the sweeps of ridges that go on."""
        return self._ridges.open_sweeps()

    def close_sweeps(self) -> list[Sweep]:
        """End all ridges; return their sweeps."""
        return self._ridges.close()

    def close(self) -> list[Run]:
        """End all runs; return them."""
        return [] if self._number is None else self._runs.close(self._end)

    @property
    def _end(self) -> int:
        assert self._number is not None  # noqa: S101 - for the type checker
        return (self._number + 1) * CELLS_PER_BLOCK - 1


def unknown_before(block: Block) -> Block:
    """Return a block without rows, the one before another."""
    unknown = np.full_like(block.decibels, np.nan)
    return Block(block.number - 1, unknown, None if block.circular is None else unknown)
