"""Rows of a part of a file, and their blocks.

A chunk is the part of a file that is read at once. Pure arithmetic on rows and blocks; no file is opened.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import WIRE_PRODUCTS, Product, derive
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks, joined
from sunspec_tui.files.file_index import IndexedFile

MAX_CHUNK_BYTES = 32 * 2**20
"""Largest powers of a chunk, if a file can be read in parts."""

_CHUNKS_S = (1024, 512, 256, 128, 16, 2)
"""Lengths of chunks, the longest first: most blocks lie within one chunk."""

_KNOWN_PEAKS = (Product.XX, Product.YY, Product.I)
_USUAL_CADENCE_S = 0.25

ProductBlocks = Mapping[Product, TimeBlocks]
"""Blocks of one step, of each product that others are derived from."""


class ChunkRows(NamedTuple):
    """Rows of a chunk, in the order of time.

    Attributes
    ----------
    recording
        The rows; `recording.data` has the bins that are shown.
    begin_us, missing, restarts
        As in `TimeBlocks`.
    """

    recording: Recording
    begin_us: NDArray[np.int64]
    missing: NDArray[np.int64]
    restarts: NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.recording.data.nbytes + 4 * self.begin_us.nbytes

    def blocks(self, product: Product) -> TimeBlocks:
        """Return the rows as blocks of one row."""
        times_us = np.rint(self.recording.times_s * 1e6).astype(np.int64)
        power = self.recording.power(product)
        return TimeBlocks.of_rows(times_us, self.begin_us, self.missing, self.restarts, power)

    def merged(self, step_s: int) -> ProductBlocks:
        """Return the blocks of the stored products, and of I."""
        stored = self.recording.products
        found = {product: self._merged(step_s, product) for product in stored}
        if Product.I in self.recording.carries() and Product.I not in stored:
            # The highest values of I are those of rows, not of its parts; the means are those of its parts.
            mean = derive(np.stack([found[product].mean for product in stored], axis=-1), Product.I)
            found[Product.I] = self._merged(step_s, Product.I)._replace(mean=mean)
        return found

    def _merged(self, step_s: int, product: Product) -> TimeBlocks:
        return _merged(self.blocks(product), step_s, product)


def chunks_between(file: IndexedFile, begin_us: int, end_us: int) -> Iterator[slice]:
    """Yield the chunks with rows that end in an interval.

    A chunk is given as a slice of the used rows of the file.
    """
    first, stop = np.searchsorted(file.times_us, (begin_us, end_us)).tolist()
    if stop <= first:
        return
    if not file.read_in_parts:
        yield slice(0, len(file.times_us))
        return
    length_us = chunk_length_s(file) * SECOND_US
    numbers = np.unique(file.times_us[first:stop] // length_us)
    edges = np.searchsorted(file.times_us, [numbers * length_us, (numbers + 1) * length_us])
    yield from (slice(begin, end) for begin, end in edges.T.tolist())


def chunk_length_s(file: IndexedFile) -> int:
    """Return the length of a chunk of a file read in parts."""
    cadence_s = file.cadence_s if file.cadence_s > 0 else _USUAL_CADENCE_S
    nbytes_per_s = file.row_nbytes / cadence_s
    return next((length for length in _CHUNKS_S if length * nbytes_per_s <= MAX_CHUNK_BYTES), _CHUNKS_S[-1])


def with_longer_steps(blocks: ProductBlocks, step_s: int) -> dict[int, ProductBlocks]:
    """Return blocks of a step and of all longer steps."""
    found = {step_s: blocks}
    for longer_s in STEPS_S:
        if longer_s > step_s:
            found[longer_s] = {product: _merged(each, longer_s, product) for product, each in blocks.items()}
    return found


def blocks_nbytes(blocks: ProductBlocks) -> int:
    """Return the size of blocks in memory."""
    return sum(each.mean.nbytes * (1 + (each.peak is not each.mean)) + 7 * each.rows.nbytes for each in blocks.values())


def joined_blocks(parts: list[ProductBlocks], step_s: int, product: Product) -> TimeBlocks:
    """Join blocks of chunks, and derive a product.

    All chunks have the same basic products.
    """
    basics = _needed(parts[0], product)
    found = [in_order_of_time([part[basic] for part in parts], step_s, basic) for basic in basics]
    if basics == (product,):
        return found[0]
    mean = derive(np.stack([each.mean for each in found], axis=-1), product)
    return found[0]._replace(mean=mean, peak=mean)


def is_derived(stored: tuple[Product, ...], product: Product) -> bool:
    """Return True if a product's means are made of those of others."""
    return product not in (*stored, Product.I)


def in_order_of_time(parts: list[TimeBlocks], step_s: int, product: Product) -> TimeBlocks:
    """Join blocks of one product; those of the same time become one."""
    blocks = joined(parts)
    if not step_s:
        in_order = bool((np.diff(blocks.last_us) >= 0).all())
        return blocks if in_order else blocks.only(np.argsort(blocks.last_us, kind="stable"))
    in_order = bool((np.diff(blocks.begin_us) > 0).all())
    return blocks if in_order else _merged(blocks, step_s, product)


def _needed(blocks: ProductBlocks, product: Product) -> tuple[Product, ...]:
    """Return the basic products that a product is made of."""
    return (product,) if product in blocks else tuple(each for each in WIRE_PRODUCTS if each in blocks)


def _merged(blocks: TimeBlocks, step_s: int, product: Product) -> TimeBlocks:
    """Merge blocks.

    The highest values are known of XX, YY and I only.
    """
    found = blocks.merged(step_s)
    return found if product in _KNOWN_PEAKS else found._replace(peak=found.mean)
