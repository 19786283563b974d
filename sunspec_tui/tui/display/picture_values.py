"""Content of the waterfall's columns and pixels, and data under the cursor.

This module has only value types.
"""

import math
from enum import IntEnum
from typing import NamedTuple


class PixelCode(IntEnum):
    """Codes of pixels without a palette step."""

    NO_DATA = -1
    GAP = -2
    RESTART = -3
    BEFORE = -4
    WRITE_CURSOR = -5
    NOT_LOADED = -6


class ColumnContent(IntEnum):
    """Kind of content of a column."""

    ROWS = 0
    GAP = 1
    BEFORE = 2
    NOT_LOADED = 3


class CellValue(NamedTuple):
    """Data of one pixel of the waterfall.

    Attributes
    ----------
    content
        Kind of content of the column.
    first_s, time_s
        Ends of the column's oldest and newest row; NaN without rows.
    power
        Linear power of the pixel's bins; NaN if none is valid.
    shown
        Value as drawn: in dB, or linear for a signed product; relative to the background if that is removed.
    restarted
        True if the producer restarted in this column.
    missing
        Number of missing rows in the column.
    gap_s
        For a gap: end of the last row before it, and of the first row after it; NaN without such a row.
    begin_s
        Begin of the column's oldest row; NaN if it is not known.
    block_s
        Length of a block of the timeline that is longer than the column; NaN for a column of whole blocks.
    """

    content: ColumnContent
    first_s: float = math.nan
    time_s: float = math.nan
    power: float = math.nan
    shown: float = math.nan
    restarted: bool = False
    missing: int = 0
    gap_s: tuple[float, float] = (math.nan, math.nan)
    begin_s: float = math.nan
    block_s: float = math.nan


class Readout(NamedTuple):
    """Data under the cursor.

    Attributes
    ----------
    low_mhz, high_mhz
        Edges of the bins under the cursor.
    cell
        Pixel of the waterfall; None in the spectrum, or if the cursor is outside the picture.
    power, shown
        Linear power, and the value as drawn.
    begin_s, end_s
        Begin and end of the data under the cursor; NaN without data, or while the cadence is unknown.
    inside
        True if the cursor is in the picture.
    """

    low_mhz: float
    high_mhz: float
    cell: CellValue | None
    power: float = math.nan
    shown: float = math.nan
    begin_s: float = math.nan
    end_s: float = math.nan
    inside: bool = True
