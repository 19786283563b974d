"""Find bursts in rows as they come.

Rows become cells, cells above the background become runs, runs become structures, and structures become bursts.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, CellFolder, CellGrid
from sunspec_tui.bursts.trace_finder import Found, TraceFinder
from sunspec_tui.bursts.tracker import BurstTracker
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.products import Product

SETTLE_BLOCKS = 15
"""Blocks from one search for settled bursts to the next."""

RUNS_PER_PAUSE, MAX_PAUSE_BLOCKS = 150, 2
"""Runs for which a block is left out from one update to the next, and most blocks that are left out."""

_ROWS_FOR_CADENCE = 8


class BurstDetector:
    """Detector of bursts in a stream.

    Parameters
    ----------
    frequencies_hz
        Centres of the rows' bins, ascending, shape (nbins,).
    products
        Products of the rows' last axis.
    source
        Address of the stream, or name of the file.

    Attributes
    ----------
    cadence_s
        Time from row to row; NaN for the first rows.
    """

    def __init__(self, frequencies_hz: NDArray[np.float64], products: tuple[Product, ...], source: str = "") -> None:
        self._frequencies_hz, self._products, self._source = frequencies_hz, products, source
        self.cadence_s = float("nan")
        self._first: list[tuple[NDArray[np.float64], NDArray[np.float32]]] = []
        self._is_due = False
        self._parts: tuple[CellFolder, TraceFinder, BurstTracker] | None = None

    def feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32]) -> tuple[Burst, ...]:
        """Add rows in order; return the bursts that have changed.

        Parameters
        ----------
        times_s
            End of each row's averaging, seconds since 1970 UTC, shape (n,).
        data
            Power, shape (n, nbins, nproducts); NaN for missing values.

        Returns
        -------
        tuple of Burst
            Bursts that were opened, updated or closed.
        """
        if self._parts is None:
            self._first.append((times_s, data))
            if sum(len(times) for times, _ in self._first) < _ROWS_FOR_CADENCE:
                return ()
            times_s, data = (np.concatenate(each) for each in zip(*self._first, strict=True))
            self._start(times_s)
        folder, _, _ = self._get_parts()
        changes: dict[str, Burst] = {}
        for block in folder.feed(times_s, data):
            for found in self._get_parts()[1].feed(block):
                changes |= {burst.name: burst for burst in self._track(found)}
        return tuple(changes.values())

    def _start(self, times_s: NDArray[np.float64]) -> None:
        """Make the parts for the cadence of the first rows."""
        self._first.clear()
        self.cadence_s = float(np.median(np.diff(times_s)))
        grid = CellGrid(self._frequencies_hz, self.cadence_s)
        self._parts = (
            CellFolder(grid, self._products),
            TraceFinder(grid),
            BurstTracker(grid.frequencies_mhz, grid.cell_s, self._source),
        )

    def _get_parts(self) -> tuple[CellFolder, TraceFinder, BurstTracker]:
        assert self._parts is not None  # noqa: S101 - for the type checker
        return self._parts

    def _track(self, found: Found) -> tuple[Burst, ...]:
        """Follow the bursts; a block without anything costs nothing."""
        _, finder, tracker = self._get_parts()
        tracker.add(found.runs, found.hits, found.sweeps)
        open_runs = finder.open_runs()
        block = found.cell // CELLS_PER_BLOCK
        settles = block % SETTLE_BLOCKS == 0
        self._is_due |= bool(found.runs or found.hits or found.sweeps or open_runs)
        # A large burst is followed less often, so that one block never takes long.
        pause = 1 + min(MAX_PAUSE_BLOCKS, (len(open_runs) + tracker.run_count) // RUNS_PER_PAUSE)
        if not settles and (not self._is_due or block % pause):
            return ()
        self._is_due = False
        return tracker.update(found.cell, open_runs, finder.open_sweeps(), settles=settles)

    def close(self) -> tuple[Burst, ...]:
        """End all bursts; return those that have changed."""
        if self._parts is None:
            return ()
        _, finder, tracker = self._parts
        waiting = finder.end_warm_up()
        for found in waiting:
            tracker.add(found.runs, found.hits, found.sweeps)
        tracker.add(finder.close(), (), finder.close_sweeps())
        return tracker.close()
