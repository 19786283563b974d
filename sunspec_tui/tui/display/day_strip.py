"""Columns of the day strip: where bursts, gaps and restarts are.

A column shows how far its highest power lies above the quiet level of the hours around it, so that a burst is visible
at any elevation of the Sun. Pure arithmetic on arrays.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats, Levels
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.core.time_blocks import SECOND_US
from sunspec_tui.tui.display.day_blocks import BANDS, DayBlocks
from sunspec_tui.tui.display.day_window import DayWindow

QUIET_S = 3 * 3600
"""Time around a column whose quieter half gives its background."""

# The quieter half's median is this percentile. The level at the top exceeds nearly all columns.
_QUIET_PERCENTILE, _TOP_PERCENTILE = 25, 95
# Levels at the top of the colour scale, and the share of a lower one at which the scale goes down to it.
_TOPS_DB = (3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0)
_DOWN_SHARE = 0.8


class ColumnState(IntEnum):
    """Kind of content of a column of the strip."""

    ROWS = 0
    COARSE = 1
    """Only blocks that are longer than the column are known."""
    NO_VALUES = 2
    """Rows without a valid value."""
    GAP = 3
    NOT_LOADED = 4
    BEFORE = 5
    """Before the first row, or after the newest one."""


class DayColumns(NamedTuple):
    """Content of the strip.

    Attributes
    ----------
    window
        Times of the columns.
    states
        `ColumnState` of each column, shape (n,).
    excess_db
        Highest power above the quiet level in each band, lowest band first, shape (n, BANDS); NaN without a value.
    """

    window: DayWindow
    states: NDArray[np.int8]
    excess_db: Floats

    @property
    def length_s(self) -> int:
        """Time from the first row to the newest, in whole columns."""
        return self.window.column_s * int((self.states != ColumnState.BEFORE).sum())

    def differs(self, other: "DayColumns | None") -> bool:
        """Return True if the strip would look different, apart from colours."""
        return other is None or not (
            self.window == other.window
            and np.array_equal(self.states, other.states)
            and np.array_equal(self.excess_db, other.excess_db, equal_nan=True)
        )


def day_columns(
    window: DayWindow, blocks: DayBlocks, known: tuple[float, float], loaded: tuple[float, float]
) -> DayColumns:
    """Return the columns of the strip.

    Parameters
    ----------
    window
        Times of the columns.
    blocks
        Blocks that were loaded.
    known
        Begin of the oldest and end of the newest row of the timeline.
    loaded
        Interval whose blocks were loaded.
    """
    firsts, lasts = _columns_of_blocks(window, blocks)
    peak_db = _highest(window.columns, firsts, lasts, blocks.peak_db)
    mean_db = _highest(window.columns, firsts, lasts, blocks.mean_db)
    excess_db = peak_db - quiet_levels(mean_db, window.column_s)
    states = _states_without_rows(window, known, loaded)
    is_long = (blocks.end_us - blocks.begin_us) > window.column_s * SECOND_US
    for state, which in ((ColumnState.ROWS, ~is_long), (ColumnState.COARSE, is_long)):
        for first, last in zip(firsts[which].tolist(), lasts[which].tolist(), strict=True):
            states[first : last + 1] = state
    has_rows = states <= ColumnState.COARSE
    states[has_rows & ~np.isfinite(excess_db).any(axis=1)] = ColumnState.NO_VALUES
    excess_db[~has_rows] = np.nan
    return DayColumns(window, states, excess_db)


def _columns_of_blocks(window: DayWindow, blocks: DayBlocks) -> tuple[Integers, Integers]:
    """Return the first and the last column of each block.

    The last is smaller than the first for a block outside the strip.
    """
    column_us = window.column_s * SECOND_US
    firsts = np.maximum(blocks.begin_us // column_us - window.first, 0)
    lasts = np.minimum((blocks.end_us - 1) // column_us - window.first, window.columns - 1)
    return firsts, lasts


def _highest(columns: int, firsts: Integers, lasts: Integers, values: Floats) -> Floats:
    """Return the highest value of the blocks of each column."""
    out = np.full((columns, BANDS), np.nan, np.float32)
    is_inside = firsts == lasts
    np.fmax.at(out, firsts[is_inside], values[is_inside])
    for block in np.flatnonzero(firsts < lasts).tolist():
        covered = slice(int(firsts[block]), int(lasts[block]) + 1)
        out[covered] = np.fmax(out[covered], values[block])
    return out


def _states_without_rows(
    window: DayWindow, known: tuple[float, float], loaded: tuple[float, float]
) -> NDArray[np.int8]:
    """Return the states of columns before any block is drawn."""
    begins_s = window.begin_s + window.column_s * np.arange(window.columns)
    ends_s = begins_s + window.column_s
    states = np.full(window.columns, ColumnState.GAP, np.int8)
    states[(ends_s <= loaded[0]) | (begins_s >= loaded[1])] = ColumnState.NOT_LOADED
    states[(ends_s <= known[0]) | (begins_s > known[1])] = ColumnState.BEFORE
    return states


def quiet_levels(mean_db: Floats, column_s: float) -> Floats:
    """Return the quiet level of each column and band.

    It is the median over the quieter half of the columns within `QUIET_S`.

    Parameters
    ----------
    mean_db
        Mean power in decibels, shape (n, BANDS); NaN without a value.
    column_s
        Length of a column in seconds.
    """
    beside = max(1, round(QUIET_S / column_s / 2))
    padded = np.pad(mean_db, ((beside, beside), (0, 0)), constant_values=np.nan)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * beside + 1, axis=0), axis=-1)
    # NaN is sorted behind all numbers.
    known = np.isfinite(around).sum(axis=-1, keepdims=True)
    place = _QUIET_PERCENTILE / 100 * np.maximum(known - 1, 0)
    lower, share = np.floor(place).astype(np.int64), place % 1
    below = np.take_along_axis(around, lower, axis=-1)
    above = np.take_along_axis(around, np.minimum(lower + 1, np.maximum(known - 1, 0)), axis=-1)
    return np.asarray((below + share * (above - below))[..., 0], np.float32)


def strip_levels(excess_db: Floats, previous: Levels | None = None) -> Levels:
    """Return the limits of the strip's colours, in decibels above quiet.

    The upper limit is one of a few round values, so it stays the same for hours. It goes down only if a lower one
    suffices by far.

    Parameters
    ----------
    excess_db
        Values of the columns, shape (n, BANDS).
    previous
        Limits until now; None at first.
    """
    finite = excess_db[np.isfinite(excess_db)]
    if not len(finite):
        return previous or Levels(0.0, _TOPS_DB[0])
    wanted_db = float(np.percentile(finite, _TOP_PERCENTILE))
    top_db = next((top for top in _TOPS_DB if top >= wanted_db), _TOPS_DB[-1])
    if previous is not None and top_db < previous.high and wanted_db > _DOWN_SHARE * top_db:
        return previous
    return Levels(0.0, top_db)
