"""Find bursts in rows as they come.

Rows become cells, cells above the background become runs, runs become structures, and structures become bursts.
"""

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, CellFolder, CellGrid
from sunspec_tui.bursts.run_columns import quantile
from sunspec_tui.bursts.stepping import finished
from sunspec_tui.bursts.trace_finder import Found, TraceFinder
from sunspec_tui.bursts.tracker import BurstTracker
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.products import Product

SETTLE_BLOCKS = 15
"""Blocks from one search for settled bursts to the next."""

STEPS_WITHOUT_BLOCK = 2
"""Steps of an update in a call that completes no block."""

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
        self._is_due = self._settles = False
        # The rest of an update that has begun; None between updates.
        self._steps: Generator[None, None, tuple[Burst, ...]] | None = None
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
        folder, finder, _ = self._get_parts()
        blocks = folder.feed(times_s, data)
        changes = {} if blocks else self._step(STEPS_WITHOUT_BLOCK)
        for block in blocks:
            changes |= self._follow(finder.feed(block))
        return tuple(changes.values())

    def _start(self, times_s: NDArray[np.float64]) -> None:
        """Make the parts for the cadence of the first rows."""
        self._first.clear()
        self.cadence_s = quantile(np.diff(times_s), 0.5)
        grid = CellGrid(self._frequencies_hz, self.cadence_s)
        self._parts = (
            CellFolder(grid, self._products),
            TraceFinder(grid),
            BurstTracker(grid.frequencies_mhz, grid.cell_s, self._source),
        )

    def _get_parts(self) -> tuple[CellFolder, TraceFinder, BurstTracker]:
        assert self._parts is not None  # noqa: S101 - for the type checker
        return self._parts

    def _follow(self, found: Sequence[Found]) -> dict[str, Burst]:
        """Follow the bursts; a block without anything costs nothing.

        A new update does its first step in the next call, because this one has found runs.
        """
        _, finder, tracker = self._get_parts()
        changes = self._step()
        for each in found:
            tracker.add(each.runs, each.hits, each.sweeps)
            self._settles |= each.cell // CELLS_PER_BLOCK % SETTLE_BLOCKS == 0
            self._is_due |= bool(each.runs or each.hits or each.sweeps or finder.has_open_runs)
        if found and self._steps is None and (self._is_due or self._settles):
            open_runs, open_sweeps = finder.open_runs(), finder.open_sweeps()
            self._steps = tracker.steps(found[-1].cell, open_runs, open_sweeps, settles=self._settles)
            self._is_due = self._settles = False
        return changes

    def _step(self, most: int = 1) -> dict[str, Burst]:
        """Go on with an update for some steps, a few milliseconds.

        The update of a large burst is done in steps, because a live search must not take long at once.
        """
        steps = self._steps or iter(())
        try:
            for _ in range(most):
                next(steps)
        except StopIteration as end:
            self._steps = None
            return {burst.name: burst for burst in end.value or ()}
        return {}

    def close(self) -> tuple[Burst, ...]:
        """End all bursts; return those that have changed."""
        if self._parts is None:
            return ()
        folder, finder, tracker = self._parts
        steps, self._steps = self._steps, None
        changes = {burst.name: burst for burst in finished(steps)} if steps else {}
        last = [found for block in folder.close() for found in finder.feed(block)]
        for found in [*last, *finder.end_warm_up()]:
            tracker.add(found.runs, found.hits, found.sweeps)
        tracker.add(finder.close(), (), finder.close_sweeps())
        changes |= {burst.name: burst for burst in tracker.close()}
        return tuple(changes.values())
