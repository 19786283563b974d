"""Encode and decode the binary messages of the live stream.

docs/web.md describes the layout for other programs. A message is a header and blocks of rows, each compressed
separately. The rows of a block are steps of `row_codes` from the previous row. A block of a history or of a key row
begins with its own scale and can be read alone; any other row continues the previous one.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.webapp import row_codes

VERSION = 2
HISTORY, ROW, KEY = 1, 2, 3
PRODUCTS = tuple(Product)
HEADER = struct.Struct("<BBBxIIId")
"""version, kind, product's index, epoch, rows, bins, number of the first row."""
BLOCK = struct.Struct("<II")
"""Rows of a block, and bytes that follow."""
SCALE = struct.Struct("<dd")
"""Unit and step of a block that can be read alone."""

_TIMES_BYTES = 17
"""Time, slot and marks of a row."""


@dataclass(frozen=True, slots=True)
class Message:
    """Content of a binary message.

    Attributes
    ----------
    kind
        `HISTORY`, which replaces all rows before it, or `ROW` or `KEY`, which follows them.
    product, epoch
        Product and epoch of the rows, as in the preceding axis record.
    first
        Number of the first row; the others are numbered consecutively.
    times_s
        End of each row's averaging, seconds since 1970 UTC.
    slots
        Slots on the even time axis.
    marks
        `ring_buffer.Mark` bits.
    values
        Power, float32, shape (n, nbins); NaN for invalid values.
    """

    kind: int
    product: Product
    epoch: int
    first: int
    times_s: NDArray[np.float64]
    slots: NDArray[np.int64]
    marks: NDArray[np.uint8]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CodedRows:
    """Consecutive rows whose values are codes.

    Attributes
    ----------
    times_s, slots, marks
        As in `Message`.
    codes, known
        Codes, and the mask of valid values, shape (n, nbins).
    unit, step
        Scale of the codes.
    """

    times_s: NDArray[np.float64]
    slots: NDArray[np.generic]
    marks: NDArray[np.uint8]
    codes: NDArray[np.int32]
    known: NDArray[np.bool_]
    unit: float
    step: float = row_codes.STEP

    @property
    def values(self) -> NDArray[np.float32]:
        """Power, float32; NaN for invalid values."""
        return np.where(self.known, row_codes.powers_of(self.codes, self.unit, self.step), np.float32(np.nan))


def coded(rows: Rows, values: NDArray[np.float32], unit: float) -> CodedRows:
    """Return rows with codes on the scale of `unit`.

    Parameters
    ----------
    rows
        Times, slots and marks; the data are not read.
    values
        Power of one product, float32, shape (n, nbins).
    unit
        Return value of `row_codes.unit_of`.
    """
    codes, known = row_codes.codes_of(values, unit)
    return CodedRows(rows.times_s, rows.slots, rows.marks, codes, known, unit)


def pack_block(rows: CodedRows, before: CodedRows | None = None) -> bytes:
    """Encode rows as a block.

    Parameters
    ----------
    rows
        At least one row.
    before
        Rows on the same scale whose newest row these continue; None for a block that can be read alone.
    """
    scale = SCALE.pack(rows.unit, rows.step) if before is None else b""
    times = rows.times_s.astype("<f8").tobytes() + rows.slots.astype("<f8").tobytes() + rows.marks.tobytes()
    newest = None if before is None else (before.codes[-1], before.known[-1])
    packed = _deflated(scale + times + row_codes.as_steps(rows.codes, rows.known, newest))
    return BLOCK.pack(len(rows.codes), len(packed)) + packed


def header(product: Product, *, kind: int, epoch: int, shape: tuple[int, int], first: int) -> bytes:
    """Return the header of a message.

    Parameters
    ----------
    product, kind, epoch, first
        As in `Message`.
    shape
        Numbers of rows and bins.
    """
    return HEADER.pack(VERSION, kind, PRODUCTS.index(product), epoch, *shape, float(first))


def encode(
    rows: CodedRows, before: CodedRows | None = None, *, product: Product, kind: int, epoch: int, first: int
) -> bytes:
    """Return a message of one block.

    Parameters
    ----------
    rows, before
        As in `pack_block`.
    product, kind, epoch, first
        As in `Message`.
    """
    return header(
        product, kind=kind, epoch=epoch, shape=(len(rows.codes), rows.codes.shape[1]), first=first
    ) + pack_block(rows, before)


def newest_rows(message: bytes, min_rows: int) -> bytes:
    """Shorten a message to its newest blocks.

    The blocks together keep at least `min_rows` rows.
    """
    version, kind, product, epoch, n, nbins, first = HEADER.unpack_from(message)
    at, left = HEADER.size, n
    while at < len(message):
        rows, nbytes = BLOCK.unpack_from(message, at)
        if left - rows < min_rows:
            break
        at, left = at + BLOCK.size + nbytes, left - rows
    return HEADER.pack(version, kind, product, epoch, left, nbins, first + n - left) + message[at:]


def is_row(message: bytes | str) -> bool:
    """Return True if a message is a row, which may be skipped."""
    return isinstance(message, bytes) and message[1] != HISTORY


def next_number(message: bytes) -> int:
    """Return the number after the last row of a message."""
    _, _, _, _, n, _, first = HEADER.unpack_from(message)
    return int(first) + int(n)


class Decoder:
    """Decoder of the messages of one connection, in their order.

    Python programs that read the live stream can use it.
    """

    def __init__(self) -> None:
        self._newest: CodedRows | None = None
        self._of: tuple[int, ...] = ()
        """Product, epoch, bins and number of the row that may follow."""

    def decode(self, message: bytes) -> Message:
        """Return the content of a message.

        Raises
        ------
        ValueError
            If the message is invalid or of another version, or is a row that does not follow the newest.
        """
        kind, product, epoch, n, nbins, first = _header(message)
        if kind == ROW and (self._newest is None or self._of != (product, epoch, nbins, first)):
            raise ValueError("a message of a row that does not follow the newest")
        blocks = [self._block(packed, (rows, nbins), kind) for rows, packed in _blocks(message)]
        if sum(len(block.codes) for block in blocks) != n:
            raise ValueError("the number of rows of a message is wrong")
        self._of = product, epoch, nbins, first + n
        return Message(
            kind,
            PRODUCTS[product],
            epoch,
            first,
            np.concatenate((np.empty(0), *(block.times_s for block in blocks))),
            np.concatenate((np.empty(0), *(block.slots for block in blocks))).astype(np.int64),
            np.concatenate((np.empty(0, np.uint8), *(block.marks for block in blocks))),
            np.concatenate((np.empty((0, nbins), np.float32), *(block.values for block in blocks))),
        )

    def _block(self, packed: bytes, shape: tuple[int, int], kind: int) -> CodedRows:
        before = self._newest if kind == ROW else None
        self._newest = _unpacked(packed, shape, before)
        return self._newest


def _blocks(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = HEADER.size
    while at < len(message):
        if len(message) - at < BLOCK.size:
            raise ValueError("the length of a message is wrong")
        rows, nbytes = BLOCK.unpack_from(message, at)
        at += BLOCK.size + nbytes
        yield rows, message[at - nbytes : at]


def _unpacked(packed: bytes, shape: tuple[int, int], before: CodedRows | None) -> CodedRows:
    n, head = shape[0], SCALE.size if before is None else 0
    at = head + n * _TIMES_BYTES
    data = _inflated(packed, at + n * 5 * shape[1])
    if len(data) < at:
        raise ValueError("the length of a message is wrong")
    unit, step = SCALE.unpack_from(data) if before is None else (before.unit, before.step)
    codes, known = row_codes.from_steps(data[at:], shape, None if before is None else before.codes[-1])
    times_s, slots = np.frombuffer(data, "<f8", 2 * n, head).reshape(2, n)
    marks = np.frombuffer(data, np.uint8, n, head + 16 * n)
    return CodedRows(times_s, slots, marks, codes, known, unit, step)


def decode(message: bytes) -> Message:
    """Return the content of a message that can be read alone.

    It raises the same errors as `Decoder.decode`.
    """
    return Decoder().decode(message)


def _header(message: bytes) -> tuple[int, int, int, int, int, int]:
    if len(message) < HEADER.size:
        raise ValueError(f"a message has at least {HEADER.size} bytes, this one has {len(message)}")
    version, *others = HEADER.unpack_from(message)
    if version != VERSION:
        raise ValueError(f"a message of version {version}, known is {VERSION}")
    kind, product, epoch, n, nbins, first = others
    return kind, product, epoch, n, nbins, int(first)


def _deflated(data: bytes) -> bytes:
    # Steps are noise, which repeats only as runs of one byte: a search for longer repeats takes time and gains nothing.
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


def _inflated(packed: bytes, max_bytes: int) -> bytes:
    """Unpack a block of at most `max_bytes` bytes."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"a message that cannot be unpacked: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the length of a message is wrong")
    return data
