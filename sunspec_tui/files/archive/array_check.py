"""Check the metadata and the files of one array of a store.

They may come from any user. This module decompresses and executes nothing.
"""

import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.printable import printable

MAX_CHUNK_BYTES = 64 << 20
"""Largest chunk in memory, except a chunk of a single row."""

HEAD_BYTES = 18
"""Bytes of a chunk that are enough to read its declared size."""

_ATTRIBUTES = frozenset({"units", "calendar", "long_name"})
_COMPRESSORS = ("zstd", "blosc")
_MAX_OVERHEAD_BYTES = 4096


class StoreRefused(ArchiveError):
    """A store was not written by this program.

    The text is the reason.
    """


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
        return self.chunk_bytes + self.chunk_bytes // 8 + _MAX_OVERHEAD_BYTES


def array_claim(name: str, metadata: dict[str, Any], data_type: str, itemsize: int, dimensions: int) -> ArrayClaim:
    """Check the metadata of one array, except its sizes.

    Raises
    ------
    StoreRefused
        If this program does not write such arrays.
    """
    name = printable(name, 40)
    require(
        metadata.get("node_type") == "array" and metadata.get("zarr_format") == 3,
        f"{name} is not an array of version 3",
    )
    require(metadata.get("data_type") == data_type, f"{name} is not of {data_type}")
    grid, keys = as_dict(metadata.get("chunk_grid")), as_dict(metadata.get("chunk_key_encoding"))
    usual = grid.get("name") == "regular" and keys.get("name") == "default"
    usual = usual and as_dict(keys.get("configuration")).get("separator", "/") == "/"
    require(usual, f"{name} has chunks of an unsupported layout")
    require(not metadata.get("storage_transformers"), f"{name} has an unsupported storage")
    require(set(as_dict(metadata.get("attributes"))) <= _ATTRIBUTES, f"{name} has unknown attributes")
    shape = _sizes(name, metadata.get("shape"), dimensions, least=0)
    chunk = _sizes(name, as_dict(grid.get("configuration")).get("chunk_shape"), dimensions, least=1)
    return ArrayClaim(shape, chunk, itemsize, _compressor(name, metadata.get("codecs"), itemsize))


def _sizes(name: str, value: Any, dimensions: int, *, least: int) -> tuple[int, ...]:
    fits = isinstance(value, list) and len(value) == dimensions and all(type(n) is int and n >= least for n in value)
    require(fits, f"{name} has an invalid shape")
    return tuple(value)


def _compressor(name: str, value: Any, itemsize: int) -> str:
    """Return the compressor of an array, the only allowed codec besides bytes."""
    codecs = [as_dict(each) for each in value] if isinstance(value, list) else []
    names = [each.get("name") for each in codecs]
    allowed = names[:1] == ["bytes"] and len(names) <= 2 and all(each in _COMPRESSORS for each in names[1:])
    require(allowed, f"{name} has unsupported codecs")
    # Single bytes have no order.
    endian = as_dict(codecs[0].get("configuration")).get("endian")
    require(endian == "little" or (itemsize == 1 and endian is None), f"{name} is not little-endian")
    return str(names[1]) if len(names) == 2 else ""


def check_head(name: str, array: ArrayClaim, head: bytes) -> None:
    """Check the size that a chunk declares.

    A chunk without a head is refused later, by the library that reads it.
    """
    declared = declared_bytes(head, array.compressor)
    # Without a declared size, the library would decompress until memory is used up.
    require(declared is not None or array.compressor != "zstd" or len(head) < 5, f"{name} declares no size")
    require(
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


def read_head(path: str | Path, size: int, most: int | None = None) -> bytes | None:
    """Return the first bytes of a regular file; None if missing.

    The function does not wait for a pipe, and does not follow a link. It refuses a file of more than `most` bytes,
    because a library reads the whole file.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise StoreRefused(f"{_base_name(path)} in it is not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        stored = os.fstat(descriptor).st_size
        if most is not None and stored > most:
            raise StoreRefused(f"{_base_name(path)} in it has {stored / 1e6:.0f} MB")
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _base_name(path: str | Path) -> str:
    return printable(Path(path).name, 40)


def as_dict(value: Any) -> dict[str, Any]:
    """Return a parsed JSON object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def require(holds: object, why: str) -> None:
    """Raise `StoreRefused` with a reason unless a condition holds."""
    if not holds:
        raise StoreRefused(why)
