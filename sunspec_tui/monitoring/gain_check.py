"""Measure quiet levels, and find steps that indicate loss of gain.

Pure arithmetic; the rows are not changed. A burst raises the level for a while and fades differently at each frequency.
A fault of an amplifier or an attenuator lowers all bins of a product by the same ratio, from one row to the next, and
the level stays below the quiet level.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.times import format_clock
from sunspec_tui.monitoring.finding import Finding

LOSS_DB = -2.5
"""Change of the level at a step that counts as a loss."""

FLOOR_LOSS_DB = -3.0
"""Level relative to the quiet floor of hours that counts as a loss."""

RECOVERED_DB = -1.0
"""Level relative to that before a step at which a loss has ended."""

ROWS = 8
"""Number of newest rows that give the current level."""

BEFORE_ROWS, STAY_S, MIN_STAY_ROWS, MAX_STAY_ROWS = 2, 1.5, 2, 8
# The lower quartile of the middle half of the band excludes narrow lines, and bursts that fill less than 3/4 of it.
_QUIET_SHARE = 0.25
_COMMON_DB, _COMMON_SHARE, _STAY_SHARE = 1.0, 0.85, 0.8

Floats = NDArray[np.float64]


class GainCheck(NamedTuple):
    """Change and loss of the level of each product, XX and YY.

    Attributes
    ----------
    change_db
        Current level above the quiet floor; NaN while the floor is unknown.
    lost_db
        Size of the loss; 0 without a loss.
    since_s
        Time of the first row of the loss, seconds since 1970; NaN without a loss, or if its beginning was not received.
    """

    change_db: tuple[float, ...] = ()
    lost_db: tuple[float, ...] = ()
    since_s: tuple[float, ...] = ()

    @property
    def lost(self) -> tuple[int, ...]:
        """Numbers of the products whose gain seems lost."""
        return tuple(i for i, lost_db in enumerate(self.lost_db) if lost_db > 0)


def quiet_levels_db(rows: NDArray[np.floating]) -> Floats:
    """Compute the quiet level of each row.

    It is the lower quartile of positive powers in the middle half of the band.

    Parameters
    ----------
    rows
        Linear power, shape (n, nbins, npol).

    Returns
    -------
    numpy.ndarray
        Levels in dB, shape (n, npol); NaN without a positive value.
    """
    nbins = rows.shape[1]
    middle = rows[:, nbins // 4 : nbins - nbins // 4]
    known = np.isfinite(middle) & (middle > 0)
    ordered = np.sort(np.where(known, middle, np.inf), axis=1)
    counts = known.sum(axis=1)
    at = (_QUIET_SHARE * np.maximum(counts - 1, 0)).astype(np.int64)
    levels = np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(np.float64)
    return np.asarray(10 * np.log10(np.where(counts > 0, levels, np.nan)))


def median(values: Sequence[float]) -> float:
    """Return the median of a few numbers.

    It is NaN if there are no numbers, or if one is NaN. `numpy.median` takes thirty times as long for a few numbers.
    """
    return statistics.median(values) if values and not math.isnan(sum(values)) else math.nan


def stay_rows(cadence_s: float) -> int:
    """Return the number of rows that a level must stay."""
    if not cadence_s > 0:
        return MAX_STAY_ROWS
    return min(MAX_STAY_ROWS, max(MIN_STAY_ROWS, math.ceil(STAY_S / cadence_s)))


def common_change_db(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return a lasting change that nearly all bins have in common.

    It is in dB, and NaN if there is none.

    Parameters
    ----------
    before, after
        Linear power of one product, each of shape (n, nbins).
    """
    sound = _is_power(before) & _is_power(after)
    if 2 * np.count_nonzero(sound) < len(sound):
        return math.nan
    usual = np.median(before[:, sound], axis=0)
    low, middle, high = 10 * np.log10(np.percentile(after[:, sound], (25, 50, 75), axis=0) / usual)
    change_db = float(np.median(middle))
    alike = np.count_nonzero(np.abs(middle - change_db) <= _COMMON_DB) >= _COMMON_SHARE * len(middle)
    # If a quarter of the rows have returned, the change has not stayed.
    stays = abs(float(np.median(high if change_db < 0 else low))) >= _STAY_SHARE * abs(change_db)
    return change_db if alike and stays else math.nan


def _is_power(rows: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return True for bins with only finite positive values, shape (nbins,)."""
    return np.asarray((np.isfinite(rows) & (rows > 0)).all(axis=0))


def describe_gain_loss(names: Sequence[str], check: GainCheck) -> str:
    """Describe a loss of gain for users; empty without a loss."""
    if not check.lost:
        return ""
    levels = " and ".join(f"{names[i]} {check.lost_db[i]:.1f} dB" for i in check.lost)
    since_s = check.since_s[check.lost[0]]
    when = "" if math.isnan(since_s) else f" since {format_clock(since_s)} UTC"
    return f"level fell by {levels}{when}: gain lost?" if when else f"level {levels} below its quiet floor: gain lost?"


def gain_finding(check: GainCheck) -> Finding:
    """Return the finding of lost gain."""
    # The fault names the products, not the decibels, which change with every row.
    lost = ",".join(WIRE_PRODUCTS[i] for i in check.lost)
    note = describe_gain_loss(WIRE_PRODUCTS, check)
    text = note or "the level is back at its quiet floor, or unchanged for an hour"
    return Finding("gain", lost, text, label="gain lost?" if lost else "", note=note, values={"products": lost})
