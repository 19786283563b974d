"""Check the metadata of an archive's store before any library opens it.

A store is a directory that any user may have made. Only stores as this program writes them pass: Zarr version 3,
known arrays, types and codecs, sizes within limits, and chunk files that are regular files and declare the correct
size. This module decompresses and executes nothing.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import WIRE_PRODUCTS, plain_name
from sunspec_tui.files.archive.array_check import (
    HEAD_BYTES,
    MAX_CHUNK_BYTES,
    ArrayClaim,
    StoreRefused,
    array_claim,
    as_dict,
    check_head,
    read_head,
    require,
)
from sunspec_tui.files.archive.layout import BLOCK_ROWS, BLOCKS, block_arrays
from sunspec_tui.files.archive.time_blocks_check import TimeBlocksClaim, time_blocks_claim
from sunspec_tui.files.archive.time_layout import TIME_BLOCKS

ROOT = "zarr.json"
TIME_UNITS = "microseconds since 1970-01-01"
EVERY_CHUNK = "every_chunk_is_written"
"""Attribute of stores where a missing chunk was deleted; in other stores its values may also be all invalid."""

BITS = "mantissa_bits"
"""Attribute of stores whose powers are rounded: bits of mantissa that they keep."""

MAX_METADATA_BYTES = 1 << 20
MAX_ROWS = 40_000_000
"""Largest number of rows of a store: a day at 460 rows a second."""

MAX_BINS = 1 << 22
_TYPES = {"time": ("int64", 8), "frequency": ("float64", 8)}
_PRODUCT_TYPE = ("float32", 4)
_PRODUCT_NAMES = tuple(plain_name(product) for product in WIRE_PRODUCTS)
_MAX_TIME_CHUNK = 1 << 20
_FLOAT_BITS = 23
_VERSION_2 = (".zgroup", ".zattrs", ".zarray", ".zmetadata")


@dataclass(frozen=True, slots=True)
class StoreClaim:
    """Checked metadata of a store.

    Attributes
    ----------
    path
        Path of the store.
    arrays
        Arrays of the store, by name.
    complete
        True if each chunk was written, also chunks of invalid values.
    bits
        Bits of mantissa that powers have; None if all.
    blocks
        Arrays of the blocks of rows, by name; empty if there are none that fit the rows.
    time_blocks
        The store's blocks of time; None if there are none that fit the rows.
    attributes
        Attributes of the store, not checked.
    """

    path: Path
    arrays: dict[str, ArrayClaim]
    complete: bool
    bits: int | None = None
    blocks: dict[str, ArrayClaim] = field(default_factory=dict)
    time_blocks: TimeBlocksClaim | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def nrows(self) -> int:
        """Number of committed rows."""
        return self.arrays["time"].shape[0]

    @property
    def products(self) -> list[str]:
        """Names of the arrays that hold power."""
        return [name for name in self.arrays if name not in _TYPES]


def check_store(path: Path) -> StoreClaim:
    """Check a store's metadata and the files of its axes.

    Raises
    ------
    StoreRefused
        If this program did not write the store.
    OSError
        If the disk cannot be read.
    """
    metadata = _metadata(path)
    consolidated = as_dict(as_dict(metadata.get("consolidated_metadata")).get("metadata"))
    require(metadata.get("node_type") == "group", "it is not a group of arrays")
    require("time" in consolidated and "frequency" in consolidated, "it has no consolidated time and frequency")
    inside, timed = (_members(consolidated, group) for group in (BLOCKS, TIME_BLOCKS))
    others = {name: each for name, each in consolidated.items() if name not in inside | timed}
    arrays = {name: _array(name, as_dict(each)) for name, each in others.items()}
    nrows, nbins = arrays["time"].shape[0], arrays["frequency"].shape[0]
    for name in set(arrays) - set(_TYPES):
        require(arrays[name].shape == (nrows, nbins), f"{name} does not have the shape of its axes")
        require(arrays[name].chunk[1] == nbins, f"chunks of {name} do not hold whole rows")
    attributes = as_dict(metadata.get("attributes"))
    products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in arrays)
    claim = StoreClaim(
        path,
        arrays,
        attributes.get(EVERY_CHUNK) is True,
        _bits(attributes.get(BITS)),
        _blocks(arrays, inside),
        time_blocks_claim(timed, products, nrows, nbins),
        attributes,
    )
    for name in _TYPES:
        _check_axis(claim, name)
    return claim


def _members(consolidated: dict[str, Any], group: str) -> dict[str, Any]:
    """Return a group and its arrays."""
    return {name: each for name, each in consolidated.items() if name.split("/")[0] == group}


def _bits(value: Any) -> int | None:
    require(
        value is None or (type(value) is int and 0 < value < _FLOAT_BITS),
        f"its {BITS} is invalid",
    )
    return None if value is None else int(value)


def _blocks(arrays: dict[str, ArrayClaim], inside: dict[str, Any]) -> dict[str, ArrayClaim]:
    """Return the arrays of blocks if they fit the rows.

    Otherwise the result is empty, and rows are read instead.
    """
    group = as_dict(inside.pop(BLOCKS, None))
    if not inside or group.get("node_type") != "group" or as_dict(group.get("attributes")).get("rows") != BLOCK_ROWS:
        return {}
    found = {name.split("/", 1)[1]: _power_array(name, as_dict(each)) for name, each in inside.items()}
    products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in arrays)
    shape = arrays["time"].shape[0] // BLOCK_ROWS, arrays["frequency"].shape[0]
    fits = all(each.shape == shape and each.chunk[1] == shape[1] for each in found.values())
    return found if fits and set(block_arrays(products)) == set(found) else {}


def _metadata(path: Path) -> dict[str, Any]:
    root = path / ROOT
    if not os.path.lexists(root) and any(os.path.lexists(path / name) for name in _VERSION_2):
        raise StoreRefused("it is of Zarr version 2, only version 3 is read")
    try:
        head = read_head(root, MAX_METADATA_BYTES + 1)
        require(head is not None, f"it has no {ROOT}")
        assert head is not None  # noqa: S101 - just demanded
        require(len(head) <= MAX_METADATA_BYTES, f"its {ROOT} is too long")
        metadata = as_dict(json.loads(head))
    except (ValueError, RecursionError) as error:
        raise StoreRefused(f"its {ROOT} cannot be read") from error
    version = metadata.get("zarr_format")
    require(version == 3, f"it is of Zarr version {printable(version, 20)}, only version 3 is read")
    return metadata


def _array(name: str, metadata: dict[str, Any]) -> ArrayClaim:
    known = name in _TYPES or name in _PRODUCT_NAMES
    require(known, f"it has an unknown array {printable(name, 20)!r}")
    return _power_array(name, metadata)


def _power_array(name: str, metadata: dict[str, Any]) -> ArrayClaim:
    """Check an array of power or an axis, whose name is known."""
    claim = array_claim(name, metadata, *_TYPES.get(name, _PRODUCT_TYPE), dimensions=1 if name in _TYPES else 2)
    units = as_dict(metadata.get("attributes")).get("units")
    require(name != "time" or units == TIME_UNITS, "its times are not in microseconds since 1970")
    _check_sizes(name, claim)
    return claim


def _check_sizes(name: str, claim: ArrayClaim) -> None:
    if name == "frequency":
        require(claim.shape[0] <= MAX_BINS and claim.chunk == claim.shape, f"it claims {claim.shape[0]} frequencies")
        return
    require(claim.shape[0] <= MAX_ROWS, f"it claims {claim.shape[0]} rows")
    fits = claim.chunk[0] <= _MAX_TIME_CHUNK if name == "time" else claim.chunk_bytes <= MAX_CHUNK_BYTES
    require(fits or claim.chunk[0] == 1, f"chunks of {name} claim {claim.chunk_bytes / 1e6:.0f} MB")


def _check_axis(claim: StoreClaim, name: str) -> None:
    """Check that each chunk of an axis exists.

    Otherwise a store could claim any number of rows.
    """
    array = claim.arrays[name]
    for i in range(-(-array.shape[0] // array.chunk[0]) if array.shape[0] else 0):
        head = read_head(claim.path / name / "c" / str(i), HEAD_BYTES, array.max_stored_bytes)
        require(head is not None, f"it claims {claim.nrows} rows, but a part of its {name} axis is missing")
        check_head(f"{name}/c/{i}", array, head or b"")


def missing_chunks(claim: StoreClaim, begin: int, end: int) -> dict[tuple[int, int], list[str]]:
    """Find the missing chunks of the rows from `begin` up to `end`.

    Returns
    -------
    dict
        Names of the products, by first row and the row after the last.

    Raises
    ------
    StoreRefused
        If a chunk is not a regular file, or declares more bytes than a chunk has.
    OSError
        If the disk cannot be read.
    """
    found: dict[tuple[int, int], list[str]] = {}
    for name in claim.products:
        for low, high in _absent(claim.path / name, claim.arrays[name], begin, end):
            found.setdefault((low, high), []).append(name)
    return found


def has_blocks(claim: StoreClaim, names: Iterable[str], begin: int, end: int) -> bool:
    """Return True if a store has some of its blocks.

    They are the blocks from `begin` up to `end` of the arrays `names`. If one is missing, rows must be read instead.

    Raises
    ------
    StoreRefused, OSError
        As in `missing_chunks`.
    """
    known = all(name in claim.blocks for name in names)
    return known and not any(
        list(_absent(claim.path / BLOCKS / name, claim.blocks[name], begin, end)) for name in names
    )


def _absent(path: Path, array: ArrayClaim, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield runs of rows whose chunks of one array are missing."""
    name = path.name
    rows, first = array.chunk[0], -1
    for i in range(begin // rows, -(-end // rows)):
        head = read_head(path / "c" / str(i) / "0", HEAD_BYTES, array.max_stored_bytes)
        if head is None:
            first = max(begin, i * rows) if first < 0 else first
            continue
        check_head(f"{name}/c/{i}/0", array, head)
        if first >= 0:
            yield first, i * rows
            first = -1
    if first >= 0:
        yield first, end
