"""Sweeps: the parts of ridges in which the frequency changes steadily.

The drift of a slow burst is fitted to its ridge: the frequency at each time, not the time at each frequency. A lane
that fades, or lies on a continuum, has no peak in each bin, but its ridge is known while it is seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.classify import II_DELAYS, MIN_DESCENT, is_sounder_sweep
from sunspec_tui.bursts.lines import fitted_line
from sunspec_tui.bursts.measure import drift_of_delay

WINDOWS = (8, 16, 32)
"""Numbers of places in which a steady change is sought: half a minute to two minutes in blocks of 4 s."""

MIN_DENSITY = 2 / 3
"""Least share of the blocks of a window in which the ridge is seen."""

MIN_CHANGE_SIGMAS = 6.0
"""Least change of a window, in standard deviations of the places around its line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ridge lies during one block.

    Attributes
    ----------
    block
        Number of the block.
    mhz, height
        Its frequency, and the height of the plasma with this frequency in light-seconds.
    over_db, peak_db
        Decibels over its neighbours, and over the background.
    top_bin, low_bin, high_bin
        Its highest bin, and those between which it is at least half as high over its neighbours.
    """

    block: int
    mhz: float
    height: float
    over_db: float
    peak_db: float
    top_bin: int
    low_bin: int
    high_bin: int


@dataclass(frozen=True, eq=False)
class Sweep:
    """A part of a ridge that drifts steadily.

    Two sweeps are equal if they are the same object, so that they are found quickly in tables.

    Attributes
    ----------
    begin
        Cell at which it is first seen.
    places
        Its places, at least those of the shortest window.
    is_open
        True if the ridge goes on.
    """

    begin: int
    places: tuple[Place, ...]
    is_open: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """A key that stays the same while the sweep grows.

        Its first number is negative, so it is no bin.
        """
        first = self.places[0]
        return -round(1000 * first.mhz), first.block * CELLS_PER_BLOCK

    @property
    def end(self) -> int:
        """Cell after the last."""
        return (self.places[-1].block + 1) * CELLS_PER_BLOCK - 1

    @property
    def change(self) -> float:
        """Change of the frequency, as a share."""
        first, last = self.places[:2], self.places[-2:]
        return sum(place.mhz for place in last) / sum(place.mhz for place in first) - 1

    @property
    def low_mhz(self) -> float:
        """Lowest frequency of the ridge."""
        return min(place.mhz for place in self.places)

    @property
    def high_mhz(self) -> float:
        """Highest frequency of the ridge."""
        return max(place.mhz for place in self.places)

    @property
    def peak(self) -> Place:
        """The highest place."""
        return max(self.places, key=lambda place: place.peak_db)

    @cached_property
    def slope(self) -> tuple[float, float]:
        """Light-seconds of height for each block, and the standard error."""
        blocks = np.array([place.block for place in self.places], np.float64)
        return fitted_line(blocks, np.array([place.height for place in self.places]), 0.0)[:2]

    def drift_mhz_s(self, block_s: float, at_mhz: float) -> tuple[float, float]:
        """Return the drift rate at a frequency, and its standard error.

        Parameters
        ----------
        block_s
            Length of a block.
        at_mhz
            Frequency; the nearest one of the ridge is used.
        """
        slope, error = self.slope
        drift = drift_of_delay(block_s / slope, min(max(at_mhz, self.low_mhz), self.high_mhz))
        return drift, abs(drift * error / slope)

    def is_sounder(self, block_s: float) -> bool:
        """Return True if it sweeps upward as an ionosonde does."""
        first, last = self.places[0], self.places[-1]
        rate = (last.mhz - first.mhz) / ((last.block - first.block) * block_s)
        return is_sounder_sweep(rate, self.high_mhz)


class Ridge:
    """A ridge while it is followed.

    Parameters
    ----------
    first
        Its first place.
    begin
        Cell at which it is first seen.
    block_s
        Length of a block.
    """

    def __init__(self, first: Place, begin: int, block_s: float) -> None:
        self.places, self._begin, self._block_s = [first], begin, block_s
        # First and last place of each part that drifts, and its direction.
        self._parts: list[tuple[int, int, int]] = []

    def add(self, place: Place) -> None:
        """Add the next place; only windows that end with it are new."""
        self.places.append(place)
        for length in WINDOWS:
            if len(self.places) >= length and (way := sweep_direction(self.places[-length:], self._block_s)):
                self._extend(len(self.places) - length, way)
                return

    def _extend(self, first: int, way: int) -> None:
        """Let the part that drifts go on to the newest place."""
        last = len(self.places) - 1
        while self._parts and self._parts[-1][2] == way and self._parts[-1][1] >= first - 1:
            first = min(first, self._parts.pop()[0])
        self._parts.append((first, last, way))

    def expected_height(self, block: int) -> float:
        """Return the height at which the ridge is expected."""
        last = self.places[-1]
        near = self.places[-WINDOWS[0] :]
        if len(near) < 3:
            return last.height
        blocks, heights = [place.block for place in near], [place.height for place in near]
        middle = sum(blocks) / len(blocks)
        squares = sum((each - middle) ** 2 for each in blocks)
        slope = sum((each - middle) * height for each, height in zip(blocks, heights, strict=True)) / squares
        return last.height + slope * (block - last.block)

    def sweeps(self, *, is_open: bool) -> list[Sweep]:
        """Return the parts that drift."""
        return [self._sweep(first, last, way, is_open=is_open) for first, last, way in self._parts]

    def _sweep(self, first: int, last: int, way: int, *, is_open: bool) -> Sweep:
        # The direction is not known for less than the shortest window: a short part before a lane is of it.
        first = 0 if way < 0 and first < WINDOWS[0] else first
        begin = self._begin if first == 0 else self.places[first].block * CELLS_PER_BLOCK - 1
        is_last = last == len(self.places) - 1
        return Sweep(begin, tuple(self.places[first : last + 1]), is_open and is_last)


def sweep_direction(places: Sequence[Place], block_s: float) -> int:
    """Return the direction of a steady change of the frequency.

    It is -1 for a fall, 1 for a rise, 0 for neither.

    Parameters
    ----------
    places
        The places of a window.
    block_s
        Length of a block.
    """
    ratio = places[-1].mhz / places[0].mhz
    blocks = places[-1].block - places[0].block
    if abs(ratio - 1) < MIN_DESCENT or len(places) < MIN_DENSITY * (blocks + 1):
        return 0
    change, scatter = steady_change(
        np.array([place.block for place in places], np.float64), np.array([place.height for place in places])
    )
    if abs(change) < MIN_CHANGE_SIGMAS * scatter:
        return 0
    delay = blocks * block_s / change
    if II_DELAYS[0] <= delay <= II_DELAYS[1]:
        return -1
    return 1 if -II_DELAYS[1] <= delay <= -II_DELAYS[0] else 0


def steady_change(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the change of a fitted line, and the scatter.

    The change is that from the first `x` to the last, the scatter that of `y` around the line.
    """
    from_mean = x - x.mean()
    slope = float(from_mean @ y) / float(from_mean @ from_mean)
    offsets = y - y.mean() - slope * from_mean
    return slope * float(x[-1] - x[0]), math.sqrt(float(offsets @ offsets) / (len(x) - 2))
