"""Read times and power of one store's rows, chunk by chunk.

Only the chunks of the requested rows are read, and of the times those that a binary search needs.
"""

import math
from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import bin_width_hz
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive, plain_name
from sunspec_tui.core.recording import measured_cadence_s
from sunspec_tui.core.row_blocks import Floats, Integers
from sunspec_tui.core.row_spans import row_starts_s
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.core.timeline_source import TimelineAxis
from sunspec_tui.files.archive.array_check import ArrayClaim, StoreRefused
from sunspec_tui.files.archive.chunk_files import read_chunk
from sunspec_tui.files.archive.store_check import StoreClaim
from sunspec_tui.files.archive.time_block_maker import missing_before
from sunspec_tui.files.archive.time_layout import MISSING, RESTARTED, TIME_BLOCKS

_MAX_CACHED_BYTES = 1 << 19
_CADENCE_ROWS = 256


class StoreRows:
    """Rows of one store, as its checked metadata describe them.

    Parameters
    ----------
    claim
        The checked metadata.

    Attributes
    ----------
    products
        Products in the store.
    axis
        Bins, and products that can be read.

    Raises
    ------
    StoreRefused
        If its axis cannot be read.
    """

    def __init__(self, claim: StoreClaim) -> None:
        self.claim = claim
        self.products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in claim.products)
        frequencies_hz = read_chunk(claim.path / "frequency", claim.arrays["frequency"], np.float64, (0,))
        if frequencies_hz is None or not len(frequencies_hz) or not np.isfinite(frequencies_hz).all():
            raise StoreRefused("its frequencies cannot be read")
        whole = self.products == WIRE_PRODUCTS[: len(self.products)]
        shown = available(len(self.products)) if whole else self.products
        bin_hz = bin_width_hz(frequencies_hz) if len(frequencies_hz) > 1 else CHANNEL_WIDTH_HZ
        self.axis = TimelineAxis(frequencies_hz, bin_hz, shown)
        self._cached: OrderedDict[int, Integers] = OrderedDict()
        self._chunk_ends_us: dict[int, int] = {}
        self._limits_us: tuple[int, int] | None = None
        self._cadence_s = math.nan

    @property
    def nrows(self) -> int:
        """Number of committed rows."""
        return self.claim.nrows

    @property
    def cadence_s(self) -> float:
        """Data time from row to row; NaN if it is not known."""
        known = self.claim.attributes.get("cadence_s")
        if isinstance(known, (int, float)) and math.isfinite(known) and known > 0:
            return float(known)
        if math.isnan(self._cadence_s) and self.nrows:
            self._cadence_s = measured_cadence_s(self.times_us(max(0, self.nrows - _CADENCE_ROWS), self.nrows) / 1e6)
        return self._cadence_s

    def times_us(self, begin: int, end: int) -> Integers:
        """Return the ends of some rows, microseconds since 1970.

        Raises
        ------
        StoreRefused
            If they cannot be read, or are not in order.
        """
        rows = self.claim.arrays["time"].chunk[0]
        parts = [self._time_chunk(number) for number in range(begin // rows, -(-end // rows))]
        if not parts:
            return np.empty(0, np.int64)
        first = begin // rows * rows
        found = np.concatenate(parts)[begin - first : end - first]
        if (np.diff(found) < 0).any():
            raise StoreRefused("its times are not in order")
        return found

    def _time_chunk(self, number: int) -> Integers:
        if number in self._cached:
            self._cached.move_to_end(number)
            return self._cached[number]
        array = self.claim.arrays["time"]
        found = read_chunk(self.claim.path / "time", array, np.int64, (number,))
        if found is None:
            raise StoreRefused("a part of its times is missing")
        self._cached[number] = found
        while len(self._cached) * array.chunk_bytes > _MAX_CACHED_BYTES:
            self._cached.popitem(last=False)
        return found

    def limits_us(self) -> tuple[int, int]:
        """Return the ends of the first and last row, in microseconds."""
        if self._limits_us is None:
            first, last = self.times_us(0, 1), self.times_us(self.nrows - 1, self.nrows)
            self._limits_us = int(first[0]), int(last[0])
        return self._limits_us

    @cached_property
    def first_begin_us(self) -> int:
        """Begin of the first row, in microseconds."""
        return int(self.spans(0, 1)[1][0])

    def row_at(self, time_us: int) -> int:
        """Return the first row that ends at or after a time."""
        rows = self.claim.arrays["time"].chunk[0]
        low, high = 0, -(-self.nrows // rows)
        # The first chunk whose last row does not end before the time.
        while low < high:
            middle = (low + high) // 2
            if self._end_of_chunk_us(middle) < time_us:
                low = middle + 1
            else:
                high = middle
        if low * rows >= self.nrows:
            return self.nrows
        inside = self._time_chunk(low)[: self.nrows - low * rows]
        return low * rows + int(np.searchsorted(inside, time_us))

    def _end_of_chunk_us(self, number: int) -> int:
        """Return the end of the last row of a chunk of times."""
        if number not in self._chunk_ends_us:
            rows = self.claim.arrays["time"].chunk[0]
            last = min((number + 1) * rows, self.nrows) - 1
            self._chunk_ends_us[number] = int(self._time_chunk(number)[last - number * rows])
        return self._chunk_ends_us[number]

    def rows_between(self, begin_us: float, end_us: float) -> tuple[int, int]:
        """Return the rows between two times, as (first, last + 1)."""
        begin = 0 if begin_us == -math.inf else self.row_at(math.ceil(begin_us))
        end = self.nrows if end_us == math.inf else self.row_at(math.ceil(end_us))
        return begin, max(begin, end)

    def needed(self, product: Product) -> tuple[Product, ...]:
        """Return the products that a product needs; none if unavailable."""
        if product in self.products:
            return (product,)
        if product not in self.axis.products:
            return ()
        if product in (Product.I, Product.Q):
            return self.products[:2]
        return {Product.U: self.products[2:3], Product.V: self.products[3:4]}.get(
            product, (Product.XX, Product.YY, Product.XY_IMAG)
        )

    def derived(self, values: Floats, product: Product) -> Floats:
        """Derive a product of powers of shape (n, needed, nbins)."""
        needed = self.needed(product)
        if len(needed) == 1:
            return values[:, 0]
        rows = np.full((len(values), values.shape[2], len(WIRE_PRODUCTS)), np.nan, np.float32)
        for number, each in enumerate(needed):
            rows[..., WIRE_PRODUCTS.index(each)] = values[:, number]
        return derive(rows, product)

    def power(self, products: tuple[Product, ...], begin: int, end: int) -> Floats:
        """Return products of some rows, shape (n, products, nbins).

        Rows whose files were deleted are NaN.
        """
        nbins = len(self.axis.frequencies_hz)
        found = np.empty((end - begin, len(products), nbins), np.float32)
        for number, product in enumerate(products):
            array = self.claim.arrays[plain_name(product)]
            rows = array.chunk[0]
            for chunk in range(begin // rows, -(-end // rows)):
                values = read_chunk(self.claim.path / plain_name(product), array, np.float32, (chunk, 0))
                low, high = max(begin, chunk * rows), min(end, (chunk + 1) * rows)
                inside = slice(low - chunk * rows, high - chunk * rows)
                found[low - begin : high - begin, number] = np.nan if values is None else values[inside]
        return found

    def missing(self, begin: int, end: int) -> Integers:
        """Return what is missing before each of some rows."""
        timed = self.claim.time_blocks
        found = None if timed is None else self._stored_missing(timed.arrays[MISSING], begin, end)
        if found is None:
            first = max(0, begin - 1)
            times_us = self.times_us(first, end)
            by_time = missing_before(times_us, self.cadence_s, None, np.zeros(len(times_us), np.bool_))
            found = by_time[begin - first :]
        return found

    def _stored_missing(self, array: ArrayClaim, begin: int, end: int) -> Integers | None:
        rows = array.chunk[0]
        path = self.claim.path / TIME_BLOCKS / MISSING
        parts = [read_chunk(path, array, np.int32, (number,)) for number in range(begin // rows, -(-end // rows))]
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        first = begin // rows * rows
        found = np.concatenate(known)[begin - first : end - first].astype(np.int64)
        return found if not len(found) or found.min() >= RESTARTED else None

    def spans(self, begin: int, end: int) -> tuple[Integers, Integers, Integers, NDArray[np.bool_]]:
        """Return ends, begins, missing rows and restarts of some rows."""
        # The length of a row follows from its neighbours.
        low, high = max(0, begin - 1), min(self.nrows, end + 1)
        times_us, missing = self.times_us(low, high), self.missing(low, high)
        restarts = missing == RESTARTED
        slots = np.cumsum(np.maximum(missing, 0) + 1)
        begins_us = np.rint(row_starts_s(times_us / 1e6, slots, self.cadence_s, restarts) * 1e6).astype(np.int64)
        which = slice(begin - low, end - low)
        return times_us[which], begins_us[which], np.maximum(missing, 0)[which], restarts[which]

    def blocks(self, begin: int, end: int, product: Product) -> TimeBlocks:
        """Return rows as blocks, with all needed powers side by side.

        `mean` has shape (n, needed * nbins), `peak` the product itself.
        """
        values = self.power(self.needed(product), begin, end)
        peak = self.derived(values, product)
        times_us, begins_us, missing, restarts = self.spans(begin, end)
        ones: Any = np.ones(len(times_us), np.int64)
        mean = values.reshape(len(values), -1)
        return TimeBlocks(0, begins_us, times_us, ones, missing, times_us, times_us, restarts, mean, peak)
