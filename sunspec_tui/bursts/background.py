"""Slow background of each bin, and its usual fluctuation.

The background is a low quantile of the levels of the last hour. A burst that is shorter than most of that time does not
become its own background. In the first hour, the background rises by no more than its usual fluctuation. The memory
ends after an hour, so rows that are read in overlapping parts give the same background as rows that are read at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 3600.0
"""Time that the background remembers."""

LEVEL_S, RECENT_S, UPDATE_S = 12.0, 60.0, 60.0
"""Times of a level and of the recent level, and from one update to the next."""

FIRST_S = 60.0
"""Time of rows that a background needs."""

MIN_BLOCKS, MIN_WINDOW_LEVELS = 4, 6
"""Least number of blocks of a background, and of levels of the window, however long the blocks are."""

_LOW, _LOWEST = 0.15, 0.03
# So many standard deviations lie between these quantiles of a normal distribution.
_SIGMAS_BETWEEN = 0.845
# The mean absolute difference of two normal values is 1.128 standard deviations.
_DIFFERENCE_SIGMAS = 1.128
MIN_NOISE_DB = 0.03
"""Smallest noise of a cell, so that a bin without noise does not give endless significance."""


@dataclass(frozen=True, slots=True)
class Background:
    """What is usual in each bin; all shapes are (nbins,), in decibels.

    Attributes
    ----------
    level_db
        Level without bursts; NaN for a bin that has no levels yet.
    recent_db
        Median of the last minute.
    spread_db
        Standard deviation of the levels.
    noise_db
        Standard deviation of the cells within a block.
    """

    level_db: NDArray[np.float32]
    recent_db: NDArray[np.float32]
    spread_db: NDArray[np.float32]
    noise_db: NDArray[np.float32]


class BackgroundFollower:
    """Levels of the last hour.

    Parameters
    ----------
    nbins
        Number of bins.
    block_s
        Length of a block.

    Attributes
    ----------
    count
        Number of blocks, with missing ones, since the first.
    least
        Least number of blocks of a background.
    window_blocks
        Number of blocks that are remembered.
    """

    def __init__(self, nbins: int, block_s: float) -> None:
        self.least = max(MIN_BLOCKS, round(FIRST_S / block_s))
        self._level_blocks = max(1, round(LEVEL_S / block_s))
        self._recent_blocks = max(MIN_BLOCKS, round(RECENT_S / block_s))
        self._update_levels = max(1, round(UPDATE_S / (self._level_blocks * block_s)))
        self._window = max(MIN_WINDOW_LEVELS, round(WINDOW_S / (self._level_blocks * block_s)))
        self.window_blocks = self._window * self._level_blocks
        self._levels = np.full((self._window, nbins), np.nan, np.float32)
        self._noises = np.full((self._window, nbins), np.nan, np.float32)
        self._recent = np.full((self._recent_blocks, nbins), np.nan, np.float32)
        self._recent_noises = np.full((self._recent_blocks, nbins), np.nan, np.float32)
        self.count, self._newest = 0, -1
        self._highest = np.full(nbins, np.inf, np.float32)
        self._slow: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] | None = None

    def add(self, number: int, decibels: NDArray[np.float32]) -> None:
        """Add the cells of a block, shape (cells, nbins)."""
        self._forget_missing(number)
        place = number % self._recent_blocks
        self._recent[place] = block_level_db(decibels)
        self._recent_noises[place] = mean_of_rows(np.abs(decibels[1:] - decibels[:-1])) / _DIFFERENCE_SIGMAS
        level, part = divmod(number, self._level_blocks)
        if part == self._level_blocks - 1:
            places = np.arange(number - self._level_blocks + 1, number + 1) % self._recent_blocks
            self._levels[level % self._window] = quantiles(self._recent[places], (0.5,))[0]
            self._noises[level % self._window] = quantiles(self._recent_noises[places], (0.5,))[0]
            if level % self._update_levels == 0:
                self._slow = None

    def _forget_missing(self, number: int) -> None:
        """Mark the blocks that are missing before a block as unknown."""
        if not self.count:
            self._newest = number - 1
        if number > self._newest + 1:
            missing = np.arange(max(self._newest + 1, number - self.window_blocks), number)
            self._recent[missing % self._recent_blocks] = self._recent_noises[missing % self._recent_blocks] = np.nan
            levels = (
                missing[missing % self._level_blocks == self._level_blocks - 1] // self._level_blocks % self._window
            )
            self._levels[levels] = self._noises[levels] = np.nan
        self.count += number - self._newest
        self._newest = number

    def shift(self, step_db: NDArray[np.float32]) -> None:
        """Add a step of the receiver's gain to all levels, shape (nbins,)."""
        self._levels += step_db
        self._recent += step_db
        self._highest += step_db
        self._slow = None

    def background(self, least: int | None = None) -> Background | None:
        """Return the present background; None with too few blocks.

        Parameters
        ----------
        least
            Least number of blocks instead of the usual one.
        """
        needed = self.least if least is None else least
        if self.count < needed:
            return None
        if self._slow is None:
            self._slow = self._slow_values()
        return Background(self._slow[0], self.recent_db(), *self._slow[1:])

    def recent_db(self) -> NDArray[np.float32]:
        """Return each bin's median of the last minute, shape (nbins,)."""
        return quantiles(self._recent, (0.5,))[0]

    def _slow_values(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return level, spread and noise."""
        # Only the lowest levels tell the usual spread, because bursts raise the others.
        low, lowest = quantiles(self._levels, (_LOW, _LOWEST))
        if self.count < self.window_blocks:
            # The levels before the first are not known. They are taken for quiet ones, else a burst soon after the
            # first rows would become its own background.
            low = np.where(low > self._highest, self._highest, low)
            self._highest = np.fmin(self._highest, low + np.maximum((low - lowest) / _SIGMAS_BETWEEN, MIN_NOISE_DB))
        noise = quantiles(self._noises, (0.5,))[0]
        spread = (low - lowest) / np.float32(_SIGMAS_BETWEEN)
        return low, np.maximum(spread, MIN_NOISE_DB), np.maximum(noise, MIN_NOISE_DB)


def block_level_db(decibels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each bin's mean of the middle half of its cells.

    It is NaN for a bin in which more than a quarter of the cells are missing.
    """
    ordered = np.sort(decibels, axis=0)
    quarter = len(ordered) // 4
    return mean_of_rows(ordered[quarter : len(ordered) - quarter])


def mean_of_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each column, faster than numpy for few rows."""
    return np.asarray(np.add.reduce(values, axis=0) * np.float32(1 / len(values)))


def median_of_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each column, faster than numpy for few rows."""
    ordered = np.sort(values, axis=0)  # NaN comes last
    return np.asarray((ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) * np.float32(0.5))


def quantiles(levels: NDArray[np.float32], shares: tuple[float, ...]) -> list[NDArray[np.float32]]:
    """Return quantiles of each bin's known levels, of shape (nbins,).

    They are NaN for a bin without a known level.
    """
    is_unknown = np.isnan(levels)
    kept = levels[~is_unknown.all(axis=1)] if is_unknown.any() else levels
    if len(kept) and not np.isnan(kept).any():
        places = [round(share * (len(kept) - 1)) for share in shares]
        ordered = np.partition(kept, places, axis=0)
        return [ordered[place] for place in places]
    ordered = np.sort(levels, axis=0)  # NaN comes last
    known = np.count_nonzero(~is_unknown, axis=0)
    columns = np.arange(levels.shape[1])
    return [ordered[np.round(share * (known - 1).clip(0)).astype(int), columns] for share in shares]
