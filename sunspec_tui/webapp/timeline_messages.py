"""Encode and decode the columns of a timeline as bytes.

docs/web.md describes the layout for other programs. Values are codes and steps as those of the live rows, on a coarser
scale. The bytes are compressed once as gzip, for all visitors.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.webapp import row_codes
from sunspec_tui.webapp.row_messages import PRODUCTS, SCALE

VERSION = 1
HAS_PEAKS, IS_FINISHED = 1, 2
"""Flags of a message."""
RESTART, ONLY_MEAN = 1, 2
"""Marks of a column: a restart of the producer in it; its highest values are not known."""
HEADER = struct.Struct("<BBBxIIIdd")
"""version, product's index, flags, columns, bins, bins of the stream in a bin, low edge and width of a bin in MHz."""
STEP = 0.05 / row_codes.STEP_DB * row_codes.STEP
"""Step of the scale: far from zero the error of a power is at most half of 0.05 dB."""
SIGNED_FINER = 8
"""Largest error of a signed product near zero: that of live rows, for means of many rows divided by this."""

_COLUMN_BYTES = 25
_MAX_DECODED_BYTES = 2**26
_GZIP, _LEVEL = 16 + zlib.MAX_WBITS, 6


@dataclass(frozen=True, slots=True)
class FoldedBins:
    """Frequencies of folded bins.

    Attributes
    ----------
    width
        Number of the stream's bins in a bin; the last one may have fewer.
    low_mhz
        Low edge of the first bin.
    bin_mhz
        Width of a folded bin.
    """

    width: int
    low_mhz: float
    bin_mhz: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Content of a message.

    Attributes
    ----------
    product, bins
        Product and frequencies of the columns.
    is_finished
        True if the columns never change.
    begin_s, end_s
        Time that each column covers, seconds since 1970 UTC, shape (n,).
    rows, missing
        Numbers of its rows, and of the rows missing before them.
    marks
        `RESTART` and `ONLY_MEAN` bits.
    mean, peak
        Mean and highest power, float32, shape (n, nbins); NaN for invalid values. `peak` is the mean where the highest
        power is not known.
    """

    product: Product
    bins: FoldedBins
    is_finished: bool
    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    rows: NDArray[np.uint32]
    missing: NDArray[np.uint32]
    marks: NDArray[np.uint8]
    mean: NDArray[np.float32]
    peak: NDArray[np.float32]


def encode(columns: TimeBlocks, product: Product, bins: FoldedBins, *, is_finished: bool) -> bytes:
    """Return columns as bytes, without compression.

    Parameters
    ----------
    columns
        Return value of `timeline_columns.read_columns`.
    product, bins, is_finished
        As in `Columns`.
    """
    several = columns.rows > 1
    has_peaks = product not in SIGNED_PRODUCTS and bool(several.any())
    flags = HAS_PEAKS * has_peaks | IS_FINISHED * is_finished
    n, nbins = columns.mean.shape
    head = HEADER.pack(VERSION, PRODUCTS.index(product), flags, n, nbins, bins.width, bins.low_mhz, bins.bin_mhz)
    times = [(each / 1e6).astype("<f8").tobytes() for each in (columns.begin_us, columns.end_us)]
    counts = [np.minimum(each, 2**32 - 1).astype("<u4").tobytes() for each in (columns.rows, columns.missing)]
    marks = RESTART * columns.restarts | ONLY_MEAN * (several & (product in SIGNED_PRODUCTS))
    unit = _unit_of(columns.mean, product, SIGNED_FINER if several.any() else 1)
    codes, known = row_codes.codes_of(columns.mean, unit, STEP)
    parts = [head, *times, *counts, marks.astype(np.uint8).tobytes(), SCALE.pack(unit, STEP), _steps(codes, known)]
    if has_peaks:
        highest, has_peak = row_codes.codes_of(columns.peak, unit, STEP)
        parts.append(_steps(np.where(has_peak, highest - codes, 0).astype(np.int32), known))
    return b"".join(parts)


def _unit_of(mean: NDArray[np.float32], product: Product, finer: int) -> float:
    """Return the unit of the scale.

    Means of many rows have less noise than rows, so signed products get a finer scale near zero.
    """
    unit = row_codes.unit_of(mean.ravel(), product)
    return unit * row_codes.STEP / STEP / finer if product in SIGNED_PRODUCTS else unit


def _steps(codes: NDArray[np.int32], known: NDArray[np.bool_]) -> bytes:
    """Return codes as steps, bin by bin.

    Columns of many rows differ less from bin to bin than from column to column.
    """
    return row_codes.as_steps(np.ascontiguousarray(codes.T), np.ascontiguousarray(known.T), None) if len(codes) else b""


def compressed(message: bytes) -> bytes:
    """Return a message as gzip."""
    # Steps are noise, as those of rows, so a search for repeated texts gains nothing.
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(message) + packer.flush()


def decompressed(packed: bytes) -> bytes:
    """Return the message in bytes of `compressed`."""
    return zlib.decompress(packed, _GZIP)


def decode(message: bytes) -> Columns:
    """Return the content of a message, after decompression.

    Raises
    ------
    ValueError
        If the message is invalid or of another version.
    """
    if len(message) < HEADER.size or message[0] != VERSION:
        raise ValueError(f"a message of {len(message)} bytes that is not of version {VERSION}")
    _, product, flags, n, nbins, width, low_mhz, bin_mhz = HEADER.unpack_from(message)
    at = HEADER.size + n * _COLUMN_BYTES + SCALE.size
    if len(message) < at + n * nbins or product >= len(PRODUCTS) or 8 * n * nbins > _MAX_DECODED_BYTES:
        raise ValueError("the length of a message is wrong")
    begin_s, end_s = np.frombuffer(message, "<f8", 2 * n, HEADER.size).reshape(2, n)
    rows, missing = np.frombuffer(message, "<u4", 2 * n, HEADER.size + 16 * n).reshape(2, n)
    marks = np.frombuffer(message, np.uint8, n, HEADER.size + 24 * n)
    mean, peak = _decoded_values(message, at, (n, nbins), has_peaks=bool(flags & HAS_PEAKS))
    bins = FoldedBins(width, low_mhz, bin_mhz)
    return Columns(PRODUCTS[product], bins, bool(flags & IS_FINISHED), begin_s, end_s, rows, missing, marks, mean, peak)


def _decoded_values(
    message: bytes, at: int, shape: tuple[int, int], *, has_peaks: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    unit, step = SCALE.unpack_from(message, at - SCALE.size)
    (codes, known), at = _read_steps(message, at, shape)
    mean = _values(codes, known, unit, step)
    if not has_peaks:
        return mean, mean
    (excess, _), at = _read_steps(message, at, shape)
    if at != len(message):
        raise ValueError("the length of a message is wrong")
    return mean, _values(codes + excess, known, unit, step)


def _read_steps(message: bytes, at: int, shape: tuple[int, int]) -> tuple[row_codes.Coded, int]:
    """Return codes, their mask, and the index of the byte behind them."""
    count = shape[0] * shape[1]
    end = at + count + 4 * message.count(row_codes.FAR, at, at + count)
    if not count:
        return (np.empty(shape, np.int32), np.empty(shape, np.bool_)), end
    codes, known = row_codes.from_steps(message[at:end], shape[::-1], None)
    return (codes.T, known.T), end


def _values(codes: NDArray[np.int32], known: NDArray[np.bool_], unit: float, step: float) -> NDArray[np.float32]:
    return np.where(known, row_codes.powers_of(codes, unit, step), np.float32(np.nan))
