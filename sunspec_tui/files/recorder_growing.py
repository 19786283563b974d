"""Read an HDF5 file while a recorder is writing it (SWMR).

The file's first bytes (its superblock) contain the length of the file at the time when its writer enabled SWMR. Newer
HDF5 libraries refuse arrays beyond that length, such as the recorder's times, until the file is closed. Therefore the
library reads through an object that replaces the first bytes by those of a closed file; all others are unchanged.
"""

import io
import os
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.files.read_limits import Unreadable

WRITING, SHARED = 1, 4
"""Flags of a file that is open for writing, and that readers may open at the same time (SWMR)."""

_VERSION_AT, _OFFSET_SIZE_AT, _FLAGS_AT, _LENGTH_AT = 8, 9, 11, 28
_FLAGS_VERSION, _OFFSET_SIZE = 3, 8
_SUMMED_BYTES, _BEGIN_BYTES = 44, 48
_ROOM_BYTES = 2**40
"""Bytes after the end by which the file may grow while it is read."""

_MIX = ((0, 2, 4, 1), (1, 0, 6, 2), (2, 1, 8, 0), (0, 2, 16, 1), (1, 0, 19, 2), (2, 1, 4, 0))
_LAST = ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24))
_MASK = 0xFFFFFFFF


def open_flags(descriptor: int) -> int:
    """Return a file's flags; 0 if its version has none."""
    begin = os.pread(descriptor, _BEGIN_BYTES, 0)
    return begin[_FLAGS_AT] if len(begin) == _BEGIN_BYTES and begin[_VERSION_AT] == _FLAGS_VERSION else 0


def is_being_written(path: Path) -> bool:
    """Return True if a file is marked as open for writing.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with closing(open_regular(path)) as file:
        return bool(open_flags(file.fileno()) & WRITING)


class GrowingFile(io.RawIOBase):
    """Growing file, presented with the first bytes of a closed file.

    Raises
    ------
    Unreadable
        If its first bytes have an unknown format.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._at = descriptor, 0
        self._length = os.fstat(descriptor).st_size + _ROOM_BYTES
        begin = bytearray(os.pread(descriptor, _BEGIN_BYTES, 0))
        if begin[_OFFSET_SIZE_AT] != _OFFSET_SIZE:
            raise Unreadable("it is being written in an unknown format; wait until it is closed")
        begin[_FLAGS_AT] = 0
        struct.pack_into("<Q", begin, _LENGTH_AT, self._length)
        struct.pack_into("<I", begin, _SUMMED_BYTES, checksum(bytes(begin[:_SUMMED_BYTES])))
        self._begin = bytes(begin)

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: the file has positions."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read bytes into a buffer; bytes after the end are zeros."""
        view = memoryview(buffer).cast("B")
        count = os.preadv(self._descriptor, [view], self._at)
        view[count:] = bytes(len(view) - count)
        shown = self._begin[self._at : self._at + len(view)]
        view[: len(shown)] = shown
        self._at += len(view)
        return len(view)


def checksum(data: bytes) -> int:
    """Return the checksum that HDF5 uses for its structures (Jenkins's lookup3).

    Parameters
    ----------
    data
        Bytes whose number is a multiple of four.
    """
    words = struct.unpack(f"<{len(data) // 4}I", data)
    state = [(0xDEADBEEF + len(data)) & _MASK] * 3
    while len(words) > len(state):
        _add(state, words[:3])
        words = words[3:]
        for i, j, turn, k in _MIX:
            state[i] = ((state[i] - state[j]) & _MASK) ^ _turned(state[j], turn)
            state[j] = (state[j] + state[k]) & _MASK
    _add(state, words)
    for i, j, turn in _LAST:
        state[i] = ((state[i] ^ state[j]) - _turned(state[j], turn)) & _MASK
    return state[2]


def _add(state: list[int], words: tuple[int, ...]) -> None:
    for i, word in enumerate(words):
        state[i] = (state[i] + word) & _MASK


def _turned(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _MASK
