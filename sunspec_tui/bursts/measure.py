"""Measure structures: times, band, drift and strength.

The drift is fitted as the speed of an exciter: the peak at each frequency against the height of the plasma with this
frequency (Newkirk's model). A track that bends with frequency is a straight line there. Types are decided by the
onsets, which are also known for a group of strokes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.lines import Line, fitted_line, ridge_line
from sunspec_tui.bursts.run_columns import RunColumns, columns_of, quantile
from sunspec_tui.bursts.runs import Run
from sunspec_tui.core.corona import SOLAR_RADIUS_KM, DensityModel, height_rsun

LIGHT_KM_S = 299_792.458

STRONG_SHARE = 0.5
"""Share of the peak (decibels) of the runs that give the times of a burst."""

SATURATED_DB, SATURATED_CELLS = 10.0, 4
"""Least peak of a saturated run, and cells of its flat top."""

SLOW_S = 20.0
"""Runs of this length belong to a slow burst."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers of a structure.

    Times are seconds since 1970 UTC. A number that was not measured is NaN.

    Attributes
    ----------
    begin_s, peak_s, end_s
        Times; the begin is the first time at which three neighbouring bins are seen.
    low_mhz, high_mhz
        Band of the runs.
    bins
        Number of different bins.
    peak_db
        Decibels over the background that a tenth of the runs exceed.
    run_s, half_s
        Medians of the length of the runs and of their duration at half power.
    spread_s, end_spread_s
        Times in which four fifths of the runs begin and end; the second is infinite if the end of any run is not known.
    delay
        Seconds by which the onset is delayed for each light-second of height: 1/delay is the speed in units of the
        speed of light. Negative for an exciter that comes down.
    delay_error, residual_s
        Standard error of the delay, and of the onsets around the line.
    ridge_delay, ridge_error
        The delay of the peaks and its standard error; of the onsets, if the peaks lie on no line.
    descent
        Change of the mean frequency from the first third to the last third of the time, as a share; negative if it
        falls. NaN for a fast burst.
    sharp_share
        Share of the runs that reach half of their peak within a cell; not of a run whose rise or peak is not known.
    strokes
        Mean number of peaks of a run.
    tail_share
        Share of the runs that follow the fall of a burst.
    filled_share
        Share of the bins of its band in which it has a run.
    is_saturated
        True if half of the runs have a flat top far above the background.
    circular
        V/I at the peaks, weighted with their power.
    half_power_s
        Pairs of a frequency in MHz and the median duration at half power there.
    unknown_begin_share, unknown_end_share
        Shares of the runs whose begin, and whose end, is not known. A run that goes on has no known end.
    """

    begin_s: float
    peak_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    bins: int
    peak_db: float
    run_s: float
    half_s: float
    spread_s: float
    end_spread_s: float
    delay: float
    delay_error: float
    residual_s: float
    ridge_delay: float
    ridge_error: float
    descent: float
    sharp_share: float
    strokes: float
    is_saturated: bool
    circular: float
    half_power_s: tuple[tuple[float, float], ...]
    tail_share: float = 0.0
    unknown_begin_share: float = 0.0
    unknown_end_share: float = 0.0
    filled_share: float = 1.0

    @property
    def ratio(self) -> float:
        """Highest frequency over the lowest."""
        return self.high_mhz / self.low_mhz

    @property
    def middle_mhz(self) -> float:
        """Middle of the band."""
        return (self.low_mhz + self.high_mhz) / 2

    @property
    def significance(self) -> float:
        """The delay over its error; 0 without a delay."""
        return self.delay / self.delay_error if self.delay_error > 0 else 0.0

    @property
    def width_mhz(self) -> float:
        """Width of the band."""
        return self.high_mhz - self.low_mhz

    @property
    def span_light_s(self) -> float:
        """Height that the band spans, in light-seconds."""
        return one_height_light_s(self.low_mhz) - one_height_light_s(self.high_mhz)

    @property
    def drift_mhz_s(self) -> float:
        """Drift rate of the ridge at the middle of the band.

        It is NaN if it is smaller than its error.
        """
        return drift_of_delay(self.ridge_delay, self.middle_mhz) if self._has_drift else math.nan

    @property
    def drift_error_mhz_s(self) -> float:
        """Standard error of the drift rate."""
        return abs(self.drift_mhz_s * self.ridge_error / self.ridge_delay) if self._has_drift else math.nan

    @property
    def _has_drift(self) -> bool:
        return abs(self.ridge_delay) > self.ridge_error


def drift_of_delay(delay: float, frequency_mhz: float) -> float:
    """Return the drift rate of an exciter at a frequency, MHz/s.

    It is negative for an exciter that moves out; NaN without a delay.
    """
    seconds = delay * light_s_per_mhz(round(frequency_mhz, 3))
    return 1 / seconds if seconds else float("nan")


@lru_cache(maxsize=4096)
def light_s_per_mhz(frequency_mhz: float) -> float:
    """Return the slope of the height at a frequency."""
    near = np.array([frequency_mhz * 0.99, frequency_mhz * 1.01])
    return float(np.diff(height_light_s(near))[0] / np.diff(near)[0])


def height_light_s(frequencies_mhz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the heights of plasma frequencies in light-seconds."""
    return height_rsun(DensityModel.NEWKIRK, frequencies_mhz) * (SOLAR_RADIUS_KM / LIGHT_KM_S)


@lru_cache(maxsize=4096)
def one_height_light_s(frequency_mhz: float) -> float:
    """Return the height of one plasma frequency in light-seconds."""
    return float(height_light_s(np.array([frequency_mhz]))[0])


@lru_cache(maxsize=8)
def _heights_of_bins(frequencies_mhz: bytes) -> NDArray[np.float64]:
    """Return the heights of all bins, in light-seconds."""
    return height_light_s(np.frombuffer(frequencies_mhz))


def measures(runs: Sequence[Run], frequencies_mhz: NDArray[np.float64], cell_s: float) -> Measures:
    """Return the numbers of a structure.

    Parameters
    ----------
    runs
        Its runs, at least one.
    frequencies_mhz
        Centres of all bins.
    cell_s
        Length of a cell.
    """
    return _measures(columns_of(runs), frequencies_mhz, cell_s)


def _measures(found: RunColumns, frequencies_mhz: NDArray[np.float64], cell_s: float) -> Measures:
    peak_db = quantile(found.peak_db, 0.9)
    # Weak runs are often of something else, which begins earlier.
    strong = found.selected(found.peak_db >= STRONG_SHARE * peak_db)
    run_s = quantile(found.end - found.begin, 0.5) * cell_s
    spread_s = _spread(strong.half) * cell_s
    onsets, ridge = _lines(strong, frequencies_mhz, cell_s)
    strongest = int(found.peak[found.peak_db.argmax()])
    bins = found.bin
    bin_count = int(np.count_nonzero(np.bincount(bins)))
    # The end of a run that goes on, or after which rows are missing, is not known.
    lacks_end = (found.is_open + found.lacks_end) > 0
    return Measures(
        # The strongest run may be earlier than three neighbours.
        begin_s=min(_begin(found, strong, is_slow=run_s > SLOW_S), strongest) * cell_s,
        peak_s=(strongest + 0.5) * cell_s,
        end_s=int(found.end.max()) * cell_s,
        low_mhz=float(frequencies_mhz[bins.min()]),
        high_mhz=float(frequencies_mhz[bins.max()]),
        bins=bin_count,
        peak_db=peak_db,
        run_s=run_s,
        half_s=quantile(found.half_cells, 0.5) * cell_s,
        spread_s=spread_s,
        end_spread_s=math.inf if lacks_end.any() else _spread(found.end) * cell_s,
        delay=onsets[0],
        delay_error=onsets[1],
        residual_s=onsets[2],
        ridge_delay=ridge[0],
        ridge_error=ridge[1],
        descent=descent(strong, frequencies_mhz) if max(run_s, spread_s) > SLOW_S else float("nan"),
        sharp_share=_share(_is_sharp(found)),
        strokes=float(found.strokes.sum()) / len(bins),
        tail_share=_share(found.is_tail > 0),
        unknown_begin_share=_share(found.lacks_begin > 0),
        unknown_end_share=_share(lacks_end),
        filled_share=bin_count / int(bins.max() - bins.min() + 1),
        is_saturated=peak_db >= SATURATED_DB and quantile(found.flat_cells, 0.5) >= SATURATED_CELLS,
        circular=_circular(found),
        half_power_s=half_power_by_frequency(found, frequencies_mhz, cell_s),
    )


def _is_sharp(runs: RunColumns) -> NDArray[np.bool_]:
    """Return True for runs that rise within a cell."""
    is_sharp = (runs.onset - runs.begin <= 1) & (runs.half - runs.begin <= 1)
    # Where rows are missing in the rise, it is not known, nor is the peak if they are missing after it.
    is_known = (runs.lacks_rise == 0) & ((runs.lacks_end == 0) | (runs.peak < runs.end - 1))
    return np.asarray(is_sharp & is_known)


def _share(is_one: NDArray[np.bool_]) -> float:
    return int(np.count_nonzero(is_one)) / len(is_one)


def _lines(strong: RunColumns, frequencies_mhz: NDArray[np.float64], cell_s: float) -> tuple[Line, Line]:
    """Return the lines of the onsets and of the ridge."""
    heights = _heights_of_bins(frequencies_mhz.tobytes())[strong.bin]
    onsets = fitted_line(heights, strong.half * cell_s, cell_s)
    return onsets, ridge_line(heights, strong.peak * cell_s, onsets, cell_s)


def descent(runs: RunColumns, frequencies_mhz: NDArray[np.float64]) -> float:
    """Return the relative change of the mean frequency while runs last.

    It compares the last third of the time with the first. Cells are weighted with the runs' mean decibels.
    """
    begin, end = int(runs.begin.min()), int(runs.end.max())
    third = (end - begin) / 3
    first = _mean_mhz(runs, frequencies_mhz, begin, begin + third)
    last = _mean_mhz(runs, frequencies_mhz, end - third, end)
    return last / first - 1


def _mean_mhz(runs: RunColumns, frequencies_mhz: NDArray[np.float64], begin: float, end: float) -> float:
    """Return the mean frequency of the parts of runs in an interval."""
    cells = np.minimum(runs.end, end) - np.maximum(runs.begin, begin)
    weights = np.maximum(cells, 0.0) * runs.mean_db
    total = float(weights.sum())
    return float(weights @ frequencies_mhz[runs.bin]) / total if total else float("nan")


def _spread(cells: NDArray[np.float64]) -> float:
    """Return the interval that holds four fifths of some cells."""
    return quantile(cells, 0.9) - quantile(cells, 0.1)


def _begin(runs: RunColumns, strong: RunColumns, *, is_slow: bool) -> int:
    """Return the first cell of a structure.

    A fast burst is seen at half of its peak, because a weaker one may precede it. A slow one rises slowly, and is seen
    at its onset.
    """
    return first_seen(runs.bin, runs.onset) if is_slow else first_seen(strong.bin, strong.half)


def first_seen(bins: NDArray[np.int64], cells: NDArray[np.float64]) -> int:
    """Return the first cell in which three neighbouring bins are seen.

    Neighbours are three bins in a row of those that are given. With fewer bins it is the first cell of all.

    Parameters
    ----------
    bins, cells
        Bin and first cell of each run.
    """
    earliest = np.full(bins.max() + 1, np.inf)
    np.minimum.at(earliest, bins, cells)
    seen = earliest[np.isfinite(earliest)]
    if len(seen) < 3:
        return int(seen.min())
    return int(np.maximum(np.maximum(seen[:-2], seen[1:-1]), seen[2:]).min())


def _circular(runs: RunColumns) -> float:
    """Return V/I of the peaks, weighted with their power."""
    known = np.isfinite(runs.circular)
    if not known.any():
        return float("nan")
    powers = 10 ** (runs.peak_db[known] / 10)
    return float(runs.circular[known] @ powers / powers.sum())


def half_power_by_frequency(
    runs: RunColumns, frequencies_mhz: NDArray[np.float64], cell_s: float, most: int = 4
) -> tuple[tuple[float, float], ...]:
    """Return durations at half power in parts of the band."""
    low, high = runs.bin.min(), runs.bin.max()
    part = (runs.bin - low) * most // (high - low + 1)
    found = [(frequencies_mhz[runs.bin[part == i]], runs.half_cells[part == i]) for i in range(most)]
    return tuple(
        (round(float(mhz.sum()) / mhz.size, 1), round(quantile(half_cells, 0.5) * cell_s, 2))
        for mhz, half_cells in found
        if mhz.size
    )
