"""Read a file in order, and decompress gzip and bzip2 on demand."""

import bz2
import os
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from sunspec_tui.files.read_limits import BLOCK_BYTES, TRUNCATED, Unreadable

GZIP, BZIP2 = b"\x1f\x8b", b"BZh"
"""First bytes of compressed files."""

_PACKED_BYTES = 65_536


class _GzipMember:
    """A member of a gzip file, with the interface of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        """True after the end of the member."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """True if all bytes that were passed in are used."""
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the member."""
        return self._inner.unused_data

    def decompress(self, packed: bytes, size: int) -> bytes:
        """Return at most `size` bytes."""
        return self._inner.decompress(self._inner.unconsumed_tail + packed, size)


class DecompressedFile:
    """Decompressed contents of a gzip or bzip2 file, read in order.

    Parameters
    ----------
    file
        The file, positioned at its start.
    magic
        First bytes of each compressed member.
    """

    def __init__(self, file: BinaryIO, magic: bytes) -> None:
        self._file = file
        self._magic = magic
        self._new: Callable[[], Any] = _GzipMember if magic == GZIP else bz2.BZ2Decompressor
        self._unpacker = self._new()
        self._waiting = b""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, or none at the end.

        Raises
        ------
        Unreadable
            If the file is truncated or corrupt.
        """
        while not self._unpacker.eof or self._has_next_member():
            wanted = self._unpacker.needs_input
            packed = (self._waiting or self._file.read(_PACKED_BYTES)) if wanted else b""
            self._waiting = b""
            try:
                part: bytes = self._unpacker.decompress(packed, size)
            except (zlib.error, OSError) as error:
                raise Unreadable("its compressed data are corrupt") from error
            if part:
                return part
            if wanted and not packed and not self._unpacker.eof:
                raise Unreadable(TRUNCATED)
        return b""

    def _has_next_member(self) -> bool:
        """Return True if another compressed member follows.

        Padding from a tape or a transfer may follow instead.
        """
        rest = self._unpacker.unused_data
        self._waiting = rest + (self._file.read(_PACKED_BYTES) if len(rest) < len(self._magic) else b"")
        more = self._waiting.startswith(self._magic)
        self._unpacker = self._new() if more else self._unpacker
        return more


class SequentialReader:
    """Contents of a file, compressed or not, read in order.

    Parameters
    ----------
    file
        The open file.
    nbytes
        Size of the file.
    """

    def __init__(self, file: BinaryIO, nbytes: int) -> None:
        self._file = file
        self._nbytes = nbytes
        self.place = 0
        file.seek(0)
        begin = file.read(len(BZIP2))
        file.seek(0)
        magic = next((each for each in (GZIP, BZIP2) if begin.startswith(each)), None)
        self._unpacked = None if magic is None else DecompressedFile(file, magic)
        self.packed = magic is not None

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, or none at the end."""
        part = (self._unpacked or self._file).read(size)
        self.place += len(part)
        return part

    def up_to(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer if the contents end before."""
        parts, left = list[bytes](), size
        while left and (part := self.read(min(left, BLOCK_BYTES))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Skip at most `size` bytes and return how many there were."""
        if self._unpacked is None:
            # Seek instead of reading, because a sparse file may contain a very long hole.
            there = min(size, max(0, self._nbytes - self.place))
            self.place = self._file.seek(self.place + there, os.SEEK_SET)
            return there
        left = size
        while left and (part := self.read(min(left, BLOCK_BYTES))):
            left -= len(part)
        return size - left
