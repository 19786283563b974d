"""Keep the newest blocks of one step in memory, as codes.

A block is stored at its number modulo the capacity, so that blocks may come in any order of time. A page of memory is
used when a block is first written to it.
"""

import contextlib
import math
import mmap
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.block_codes import decode_means, decode_peaks, encode_means, encode_peaks
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, derive
from sunspec_tui.core.row_blocks import Floats, Integers
from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks, block_numbers

PEAK_PRODUCTS = (Product.XX, Product.YY, Product.I)
"""Products whose highest values are kept."""

Code = TypeVar("Code", np.uint16, np.uint8)
_NO_BLOCK = np.iinfo(np.int64).min
_NAN_CODE, _NO_PEAK_CODE = np.uint16(0x7FC0), np.uint8(255)


def stored_products(npol: int) -> tuple[Product, ...]:
    """Return the wire's products, and I if it can be derived."""
    return (*WIRE_PRODUCTS[:npol], *((Product.I,) if npol > 1 else ()))


class _Times(NamedTuple):
    """Columns of a store without power; see `TimeBlocks`."""

    numbers: Integers
    rows: Integers
    missing: Integers
    first_us: Integers
    last_us: Integers
    restarts: NDArray[np.bool_]

    def only(self, at: Integers) -> "_Times":
        """Return the times of some blocks."""
        columns: tuple[NDArray[Any], ...] = tuple(values[at] for values in self)
        return _Times(*columns)


class StepStore:
    """The newest blocks of one step.

    Parameters
    ----------
    step_s
        Length of a block in seconds.
    capacity
        Number of blocks to keep.
    nbins, npol
        Shape of a row.
    """

    def __init__(self, step_s: int, capacity: int, nbins: int, npol: int) -> None:
        self.step_s, self.capacity, self.nbins, self.npol = step_s, capacity, nbins, npol
        peaks = [each for each in stored_products(npol) if each in PEAK_PRODUCTS]
        self._means = {each: _unused_memory((capacity, nbins), np.uint16) for each in WIRE_PRODUCTS[:npol]}
        self._peaks = {each: _unused_memory((capacity, nbins), np.uint8) for each in peaks}
        numbers = np.full(capacity, _NO_BLOCK, np.int64)
        rows, missing, first_us, last_us = np.zeros((4, capacity), np.int64)
        self._times = _Times(numbers, rows, missing, first_us, last_us, np.zeros(capacity, np.bool_))

    @property
    def nbytes(self) -> int:
        """Memory of all blocks in bytes."""
        codes: tuple[NDArray[Any], ...] = (*self._means.values(), *self._peaks.values(), *self._times)
        return sum(int(values.nbytes) for values in codes)

    def store(self, blocks: TimeBlocks) -> None:
        """Store finished blocks, with the bins of all `stored_products` side by side.

        A stored block with the same number is replaced.
        """
        numbers = block_numbers(blocks.begin_us, self.step_s)
        # Of blocks for one index, the last one wins.
        kept = _last_of_each(numbers % self.capacity)
        at = numbers[kept] % self.capacity
        times = _Times(numbers, *blocks[3:8])
        for stored, values in zip(self._times, times, strict=True):
            stored[at] = values[kept]
        mean, peak = ((power[kept].reshape(len(kept), -1, self.nbins)) for power in (blocks.mean, blocks.peak))
        for number, product in enumerate(stored_products(self.npol)):
            if product in self._means:
                self._means[product][at] = encode_means(mean[:, number])
            if product in self._peaks:
                # The highest value is coded relative to the decoded mean, so that errors do not add up.
                self._peaks[product][at] = encode_peaks(peak[:, number], self._mean(product, at))

    def _mean(self, product: Product, at: Integers) -> Floats:
        """Return decoded means; those of derived products from the stored ones."""
        single = {Product.U: Product.XY_REAL, Product.V: Product.XY_IMAG}.get(product, product)
        if single in self._means:
            return decode_means(self._means[single][at])
        needed = WIRE_PRODUCTS if product is Product.V_OVER_I else WIRE_PRODUCTS[:2]
        return derive(np.stack([decode_means(self._means[each][at]) for each in needed], axis=-1), product)

    def between(self, begin_us: int, end_us: int, product: Product) -> TimeBlocks:
        """Return the blocks that begin between two times, oldest first."""
        return self._blocks(self._indices(begin_us, end_us), product)

    def _blocks(self, at: Integers, product: Product) -> TimeBlocks:
        times = self._times.only(at)
        mean = self._mean(product, at)
        peak = decode_peaks(self._peaks[product][at], mean) if product in self._peaks else mean
        begin_us = times.numbers * (self.step_s * SECOND_US)
        end_us = begin_us + self.step_s * SECOND_US
        return TimeBlocks(self.step_s, begin_us, end_us, *times[1:], mean, peak)

    def _indices(self, begin_us: int, end_us: int) -> Integers:
        step_us = self.step_s * SECOND_US
        numbers = self._times.numbers
        at = np.flatnonzero((numbers >= -(-begin_us // step_us)) & (numbers < -(-end_us // step_us)))
        return np.asarray(at[np.argsort(numbers[at], kind="stable")], np.int64)

    def stored(self, numbers: Integers) -> TimeBlocks:
        """Return stored blocks in the form that `store` takes."""
        at = numbers % self.capacity
        at = at[self._times.numbers[at] == numbers]
        parts = [self._blocks(at, product) for product in stored_products(self.npol)]
        mean, peak = (np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("mean", "peak"))
        return parts[0]._replace(mean=mean, peak=peak)

    def oldest(self, newest_us: int) -> tuple[int, int] | None:
        """Return begin and first row's end of the oldest block.

        Only blocks before a time count; None without blocks.
        """
        step_us = self.step_s * SECOND_US
        newest = newest_us // step_us
        numbers = self._times.numbers
        known = np.flatnonzero((numbers <= newest) & (numbers > newest - self.capacity))
        if not len(known):
            return None
        oldest = known[np.argmin(numbers[known])]
        return int(numbers[oldest]) * step_us, int(self._times.first_us[oldest])

    def mapped(self, source_bins: Integers, npol: int) -> "StepStore":
        """Return a store with other bins and products.

        Parameters
        ----------
        source_bins
            For each new bin the old bin that it takes; -1 for none, which gives NaN. Shape (nbins,).
        npol
            Number of products of the new store.
        """
        found = StepStore(self.step_s, self.capacity, len(source_bins), npol)
        used = np.flatnonzero(self._times.numbers != _NO_BLOCK)
        for stored, values in zip(found._times, self._times, strict=True):
            stored[:] = values
        _map_codes(found._means, self._means, used, source_bins, _NAN_CODE)
        _map_codes(found._peaks, self._peaks, used, source_bins, _NO_PEAK_CODE)
        return found


def _unused_memory(shape: tuple[int, int], dtype: type[Code]) -> NDArray[Code]:
    """Return an array that uses only the memory pages that are written.

    numpy asks for pages of 2 MiB for large arrays. Then the first block would use 2 MiB of each array.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        # A kernel without huge pages refuses the advice and does not need it.
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype).reshape(shape)


def _map_codes(
    new: Mapping[Product, NDArray[Code]],
    old: Mapping[Product, NDArray[Code]],
    used: Integers,
    source_bins: Integers,
    none: Code,
) -> None:
    """Take each new bin's codes from its old bin, else `none`."""
    for product, codes in new.items():
        known = old.get(product)
        codes[used] = none if known is None else np.where(source_bins >= 0, known[used][:, source_bins], none)


def _last_of_each(indices: Integers) -> Integers:
    """Return the position of the last occurrence of each value, ascending."""
    _, reverse = np.unique(indices[::-1], return_index=True)
    return np.sort(len(indices) - 1 - reverse)
