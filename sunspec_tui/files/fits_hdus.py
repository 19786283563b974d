"""Read a FITS file's header-data units (HDUs) within limits.

Data are read only on request. The image may be in the first unit or in an extension, and the tables of axes in any
extension. Reading ends when the image and both axes are found.
"""

import re
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.files.callisto_digits import LENGTH_COLUMN
from sunspec_tui.files.compressed_read import SequentialReader
from sunspec_tui.files.read_limits import (
    MAX_BINS,
    MAX_POWER_BYTES,
    MAX_ROWS,
    TRUNCATED,
    Unreadable,
    check_ratio,
    file_size,
    read_exactly,
)

TIME, FREQUENCY = "TIME", "FREQUENCY"
_COLUMNS = (TIME, FREQUENCY, LENGTH_COLUMN)

_BLOCK = 2880
_CARD = 80
_MAX_HEADER_BYTES = 500 * _BLOCK
_MAX_TABLE_BYTES = 256_000_000
_MAX_ROWS_BYTES = 16_000_000
_MAX_TAIL_BYTES = 16_000_000
_MAX_UNITS = 32
_MAX_BYTES = 2**60
_END = re.compile(rb"END {77}")
_SIZES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Image(NamedTuple):
    """First image of a file.

    Attributes
    ----------
    header
        astropy's header.
    shape
        Number of lines, and of values in a line.
    dtype
        numpy type of a value.
    place
        Number of bytes before it.
    """

    header: Any
    shape: tuple[int, int]
    dtype: str
    place: int

    @property
    def line_bytes(self) -> int:
        """Size of a line."""
        return self.shape[1] * int(self.dtype[-1])


class Column(NamedTuple):
    """Axis in a table's column.

    The axis is in the column's first row, or in all its rows, with one value each. Values that are missing in the file
    are NaN.

    Attributes
    ----------
    values
        Numbers, shape (n,).
    unit
        Unit as the table has it; empty without one.
    """

    values: NDArray[np.float64]
    unit: str


class HeaderDataUnits:
    """First image of a FITS file, and columns of its tables.

    Parameters
    ----------
    file
        The open file, compressed or not.

    Attributes
    ----------
    image
        The image.
    columns
        The columns TIME, FREQUENCY and LENGTH, as far as the file has them.
    notes
        Notes about missing and ignored parts.
    nbytes
        Size of the file.

    Raises
    ------
    Unreadable
        If there is no image, or a unit is truncated or above a limit.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.nbytes = file_size(file)
        self.columns: dict[str, Column] = {}
        self.notes: list[str] = []
        self._image: Image | None = None
        self._claimed = 0
        self._contents = SequentialReader(file, self.nbytes)
        self._read_tail(self._walk())
        self.image = self._found_image()

    def lines(self) -> "Lines":
        """Return the image's lines, starting with the first one."""
        contents = SequentialReader(self._file, self.nbytes)
        if contents.skip(self.image.place) < self.image.place:
            raise Unreadable(TRUNCATED)
        return Lines(contents, self.image.line_bytes)

    def _found_image(self) -> Image:
        if self._image is None:
            raise Unreadable("it has no image")
        return self._image

    def _walk(self) -> bytes:
        """Read units until the image and both axes are found.

        Return the bytes that were read after the last unit.
        """
        first = b"SIMPLE"
        for _ in range(_MAX_UNITS):
            block = self._contents.up_to(_BLOCK)
            if first != b"SIMPLE" and not block.startswith(first):
                return block
            self._read_unit(_header(self._contents, block, first))
            first = b"XTENSION"
            if self._image is not None and {TIME, FREQUENCY} <= self.columns.keys():
                break
        return self._contents.up_to(_BLOCK)

    def _read_unit(self, header: Any) -> None:
        """Read a unit's table or locate its image, then skip it."""
        kind = str(header.get("XTENSION", "IMAGE")).strip().upper()
        size = _size(header)
        if kind == "IMAGE" and self._image is None and header.get("NAXIS"):
            self._image = _image(header, self._contents.place)
            size = self._image.line_bytes * self._image.shape[0]
            self._claim(size)
            self._skip_image(size)
            return
        self._claim(size)
        done = self._read_table(header) if kind == "BINTABLE" else 0
        self._skip_rest(_padded(size) - done)

    def _claim(self, size: int) -> None:
        self._claimed += size
        check_ratio(self._claimed, self.nbytes)

    def _skip_image(self, size: int) -> None:
        if self._contents.skip(size) < size:
            raise Unreadable(TRUNCATED)
        self._skip_rest(_padded(size) - size)

    def _skip_rest(self, size: int) -> None:
        """Skip to the end of a unit.

        If less than a block is missing, a note reports it.
        """
        missing = size - self._contents.skip(size)
        if missing >= _BLOCK:
            raise Unreadable(TRUNCATED)
        if missing:
            self.notes.append(f"its last block is cut off, {missing} bytes are missing")

    def _read_table(self, header: Any) -> int:
        """Read the columns of a table.

        Return the number of bytes read.
        """
        row_bytes, nrows = _whole(header, "NAXIS1", _MAX_TABLE_BYTES), _whole(header, "NAXIS2", _MAX_BYTES)
        if not nrows:
            return 0
        # Only a small table can have a row for each value of an axis.
        nrows = nrows if nrows * row_bytes <= _MAX_ROWS_BYTES else 1
        rows = self._contents.up_to(nrows * row_bytes)
        size = _padded(nrows * row_bytes)
        if size - len(rows) >= max(1, min(size, _BLOCK)):
            raise Unreadable(TRUNCATED)
        table = _table(header, nrows, rows.ljust(size, b"\0"))
        for number, name in enumerate(table.columns.names):
            key = name.strip().upper()
            if key in _COLUMNS and key not in self.columns:
                self.columns[key] = _column(table, number, key, len(rows))
        return len(rows)

    def _read_tail(self, block: bytes) -> None:
        """Count the bytes after the last unit, which are ignored.

        A compressed file is read to its end, if that is not too far away, because its checksum verifies the data.
        """
        if not block:
            return
        count = len(block) + self._contents.skip(_MAX_TAIL_BYTES if self._contents.packed else self.nbytes)
        if not block.startswith(b"XTENSION"):
            self.notes.append(f"{count} bytes after its end are ignored")


class Lines(NamedTuple):
    """Remaining lines of an image."""

    stream: Any
    line_bytes: int

    def read_bytes(self, count: int) -> bytes:
        """Read the next `count` lines."""
        return read_exactly(self.stream, count * self.line_bytes)


def _header(contents: SequentialReader, block: bytes, first: bytes) -> Any:
    """Read a unit's header as astropy's Header.

    Its first block is read already.
    """
    from astropy.io import fits

    parts, size = list[bytes](), 0
    while size < _MAX_HEADER_BYTES:
        part = block if not parts else read_exactly(contents, _BLOCK)
        if len(part) < _BLOCK:
            raise Unreadable(TRUNCATED)
        if not parts and not part.startswith(first):
            raise Unreadable(f"it has no unit that begins with {first.decode()}")
        parts.append(part)
        size += len(part)
        if any(_END.match(part, place) for place in range(0, _BLOCK, _CARD)):
            text = b"".join(parts).decode("ascii", "replace").replace("\ufffd", "?")
            return fits.Header.fromstring(text)
    raise Unreadable("a header in it has no end")


def _table(header: Any, nrows: int, rows: bytes) -> Any:
    """Return rows of a table as astropy's FITS_rec."""
    from astropy.io import fits

    header["NAXIS2"] = nrows
    # The heap after the rows holds columns of variable length, which are not read.
    header["PCOUNT"] = 0
    header.remove("THEAP", ignore_missing=True)
    return fits.BinTableHDU.fromstring(header.tostring().encode("ascii") + rows).data


def _column(table: Any, number: int, name: str, nbytes: int) -> Column:
    """Return a column of a table.

    Only the first `nbytes` of the table are in the file.
    """
    field = table.field(number)
    each_row = len(table) > 1 and field.ndim == 1
    try:
        values = np.array(field if each_row else field[0], np.float64).ravel()
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise Unreadable(f"its table has no numeric column {name}") from error
    dtype, offset = table.dtype.fields[table.dtype.names[number]][:2]
    step = table.dtype.itemsize if each_row else dtype.base.itemsize
    # Values that end after the available bytes are missing.
    values[max(0, nbytes - offset - dtype.base.itemsize + step) // step :] = np.nan
    return Column(values, str(table.columns[number].unit or "").strip())


def _image(header: Any, place: int) -> Image:
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
    return Image(header, shape, dtype, place)


def _size(header: Any) -> int:
    """Return the number of bytes of a unit's data."""
    naxis = _whole(header, "NAXIS", 999)
    if not naxis:
        return 0
    dtype = _SIZES.get(header.get("BITPIX"))
    if dtype is None:
        raise Unreadable("its BITPIX is invalid")
    count = 1
    for number in range(1, naxis + 1):
        count *= _whole(header, f"NAXIS{number}", _MAX_BYTES)
    extra = _whole(header, "PCOUNT", _MAX_BYTES) if "PCOUNT" in header else 0
    return int(dtype[-1]) * (count + extra)


def _whole(header: Any, name: str, most: int) -> int:
    value = header.get(name)
    if type(value) is not int or not value >= 0:
        raise Unreadable(f"its {name} is not a whole number of 0 or more")
    if value > most:
        raise Unreadable(f"its {name} of {min(value, 10**18)} is more than {most}")
    return value


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
