"""Keep blocks of the last hours in memory.

Blocks of 2 s are kept for two hours, blocks of 16 and 128 s for a day. With the usual 768 bins and four products, full
memory takes 79 MiB. More bins are folded.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_folding import fold_factor, folded_frequencies_hz, folded_means, folded_peaks
from sunspec_tui.core.products import Product, derive
from sunspec_tui.core.row_blocks import Floats, Integers
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks, block_numbers, joined
from sunspec_tui.timeline.step_store import PEAK_PRODUCTS, StepStore, stored_products

MAX_BINS = 768
"""Largest number of bins of a block; more bins are folded."""

KEPT_S = {2: 7_200, 16: 86_400, 128: 86_400}
"""Time for which blocks of each step are kept, in seconds."""


class RowTimes(NamedTuple):
    """Times of rows; see `TimeBlocks.of_rows`."""

    times_us: Integers
    begin_us: Integers
    missing: Integers
    restarts: NDArray[np.bool_]

    def only(self, which: NDArray[np.bool_]) -> "RowTimes":
        """Return the times of some rows."""
        return RowTimes(self.times_us[which], self.begin_us[which], self.missing[which], self.restarts[which])


class MemoryBlocks:
    """Blocks of all steps, made of the rows of one frequency axis.

    Parameters
    ----------
    frequencies_hz
        Centres of the rows' bins, shape (nbins,).
    npol
        Number of products of a row.

    Attributes
    ----------
    frequencies_hz
        Centres of the blocks' bins.
    factor
        Number of a row's bins in a block's bin.
    newest_us
        End of the row that was added last; None before the first one.
    """

    def __init__(self, frequencies_hz: NDArray[np.float64], npol: int) -> None:
        self.factor = fold_factor(len(frequencies_hz), MAX_BINS)
        self.frequencies_hz = folded_frequencies_hz(frequencies_hz, self.factor)
        self.npol = npol
        nbins = len(self.frequencies_hz)
        self._stores = {step_s: StepStore(step_s, KEPT_S[step_s] // step_s + 1, nbins, npol) for step_s in STEPS_S}
        self._open: dict[int, TimeBlocks] = {}
        self.newest_us: int | None = None

    @property
    def nbytes(self) -> int:
        """Memory in bytes when all blocks are written."""
        return sum(store.nbytes for store in self._stores.values())

    def add(self, data: Floats, times: RowTimes) -> None:
        """Add rows in the order of arrival.

        Parameters
        ----------
        data
            Power, shape (n, nbins, npol), with the bins of the rows.
        times
            Their times, shape (n,) each.
        """
        if len(times.times_us):
            self.newest_us = int(times.times_us[-1])
            self.add_blocks(self._rows(data, times))

    def _rows(self, data: Floats, times: RowTimes) -> TimeBlocks:
        """Return rows with the bins of all stored products side by side.

        A merge of one wide array is several times as fast as merges of five.
        """
        values = [derive(data, product) for product in stored_products(self.npol)]
        rows = TimeBlocks.of_rows(*times, np.concatenate([folded_means(each, self.factor) for each in values], axis=1))
        if self.factor == 1:
            return rows
        return rows._replace(peak=np.concatenate([folded_peaks(each, self.factor) for each in values], axis=1))

    def add_parts(self, parts: Sequence[Sequence[TimeBlocks]]) -> None:
        """Add earlier rows with the blocks' bins.

        `parts` has the rows of each of `stored_products`. Rows that some product lacks are left out.
        """
        counts = {tuple(len(part.rows) for part in each) for each in parts}
        if len(counts) != 1 or not counts.pop():
            return
        each = [joined(part) for part in parts]
        mean, peak = (np.concatenate([getattr(part, name) for part in each], axis=1) for name in ("mean", "peak"))
        self.add_blocks(each[0]._replace(mean=mean, peak=peak))

    def add_blocks(self, rows: TimeBlocks) -> None:
        """Add rows with the bins of all stored products side by side."""
        last_us = int(rows.last_us[-1])
        for step_s in STEPS_S:
            rows = rows.merged(step_s)
            self._add_to_step(step_s, rows, last_us // (step_s * SECOND_US))

    def _add_to_step(self, step_s: int, blocks: TimeBlocks, open_number: int) -> None:
        """Merge blocks into the open one; store those that are finished.

        The block of the row that came last stays open. Its values are not rounded yet.
        """
        merged = joined([*self._earlier(step_s, blocks), blocks]).merged(step_s)
        is_open = block_numbers(merged.begin_us, step_s) == open_number
        self._open[step_s] = merged.only(is_open)
        if not is_open.all():
            self._stores[step_s].store(merged.only(~is_open))

    def _earlier(self, step_s: int, blocks: TimeBlocks) -> list[TimeBlocks]:
        """Return what is already known of some blocks, and the open block."""
        opened, numbers = self._open.get(step_s), block_numbers(blocks.begin_us, step_s)
        if opened is not None:
            numbers = numbers[numbers != block_numbers(opened.begin_us, step_s)[0]]
        # Rows whose time went back belong to blocks that are already stored.
        stored = self._stores[step_s].stored(numbers) if len(numbers) else None
        return [each for each in (opened, stored) if each is not None and len(each.rows)]

    # Reading

    def blocks(self, step_s: int, begin_us: int, end_us: int, product: Product) -> TimeBlocks:
        """Return the blocks of a step that begin between two times.

        Parameters
        ----------
        step_s
            One of `STEPS_S`.
        begin_us, end_us
            Microseconds since 1970 UTC.
        product
            One of the products that rows of `npol` products can show.
        """
        stored = self._stores[step_s].between(begin_us, end_us, product)
        opened = self._open_block(step_s, begin_us, end_us, product)
        if opened is None:
            return stored
        # A block that was stored before and is open again counts once.
        stored = stored.only(stored.begin_us != opened.begin_us[0])
        both = joined([stored, opened])
        return both.only(np.argsort(both.begin_us, kind="stable"))

    def _open_block(self, step_s: int, begin_us: int, end_us: int, product: Product) -> TimeBlocks | None:
        opened = self._open.get(step_s)
        if opened is None or not begin_us <= int(opened.begin_us[0]) < end_us:
            return None
        products = stored_products(self.npol)
        mean, peak = (power.reshape(1, len(products), -1) for power in (opened.mean, opened.peak))
        if product in products:
            number = products.index(product)
            known = peak if product in PEAK_PRODUCTS else mean
            return opened._replace(mean=mean[:, number], peak=known[:, number])
        derived = derive(mean[:, : self.npol].swapaxes(1, 2), product)
        return opened._replace(mean=derived, peak=derived)

    def oldest_us(self, step_s: int) -> int | None:
        """Return the begin of a step's oldest block; None without rows."""
        oldest = self._oldest(step_s)
        return None if oldest is None else oldest[0]

    def first_us(self, step_s: int) -> int | None:
        """Return the end of the first row of a step's oldest block.

        None without rows.
        """
        oldest = self._oldest(step_s)
        return None if oldest is None else oldest[1]

    def _oldest(self, step_s: int) -> tuple[int, int] | None:
        """Return begin and first row's end of a step's oldest block."""
        if self.newest_us is None:
            return None
        opened, stored = self._open.get(step_s), self._stores[step_s].oldest(self.newest_us)
        known = [] if opened is None else [(int(opened.begin_us[0]), int(opened.first_us[0]))]
        return min(known if stored is None else [*known, stored], default=None)

    def mapped(self, source_bins: Integers, frequencies_hz: NDArray[np.float64], npol: int) -> "MemoryBlocks":
        """Return the same blocks with the bins of another axis.

        Parameters
        ----------
        source_bins
            For each bin of the new blocks the bin of these blocks; -1 for none.
        frequencies_hz
            Centres of the bins of the new rows, before they are folded.
        npol
            Number of products of the new rows.
        """
        for step_s, opened in self._open.items():
            self._stores[step_s].store(opened)
        found = MemoryBlocks(frequencies_hz, npol)
        found._stores = {step_s: store.mapped(source_bins, npol) for step_s, store in self._stores.items()}
        found.newest_us = self.newest_us
        return found
