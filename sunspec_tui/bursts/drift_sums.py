"""Sums of cells along the tracks of exciters of different speeds.

A faint burst of type III is below the limit in every bin, but tens of bins line up on its track. The track of an
exciter with a speed follows from the heights of the plasma frequencies (Newkirk's model). The sum along it, divided by
the root of the number of bins, has the noise of one cell.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.background import MIN_BLOCKS, mean_of_rows, quantiles
from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.measure import height_light_s
from sunspec_tui.core.levels import without_warnings

SPEEDS = (math.inf, 0.6, 0.4, 0.3, 0.22, 0.16, 0.12, 0.09, 0.07, -0.3, -0.15)
"""Speeds of the tracks in units of the speed of light; infinity for no drift, negative ones come down."""

BANDS = 6
"""Bands of equal numbers of bins; a sum takes neighbouring bands."""

MIN_BANDS = 3
"""Least number of neighbouring bands, so that a lane alone is no track."""

MIN_SUM_SIGMAS = 6.0
"""Least sum, in standard deviations of all sums of the last quarter of an hour."""

MIN_SUM = 15.0
"""Least sum, in standard deviations of a cell."""

MIN_OVER_UNDRIFTED = 3.0
"""Least excess over the sum without drift, twice the noise of the difference: interference does not drift."""

MIN_MEAN_DB = 0.2
"""Least mean of the cells of a track: weaker bursts are not sought."""

MAX_MHZ, MIN_MHZ = 90.0, 25.0
"""Band of the sums: below it the ionosphere scintillates, above it broadcasting stations lie."""

PEAK_CELLS = 8
"""A hit is the highest sum within so many cells before and after it."""

MIN_BINS_PER_BAND = 3
"""Least number of bins of a band."""

MAX_CELL_S = 2.0
"""Longest cells: in longer ones, most tracks of type III are not slanted."""

MIN_PAIRED_BINS = 72
"""Least number of bins that are summed in pairs."""

_RANGES = [(low, high) for low in range(BANDS) for high in range(low + MIN_BANDS, BANDS + 1)]
_BANDS_OF_RANGES = np.array(
    [[(low <= band < high) / math.sqrt(high - low) for low, high in _RANGES] for band in range(BANDS)], np.float32
)
_CLIP_LOW, _CLIP_HIGH = -3.0, 8.0
_SUMMED_CELLS = 2
_STATISTICS_S, _UPDATE_S = 900.0, 60.0
_MIN_STATISTICS_BLOCKS = 15
_MIN_SCALE_DB = 0.2
_QUIET = 0.3
"""Quantile of the cells' sizes: bursts raise the higher ones."""

# Of a normal distribution: its mean absolute value in standard deviations, and the share below minus one.
_SIGMAS_OF_MEAN, _MINUS_SIGMA = 1.2533, 0.16


@dataclass(frozen=True, slots=True)
class DriftHit:
    """A track on which the cells line up.

    Attributes
    ----------
    begin, end
        Cell of the track at its highest frequency, and the cell after that at its lowest.
    low_bin, high_bin
        Lowest and highest bin of the bands.
    speed
        Speed in units of the speed of light.
    sum, undrifted
        The sum along the track, and the highest one without drift nearby.
    mean_db
        Mean of the cells on the track over the level of the last minute, decibels.
    """

    begin: int
    end: int
    low_bin: int
    high_bin: int
    speed: float
    sum: float
    undrifted: float
    mean_db: float


def offsets_cells(frequencies_mhz: NDArray[np.float64], speed: float, cell_s: float) -> NDArray[np.int64]:
    """Return the delay of each frequency after the middle one, in cells."""
    heights = height_light_s(frequencies_mhz)
    return np.asarray(np.rint((heights - heights[len(heights) // 2]) / speed / cell_s), np.int64)


class DriftSums:
    """Sums along tracks, block by block.

    Parameters
    ----------
    frequencies_mhz
        Centres of the bins.
    cell_s
        Length of a cell.
    """

    def __init__(self, frequencies_mhz: NDArray[np.float64], cell_s: float) -> None:
        used = np.flatnonzero((frequencies_mhz >= MIN_MHZ) & (frequencies_mhz <= MAX_MHZ))
        # A pair of bins is as good as two bins for a burst that is wider, and costs half.
        self._pair = 2 if len(used) >= MIN_PAIRED_BINS else 1
        self._per_band = len(used) // (BANDS * self._pair)
        count, first = self._per_band * BANDS, int(used[0]) if used.size else 0
        self._used = slice(first, first + count * self._pair)
        kept = frequencies_mhz[self._used].reshape(count, self._pair).mean(axis=1)
        self.is_possible = self._per_band >= MIN_BINS_PER_BAND and cell_s <= MAX_CELL_S
        offsets = [offsets_cells(kept, speed, cell_s) for speed in SPEEDS] if self.is_possible else []
        self._offsets = np.array(offsets, np.int64).reshape(len(offsets), count)
        self._reach = int(np.abs(self._offsets).max(initial=0))
        self._length = 4 * self._reach + PEAK_CELLS + 2 * CELLS_PER_BLOCK
        self._columns = np.arange(count)
        # Places of all tracks in the cells, shape (CELLS_PER_BLOCK, speeds, bins).
        begin = self._length - self._reach - CELLS_PER_BLOCK
        self._rows = np.arange(begin, begin + CELLS_PER_BLOCK)
        rows = self._rows[:, np.newaxis, np.newaxis] + self._offsets
        self._places = rows * count + self._columns
        self._statistics = SumStatistics(count, cell_s * CELLS_PER_BLOCK)
        self._forget(0)

    def _forget(self, cell: int) -> None:
        """Begin anew before a cell."""
        self._first = cell - self._length
        shape = self._length, len(self._columns)
        self._cells, self._decibels = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._sums = np.zeros((self._length, len(SPEEDS), len(_RANGES)), np.float32)

    def feed(self, number: int, over_recent_db: NDArray[np.float32]) -> list[DriftHit]:
        """Add the cells of a block; return new hits.

        Parameters
        ----------
        number
            Number of the block.
        over_recent_db
            Decibels over the level of the last minute, shape (CELLS_PER_BLOCK, nbins).
        """
        if not self.is_possible:
            return []
        cell = number * CELLS_PER_BLOCK
        if cell != self._first + self._length:
            self._forget(cell)
        self._first += CELLS_PER_BLOCK
        values = over_recent_db[:, self._used]
        if self._pair > 1:
            values = (values[:, ::2] + values[:, 1::2]) * np.float32(0.5)
        scale = self._statistics.scale(number, values)
        normal = np.minimum(np.maximum(values / scale, _CLIP_LOW), _CLIP_HIGH)
        normal[np.isnan(normal)] = 0
        self._shift(self._decibels, values)
        self._shift(self._cells, normal)
        return self._evaluate(number)

    @staticmethod
    def _shift(kept: NDArray[np.float32], new: NDArray[np.float32]) -> None:
        """Forget the oldest cells and add new ones."""
        kept[:-CELLS_PER_BLOCK] = kept[CELLS_PER_BLOCK:]
        kept[-CELLS_PER_BLOCK:] = new

    def _evaluate(self, number: int) -> list[DriftHit]:
        """Sum along the tracks through the newest cells that are complete."""
        pairs = self._cells.copy()
        pairs[1:] += self._cells[:-1]
        self._sums[:-CELLS_PER_BLOCK] = self._sums[CELLS_PER_BLOCK:]
        sums = band_sums(pairs.take(self._places), self._per_band)
        self._sums[self._rows] = sums
        limit = self._statistics.limit(number, sums.max(axis=(1, 2)))
        checked = self._rows - max(PEAK_CELLS, self._reach)
        if not self._sums[checked].max() >= limit:
            return []
        return [hit for row in checked.tolist() if (hit := self._hit(row, limit)) is not None]

    def _hit(self, row: int, limit: float) -> DriftHit | None:
        """Return the hit of a row; None without one."""
        around = self._sums[row - PEAK_CELLS : row + PEAK_CELLS + 1]
        best = float(self._sums[row].max())
        if best < limit or best < float(around.max()) or best <= float(around[:PEAK_CELLS].max()):
            return None
        speed, part = divmod(int(self._sums[row].argmax()), len(_RANGES))
        low, high = (edge * self._per_band for edge in _RANGES[part])
        rows = row + self._offsets[speed][low:high]
        # At some time of the track, interference without drift has a higher sum.
        undrifted = float(self._sums[rows.min() : rows.max() + 1, 0, part].max())
        if not 0 < SPEEDS[speed] < math.inf or best < undrifted + MIN_OVER_UNDRIFTED:
            return None
        mean_db = known_mean(self._decibels[rows, self._columns[low:high]])
        if not mean_db >= MIN_MEAN_DB:
            return None
        first = self._used.start
        return DriftHit(
            begin=self._first + int(rows.min()) - 1,
            end=self._first + int(rows.max()) + 1,
            low_bin=first + low * self._pair,
            high_bin=first + high * self._pair - 1,
            speed=SPEEDS[speed],
            sum=best,
            undrifted=undrifted,
            mean_db=mean_db,
        )


def known_mean(values: NDArray[np.float32]) -> float:
    """Return the mean of the values that are not missing."""
    known = values[~np.isnan(values)]
    return float(known.sum() / known.size) if known.size else float("nan")


def band_sums(tracks: NDArray[np.float32], per_band: int) -> NDArray[np.float32]:
    """Return the normalised sums of neighbouring bands, shape (n, speeds, ranges).

    Parameters
    ----------
    tracks
        Sums of two cells on a track, shape (n, speeds, bins).
    per_band
        Bins of a band.
    """
    bands = tracks.reshape(*tracks.shape[:2], -1, per_band) @ np.ones(per_band, np.float32)
    # A matrix adds the bands of all ranges at once.
    return np.asarray(bands @ (_BANDS_OF_RANGES / np.sqrt(np.float32(_SUMMED_CELLS * per_band))))


class SumStatistics:
    """Usual size of the cells and of the highest sums.

    Parameters
    ----------
    nbins
        Number of summed bins.
    block_s
        Length of a block.
    """

    def __init__(self, nbins: int, block_s: float) -> None:
        self._update_blocks = max(1, round(_UPDATE_S / block_s))
        self._first_blocks = max(MIN_BLOCKS, self._update_blocks)
        kept = max(_MIN_STATISTICS_BLOCKS, round(_STATISTICS_S / block_s))
        self._sizes: deque[NDArray[np.float32]] = deque(maxlen=kept)
        self._highest: deque[NDArray[np.float32]] = deque(maxlen=kept)
        self._scale = np.full(nbins, np.inf, np.float32)
        self._limit = math.inf

    def scale(self, number: int, values_db: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standard deviation of the cells of each bin."""
        sizes = np.abs(values_db)
        is_unknown = np.isnan(sizes)
        if is_unknown.any():
            sizes[is_unknown] = 0
            with without_warnings():
                self._sizes.append(sizes.sum(axis=0) / np.count_nonzero(~is_unknown, axis=0).astype(np.float32))
        else:
            self._sizes.append(mean_of_rows(sizes))
        if self._must_update(number, len(self._sizes)):
            quiet = quantiles(np.array(self._sizes), (_QUIET,))[0]
            # A bin that is always missing takes no part.
            quiet = np.where(np.isnan(quiet), np.float32(np.inf), quiet)
            self._scale = np.maximum(_SIGMAS_OF_MEAN * quiet, _MIN_SCALE_DB)
        return self._scale

    def limit(self, number: int, highest: NDArray[np.float32]) -> float:
        """Return the least sum of a hit; infinite for the first minute."""
        self._highest.append(highest)
        if self._must_update(number, len(self._highest)):
            known = np.concatenate(self._highest)
            # The lower half tells the usual sums, because bursts are in the upper one.
            low, middle = quantiles(known[:, np.newaxis], (_MINUS_SIGMA, 0.5))
            self._limit = max(MIN_SUM, float(middle[0] + MIN_SUM_SIGMAS * (middle[0] - low[0])))
        return self._limit

    def _must_update(self, number: int, count: int) -> bool:
        """Return True every minute, and when there are enough values."""
        return count == self._first_blocks or (count > self._first_blocks and number % self._update_blocks == 0)
