"""Read overviews of hours or days from an archive's precomputed blocks.

An overview shows hours or days of one product. Reading a day takes a fraction of a second, because rows are read only
at both ends of the time and in stores without blocks. zarr is imported at the first use.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ArchiveError, NoRowsError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive, plain_name
from sunspec_tui.core.recording import MAX_STEP_RATIO, measured_cadence_s
from sunspec_tui.core.row_blocks import Floats, group_starts, merged_peaks, merged_sums
from sunspec_tui.core.times import parse_time_range
from sunspec_tui.files.archive.layout import BLOCK_ROWS, BLOCKS
from sunspec_tui.files.archive.reader import checked_stores, warn_missing_rows
from sunspec_tui.files.archive.store_check import StoreClaim, has_blocks

_EXTREMES = ("lowest", "highest")
_VALUES = ("mean", *_EXTREMES)
_MAX_GAP_RATIO = 0.1


class Overview(NamedTuple):
    """One product as columns of consecutive rows, the oldest first.

    Attributes
    ----------
    begin_s, end_s
        Start of each column's first row and end of its last one, seconds since 1970 UTC, shape (n,).
    rows
        Number of rows in each column.
    mean, lowest, highest
        Shape (n, nbins); NaN where no value is finite. For XX, YY and I, lowest and highest values are those of rows.
        For other products they are those of the means of blocks of 256 rows; V/I of a block is mean V over mean I.
    frequencies_hz
        Centres of the bins.
    origin
        Station, source and software of the first store.
    """

    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    rows: NDArray[np.int64]
    mean: Floats
    lowest: Floats
    highest: Floats
    frequencies_hz: NDArray[np.float64]
    origin: tuple[str, str, str]


def overview(
    directory: str | Path,
    product: str = "XX",
    start: "str | float | datetime | None" = None,
    end: "str | float | datetime | None" = None,
    *,
    columns: int = 1440,
) -> Overview:
    """Read one product of an archive as columns.

    A row in two stores counts in both.

    Parameters
    ----------
    directory
        The archive, or one of its stores.
    product
        Name of the product.
    start, end
        Only rows that end after `start` and not after `end`, as in `open_archive`.
    columns
        Approximate number of columns without gaps; a column of more than 256 rows has a multiple of 256 rows. Gaps of
        a tenth of a column or more separate columns; shorter gaps are within a column.

    Raises
    ------
    ArchiveError
        If there is no archive, no row in that time, or the frequency axis or the products change within it.
    MissingExtraError
        If zarr is not installed.
    """
    zarr = require_extra("zarr", "reading an archive")
    begin_s, end_s = parse_time_range(start, end)
    low, high = -math.inf if begin_s is None else begin_s, math.inf if end_s is None else end_s
    opened = (
        _Store(claim, zarr.open_group(claim.path, mode="r", use_consolidated=True, zarr_format=3), Product(product))
        for claim in checked_stores(Path(directory), low, high)
    )
    found = [(store, *store.between(low, high)) for store in opened]
    found = [(store, begin, end) for store, begin, end in found if end > begin]
    if not found:
        raise NoRowsError(f"{directory} has no rows in that time; choose another --start or --end, or another archive")
    rows = -(-sum(end - begin for _, begin, end in found) // max(1, columns))
    return _joined([store.columns(begin, end, rows) for store, begin, end in found], directory)


def blocks_cover(directory: Path, low: float, high: float, product: Product) -> bool:
    """Return True if blocks are enough for an overview between two times.

    They are if there is one axis, no row is in two stores, and the blocks have the product's extremes.
    """
    zarr = require_extra("zarr", "reading an archive")
    claims = checked_stores(directory, low, high)
    if not all(f"highest_{product}" in claim.blocks for claim in claims) or _overlap(zarr, claims):
        return False
    axes = (zarr.open_array(claim.path / "frequency", mode="r", zarr_format=3)[:].tobytes() for claim in claims)
    return len({(axis, frozenset(claim.products)) for axis, claim in zip(axes, claims, strict=True)}) == 1


def _overlap(zarr: Any, claims: list[StoreClaim]) -> bool:
    """Return True if times of stores overlap.

    A row may then be in two of them.
    """
    groups = (zarr.open_group(claim.path, mode="r", use_consolidated=True, zarr_format=3) for claim in claims)
    spans_us = sorted((int(group["time"][0]), int(group["time"][-1])) for group in groups if group["time"].shape[0])
    return any(begin_us <= end_us for (_, end_us), (begin_us, _) in pairwise(spans_us))


class _Store:
    """One product of a store."""

    def __init__(self, claim: StoreClaim, group: Any, product: Product) -> None:
        self._claim, self._group, self._product = claim, group, product
        held = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in claim.products)
        if product not in held and (held != WIRE_PRODUCTS[: len(held)] or product not in available(len(held))):
            raise ArchiveError(f"{claim.path} has no {product}; it has {', '.join(held)}")
        self._needed = (product,) if product in held else held
        self._times_us = np.asarray(group["time"][:], np.int64)
        self._frequencies_hz = np.asarray(group["frequency"][:], np.float64)
        station, source, software = (str(group.attrs.get(name, "")) for name in ("station", "source", "software"))
        self._origin = station, source, software
        cadence_s = measured_cadence_s(self._times_us / 1e6)
        self._cadence_s = cadence_s if cadence_s > 0 else 0.0
        self._gaps = np.zeros(len(self._times_us), np.int64)

    def between(self, low: float, high: float) -> tuple[int, int]:
        """Return the rows that end between two times.

        They are given as (first, last + 1).
        """
        # Times in an archive are whole microseconds.
        begin = 0 if math.isinf(low) else int(np.searchsorted(self._times_us, round(low * 1e6), "right"))
        end = (
            len(self._times_us)
            if math.isinf(high)
            else int(np.searchsorted(self._times_us, round(high * 1e6), "right"))
        )
        return begin, max(begin, end)

    def columns(self, begin: int, end: int, rows: int) -> Overview:
        """Return columns of about `rows` rows.

        Gaps of a tenth of a column separate them.
        """
        if 2 * rows >= BLOCK_ROWS:
            rows = -(-rows // BLOCK_ROWS) * BLOCK_ROWS
        steps_s = np.diff(self._times_us, prepend=self._times_us[:1]) / 1e6
        longest_s = max(MAX_STEP_RATIO, _MAX_GAP_RATIO * rows) * self._cadence_s
        self._gaps = np.cumsum((steps_s > longest_s) if longest_s else np.zeros(len(steps_s), np.bool_))
        parts = [self._merged(part, rows) for part in self._parts(begin, end, by_blocks=rows >= BLOCK_ROWS)]
        joined = _Blocks(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        # Merge again: a column may have the last rows of one part and the first ones of the next.
        return self._overview(self._merged(joined, rows))

    def _parts(self, begin: int, end: int, *, by_blocks: bool) -> Iterator["_Blocks"]:
        """Yield blocks, and single rows between them.

        Rows are single where a block is incomplete, has a gap, or is not stored.
        """
        at = begin
        for first, last in self._runs(begin, end) if by_blocks else ():
            yield from self._rows(at, first * BLOCK_ROWS)
            yield self._blocks(first, last)
            at = last * BLOCK_ROWS
        yield from self._rows(at, end)

    def _runs(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield runs of whole blocks without a gap.

        A run is given as its first block and the one after its last.
        """
        first, last = -(-begin // BLOCK_ROWS), end // BLOCK_ROWS
        if last <= first or not has_blocks(self._claim, self._names(), first, last):
            return
        whole = self._gaps[BLOCK_ROWS - 1 :: BLOCK_ROWS][first:last] == self._gaps[::BLOCK_ROWS][first:last]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]))) + first
        yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)

    def _names(self) -> list[str]:
        """Return the names of the arrays of blocks that the product needs."""
        extremes = [f"{which}_{self._product}" for which in _EXTREMES]
        return [f"mean_{plain_name(each)}" for each in self._needed] + [
            each for each in extremes if each in self._claim.blocks
        ]

    def _rows(self, begin: int, end: int) -> Iterator["_Blocks"]:
        """Yield rows in parts, to limit the memory."""
        if end > begin:
            warn_missing_rows(self._claim, self._times_us, begin, end)
        for at in range(begin, end, BLOCK_ROWS):
            stop = min(end, at + BLOCK_ROWS)
            power = self._derived([self._group[plain_name(each)][at:stop] for each in self._needed])
            yield _Blocks(np.arange(at, stop), np.ones(stop - at, np.int64), power, power, power)

    def _blocks(self, first: int, last: int) -> "_Blocks":
        found = {name: np.asarray(self._group[f"{BLOCKS}/{name}"][first:last], np.float32) for name in self._names()}
        mean = self._derived([found[f"mean_{plain_name(each)}"] for each in self._needed])
        lowest, highest = (found.get(f"{which}_{self._product}", mean) for which in _EXTREMES)
        counts = np.full(last - first, BLOCK_ROWS, np.int64)
        return _Blocks(np.arange(first, last) * BLOCK_ROWS, counts, mean, lowest, highest)

    def _derived(self, values: list[Floats]) -> Floats:
        return np.asarray(
            values[0] if len(values) == 1 else derive(np.stack(values, axis=-1), self._product), np.float32
        )

    def _merged(self, blocks: "_Blocks", rows: int) -> "_Blocks":
        """Merge the blocks of each column.

        Long gaps separate columns.
        """
        starts = group_starts(self._gaps[blocks.first] + blocks.first // rows)
        sums, counts = merged_sums(blocks.mean, blocks.rows, starts)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(counts > 0, sums / counts, np.nan).astype(np.float32)
        lowest, highest = -merged_peaks(-blocks.lowest, starts), merged_peaks(blocks.highest, starts)
        for values in (lowest, highest):
            values[np.isinf(values)] = np.nan
        return _Blocks(blocks.first[starts], np.add.reduceat(blocks.rows, starts), mean, lowest, highest)

    def _overview(self, found: "_Blocks") -> Overview:
        begin_s = self._times_us[found.first] / 1e6 - self._cadence_s
        end_s = self._times_us[found.first + found.rows - 1] / 1e6
        return Overview(begin_s, end_s, *found[1:], self._frequencies_hz, self._origin)


class _Blocks(NamedTuple):
    """Blocks of consecutive rows.

    A block has the number of its first row, the number of its rows, and its values.
    """

    first: NDArray[np.int64]
    rows: NDArray[np.int64]
    mean: Floats
    lowest: Floats
    highest: Floats


def _joined(parts: list[Overview], directory: str | Path) -> Overview:
    """Join the columns of stores in the order of time."""
    axis = parts[0].frequencies_hz
    if any(not np.array_equal(part.frequencies_hz, axis) for part in parts[1:]):
        raise ArchiveError(
            f"{directory}: frequencies change within that time; choose --start and --end on one side of it"
        )
    begin_s, end_s, mean, lowest, highest = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("begin_s", "end_s", *_VALUES)
    )
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(begin_s, kind="stable")
    return Overview(
        begin_s[order], end_s[order], rows[order], mean[order], lowest[order], highest[order], axis, parts[0].origin
    )
