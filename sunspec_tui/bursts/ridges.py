"""Follow ridges: bins that stand out against neighbouring frequencies.

A lane of type II is narrow, and drifts slowly through whatever lies behind it. A limit for each bin joins it with a
continuum, but its ridge stays apart. A ridge has one place for each block.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.background import median_of_rows
from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.measure import height_light_s
from sunspec_tui.bursts.run_finder import LOW_SIGMAS, MIN_LOW_DB
from sunspec_tui.bursts.sweeps import Place, Ridge, Sweep

SIDE_RATIO, SIDE_SAMPLES, LOW_SAMPLE = 2**0.5, 12, 3
"""Ratio of frequencies up to which neighbours are compared, as a lane is up to a third of its frequency wide; samples
on each side; the place of the sample that counts in the order of their levels."""

MIN_SIDE_RATIO = 2**0.25
"""Least ratio to the edge of the band; nearer bins have neighbours on one side only."""

TOP_RATIO, TOP_SAMPLES = 1.05, 9
"""Ratio of frequencies on both sides within which a ridge is the highest, and samples of them."""

MAX_GAP_S = 20.0
"""Longest time in which a ridge is hidden, such as by a group of type III; at least one block."""

MAX_RIDGE_S, MIN_MAX_BLOCKS = 1200.0, 40
"""Longest ridge, at least so many blocks, as for runs; a longer one goes on as the next."""

MAX_RIDGES = 32
"""Most ridges that are followed at once; weaker ones are not begun."""

GATE_RATIO, GATE_BINS = 1.03, 1.0
"""A ridge is within this ratio of frequencies, or so many bins, of where it is expected."""

Floats = NDArray[np.float32]


class RidgeFinder:
    """Follows the ridges of all bins, block by block.

    Parameters
    ----------
    frequencies_mhz
        Centres of the bins, ascending.
    cell_s
        Length of a cell.
    """

    def __init__(self, frequencies_mhz: NDArray[np.float64], cell_s: float) -> None:
        self._mhz, self._block_s = frequencies_mhz, cell_s * CELLS_PER_BLOCK
        self._max_gap = max(1, round(MAX_GAP_S / self._block_s))
        self._max_blocks = max(MIN_MAX_BLOCKS, round(MAX_RIDGE_S / self._block_s))
        self._heights = height_light_s(frequencies_mhz)
        self._gates = gates_light_s(frequencies_mhz, self._heights)
        steps = SIDE_RATIO ** (np.arange(1, SIDE_SAMPLES + 1) / SIDE_SAMPLES)
        self._sides = np.stack([nearest_bins(frequencies_mhz, 1 / steps), nearest_bins(frequencies_mhz, steps)])
        low, high = frequencies_mhz[[0, -1]] if frequencies_mhz.size else (1.0, 1.0)
        is_inside = np.stack([frequencies_mhz >= low * MIN_SIDE_RATIO, frequencies_mhz * MIN_SIDE_RATIO <= high])
        self._floors = np.where(is_inside, 0.0, -np.inf).astype(np.float32)
        self._tops = near_bins(frequencies_mhz)
        self._active: list[Ridge] = []

    def feed(self, number: int, excess_db: Floats, low_db: Floats, noise_db: Floats) -> list[Sweep]:
        """Add the cells of a block; return the sweeps that have ended.

        Parameters
        ----------
        number
            Number of the block.
        excess_db
            Smoothed decibels over the background, shape (n, nbins).
        low_db
            Low limits, shape (nbins,).
        noise_db
            Standard deviation of a cell, shape (nbins,).
        """
        ended = [ridge for ridge in self._active if self._has_ended(ridge, number)]
        if ended:
            self._active = [ridge for ridge in self._active if not self._has_ended(ridge, number)]
        if (excess_db > low_db).any():
            # The median leaves out strokes of type III, which are shorter than half of a block.
            level_db = median_of_rows(excess_db)
            if (level_db > low_db).any():
                self._follow(number, self._places(number, level_db, low_db, noise_db), excess_db)
        return [sweep for ridge in ended for sweep in ridge.sweeps(is_open=False)]

    def _has_ended(self, ridge: Ridge, number: int) -> bool:
        first, last = ridge.places[0].block, ridge.places[-1].block
        return number - last > self._max_gap + 1 or number - first >= self._max_blocks

    def _places(self, number: int, level_db: Floats, low_db: Floats, noise_db: Floats) -> list[Place]:
        """Return the places of the ridges of a block, the strongest first."""
        # A bin without a value has none above it either.
        level_db = np.where(np.isnan(level_db), np.float32(0), level_db)
        sides = np.sort(level_db[self._sides], axis=2)[..., LOW_SAMPLE] + self._floors
        over_db = level_db - np.maximum(sides.max(axis=0), 0)
        is_top = level_db >= level_db[self._tops].max(axis=1)
        # Neighbours rise and fall together, so that their difference has the noise of cells alone.
        is_over = over_db > np.maximum(LOW_SIGMAS * noise_db / 3, MIN_LOW_DB)
        numbers = np.flatnonzero(is_top & is_over & (level_db > low_db))
        numbers = numbers[np.argsort(-over_db[numbers], kind="stable")][:MAX_RIDGES]
        return [self._place(number, i, level_db, float(over_db[i])) for i in numbers.tolist()]

    def _place(self, number: int, top: int, level_db: Floats, over_db: float) -> Place:
        """Return the place of a ridge around its highest bin."""
        half_db = level_db[top] - np.float32(over_db / 2)
        below = np.flatnonzero(level_db <= half_db)
        edge = int(np.searchsorted(below, top))
        low = int(below[edge - 1]) + 1 if edge else 0
        high = int(below[edge]) - 1 if edge < len(below) else len(level_db) - 1
        near = slice(max(low, int(self._tops[top, 0])), min(high, int(self._tops[top, -1])) + 1)
        weights = level_db[near] - half_db
        weights /= weights.sum()
        mhz, height = float(weights @ self._mhz[near]), float(weights @ self._heights[near])
        return Place(number, mhz, height, over_db, float(level_db[top]), top, low, high)

    def _follow(self, number: int, places: list[Place], excess_db: Floats) -> None:
        """Add places to the ridges that expect them, the nearest first."""
        expected = [ridge.expected_height(number) for ridge in self._active]
        gates = np.interp([place.mhz for place in places], self._mhz, self._gates).tolist()
        pairs = sorted(
            (abs(place.height - height), i, j)
            for j, (place, gate) in enumerate(zip(places, gates, strict=True))
            for i, height in enumerate(expected)
            if abs(place.height - height) <= gate
        )
        ridges, used = set[int](), set[int]()
        for _, i, j in pairs:
            if i not in ridges and j not in used:
                ridges.add(i)
                used.add(j)
                self._active[i].add(places[j])
        for j, place in enumerate(places):
            if j not in used and len(self._active) < MAX_RIDGES:
                self._active.append(Ridge(place, self._begin(place, excess_db), self._block_s))

    def _begin(self, place: Place, excess_db: Floats) -> int:
        """Return the cell at which a ridge is half as high."""
        middle = int(np.searchsorted(self._mhz, place.mhz).clip(place.low_bin, place.high_bin))
        is_high = excess_db[:, middle] >= place.peak_db - place.over_db / 2
        # Smoothed cells are known one cell later.
        return place.block * CELLS_PER_BLOCK - 1 + int(is_high.argmax())

    def open_sweeps(self) -> list[Sweep]:
        """Return the sweeps of ridges that go on."""
        return [sweep for ridge in self._active for sweep in ridge.sweeps(is_open=True)]

    def close(self) -> list[Sweep]:
        """End all ridges; return their sweeps."""
        active, self._active = self._active, []
        return [sweep for ridge in active for sweep in ridge.sweeps(is_open=False)]


def nearest_bins(frequencies_mhz: NDArray[np.float64], ratios: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins nearest to multiples of each frequency, shape (nbins, ratios)."""
    edges = (frequencies_mhz[1:] + frequencies_mhz[:-1]) / 2
    return np.asarray(np.searchsorted(edges, frequencies_mhz[:, np.newaxis] * ratios), np.int64)


def near_bins(frequencies_mhz: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins that a ridge exceeds, shape (nbins, n).

    They are ascending, and are within `TOP_RATIO`.
    """
    ratios = TOP_RATIO ** np.linspace(-1, 1, TOP_SAMPLES)
    numbers = np.arange(len(frequencies_mhz))[:, np.newaxis]
    beside = np.clip(numbers + np.array([-1, 1]), 0, max(len(frequencies_mhz) - 1, 0))
    return np.sort(np.concatenate([nearest_bins(frequencies_mhz, ratios), beside], axis=1), axis=1)


def gates_light_s(frequencies_mhz: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest distance of a ridge from its expected height."""
    by_ratio = height_light_s(frequencies_mhz / GATE_RATIO) - heights
    by_bins = np.abs(np.gradient(heights)) if len(heights) > 1 else np.zeros_like(heights)
    return np.maximum(by_ratio, GATE_BINS * by_bins)
