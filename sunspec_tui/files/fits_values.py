"""Convert the values of a FITS image to power, by its unit.

Digits of 8 bits, which come from a logarithmic detector, and decibels are converted. Values in any other unit stay
linear; a note reports the unit, because power has no unit in a recording.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import ARBITRARY, SFU, level_unit
from sunspec_tui.core.printable import printable
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT, MAX_DIGIT, NO_VALUE_CARD, STEP_CARD, ZERO_CARD
from sunspec_tui.files.fits_hdus import HeaderDataUnits
from sunspec_tui.files.read_limits import BLOCK_BYTES, Unreadable
from sunspec_tui.files.validation import number

_DECIBELS = re.compile(r"\bdb", re.IGNORECASE)
UNIT_CARD = "FLUXUNIT"
"""Header card with the unit of power, if that is not arbitrary."""

_MAX_UNIT, _DIGITS = 40, 256


class Scale(NamedTuple):
    """Scale of an image's values.

    Attributes
    ----------
    factor, zero
        Physical value of a stored value: ``stored * factor + zero``.
    blank
        Stored value that means no value; None without one.
    db
        Decibels per unit; None if values are linear.
    zero_db
        Decibels of the value 0.
    """

    factor: float
    zero: float
    blank: int | None
    db: float | None
    zero_db: float = 0.0

    def values(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Apply factor and zero; blank values become NaN."""
        values = raw.astype(np.float64) * self.factor + self.zero
        if self.blank is not None:
            values[raw == self.blank] = np.nan
        return values

    def power(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Convert stored values to power.

        Raises
        ------
        Unreadable
            If a number of decibels is too large for float32.
        """
        if raw.dtype != np.uint8 or raw.size <= _DIGITS:
            return self._converted(raw)
        # Convert each digit once: powers of ten take most of the time to read a file.
        digits = np.flatnonzero(np.bincount(raw.ravel(), minlength=_DIGITS)).astype(np.uint8)
        table = np.full(_DIGITS, np.nan)
        table[digits] = self._converted(digits)
        return np.asarray(table[raw], np.float64)

    def _converted(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        values = self.values(raw)
        if self.db is None:
            return values
        with np.errstate(over="ignore"):
            power = np.asarray(10 ** ((values * self.db + self.zero_db) / 10), np.float64)
        if (np.isfinite(values) & (power > np.finfo(np.float32).max)).any():
            raise Unreadable(f"its value of {np.nanmax(values):.4g} dB is too large; correct its BUNIT")
        return power


def scale_of(units: HeaderDataUnits, notes: list[str]) -> Scale:
    """Return the scale of the image.

    Add a note about an assumed unit.

    Raises
    ------
    Unreadable
        If the scale is not a number.
    """
    header = units.image.header
    factor, zero = number(header.get("BSCALE", 1)), number(header.get("BZERO", 0))
    if not (np.isfinite([factor, zero]).all() and factor):
        raise Unreadable("its BSCALE and BZERO are not valid numbers")
    blank = header.get("BLANK")
    linear = Scale(factor, zero, blank if type(blank) is int and "f" not in units.image.dtype else None, None)
    found = linear._replace(db=_db(units, linear, notes))
    return _with_our_cards(found, header) if found.db == DB_PER_DIGIT else found


def has_sfu(header: Any) -> bool:
    """Return True if this program wrote powers in sfu."""
    return str(header.get(UNIT_CARD, "")) == SFU


def _with_our_cards(scale: Scale, header: Any) -> Scale:
    """Apply the header cards of this program's digits.

    They define the digit of a missing value, and the offset.
    """
    blank, zero_db = header.get(NO_VALUE_CARD), number(header.get(ZERO_CARD))
    if STEP_CARD not in header or type(blank) is not int or not math.isfinite(zero_db):
        return scale
    return scale._replace(blank=blank, zero_db=zero_db)


def _db(units: HeaderDataUnits, linear: Scale, notes: list[str]) -> float | None:
    """Return the decibels per unit of the image.

    The result is None if its values are linear.
    """
    named = str(units.image.header.get("BUNIT", "")).strip()
    unit, shown = named.lower(), printable(named, _MAX_UNIT)
    is_sfu = has_sfu(units.image.header)
    if unit == ARBITRARY or (is_sfu and unit == SFU):
        return None
    if _DECIBELS.search(unit):
        if unit != "db" and not (is_sfu and named == level_unit(SFU)):
            notes.append(f"its unit {shown!r} is read as dB")
        return 1.0
    if unit in ("digit", "digits"):
        return _digits_db(units, linear, notes)
    if not unit and units.image.dtype == ">u1":
        notes.append("its values have no unit: they are read as digits of 8 bits")
        return _digits_db(units, linear, notes)
    if unit:
        notes.append(f"its values, in {shown!r}, are kept linear; power has no unit here")
    else:
        notes.append("its values have no unit: they are kept linear")
    return None


def _digits_db(units: HeaderDataUnits, linear: Scale, notes: list[str]) -> float | None:
    """Return the decibels per digit.

    The result is None if values exceed 8 bits, because they are not such digits.
    """
    low, high = _extremes(units, linear)
    if low >= 0 and high <= MAX_DIGIT:
        return DB_PER_DIGIT
    notes.append(f"its digits, {low:.6g} to {high:.6g}, are not of 8 bits: they are kept linear, arbitrary")
    return None


def _extremes(units: HeaderDataUnits, scale: Scale) -> tuple[float, float]:
    """Return the lowest and the highest value of the image.

    All rows count, not only the requested ones.
    """
    if units.image.dtype == ">u1":
        ends = np.sort(scale.zero + scale.factor * np.array([0, MAX_DIGIT]))
        if ends[0] >= 0 and ends[1] <= MAX_DIGIT:
            return float(ends[0]), float(ends[1])
    lows, highs = list[float](), list[float]()
    for _, raw in blocks_of(units):
        values = scale.values(raw)
        values = values[np.isfinite(values)]
        if values.size:
            lows.append(float(values.min()))
            highs.append(float(values.max()))
    return min(lows, default=0.0), max(highs, default=0.0)


def blocks_of(units: HeaderDataUnits, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the values of the image in blocks of lines.

    Each block is given as the number of its first line and its stored values.
    """
    image = units.image
    nlines, nrows = image.shape
    lines, step = units.lines(), max(1, block_bytes // (nrows * 8))
    for begin in range(0, nlines, step):
        count = min(step, nlines - begin)
        yield begin, np.frombuffer(lines.read_bytes(count), image.dtype).reshape(count, nrows)
