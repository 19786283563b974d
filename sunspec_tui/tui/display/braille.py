"""Draw a trace as dots; convert dots to braille or ASCII characters."""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats
from sunspec_tui.tui.display.axes import pixel_bins

# Bit of each dot in a braille cell, rows from the top, columns left and right.
_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)


def trace_dots(
    values: Floats, low: float, high: float, columns: int, rows: int, *, thickness: int = 2
) -> NDArray[np.bool_]:
    """Draw a trace as a connected line of dots.

    Parameters
    ----------
    values
        Shape (n,); NaN breaks the line.
    low, high
        Values of the lowest and the highest dot. Values outside are not drawn.
    columns, rows
        Number of dots across and up.
    thickness
        Smallest number of dots in a column, 1 or 2. With 2, a value between two dots is drawn as both.

    Returns
    -------
    numpy.ndarray
        bool, shape (rows, columns), top row first. The dots of a column cover all its values, so no peak is lost. The
        higher one of two neighbours reaches down to the other, so the line has no holes and a peak stays narrow.
    """
    lowest, highest = _column_extremes(values, columns)
    scale = (rows - 1) / (high - low)
    with np.errstate(invalid="ignore"):
        bottom, top = _dot_range((lowest - low) * scale, (highest - low) * scale, rows, thickness)
        bottom = _joined(bottom, top)
        heights = np.arange(rows - 1, -1, -1)[:, None]
        return np.asarray((heights >= bottom) & (heights <= top))


def _dot_range(lowest: Floats, highest: Floats, rows: int, thickness: int) -> tuple[Floats, Floats]:
    """Return the lowest and highest dot of each column.

    `lowest` and `highest` are positions in dots from the bottom. NaN stays NaN.
    """
    shift = 1 - thickness / 2
    # At the upper end of the axis both dots are below the value.
    bottom = np.where(lowest > rows - 1, rows, np.minimum(np.floor(lowest + shift), rows - thickness))
    top = np.where(highest < 0, -1, np.floor(highest + shift) + thickness - 1)
    gap = np.isnan(lowest)
    return np.where(gap, np.nan, bottom), np.where(gap, np.nan, top)


def _joined(bottom: Floats, top: Floats) -> Floats:
    """Return the lowest dot of each column, extended to lower neighbours."""
    edge = np.array([np.nan], bottom.dtype)
    beside = np.fmin(np.concatenate([edge, top[:-1]]), np.concatenate([top[1:], edge]))
    return np.where(np.isnan(bottom), np.nan, np.fmin(bottom, beside))


def _column_extremes(values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Return the lowest and highest value of each column of dots.

    A column without valid values has NaN.
    """
    if columns >= len(values):
        spread = values[pixel_bins(len(values), columns)[0]].astype(np.float32)
        return spread, spread.copy()
    starts, _ = pixel_bins(len(values), columns)
    nan = np.isnan(values)
    lowest = np.minimum.reduceat(np.where(nan, np.inf, values), starts).astype(np.float32)
    highest = np.maximum.reduceat(np.where(nan, -np.inf, values), starts).astype(np.float32)
    empty = np.isinf(lowest)
    lowest[empty] = highest[empty] = np.nan
    return lowest, highest


def braille(dots: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Convert dots to braille characters.

    Parameters
    ----------
    dots
        bool, shape (4 * lines, 2 * columns), top row first.

    Returns
    -------
    numpy.ndarray
        Code points, int32, shape (lines, columns); U+2800 for a cell without dots.
    """
    rows, columns = dots.shape
    cells = dots.reshape(rows // 4, 4, columns // 2, 2)
    patterns: NDArray[np.int32] = np.einsum("rica,ia->rc", cells, _BRAILLE_BITS, dtype=np.int32)
    return 0x2800 + patterns


_PLAIN_DOTS = np.array([ord(character) for character in " -_|"], np.int32)


def plain_dots(dots: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Convert dots to ASCII characters, two dots a cell.

    The upper dot is a hyphen, the lower dot is an underscore, and both dots are a vertical bar. Neighbours touch, so
    a flat line is not a row of points.

    Parameters
    ----------
    dots
        bool, shape (2 * lines, columns), top row first.
    """
    places = dots[0::2].astype(np.int32) + 2 * dots[1::2]
    plain: NDArray[np.int32] = _PLAIN_DOTS[places]
    return plain
