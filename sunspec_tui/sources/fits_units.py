"""Read the first units of a FITS file piece by piece: headers within limits, data only on request.

A gzip file is decompressed only as far as it is read.
"""

import os
import re
import zlib
from typing import Any, BinaryIO, NamedTuple

from sunspec_tui.sources.limits import (
    BLOCK_BYTES,
    MAX_BINS,
    MAX_POWER_BYTES,
    MAX_ROWS,
    Unreadable,
    check_ratio,
    exactly,
    file_size,
    skip,
)

_BLOCK = 2880
_CARD = 80
_MAX_HEADER_BYTES = 500 * _BLOCK
_MAX_TABLE_BYTES = 256_000_000
_MAX_TAIL_BYTES = 16_000_000
_GZIP = b"\x1f\x8b"
_PACKED_BYTES = 65_536
_END = re.compile(rb"END {77}")
_SIZES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Gzip:
    """Decompressed contents of a gzip file, read in order.

    Parameters
    ----------
    file
        The file, positioned at its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = zlib.decompressobj(wbits=31)
        self._waiting = b""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, or none at the end.

        Raises
        ------
        Unreadable
            If the file is truncated or corrupt.
        """
        try:
            while not self._unpacker.eof or self._has_next_member():
                packed = self._unpacker.unconsumed_tail or self._waiting or self._file.read(_PACKED_BYTES)
                self._waiting = b""
                part = self._unpacker.decompress(packed, size)
                if part:
                    return part
                if not packed and not self._unpacker.eof:
                    raise Unreadable("it is truncated: it ends before its data end")
        except zlib.error as error:
            raise Unreadable("its compressed data are corrupt") from error
        return b""

    def _has_next_member(self) -> bool:
        """Return True if another gzip member follows, not padding from a tape or a transfer."""
        rest = self._unpacker.unused_data
        self._waiting = rest + (self._file.read(_PACKED_BYTES) if len(rest) < len(_GZIP) else b"")
        self._unpacker = zlib.decompressobj(wbits=31) if (more := self._waiting.startswith(_GZIP)) else self._unpacker
        return more


class Image(NamedTuple):
    """The image of the first unit.

    Attributes
    ----------
    header
        astropy's header.
    shape
        Number of lines, and of values in a line.
    dtype
        numpy type of a value.
    """

    header: Any
    shape: tuple[int, int]
    dtype: str


class Units:
    """The first two units of a FITS file: an image and the first row of a table.

    Parameters
    ----------
    file
        The open file, compressed with gzip or not.

    Raises
    ------
    Unreadable
        If the two units are missing or above a limit.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.nbytes = file_size(file)
        self._packed = file.read(len(_GZIP)) == _GZIP
        self._rewind()
        self.image = _image(_header(self._stream, b"SIMPLE"))
        size = _padded(self._line_bytes * self.image.shape[0])
        check_ratio(size, self.nbytes)
        if self._packed:
            skip(self._stream, size)
        else:
            # Seek, since a sparse file may contain a very long hole.
            self._file.seek(size, os.SEEK_CUR)
        self.table = self._table()
        self._check_end()

    @property
    def _line_bytes(self) -> int:
        return self.image.shape[1] * int(self.image.dtype[-1])

    def lines(self) -> "Lines":
        """Return the image's lines, starting with the first one."""
        self._rewind()
        _header(self._stream, b"SIMPLE")
        return Lines(self._stream, self._line_bytes)

    def _rewind(self) -> None:
        self._file.seek(0)
        self._stream: Any = Gzip(self._file) if self._packed else self._file

    def _table(self) -> Any:
        """Return the first row of the table in the second unit, as astropy's FITS_rec."""
        from astropy.io import fits

        header = _header(self._stream, b"XTENSION")
        row_bytes = _whole(header, "NAXIS1", _MAX_TABLE_BYTES)
        if str(header.get("XTENSION")).strip() != "BINTABLE" or not _whole(header, "NAXIS2", 2**60):
            raise Unreadable("its second unit is not a table of times and frequencies")
        check_ratio(row_bytes, self.nbytes)
        row = exactly(self._stream, row_bytes)
        header["NAXIS2"] = 1
        # The heap after the rows holds columns of variable length, which are not read.
        header["PCOUNT"] = 0
        header.remove("THEAP", ignore_missing=True)
        unit = header.tostring().encode("ascii") + row.ljust(_padded(row_bytes), b"\0")
        return fits.BinTableHDU.fromstring(unit).data

    def _check_end(self) -> None:
        """Decompress up to the gzip checksum, which verifies the data, if it is not too far away."""
        if self._packed:
            left = _MAX_TAIL_BYTES
            while left > 0 and (part := self._stream.read(min(left, BLOCK_BYTES))):
                left -= len(part)


class Lines(NamedTuple):
    """Remaining lines of an image."""

    stream: Any
    line_bytes: int

    def take(self, count: int) -> bytes:
        """Read the next `count` lines."""
        return exactly(self.stream, count * self.line_bytes)


def _header(stream: Any, first: bytes) -> Any:
    """Read a unit's header as astropy's Header."""
    from astropy.io import fits

    parts, size = list[bytes](), 0
    while size < _MAX_HEADER_BYTES:
        part = exactly(stream, _BLOCK)
        if not parts and not part.startswith(first):
            raise Unreadable(f"it has no unit that begins with {first.decode()}")
        parts.append(part)
        size += len(part)
        if any(_END.match(part, place) for place in range(0, _BLOCK, _CARD)):
            text = b"".join(parts).decode("ascii", "replace").replace("\ufffd", "?")
            return fits.Header.fromstring(text)
    raise Unreadable("a header in it has no end")


def _image(header: Any) -> Image:
    if _whole(header, "NAXIS", 999) != 2:
        raise Unreadable(f"its image has {_whole(header, 'NAXIS', 999)} dimensions, not 2")
    dtype = _SIZES.get(header.get("BITPIX"))
    if dtype is None:
        raise Unreadable("its BITPIX is invalid")
    shape = _whole(header, "NAXIS2", MAX_BINS), _whole(header, "NAXIS1", MAX_ROWS)
    size = shape[0] * shape[1] * int(dtype[-1])
    if size > MAX_POWER_BYTES:
        raise Unreadable(f"its image of {shape[0]} x {shape[1]} values is too large")
    if not size:
        raise Unreadable("its image is empty")
    return Image(header, shape, dtype)


def _whole(header: Any, name: str, most: int) -> int:
    value = header.get(name)
    if type(value) is not int or not value >= 0:
        raise Unreadable(f"its {name} is not a whole number of 0 or more")
    if value > most:
        raise Unreadable(f"its {name} of {min(value, 10**18)} is more than {most}")
    return value


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
