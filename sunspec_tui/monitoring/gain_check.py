"""Find losses of gain: steps down that the Sun cannot make, and levels far below the quiet floor of hours.

Pure arithmetic. A burst raises the level for a while and fades differently at each frequency. An amplifier or an
attenuator lowers all bins of a product by the same ratio, from one row to the next, and the level stays below the
quiet one. The rows stay as they came.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.times import format_clock

LOSS_DB = -2.5
"""Change of the level that counts as a loss at a step."""

FLOOR_LOSS_DB = -3.0
"""Level beside the quiet floor of hours that counts as a loss."""

RECOVERED_DB = -1.0
"""Level beside that before a step from which a loss has ended."""

ROWS = 8
"""Rows that are now."""

BEFORE_ROWS, STAY_S, MIN_STAY_ROWS, MAX_STAY_ROWS = 2, 1.5, 2, 8
# A quarter of the middle half: below it nothing is left of narrow lines, nor of bursts that fill less than the rest.
_QUIET_SHARE = 0.25
_ALIKE_DB, _ALIKE_SHARE, _STAY_SHARE = 1.0, 0.85, 0.8

Floats = NDArray[np.float64]


class GainCheck(NamedTuple):
    """Levels of the quiet band of XX and YY, as many as there are.

    Attributes
    ----------
    change_db
        Now, above the quiet floor; NaN while that is not known.
    lost_db
        How much was lost; 0 if nothing is.
    since_s
        Time of the row with which the level fell, seconds since 1970; NaN if nothing is lost, or if it fell while
        nobody watched.
    """

    change_db: tuple[float, ...] = ()
    lost_db: tuple[float, ...] = ()
    since_s: tuple[float, ...] = ()

    @property
    def lost(self) -> tuple[int, ...]:
        """Products whose gain looks lost, by number."""
        return tuple(i for i, lost_db in enumerate(self.lost_db) if lost_db > 0)


def quiet_levels_db(rows: NDArray[np.floating]) -> Floats:
    """Level of the quiet band: the lower quartile of the middle half of the band, of what is a power.

    Parameters
    ----------
    rows
        Linear power, shape (n, nbins, npol).

    Returns
    -------
    numpy.ndarray
        dB, shape (n, npol); NaN where there is no positive value.
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
    """Return the median of a few numbers; NaN if there are none, or one is NaN.

    `numpy.median` takes thirty times as long for them.
    """
    return statistics.median(values) if values and not math.isnan(sum(values)) else math.nan


def stay_rows(cadence_s: float) -> int:
    """Return the number of rows for which a level must stay, for rows of that cadence."""
    if not cadence_s > 0:
        return MAX_STAY_ROWS
    return min(MAX_STAY_ROWS, max(MIN_STAY_ROWS, math.ceil(STAY_S / cadence_s)))


def common_change_db(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return the change that nearly all bins have in common and that stays; NaN if they have none.

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
    alike = np.count_nonzero(np.abs(middle - change_db) <= _ALIKE_DB) >= _ALIKE_SHARE * len(middle)
    # What a quarter of the rows have left again has not stayed.
    stays = abs(float(np.median(high if change_db < 0 else low))) >= _STAY_SHARE * abs(change_db)
    return change_db if alike and stays else math.nan


def _is_power(rows: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Bins whose values are all finite and positive, shape (nbins,)."""
    return np.asarray((np.isfinite(rows) & (rows > 0)).all(axis=0))


def described(names: Sequence[str], check: GainCheck) -> str:
    """Describe a gain that looks lost; empty if none does."""
    if not check.lost:
        return ""
    levels = " and ".join(f"{names[i]} {check.lost_db[i]:.1f} dB" for i in check.lost)
    since_s = check.since_s[check.lost[0]]
    when = "" if math.isnan(since_s) else f" since {format_clock(since_s)} UTC"
    return f"level fell by {levels}{when}: gain lost?" if when else f"level {levels} below its quiet floor: gain lost?"
