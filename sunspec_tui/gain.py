"""Whether the instrument is as loud as it was: the level of the quiet band beside its own median of the last minutes.

Pure arithmetic. A burst raises the level for a while and is the Sun; what falls below the median at once and stays
there is no Sun, but an amplifier or an attenuator. The rows stay as they came.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTES_S = 300.0
"""Data time that the median is taken over."""

SAMPLES = 48
"""Rows that stand for those minutes."""

ROWS = 8
"""Rows that are now."""

LOSS_DB = -3.0
_LEAST_SAMPLES = 16
# A quarter of the middle half: below it nothing is left of narrow lines, nor of bursts that fill less than the rest.
_QUIET_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class GainCheck:
    """Levels of the quiet band.

    Attributes
    ----------
    change_db
        Of XX and of YY, as many as there are: now, above the median of the last minutes; NaN while that is not known.
    """

    change_db: tuple[float, ...] = ()

    @property
    def lost(self) -> tuple[int, ...]:
        """Products whose gain looks lost, by number."""
        return tuple(i for i, change_db in enumerate(self.change_db) if change_db <= LOSS_DB)


def quiet_levels(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Power of the quiet band: the lower quartile of the middle half of the band, of what is a power.

    Parameters
    ----------
    rows
        Linear power, shape (n, nbins, npol).

    Returns
    -------
    numpy.ndarray
        Shape (n, npol); NaN where there is no positive value.
    """
    nbins = rows.shape[1]
    middle = rows[:, nbins // 4 : nbins - nbins // 4]
    known = np.isfinite(middle) & (middle > 0)
    ordered = np.sort(np.where(known, middle, np.inf), axis=1)
    counts = known.sum(axis=1)
    at = (_QUIET_SHARE * np.maximum(counts - 1, 0)).astype(np.int64)
    levels = np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(np.float64)
    return np.where(counts > 0, levels, np.nan)


def check_gain(now: NDArray[np.floating], minutes: NDArray[np.floating]) -> GainCheck:
    """Compare the last rows with some of the last minutes.

    Parameters
    ----------
    now, minutes
        Linear power, shape (n, nbins, npol); of the products only XX and YY count.
    """
    if len(minutes) < _LEAST_SAMPLES or not len(now):
        return GainCheck((math.nan,) * min(2, minutes.shape[2]))
    levels = quiet_levels(np.concatenate([now[:, :, :2], minutes[:, :, :2]]))
    level, usual = _medians(levels[: len(now)]), _medians(levels[len(now) :])
    return GainCheck(tuple(10 * math.log10(a / b) for a, b in zip(level, usual, strict=True)))


def _medians(levels: NDArray[np.float64]) -> list[float]:
    """Median over the rows of each product, of what is known; NaN where nothing is."""
    known = [each[np.isfinite(each)] for each in levels.T]
    return [float(np.median(each)) if len(each) else math.nan for each in known]


def described(names: Sequence[str], check: GainCheck) -> str:
    """What is to be said of a gain that looks lost; empty where it does not."""
    if not check.lost:
        return ""
    levels = " and ".join(f"{names[i]} {-check.change_db[i]:.1f} dB" for i in check.lost)
    return f"quiet band {levels} below its median of the last {MINUTES_S / 60:.0f} min: gain lost?"
