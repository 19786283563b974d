"""Keep means and peaks of row blocks to draw long histories quickly.

The finest blocks contain the rows of 16 slots. Each block of a coarser step contains four blocks of the finer step. A
finished block never changes. The owner passes each row once. This module reads neither the ring nor a clock.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import SIGNED_PRODUCTS, WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.core.row_blocks import (
    FINEST_STEP,
    STEP_RATIO,
    BlockSpans,
    Floats,
    Integers,
    group_starts,
    merged_peaks,
    merged_sums,
)

_MAX_STEP = FINEST_STEP * STEP_RATIO**4
_MEANS = (*WIRE_PRODUCTS, Product.V_OVER_I)
_NO_BLOCK = np.iinfo(np.int64).min


class Blocks(NamedTuple):
    """Blocks of rows of one product, oldest first.

    Attributes
    ----------
    spans
        Slots, times and row counts of the blocks.
    mean, peak
        Mean and highest power, float32, shape (n, nbins); for a signed product `peak` is the mean.
    """

    spans: BlockSpans
    mean: Floats
    peak: Floats


class CoarseRows:
    """Blocks of the last rows, in several step sizes.

    When full, they use about a sixth of the ring's memory.

    Parameters
    ----------
    nbins, npol
        Shape of a row.
    length
        Number of the last rows that the blocks cover.
    """

    def __init__(self, nbins: int, npol: int, length: int) -> None:
        steps = [step for step in _step_sizes() if step <= max(FINEST_STEP, length)]
        self._steps = [_Step(step, length // step + 2, nbins, npol) for step in steps]
        self._finest_slots = (length // FINEST_STEP + 2) * FINEST_STEP
        self.begin_slot = 0
        """First slot from which all rows are in the blocks."""
        self.end_slot = -1
        """Slot before which all rows are in the blocks; -1 before the first row."""

    def add(self, rows: Rows, end_slot: int) -> None:
        """Add the next rows.

        Parameters
        ----------
        rows
            Rows of all products.
        end_slot
            Multiple of `FINEST_STEP` after the last of these rows. Later calls must not have a row before it.
        """
        if self.end_slot < 0:
            # The first row's block may also have had earlier rows, which are unknown. So this block is omitted.
            self.begin_slot = self.end_slot = _round_up(int(rows.slots[0]), FINEST_STEP)
        which = rows.slots >= self.end_slot
        if which.any():
            self._steps[0].add_rows(rows, which)
        for finer, coarser in zip(self._steps[:-1], self._steps[1:], strict=True):
            coarser.add_blocks(finer, max(self.begin_slot, self.end_slot // coarser.slots * coarser.slots), end_slot)
        self.end_slot = end_slot

    def step_for(self, rows_per_column: int) -> int | None:
        """Return the largest step that divides a column; None if none does.

        Without such a step, a column is made of rows.
        """
        fitting = [step.slots for step in self._steps if rows_per_column % step.slots == 0]
        return fitting[-1] if fitting else None

    def available_range(self, step: int, start: int, stop: int) -> tuple[int, int]:
        """Return the part of a slot range that has blocks.

        The result is (start, stop). Both are equal if there are no blocks.
        """
        # After a long gap, the rows before the gap leave the finest blocks earlier than the ring.
        begin = _round_up(max(start, self.begin_slot, self.end_slot - self._finest_slots), step)
        return begin, max(begin, min(stop, self.end_slot) // step * step)

    def between(self, step: int, start: int, stop: int, product: Product) -> Blocks:
        """Return the blocks with rows of slots `start` to `stop`.

        Both are multiples of the step.
        """
        return next(each for each in self._steps if each.slots == step).between(start, stop, product)


class _Step:
    """The newest `capacity` blocks of one step size.

    Each product has its own arrays of means and peaks, because one product is read at a time.
    """

    def __init__(self, slots: int, capacity: int, nbins: int, npol: int) -> None:
        self.slots = slots
        self._capacity = capacity
        carried = available(npol)
        self._means = {product: np.empty((capacity, nbins), np.float32) for product in _MEANS if product in carried}
        self._peaks = {
            product: np.empty((capacity, nbins), np.float32) for product in carried if product not in SIGNED_PRODUCTS
        }
        self._numbers = np.full(capacity, _NO_BLOCK, np.int64)
        rows, first_slots, last_slots = np.zeros((3, capacity), np.int64)
        first_s, last_s = np.zeros((2, capacity))
        self._spans = BlockSpans(rows, first_slots, last_slots, first_s, last_s, np.zeros(capacity, np.bool_))

    def add_rows(self, rows: Rows, which: NDArray[np.bool_]) -> None:
        """Merge rows into blocks."""
        spans = BlockSpans.of_rows(rows.times_s[which], rows.slots[which], rows.marks[which])
        power = {each: derive(rows.data, each)[which] for each in self._means | self._peaks}
        self._store_merged(spans, power, power)

    def add_blocks(self, finer: "_Step", start: int, stop: int) -> None:
        """Merge finer blocks into the complete blocks between two slots."""
        begin, end = _round_up(start, self.slots), stop // self.slots * self.slots
        spans, means, peaks = finer.all_between(begin, max(begin, end))
        if len(spans.rows):
            self._store_merged(spans, means, peaks)

    def _store_merged(self, spans: BlockSpans, means: dict[Product, Floats], peaks: dict[Product, Floats]) -> None:
        """Merge blocks to this step size, and store them."""
        starts = group_starts(spans.first_slots // self.slots)
        merged = spans.merged(starts)
        numbers = merged.first_slots // self.slots
        at = numbers % self._capacity
        self._numbers[at] = numbers
        for stored, values in zip(self._spans, merged, strict=True):
            stored[at] = values
        for product, stored in self._means.items():
            sums, counts = merged_sums(means[product], spans.rows, starts)
            with np.errstate(invalid="ignore", divide="ignore"):
                stored[at] = np.where(counts > 0, sums / counts, math.nan)
        for product, stored in self._peaks.items():
            stored[at] = merged_peaks(peaks[product], starts)

    def all_between(self, start: int, stop: int) -> tuple[BlockSpans, dict[Product, Floats], dict[Product, Floats]]:
        """Return the blocks with rows between two slots, of all products.

        The result is the spans, the means by product and the peaks by product.
        """
        indices = self._indices(start, stop)
        means, peaks = (
            {product: values[indices] for product, values in stored.items()} for stored in (self._means, self._peaks)
        )
        return self._spans.only(indices), means, peaks

    def between(self, start: int, stop: int, product: Product) -> Blocks:
        """Return the blocks with rows of one product."""
        indices = self._indices(start, stop)
        mean = self._mean(indices, product)
        return Blocks(
            self._spans.only(indices), mean, self._peaks[product][indices] if product in self._peaks else mean
        )

    def _mean(self, indices: Integers, product: Product) -> Floats:
        """Return means; a linear product is derived from the stored means."""
        if product in self._means:
            return self._means[product][indices]
        if product in (Product.U, Product.V):
            return self._means[WIRE_PRODUCTS[2 if product is Product.U else 3]][indices]
        both = [self._means[each][indices] for each in (Product.XX, Product.YY)]
        return derive(np.stack(both, axis=-1), product)

    def _indices(self, start: int, stop: int) -> Integers:
        """Return indices of the blocks with rows between slots, oldest first."""
        last = stop // self.slots
        numbers = np.arange(max(start // self.slots, last - self._capacity), last, dtype=np.int64)
        indices = numbers % self._capacity
        return np.asarray(indices[self._numbers[indices] == numbers], np.int64)


def _step_sizes() -> list[int]:
    steps = [FINEST_STEP]
    while steps[-1] < _MAX_STEP:
        steps.append(steps[-1] * STEP_RATIO)
    return steps


def _round_up(slot: int, step: int) -> int:
    return -(-slot // step) * step
