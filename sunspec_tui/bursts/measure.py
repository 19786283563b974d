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

from sunspec_tui.bursts.runs import Run
from sunspec_tui.core.corona import SOLAR_RADIUS_KM, DensityModel, height_rsun

LIGHT_KM_S = 299_792.458

STRONG_SHARE = 0.5
"""Share of the peak (decibels) of the runs that give the times of a burst."""

SATURATED_DB, SATURATED_CELLS = 10.0, 4
"""Least peak of a saturated run, and cells of its flat top."""

SLOW_S = 20.0
"""Runs of this length belong to a slow burst."""

_FIT_ROUNDS = 3
_MIN_FITTED = 4
_OUTLIER_SIGMAS = 2.0
_MAX_RIDGE_RESIDUAL, _RIDGE_SIGMAS, _MAX_RIDGE_RATIO = 1.5, 3.0, 2.0


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
        Times in which four fifths of the runs begin and end.
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
        Share of the runs that reach half of their peak within a cell.
    strokes
        Mean number of peaks of a run.
    tail_share
        Share of the runs that follow the fall of a burst.
    is_saturated
        True if half of the runs have a flat top far above the background.
    circular
        V/I at the peaks, weighted with their power.
    half_power_s
        Pairs of a frequency in MHz and the median duration at half power there.
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
    def drift_mhz_s(self) -> float:
        """Drift rate of the ridge at the middle of the band."""
        return drift_of_delay(self.ridge_delay, self.middle_mhz)

    @property
    def drift_error_mhz_s(self) -> float:
        """Standard error of the drift rate."""
        return abs(self.drift_mhz_s * self.ridge_error / self.ridge_delay) if self.ridge_delay else float("nan")


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


@lru_cache(maxsize=8)
def _heights_of_bins(frequencies_mhz: bytes) -> NDArray[np.float64]:
    """Return the heights of all bins, in light-seconds."""
    return height_light_s(np.frombuffer(frequencies_mhz))


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of a few values, faster than numpy."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


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
    peaks_db = [run.peak_db for run in runs]
    peak_db = quantile(peaks_db, 0.9)
    # Weak runs are often of something else, which begins earlier.
    strong = [run for run in runs if run.peak_db >= STRONG_SHARE * peak_db]
    run_s = quantile([run.end - run.begin for run in runs], 0.5) * cell_s
    spread_s = _spread([run.half for run in strong]) * cell_s
    onsets, ridge = _lines(strong, frequencies_mhz, cell_s)
    strongest = runs[peaks_db.index(max(peaks_db))]
    bins = {run.bin for run in runs}
    return Measures(
        # The strongest run may be earlier than three neighbours.
        begin_s=min(_begin(runs, strong, is_slow=run_s > SLOW_S), strongest.peak) * cell_s,
        peak_s=(strongest.peak + 0.5) * cell_s,
        end_s=max(run.end for run in runs) * cell_s,
        low_mhz=float(frequencies_mhz[min(bins)]),
        high_mhz=float(frequencies_mhz[max(bins)]),
        bins=len(bins),
        peak_db=peak_db,
        run_s=run_s,
        half_s=quantile([run.half_cells for run in runs], 0.5) * cell_s,
        spread_s=spread_s,
        end_spread_s=_spread([run.end for run in runs]) * cell_s,
        delay=onsets[0],
        delay_error=onsets[1],
        residual_s=onsets[2],
        ridge_delay=ridge[0],
        ridge_error=ridge[1],
        descent=descent(strong, frequencies_mhz) if max(run_s, spread_s) > SLOW_S else float("nan"),
        sharp_share=sum(run.onset - run.begin <= 1 and run.half - run.begin <= 1 for run in runs) / len(runs),
        strokes=sum(run.strokes for run in runs) / len(runs),
        tail_share=sum(run.is_tail for run in runs) / len(runs),
        is_saturated=peak_db >= SATURATED_DB and quantile([run.flat_cells for run in runs], 0.5) >= SATURATED_CELLS,
        circular=_circular(runs),
        half_power_s=half_power_by_frequency(runs, frequencies_mhz, cell_s),
    )


def _lines(
    strong: Sequence[Run], frequencies_mhz: NDArray[np.float64], cell_s: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the lines of the onsets and of the ridge."""
    heights = _heights_of_bins(frequencies_mhz.tobytes())[[run.bin for run in strong]]
    onsets = fitted_line(heights, np.array([run.half for run in strong]) * cell_s, cell_s)
    return onsets, ridge_line(heights, np.array([run.peak for run in strong]) * cell_s, onsets, cell_s)


def descent(runs: Sequence[Run], frequencies_mhz: NDArray[np.float64]) -> float:
    """Return the relative change of the mean frequency while runs last.

    It compares the last third of the time with the first. Cells are weighted with the runs' mean decibels.
    """
    begin, end = min(run.begin for run in runs), max(run.end for run in runs)
    third = (end - begin) / 3
    first = _mean_mhz(runs, frequencies_mhz, begin, begin + third)
    last = _mean_mhz(runs, frequencies_mhz, end - third, end)
    return last / first - 1


def _mean_mhz(runs: Sequence[Run], frequencies_mhz: NDArray[np.float64], begin: float, end: float) -> float:
    """Return the mean frequency of the parts of runs in an interval."""
    weights = [max(0.0, min(run.end, end) - max(run.begin, begin)) * run.mean_db for run in runs]
    total = sum(weights)
    used = frequencies_mhz[[run.bin for run in runs]]
    return float(np.dot(weights, used)) / total if total else float("nan")


def _spread(cells: Sequence[int]) -> float:
    """Return the interval that holds four fifths of some cells."""
    return quantile(cells, 0.9) - quantile(cells, 0.1)


def _begin(runs: Sequence[Run], strong: Sequence[Run], *, is_slow: bool) -> int:
    """Return the first cell of a structure.

    A fast burst is seen at half of its peak, because a weaker one may precede it. A slow one rises slowly, and is seen
    at its onset.
    """
    if is_slow:
        return first_seen([run.bin for run in runs], [run.onset for run in runs])
    return first_seen([run.bin for run in strong], [run.half for run in strong])


def first_seen(bins: Sequence[int], cells: Sequence[int]) -> int:
    """Return the first cell in which three neighbouring bins are seen.

    Neighbours are three bins in a row of those that are given. With fewer bins it is the first cell of all.

    Parameters
    ----------
    bins, cells
        Bin and first cell of each run.
    """
    earliest: dict[int, int] = {}
    for number, cell in zip(bins, cells, strict=True):
        earliest[number] = min(cell, earliest.get(number, cell))
    seen = np.array([earliest[number] for number in sorted(earliest)])
    if len(seen) < 3:
        return int(seen.min())
    return int(np.maximum(np.maximum(seen[:-2], seen[1:-1]), seen[2:]).min())


def _circular(runs: Sequence[Run]) -> float:
    """Return V/I of the peaks, weighted with their power."""
    known = [(run.circular, 10 ** (run.peak_db / 10)) for run in runs if math.isfinite(run.circular)]
    if not known:
        return float("nan")
    return sum(ratio * power for ratio, power in known) / sum(power for _, power in known)


def half_power_by_frequency(
    runs: Sequence[Run], frequencies_mhz: NDArray[np.float64], cell_s: float, most: int = 4
) -> tuple[tuple[float, float], ...]:
    """Return durations at half power in parts of the band."""
    low, high = min(run.bin for run in runs), max(run.bin for run in runs)
    parts: list[list[Run]] = [[] for _ in range(most)]
    for run in runs:
        parts[(run.bin - low) * most // (high - low + 1)].append(run)
    return tuple(
        (
            round(float(frequencies_mhz[[run.bin for run in part]].mean()), 1),
            round(quantile([run.half_cells for run in part], 0.5) * cell_s, 2),
        )
        for part in parts
        if part
    )


def fitted_line(
    x: NDArray[np.float64], times_s: NDArray[np.float64], resolution_s: float
) -> tuple[float, float, float]:
    """Fit times to a line; return slope, its error, and residual.

    Outliers are left out. The residual is at least half of the resolution. All are NaN with too few or equal `x`.
    """
    nan = float("nan")
    kept = np.ones(len(x), bool)
    slope = error = residual = nan
    for _ in range(_FIT_ROUNDS):
        if kept.sum() < _MIN_FITTED or np.ptp(x[kept]) == 0:
            break
        from_mean = x[kept] - x[kept].mean()
        squares = float(from_mean @ from_mean)
        slope = float(from_mean @ times_s[kept]) / squares
        offsets = times_s - times_s[kept].mean() - slope * (x - x[kept].mean())
        residual = max(float(np.std(offsets[kept])), resolution_s / 2)
        error = residual / squares**0.5
        before, kept = kept, np.abs(offsets) <= _OUTLIER_SIGMAS * residual
        if np.array_equal(before, kept):
            break
    return slope, error, residual


def ridge_line(
    x: NDArray[np.float64], peaks_s: NDArray[np.float64], onsets: tuple[float, float, float], resolution_s: float
) -> tuple[float, float, float]:
    """Return the line of the peaks, or that of the onsets.

    The rise to half of the decibels takes longer for a stronger burst, and longer at lower frequencies. So the onsets
    of a strong burst drift faster than its ridge. The peaks of a group may be those of different strokes; then only its
    onsets lie on a line.

    Parameters
    ----------
    x, peaks_s, resolution_s
        As in `fitted_line`.
    onsets
        Slope, error and residual of the onsets.
    """
    peaks = fitted_line(x, peaks_s, resolution_s)
    is_line = peaks[2] <= max(_MAX_RIDGE_RESIDUAL * onsets[2], resolution_s)
    if not is_line or abs(peaks[0]) < _RIDGE_SIGMAS * peaks[1]:
        return onsets
    is_known = abs(onsets[0]) >= _RIDGE_SIGMAS * onsets[1]
    agrees = 1 / _MAX_RIDGE_RATIO <= peaks[0] / onsets[0] <= _MAX_RIDGE_RATIO if is_known else True
    return peaks if agrees else onsets
