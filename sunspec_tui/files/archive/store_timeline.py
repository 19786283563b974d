"""Read blocks of time of one store.

Complete chunks of blocks are read as they are stored; rows after them, and rows of a chunk that is missing or damaged,
are read and merged. Blocks of 2 s are not stored: up to an hour of rows is merged, and for longer times blocks of 16 s
are used. Stores of earlier versions have no blocks of time: up to an hour of their rows is merged; for longer times
their blocks of 256 rows are used, each in the 128 s where its first row ends.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.block_codes import decode_means, decode_peaks
from sunspec_tui.core.products import Product, plain_name
from sunspec_tui.core.row_blocks import Floats
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks, block_numbers, joined
from sunspec_tui.files.archive.array_check import StoreRefused
from sunspec_tui.files.archive.chunk_files import read_chunk
from sunspec_tui.files.archive.layout import BLOCK_ROWS, BLOCKS, EXTREMES, StoreName
from sunspec_tui.files.archive.store_rows import StoreRows
from sunspec_tui.files.archive.time_blocks_check import TimeBlocksClaim
from sunspec_tui.files.archive.time_layout import (
    CHUNK_S,
    CHUNK_US,
    DAY_S,
    STORED_STEPS_S,
    TIME_BLOCKS,
    blocks_of_chunk,
    mean_name,
    peak_name,
    peak_products,
    span_name,
)

MAX_ROWS = 400_000
"""Largest number of rows of a store that one call reads: more than a day at four rows a second."""

MAX_MERGED_ROWS = 16_384
"""Rows that are merged to a step that is not stored (68 minutes at four a second); for more, longer blocks are read."""

_SLAB_ROWS = 4096
_DAY_CHUNKS = -(-DAY_S // CHUNK_S)


class StoreTimeline:
    """Rows and blocks of time of one store.

    All blocks have the powers that a product needs side by side: `mean` has shape (n, needed * nbins), so that blocks
    of several stores can be merged before the product is derived. `peak` has no bins where the highest values of a
    product are not known.

    Parameters
    ----------
    rows
        The store's rows.
    """

    def __init__(self, rows: StoreRows) -> None:
        self.rows = rows
        name = StoreName.parse(rows.claim.path.name)
        if name is None:
            raise StoreRefused("its name is not that of a day")
        midnight = datetime.fromisoformat(name.day).replace(tzinfo=UTC)
        arrays = () if rows.claim.time_blocks is None else rows.claim.time_blocks.arrays
        self._paths = {each: rows.claim.path / TIME_BLOCKS / each for each in arrays}
        self._midnight_us = int(midnight.timestamp()) * SECOND_US

    def blocks(self, step_s: int, begin_us: float, end_us: float, product: Product) -> TimeBlocks:
        """Return blocks between two times; their step may be longer.

        Parameters
        ----------
        step_s
            One of `STEPS_S`, or 0 for rows.
        begin_us, end_us
            Limits in microseconds, multiples of the step.
        product
            A product that the store has.
        """
        begin_us, end_us = max(begin_us, self._midnight_us), min(end_us, self._midnight_us + DAY_S * SECOND_US)
        timed = self.rows.claim.time_blocks
        if end_us <= begin_us:
            return self._empty(step_s, product)
        if step_s == 0:
            return joined([self._empty(0, product), *self._row_parts(0, begin_us, end_us, product)])
        if timed is None:
            return self._old_blocks(step_s, begin_us, end_us, product)
        if step_s not in STORED_STEPS_S:
            begin, end = self.rows.rows_between(begin_us, end_us)
            if end - begin <= MAX_MERGED_ROWS:
                return joined([self._empty(step_s, product), *self._row_parts(step_s, begin_us, end_us, product)])
            step_s = STORED_STEPS_S[0]
            step_us = step_s * SECOND_US
            begin_us, end_us = begin_us // step_us * step_us, -(-end_us // step_us) * step_us
        parts = list(self._covered(timed, step_s, (begin_us, end_us), product))
        tail_us = max(begin_us, self._midnight_us + timed.chunks_covered * CHUNK_US)
        if tail_us < end_us:
            parts += self._row_parts(step_s, tail_us, end_us, product)
        return joined([self._empty(step_s, product), *parts])

    def _empty(self, step_s: int, product: Product) -> TimeBlocks:
        nbins, needed = len(self.rows.axis.frequencies_hz), len(self.rows.needed(product))
        peak_bins = nbins if product in EXTREMES or not step_s else 0
        mean, peak = (np.empty((0, bins), np.float32) for bins in (nbins * needed, peak_bins))
        return TimeBlocks.empty(step_s, nbins)._replace(mean=mean, peak=peak)

    def _chunk_at(self, time_us: float) -> int:
        """Return the number of the chunk at a time, within the day."""
        return int(np.clip((time_us - self._midnight_us) // CHUNK_US, 0, _DAY_CHUNKS))

    def _row_parts(self, step_s: int, begin_us: float, end_us: float, product: Product) -> Iterator[TimeBlocks]:
        """Yield merged rows between two times, in parts of limited memory."""
        begin, end = self.rows.rows_between(begin_us, end_us)
        if end - begin > MAX_ROWS:
            raise StoreRefused(f"it has {end - begin} rows in that time, too many to read at once")
        for low, high in pairwise(self._cuts(step_s, begin, end)):
            found = self.rows.blocks(low, high, product)
            if step_s and product not in EXTREMES:
                # The highest value of a longer block would not be known either.
                found = found._replace(peak=found.peak[:, :0])
            yield found.merged(step_s) if step_s else found

    def _cuts(self, step_s: int, begin: int, end: int) -> list[int]:
        """Return where to divide rows, between blocks if possible."""
        cuts = [begin]
        while end - cuts[-1] > _SLAB_ROWS:
            cut = cuts[-1] + _SLAB_ROWS
            if step_s:
                last_us = self.rows.times_us(cut, cut + 1)
                edge_us = int(block_numbers(last_us, step_s)[0]) * step_s * SECOND_US
                edge = self.rows.row_at(edge_us)
                cut = edge if edge > cuts[-1] else cut
            cuts.append(cut)
        return [*cuts, end] if end > begin else []

    # Stores with blocks of time

    def _covered(
        self, timed: TimeBlocksClaim, step_s: int, limits_us: tuple[float, float], product: Product
    ) -> Iterator[TimeBlocks]:
        """Yield blocks of complete chunks, and rows of unreadable ones."""
        begin_us, end_us = limits_us
        stop = min(timed.chunks_covered, self._chunk_at(end_us - 1) + 1)
        parts, unread = [], list[int]()
        for number in range(self._chunk_at(begin_us), stop):
            try:
                found = self._chunk(timed, step_s, number, product)
            except StoreRefused:
                found = None
            if found is None:
                unread.append(number)
            else:
                parts.append(found)
        if parts:
            blocks = self._decoded(step_s, parts, product)
            yield blocks.only((blocks.begin_us >= begin_us) & (blocks.begin_us < end_us))
        # Chunks without rows are not written, so these rows are few unless files were deleted.
        for first, last in _runs(unread):
            low, high = (self._midnight_us + number * CHUNK_US for number in (first, last + 1))
            yield from self._row_parts(step_s, max(begin_us, low), min(end_us, high), product)

    def _chunk(
        self, timed: TimeBlocksClaim, step_s: int, number: int, product: Product
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint8] | None] | None:
        """Return begins, spans and codes of a chunk; None if unreadable."""
        spans = self._read(timed, span_name(step_s), np.int64, (number, 0))
        if spans is None:
            return None
        first = self._midnight_us + number * CHUNK_US
        begins_us = first + step_s * SECOND_US * np.arange(blocks_of_chunk(step_s), dtype=np.int64)
        which = spans[:, 0] != 0
        begins_us, spans = begins_us[which], spans[which]
        if not len(spans) or not _fit(begins_us, spans, step_s):
            return None
        means = self._read(timed, mean_name(step_s), np.uint16, (number, 0, 0))
        known = peak_products(self.rows.products)
        peaks = self._read(timed, peak_name(step_s), np.uint8, (number, 0, 0)) if product in known else None
        if means is None or (product in known and peaks is None):
            return None
        places = [self.rows.products.index(each) for each in self.rows.needed(product)]
        chosen = means[np.ix_(which, places)]
        return begins_us, spans, chosen, None if peaks is None else peaks[which, known.index(product)]

    def _read(
        self, timed: TimeBlocksClaim, name: str, dtype: type[np.generic], place: tuple[int, ...]
    ) -> NDArray[Any] | None:
        return read_chunk(self._paths[name], timed.arrays[name], dtype, place)

    def _decoded(self, step_s: int, parts: list[Any], product: Product) -> TimeBlocks:
        begins_us, spans, codes = (np.concatenate([part[n] for part in parts]) for n in range(3))
        means = decode_means(codes)
        if parts[0][3] is None:
            peak: Floats = np.empty((len(means), 0), np.float32)
        else:
            peak = decode_peaks(np.concatenate([part[3] for part in parts]), self.rows.derived(means, product))
        rows, missing, restarts, first_us, last_us = spans.T
        return TimeBlocks(
            step_s, begins_us, begins_us + step_s * SECOND_US, rows, missing, first_us, last_us, restarts > 0,
            means.reshape(len(means), -1), peak,
        )  # fmt: skip

    # Stores without blocks of time

    def _old_blocks(self, step_s: int, begin_us: float, end_us: float, product: Product) -> TimeBlocks:
        begin, end = self.rows.rows_between(begin_us, end_us)
        longest_s = STEPS_S[-1]
        if end - begin > MAX_MERGED_ROWS and self._has_short_blocks(begin, end, longest_s):
            parts = self._old_parts(begin, end, product)
            if parts is not None:
                return joined([self._empty(longest_s, product), *parts]).merged(longest_s)
        return joined([self._empty(step_s, product), *self._row_parts(step_s, begin_us, end_us, product)])

    def _has_short_blocks(self, begin: int, end: int, longest_s: int) -> bool:
        """Return True if most blocks of 256 rows are within a step."""
        times_us = self.rows.times_us(begin, end)[::BLOCK_ROWS]
        return bool(self.rows.claim.blocks) and float(np.median(np.diff(times_us))) <= longest_s * SECOND_US

    def _old_parts(self, begin: int, end: int, product: Product) -> list[TimeBlocks] | None:
        """Return blocks of 256 rows and the rows beside them."""
        first, last = -(-begin // BLOCK_ROWS), end // BLOCK_ROWS
        needed = self.rows.needed(product)
        means = [self._old_values(f"mean_{plain_name(each)}", first, last) for each in needed]
        peak = self._old_values(f"highest_{product}", first, last) if product in EXTREMES else None
        known = [values for values in means if values is not None]
        if len(known) < len(means) or (product in EXTREMES and peak is None):
            return None
        low, high = first * BLOCK_ROWS, last * BLOCK_ROWS
        times_us = self.rows.times_us(low, high)
        missing = np.maximum(self.rows.missing(low, high), 0).reshape(-1, BLOCK_ROWS).sum(axis=1)
        first_us, last_us = times_us[::BLOCK_ROWS], times_us[BLOCK_ROWS - 1 :: BLOCK_ROWS]
        peak = np.empty((last - first, 0), np.float32) if peak is None else peak
        blocks = TimeBlocks(
            STEPS_S[-1], first_us, last_us, np.full(last - first, BLOCK_ROWS), missing, first_us, last_us,
            np.zeros(last - first, np.bool_), np.concatenate(known, axis=1), peak,
        )  # fmt: skip
        edges = [self.rows.blocks(*each, product) for each in ((begin, low), (high, end)) if each[0] < each[1]]
        if product not in EXTREMES:
            edges = [each._replace(peak=each.peak[:, :0]) for each in edges]
        return [blocks, *(each.merged(STEPS_S[-1]) for each in edges)]

    def _old_values(self, name: str, first: int, last: int) -> Floats | None:
        array = self.rows.claim.blocks[name]
        rows = array.chunk[0]
        path = self.rows.claim.path / BLOCKS / name
        chunks = [read_chunk(path, array, np.float32, (n, 0)) for n in range(first // rows, -(-last // rows))]
        known = [values for values in chunks if values is not None]
        begin = first // rows * rows
        return np.concatenate(known)[first - begin : last - begin] if known and len(known) == len(chunks) else None


def _fit(begins_us: NDArray[np.int64], spans: NDArray[np.int64], step_s: int) -> bool:
    """Return True if spans can be those of blocks of a step."""
    rows, missing, restarts, first_us, last_us = spans.T
    counts = (rows > 0) & (rows < 1 << 31) & (missing >= 0) & (missing < 1 << 40) & (restarts >= 0)
    ends_us = begins_us + step_s * SECOND_US
    return bool((counts & (first_us >= begins_us) & (last_us >= first_us) & (last_us < ends_us)).all())


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of consecutive numbers as (first, last)."""
    values = np.array(numbers, np.int64)
    for run in np.split(values, np.flatnonzero(np.diff(values) != 1) + 1) if len(values) else ():
        yield int(run[0]), int(run[-1])


def mean_and_peak(store: StoreRows, blocks: TimeBlocks, product: Product) -> TimeBlocks:
    """Derive a product of blocks that have all needed powers."""
    nbins = len(store.axis.frequencies_hz)
    mean = store.derived(blocks.mean.reshape(len(blocks.mean), -1, nbins), product)
    return blocks._replace(mean=mean, peak=blocks.peak if blocks.peak.shape[1] == nbins else mean)
