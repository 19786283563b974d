"""Rows as the live stream's binary messages; docs/web.md has the layout for other programs.

Bins become codes of 8 or 16 bits on a scale that is even near zero and logarithmic far from it, each row with the
range that its own values have. Nothing is clipped, so whoever reads may choose any levels afterwards. Pure arithmetic.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.products import Product
from sunspec_tui.ring import Rows

VERSION = 1
HISTORY, ROW = 1, 2
PRODUCTS = tuple(Product)
HEADER = struct.Struct("<BBBBIIId")
"""version, kind, bits, product's index, epoch, rows, bins, number of the first row."""

_ALIGNED = 8
_SMALLEST, _LARGEST = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max


@dataclass(frozen=True, slots=True)
class Message:
    """What a binary message says.

    Attributes
    ----------
    kind
        `HISTORY`, which replaces all rows before it, or `ROW`, which follows them.
    product, epoch
        As in the status that goes before.
    first
        Number of the first row; those of the others follow.
    times_s
        End of each row's averaging, seconds since 1970 UTC.
    slots
        Places on the even time axis.
    marks
        `ring.Mark` bits.
    values
        Power, float32, shape (n, nbins); NaN where there is no number.
    """

    kind: int
    product: Product
    epoch: int
    first: int
    times_s: NDArray[np.float64]
    slots: NDArray[np.int64]
    marks: NDArray[np.uint8]
    values: NDArray[np.float32]


def row_type(nbins: int, bits: int) -> np.dtype[np.void]:
    """One row of a message: its time, slot, scale, marks and codes, padded to whole words of 8 bytes."""
    fields = [("time_s", "<f8"), ("slot", "<f8"), ("unit", "<f4"), ("low", "<f4"), ("step", "<f4"), ("marks", "<u4")]
    codes = np.dtype("<u2" if bits == 16 else "u1")
    nbytes = 32 + nbins * codes.itemsize
    return np.dtype(
        {
            "names": [*(name for name, _ in fields), "codes"],
            "formats": [*(kind for _, kind in fields), (codes, (nbins,))],
            "offsets": [0, 8, 16, 20, 24, 28, 32],
            "itemsize": -(-nbytes // _ALIGNED) * _ALIGNED,
        }
    )


def encode(rows: Rows, values: NDArray[np.float32], product: Product, *, kind: int, bits: int, epoch: int) -> bytes:
    """Rows as one message.

    Parameters
    ----------
    rows
        Times, slots and marks; its data are not read.
    values
        Power of one product, float32, shape (n, nbins).
    product, epoch
        Which product of which epoch that is.
    kind
        `HISTORY` or `ROW`.
    bits
        8 or 16 a bin.
    """
    n, nbins = values.shape
    head = header(product, kind=kind, bits=bits, epoch=epoch, shape=(n, nbins), first=rows.count - n)
    return head + encode_rows(rows, values, bits)


def encode_rows(rows: Rows, values: NDArray[np.float32], bits: int) -> bytes:
    """Encode rows without the header of a message; parameters as for `encode`."""
    out = np.zeros(len(values), row_type(values.shape[1], bits))
    out["time_s"], out["slot"], out["marks"] = rows.times_s, rows.slots, rows.marks
    out["unit"], out["low"], out["step"], out["codes"] = _codes(values, (1 << bits) - 1)
    return out.tobytes()


def header(product: Product, *, kind: int, bits: int, epoch: int, shape: tuple[int, int], first: int) -> bytes:
    """Return the header of a message of `shape` (rows, bins) that begins with row `first`."""
    return HEADER.pack(VERSION, kind, bits, PRODUCTS.index(product), epoch, *shape, float(first))


def newest_rows(message: bytes, most: int) -> bytes:
    """Return the message with only its newest rows, at most `most`."""
    version, kind, bits, product, epoch, n, nbins, first = HEADER.unpack_from(message)
    left = min(n, most)
    nbytes = left * row_type(nbins, bits).itemsize
    head = HEADER.pack(version, kind, bits, product, epoch, left, nbins, first + n - left)
    return head + message[len(message) - nbytes :]


def _codes(values: NDArray[np.float32], levels: int) -> tuple[NDArray[Any], ...]:
    """Unit, lowest place and step of each row, and codes of its bins: 1 to `levels`, 0 where there is no number."""
    finite = np.isfinite(values)
    unit = _units(values, finite)
    # In double precision: the ratio of the largest to the smallest float32 does not fit into a float32.
    places = np.arcsinh(np.where(finite, values, 0).astype(np.float64) / unit[:, None])
    low = np.where(finite, places, np.inf).min(axis=1, initial=np.inf)
    high = np.where(finite, places, -np.inf).max(axis=1, initial=-np.inf)
    low, high = np.where(low <= high, low, 0), np.where(low <= high, high, 0)
    # Codes are computed from the rounded limits in the message, since the page decodes with those.
    low, step = low.astype(np.float32), ((high - low) / (levels - 1)).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        codes = np.rint((places - low[:, None].astype(np.float64)) / step[:, None]) + 1
    codes = np.where(step[:, None] > 0, codes, 1)
    # Rounding may move the lowest or highest value one code too far.
    return unit, low, step, np.where(finite, np.clip(codes, 1, levels), 0)


def _units(values: NDArray[np.float32], finite: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Where each row's scale turns from even to logarithmic: at its least value, or at its median where signs mix."""
    size = np.abs(np.where(finite, values, np.float32(np.nan)))
    signed = ((values < 0) & finite).any(axis=1)
    unit = np.where(size > 0, size, np.float32(np.inf)).min(axis=1, initial=np.float32(np.inf))
    if signed.any():
        median = np.median if finite.all() else np.nanmedian
        unit[signed] = median(size[signed].astype(np.float64), axis=1)
    most = np.where(finite, size, np.float32(0)).max(axis=1, initial=np.float32(0))
    # A single tiny value must not reduce the precision of all others.
    usable = np.isfinite(unit) & (unit > 0) & (unit > most * 1e-30)
    instead = np.maximum(np.where(most > 0, most, np.float32(1)) * np.float32(1e-6), _SMALLEST)
    return np.asarray(np.where(usable, unit, instead), np.float32)


def is_row(message: bytes | str) -> bool:
    """Whether a message is a row that may be left out."""
    return isinstance(message, bytes) and message[1] == ROW


def next_number(message: bytes) -> int:
    """Number of the row after the last one of a message."""
    _, _, _, _, _, n, _, first = HEADER.unpack_from(message)
    return int(first) + int(n)


def decode(message: bytes) -> Message:
    """What a message says, for programs in Python.

    Raises
    ------
    ValueError
        If it is no message of this version.
    """
    if len(message) < HEADER.size:
        raise ValueError(f"a message has at least {HEADER.size} bytes, this one has {len(message)}")
    version, kind, bits, product, epoch, n, nbins, first = HEADER.unpack_from(message)
    if version != VERSION:
        raise ValueError(f"a message of version {version}, known is {VERSION}")
    rows = np.frombuffer(message, row_type(nbins, bits), n, HEADER.size)
    codes = rows["codes"]
    low, step, unit = (rows[name][:, None].astype(np.float64) for name in ("low", "step", "unit"))
    power = np.sinh(low + step * (codes.astype(np.float64) - 1)) * unit
    # A coded value is finite: rounding must not move it out of the range of float32.
    values = np.where(codes > 0, np.clip(power, -_LARGEST, _LARGEST), np.nan)
    return Message(
        kind,
        PRODUCTS[product],
        epoch,
        int(first),
        rows["time_s"].copy(),
        rows["slot"].astype(np.int64),
        rows["marks"].astype(np.uint8),
        values.astype(np.float32),
    )
