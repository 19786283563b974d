"""Convert decibels to the 8-bit digits of e-CALLISTO files.

Tools of the e-CALLISTO network multiply digits by `DB_PER_DIGIT` and do not support an offset. Decibels are therefore
written as digits of this size, and digit 0 is 0 dB. Only if the values do not fit, digit 0 is another number of
decibels, which is in the header. Pure arithmetic, and the names that this program adds to such files.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DB_PER_DIGIT = 2500 / 255 / 25.4
"""An e-CALLISTO digit in dB: 8 bits over 2500 mV of a detector with 25.4 mV per dB."""

MAX_DIGIT = 255
NO_VALUE = 0
"""Digit of a missing value in files of this program; 8 bits have no NaN."""

NO_VALUE_CARD, ZERO_CARD, STEP_CARD = "NODATA", "DBZERO", "DBDIGIT"
"""Cards of this program's digits: the digit of no value, the decibels of digit 0, and those of a digit."""

LENGTH_COLUMN = "LENGTH"
"""Column of the seconds that each row averages, in files of this program whose rows change their cadence."""

_MIN_DIGIT = NO_VALUE + 1


class Digits(NamedTuple):
    """Decibels as digits.

    Attributes
    ----------
    values
        Digits, uint8; `NO_VALUE` for values without decibels.
    zero_db
        Decibels of digit 0.
    outside
        Number of values outside the range of the digits, which were changed to the nearest one.
    """

    values: NDArray[np.uint8]
    zero_db: float
    outside: int


def digits_of(decibels: NDArray[np.float32]) -> Digits:
    """Convert decibels to digits.

    The error is at most half a digit.
    """
    values = decibels.astype(np.float64)
    finite = np.isfinite(values)
    zero_db = _zero_db(values[finite])
    digits = np.rint((values - zero_db) / DB_PER_DIGIT, out=np.zeros_like(values), where=finite)
    kept = np.clip(digits, _MIN_DIGIT, MAX_DIGIT)
    outside = int((kept != digits)[finite].sum())
    return Digits(np.where(finite, kept, NO_VALUE).astype(np.uint8), zero_db, outside)


def _zero_db(decibels: NDArray[np.float64]) -> float:
    """Return the decibels of digit 0.

    They are 0 if all values fit, else a whole number of digits.
    """
    if not decibels.size:
        return 0.0
    low, high = float(decibels.min()) / DB_PER_DIGIT, float(decibels.max()) / DB_PER_DIGIT
    if low >= _MIN_DIGIT and high <= MAX_DIGIT:
        return 0.0
    # If the range is too wide, the highest values are kept. The offset is a whole number of digits, so that values do
    # not change when a file is written again.
    return DB_PER_DIGIT * max(math.floor(low) - _MIN_DIGIT, math.ceil(high) - MAX_DIGIT)
