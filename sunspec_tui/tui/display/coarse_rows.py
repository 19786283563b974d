"""Means and highest values of many rows beside the ring, so that a long history is drawn in milliseconds.

Blocks of 16 slots are made of rows, and each coarser step of four blocks of the step before. A block that is made never
changes. The owner passes each row once; nothing here reads the ring or a clock.
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
_NEVER = np.iinfo(np.int64).min


class Blocks(NamedTuple):
    """Blocks of rows of one product, the oldest first.

    Attributes
    ----------
    spans
        Where they lie.
    mean, peak
        Mean and highest power, float32, shape (n, nbins); of a signed product `peak` is the mean.
    """

    spans: BlockSpans
    mean: Floats
    peak: Floats


class CoarseRows:
    """Blocks of the last rows, in several steps.

    They take about a sixth of the ring's memory, as they fill.

    Parameters
    ----------
    nbins, npol
        Shape of a row.
    length
        Rows that are looked back.
    """

    def __init__(self, nbins: int, npol: int, length: int) -> None:
        steps = [step for step in _powers() if step <= max(FINEST_STEP, length)]
        self._steps = [_Step(step, length // step + 2, nbins, npol) for step in steps]
        self._reach = (length // FINEST_STEP + 2) * FINEST_STEP
        self.begin_slot = 0
        """Slot from which on all rows are in the blocks."""
        self.end_slot = -1
        """Slot before which all rows are in the blocks; -1 before the first."""

    def add(self, rows: Rows, end_slot: int) -> None:
        """Add the rows that follow those that were added before.

        Parameters
        ----------
        rows
            Rows of all products.
        end_slot
            Multiple of `FINEST_STEP` behind the last of them; no row before it comes later.
        """
        if self.end_slot < 0:
            # The block in which the first row lies may have had earlier ones.
            self.begin_slot = self.end_slot = _round_up(int(rows.slots[0]), FINEST_STEP)
        which = rows.slots >= self.end_slot
        if which.any():
            self._steps[0].make_of_rows(rows, which)
        for finer, coarser in zip(self._steps[:-1], self._steps[1:], strict=True):
            coarser.make_of_blocks(
                finer, max(self.begin_slot, self.end_slot // coarser.slots * coarser.slots), end_slot
            )
        self.end_slot = end_slot

    def step_for(self, rows_per_column: int) -> int | None:
        """Return the largest step of which a column is made; None if it is made of rows."""
        fitting = [step.slots for step in self._steps if rows_per_column % step.slots == 0]
        return fitting[-1] if fitting else None

    def known(self, step: int, start: int, stop: int) -> tuple[int, int]:
        """Return which of some slots have blocks, from the first on and before the second; equal if none has."""
        # Where slots are empty for long, the rows before have left the finest blocks sooner than the ring.
        begin = _round_up(max(start, self.begin_slot, self.end_slot - self._reach), step)
        return begin, max(begin, min(stop, self.end_slot) // step * step)

    def between(self, step: int, start: int, stop: int, product: Product) -> Blocks:
        """Return the blocks of slots `start` to `stop`, both multiples of the step, that have rows."""
        return next(each for each in self._steps if each.slots == step).between(start, stop, product)


class _Step:
    """Blocks of equally many slots, the newest `capacity` of them.

    Means and highest values of each product lie together, because one product is read at a time.
    """

    def __init__(self, slots: int, capacity: int, nbins: int, npol: int) -> None:
        self.slots = slots
        self._capacity = capacity
        carried = available(npol)
        self._means = {product: np.empty((capacity, nbins), np.float32) for product in _MEANS if product in carried}
        self._peaks = {
            product: np.empty((capacity, nbins), np.float32) for product in carried if product not in SIGNED_PRODUCTS
        }
        self._numbers = np.full(capacity, _NEVER, np.int64)
        rows, first_slots, last_slots = np.zeros((3, capacity), np.int64)
        first_s, last_s = np.zeros((2, capacity))
        self._spans = BlockSpans(rows, first_slots, last_slots, first_s, last_s, np.zeros(capacity, np.bool_))

    def make_of_rows(self, rows: Rows, which: NDArray[np.bool_]) -> None:
        """Make blocks of rows."""
        spans = BlockSpans.of_rows(rows.times_s[which], rows.slots[which], rows.marks[which])
        power = {each: derive(rows.data, each)[which] for each in self._means | self._peaks}
        self._make(spans, power, power)

    def make_of_blocks(self, finer: "_Step", start: int, stop: int) -> None:
        """Make the blocks between two slots, as far as they are complete, of finer ones."""
        begin, end = _round_up(start, self.slots), stop // self.slots * self.slots
        spans, means, peaks = finer.all_between(begin, max(begin, end))
        if len(spans.rows):
            self._make(spans, means, peaks)

    def _make(self, spans: BlockSpans, means: dict[Product, Floats], peaks: dict[Product, Floats]) -> None:
        """Merge blocks into those of this step, and keep these."""
        starts = group_starts(spans.first_slots // self.slots)
        merged = spans.merged(starts)
        numbers = merged.first_slots // self.slots
        at = numbers % self._capacity
        self._numbers[at] = numbers
        for kept, values in zip(self._spans, merged, strict=True):
            kept[at] = values
        for product, found in self._means.items():
            sums, counts = merged_sums(means[product], spans.rows, starts)
            with np.errstate(invalid="ignore", divide="ignore"):
                found[at] = np.where(counts > 0, sums / counts, math.nan)
        for product, found in self._peaks.items():
            found[at] = merged_peaks(peaks[product], starts)

    def all_between(self, start: int, stop: int) -> tuple[BlockSpans, dict[Product, Floats], dict[Product, Floats]]:
        """Return the blocks between two slots that have rows: spans, and means and highest values by product."""
        places = self._places(start, stop)
        means, peaks = (
            {product: values[places] for product, values in kept.items()} for kept in (self._means, self._peaks)
        )
        return self._spans.only(places), means, peaks

    def between(self, start: int, stop: int, product: Product) -> Blocks:
        """Return the blocks of one product that have rows."""
        places = self._places(start, stop)
        mean = self._mean(places, product)
        return Blocks(self._spans.only(places), mean, self._peaks[product][places] if product in self._peaks else mean)

    def _mean(self, places: Integers, product: Product) -> Floats:
        """Return means; those of a linear product follow from the means that are kept."""
        if product in self._means:
            return self._means[product][places]
        if product in (Product.U, Product.V):
            return self._means[WIRE_PRODUCTS[2 if product is Product.U else 3]][places]
        both = [self._means[each][places] for each in (Product.XX, Product.YY)]
        return derive(np.stack(both, axis=-1), product)

    def _places(self, start: int, stop: int) -> Integers:
        """Return where the blocks between two slots lie that have rows, the oldest first."""
        last = stop // self.slots
        numbers = np.arange(max(start // self.slots, last - self._capacity), last, dtype=np.int64)
        places = numbers % self._capacity
        return np.asarray(places[self._numbers[places] == numbers], np.int64)


def _powers() -> list[int]:
    steps = [FINEST_STEP]
    while steps[-1] < _MAX_STEP:
        steps.append(steps[-1] * STEP_RATIO)
    return steps


def _round_up(slot: int, step: int) -> int:
    return -(-slot // step) * step
