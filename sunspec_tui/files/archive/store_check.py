"""Check the metadata of an archive's store before any library opens it.

A store is a directory that any user may have made. Only stores as this program writes them pass: Zarr version 3,
known arrays, types and codecs, sizes within limits, and chunk files that are regular files and declare the correct
size. This module decompresses and executes nothing.
"""

import json
import math
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import WIRE_PRODUCTS, plain_name
from sunspec_tui.files.archive.layout import BLOCK_ROWS, BLOCKS, block_arrays

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
MAX_CHUNK_BYTES = 64 << 20
"""Largest chunk in memory, except a chunk of a single row."""

_TYPES = {"time": ("int64", 8), "frequency": ("float64", 8)}
_PRODUCT_TYPE = ("float32", 4)
_PRODUCT_NAMES = tuple(plain_name(product) for product in WIRE_PRODUCTS)
_COMPRESSORS = ("zstd", "blosc")
_ATTRIBUTES = frozenset({"units", "calendar", "long_name"})
_MAX_TIME_CHUNK = 1 << 20
_HEAD_BYTES = 18
_FLOAT_BITS = 23
_VERSION_2 = (".zgroup", ".zattrs", ".zarray", ".zmetadata")


class StoreRefused(ArchiveError):
    """A store was not written by this program.

    The text is the reason.
    """


_MAX_CHUNK_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ArrayClaim:
    """Metadata of one array.

    Attributes
    ----------
    shape, chunk
        Shapes of the array and of one chunk.
    itemsize
        Bytes of one value.
    compressor
        ``zstd``, ``blosc``, or empty.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    itemsize: int
    compressor: str

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk in memory."""
        return math.prod(self.chunk) * self.itemsize

    @property
    def max_stored_bytes(self) -> int:
        """Largest plausible size of a chunk's file.

        Data that cannot be compressed become a little larger.
        """
        return self.chunk_bytes + self.chunk_bytes // 8 + _MAX_CHUNK_HEAD_BYTES


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
    """

    path: Path
    arrays: dict[str, ArrayClaim]
    complete: bool
    bits: int | None = None
    blocks: dict[str, ArrayClaim] = field(default_factory=dict)

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
    consolidated = _dict(_dict(metadata.get("consolidated_metadata")).get("metadata"))
    _require(metadata.get("node_type") == "group", "it is not a group of arrays")
    _require("time" in consolidated and "frequency" in consolidated, "it has no consolidated time and frequency")
    inside = {name: each for name, each in consolidated.items() if name.split("/")[0] == BLOCKS}
    arrays = {name: _array(name, _dict(each)) for name, each in consolidated.items() if name not in inside}
    nrows, nbins = arrays["time"].shape[0], arrays["frequency"].shape[0]
    for name in set(arrays) - set(_TYPES):
        _require(arrays[name].shape == (nrows, nbins), f"{name} does not have the shape of its axes")
        _require(arrays[name].chunk[1] == nbins, f"chunks of {name} do not hold whole rows")
    attributes = _dict(metadata.get("attributes"))
    claim = StoreClaim(
        path, arrays, attributes.get(EVERY_CHUNK) is True, _bits(attributes.get(BITS)), _blocks(arrays, inside)
    )
    for name in _TYPES:
        _check_axis(claim, name)
    return claim


def _bits(value: Any) -> int | None:
    _require(
        value is None or (type(value) is int and 0 < value < _FLOAT_BITS),
        f"its {BITS} is invalid",
    )
    return None if value is None else int(value)


def _blocks(arrays: dict[str, ArrayClaim], inside: dict[str, Any]) -> dict[str, ArrayClaim]:
    """Return the arrays of blocks if they fit the rows.

    Otherwise the result is empty, and rows are read instead.
    """
    group = _dict(inside.pop(BLOCKS, None))
    if not inside or group.get("node_type") != "group" or _dict(group.get("attributes")).get("rows") != BLOCK_ROWS:
        return {}
    found = {name.split("/", 1)[1]: _power_array(name, _dict(each)) for name, each in inside.items()}
    products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in arrays)
    shape = arrays["time"].shape[0] // BLOCK_ROWS, arrays["frequency"].shape[0]
    fits = all(each.shape == shape and each.chunk[1] == shape[1] for each in found.values())
    return found if fits and set(block_arrays(products)) == set(found) else {}


def _metadata(path: Path) -> dict[str, Any]:
    root = path / ROOT
    if not os.path.lexists(root) and any(os.path.lexists(path / name) for name in _VERSION_2):
        raise StoreRefused("it is of Zarr version 2, only version 3 is read")
    try:
        head = _read(root, MAX_METADATA_BYTES + 1)
        _require(head is not None, f"it has no {ROOT}")
        assert head is not None  # noqa: S101 - just demanded
        _require(len(head) <= MAX_METADATA_BYTES, f"its {ROOT} is too long")
        metadata = _dict(json.loads(head))
    except (ValueError, RecursionError) as error:
        raise StoreRefused(f"its {ROOT} cannot be read") from error
    version = metadata.get("zarr_format")
    _require(version == 3, f"it is of Zarr version {printable(version, 20)}, only version 3 is read")
    return metadata


def _array(name: str, metadata: dict[str, Any]) -> ArrayClaim:
    known = name in _TYPES or name in _PRODUCT_NAMES
    _require(known, f"it has an unknown array {printable(name, 20)!r}")
    return _power_array(name, metadata)


def _power_array(name: str, metadata: dict[str, Any]) -> ArrayClaim:
    """Check an array of power or an axis, whose name is known."""
    name = printable(name, 40)
    data_type, itemsize = _TYPES.get(name, _PRODUCT_TYPE)
    _require(
        metadata.get("node_type") == "array" and metadata.get("zarr_format") == 3,
        f"{name} is not an array of version 3",
    )
    _require(metadata.get("data_type") == data_type, f"{name} is not of {data_type}")
    grid, keys = _dict(metadata.get("chunk_grid")), _dict(metadata.get("chunk_key_encoding"))
    _require(
        grid.get("name") == "regular" and keys.get("name") == "default", f"{name} has chunks of an unsupported layout"
    )
    _require(
        _dict(keys.get("configuration")).get("separator", "/") == "/", f"{name} has chunks of an unsupported layout"
    )
    _require(not metadata.get("storage_transformers"), f"{name} has an unsupported storage")
    attributes = _dict(metadata.get("attributes"))
    _require(set(attributes) <= _ATTRIBUTES, f"{name} has unknown attributes")
    _require(name != "time" or attributes.get("units") == TIME_UNITS, "its times are not in microseconds since 1970")
    dimensions = 1 if name in _TYPES else 2
    shape = _sizes(name, metadata.get("shape"), dimensions, least=0)
    chunk = _sizes(name, _dict(grid.get("configuration")).get("chunk_shape"), dimensions, least=1)
    claim = ArrayClaim(shape, chunk, itemsize, _compressor(name, metadata.get("codecs")))
    _check_sizes(name, claim)
    return claim


def _check_sizes(name: str, claim: ArrayClaim) -> None:
    if name == "frequency":
        _require(claim.shape[0] <= MAX_BINS and claim.chunk == claim.shape, f"it claims {claim.shape[0]} frequencies")
        return
    _require(claim.shape[0] <= MAX_ROWS, f"it claims {claim.shape[0]} rows")
    fits = claim.chunk[0] <= _MAX_TIME_CHUNK if name == "time" else claim.chunk_bytes <= MAX_CHUNK_BYTES
    _require(fits or claim.chunk[0] == 1, f"chunks of {name} claim {claim.chunk_bytes / 1e6:.0f} MB")


def _sizes(name: str, value: Any, dimensions: int, *, least: int) -> tuple[int, ...]:
    fits = isinstance(value, list) and len(value) == dimensions and all(type(n) is int and n >= least for n in value)
    _require(fits, f"{name} has an invalid shape")
    return tuple(value)


def _compressor(name: str, value: Any) -> str:
    """Return the compressor of an array, the only allowed codec besides bytes."""
    codecs = [_dict(each) for each in value] if isinstance(value, list) else []
    names = [each.get("name") for each in codecs]
    allowed = names[:1] == ["bytes"] and len(names) <= 2 and all(each in _COMPRESSORS for each in names[1:])
    _require(allowed, f"{name} has unsupported codecs")
    _require(_dict(codecs[0].get("configuration")).get("endian") == "little", f"{name} is not little-endian")
    return str(names[1]) if len(names) == 2 else ""


def _check_axis(claim: StoreClaim, name: str) -> None:
    """Check that each chunk of an axis exists.

    Otherwise a store could claim any number of rows.
    """
    array = claim.arrays[name]
    for i in range(-(-array.shape[0] // array.chunk[0]) if array.shape[0] else 0):
        head = _read(claim.path / name / "c" / str(i), _HEAD_BYTES, array.max_stored_bytes)
        _require(head is not None, f"it claims {claim.nrows} rows, but a part of its {name} axis is missing")
        _check_head(f"{name}/c/{i}", array, head or b"")


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
        head = _read(path / "c" / str(i) / "0", _HEAD_BYTES, array.max_stored_bytes)
        if head is None:
            first = max(begin, i * rows) if first < 0 else first
            continue
        _check_head(f"{name}/c/{i}/0", array, head)
        if first >= 0:
            yield first, i * rows
            first = -1
    if first >= 0:
        yield first, end


def _check_head(name: str, array: ArrayClaim, head: bytes) -> None:
    """Check the size that a chunk declares.

    A chunk without a head is refused later, by the library that reads it.
    """
    declared = declared_bytes(head, array.compressor)
    # Without a declared size, the library would decompress until memory is used up.
    _require(declared is not None or array.compressor != "zstd" or len(head) < 5, f"{name} declares no size")
    _require(
        declared is None or declared <= array.chunk_bytes,
        f"{name} decompresses to {(declared or 0) / 1e6:.0f} MB, more than a chunk holds",
    )


def declared_bytes(head: bytes, compressor: str) -> int | None:
    """Return the size that a compressed chunk declares; None if absent."""
    if compressor == "blosc":
        return int.from_bytes(head[4:8], "little") if len(head) >= 16 else None
    if compressor != "zstd" or head[:4] != b"\x28\xb5\x2f\xfd" or len(head) < 5:
        return None
    # RFC 8878: the descriptor contains the lengths of the window, the dictionary and the content size.
    descriptor = head[4]
    single = bool(descriptor & 0x20)
    length = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    if not length or len(head) < start + length:
        return None
    return int.from_bytes(head[start : start + length], "little") + (256 if length == 2 else 0)


def _read(path: Path, size: int, most: int | None = None) -> bytes | None:
    """Return the first bytes of a regular file; None if missing.

    The function does not wait for a pipe, and does not follow a link. It refuses a file of more than `most` bytes,
    because a library reads the whole file.
    """
    try:
        mode = path.lstat().st_mode
        _require(stat.S_ISREG(mode), f"{printable(path.name, 40)} in it is not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        stored = os.fstat(descriptor).st_size
        _require(most is None or stored <= most, f"{printable(path.name, 40)} in it has {stored / 1e6:.0f} MB")
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _require(holds: object, why: str) -> None:
    if not holds:
        raise StoreRefused(why)
