"""Runs: times during which one bin lies above its background.

A run begins above a low limit and counts if it reaches a high limit. It also ends when it has fallen to a share of its
peak, so that the next stroke of a group is a run of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LOW_SIGMAS, HIGH_SIGMAS = 3.0, 6.0
"""Limits of a run in standard deviations: a run begins at the low one, and must reach the high one."""

MIN_LOW_DB, MIN_HIGH_DB = 0.8, 1.6
"""Least limits: what is weaker is found by sums along drifts, not by a limit for each bin."""

FALL_SHARE = 0.35
"""Share of its peak (decibels) at which a run has ended."""

ONSET_SHARE = 0.25
"""Share of its peak (decibels) at which a run is seen to begin."""

MAX_RUN_CELLS = 2400
"""Longest run: 20 minutes in cells of half a second; a longer one goes on as the next run."""

MIN_TAIL_CELLS = 60
"""Shortest tail of a run that counts: half a minute, as a continuum after a burst (type V) lasts."""

MIN_RUN_CELLS = 2
"""Shortest run."""

_SIGMAS_OF_LIMITS = np.array([[LOW_SIGMAS], [HIGH_SIGMAS]], np.float32)
_MIN_OF_LIMITS_DB = np.array([[MIN_LOW_DB], [MIN_HIGH_DB]], np.float32)
_FLAT_DB = 0.1
_MAX_STROKE_VALUES = 240
_OUTSIDE, _INSIDE, _TAIL = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A time during which one bin lies above its background.

    Two runs are equal if they are the same object, so that they are found quickly in sets.

    Attributes
    ----------
    bin
        Number of the bin.
    begin, end
        Numbers of the first cell and of the cell after the last, since 1970.
    peak
        Number of the cell of the peak.
    onset
        Number of the first cell at a quarter of the peak (decibels) or above.
    half
        Number of the first cell at half of the peak or above.
    peak_db
        Decibels over the background at the peak.
    mean_db
        Mean of the decibels over the background.
    half_cells
        Cells at which the power over the background is at least half of its peak.
    flat_cells
        Cells that are as high as the peak.
    strokes
        Number of peaks.
    circular
        V/I at the peak; NaN if unknown.
    is_open
        True if the run goes on.
    is_tail
        True if it follows the fall of another run, as a continuum after a burst does.
    """

    bin: int
    begin: int
    end: int
    peak: int
    onset: int
    half: int
    peak_db: float
    mean_db: float
    half_cells: int
    flat_cells: int
    strokes: int
    circular: float
    is_open: bool = False
    is_tail: bool = False


def smoothed(excess_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means over three cells and bins, shape (n - 2, nbins).

    Missing values are left out; without any value the mean is NaN.
    """
    is_unknown = np.isnan(excess_db)
    if not is_unknown.any():
        return _sum_of_nine(excess_db) / _sum_of_nine(np.ones((3, excess_db.shape[1]), np.float32))
    total = _sum_of_nine(np.where(is_unknown, np.float32(0), excess_db))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / _sum_of_nine((~is_unknown).astype(np.float32)))


def _sum_of_nine(values: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = values[:-2] + values[1:-1] + values[2:]
    total = rows.copy()
    total[:, 1:] += rows[:, :-1]
    total[:, :-1] += rows[:, 1:]
    return total


def limits_db(spread_db: NDArray[np.float32], noise_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the low and high limits of runs, shape (2, nbins)."""
    # The mean of nine cells has a third of the noise of one.
    sigma = np.hypot(spread_db, noise_db / 3)
    return np.maximum(_SIGMAS_OF_LIMITS * sigma, _MIN_OF_LIMITS_DB)


class RunFinder:
    """Finds the runs of all bins, cell by cell.

    Parameters
    ----------
    nbins
        Number of bins.
    max_cells
        Longest run.
    """

    def __init__(self, nbins: int, max_cells: int = MAX_RUN_CELLS) -> None:
        self._max_cells, self._history = max_cells, 2 * max_cells
        self._excess = np.full((self._history, nbins), np.nan, np.float32)
        self._circular = np.full((self._history, nbins), np.nan, np.float32)
        self._state = np.zeros(nbins, np.int8)
        self._begin = np.zeros(nbins, np.int64)
        self._peak = np.zeros(nbins, np.float32)
        self._valley = np.zeros(nbins, np.float32)
        self._high = np.zeros(nbins, np.float32)
        self._open: list[Run] = []

    def feed(
        self,
        first: int,
        excess_db: NDArray[np.float32],
        circular: NDArray[np.float32] | None,
        limits: NDArray[np.float32],
    ) -> list[Run]:
        """Add smoothed cells; return the runs that have ended.

        Parameters
        ----------
        first
            Number of the first cell.
        excess_db
            Decibels over the background, shape (n, nbins).
        circular
            V/I, shape (n, nbins), or None.
        limits
            Low and high limit, shape (2, nbins).
        """
        places = np.arange(first, first + len(excess_db)) % self._history
        self._excess[places] = excess_db
        if circular is not None:
            self._circular[places] = circular
        self._high = limits[1]
        if not self._state.any() and not (excess_db > limits[0]).any():
            return []
        return [run for i, values in enumerate(excess_db) for run in self._step(first + i, values, limits)]

    def _step(self, cell: int, values: NDArray[np.float32], limits: NDArray[np.float32]) -> list[Run]:
        """Follow one cell."""
        low, high = limits
        is_inside, is_tail = self._state == _INSIDE, self._state == _TAIL
        is_low = ~(values > low)
        np.maximum(self._peak, values, out=self._peak, where=is_inside)
        np.minimum(self._valley, values, out=self._valley, where=is_tail)
        has_fallen = is_inside & (self._peak > high) & (values < FALL_SHARE * self._peak)
        is_long = is_inside & (cell - self._begin >= self._max_cells)
        ends = is_inside & (is_low | has_fallen | is_long)
        runs = [run for i in np.flatnonzero(ends) if (run := self._run(int(i), cell)) is not None]
        tail_cells = np.where(is_tail, cell - self._begin, 0)
        tail_ends = (is_low & (tail_cells >= MIN_TAIL_CELLS)) | (tail_cells >= self._max_cells)
        runs += [run for i in np.flatnonzero(tail_ends) if (run := self._tail(int(i), cell)) is not None]
        rises = is_tail & (values > np.maximum(self._valley + high - low, self._valley / FALL_SHARE))
        begins = (self._state == _OUTSIDE) & ~is_low | rises | is_long & ~is_low
        self._state[is_low | tail_ends] = _OUTSIDE
        self._state[has_fallen & ~is_low] = _TAIL
        self._valley[has_fallen], self._begin[has_fallen] = values[has_fallen], cell
        self._state[begins] = _INSIDE
        self._begin[begins], self._peak[begins] = cell, values[begins]
        return runs

    def _run(self, number: int, end: int, *, is_open: bool = False) -> Run | None:
        """Return the run of a bin; None if it does not count."""
        begin = int(self._begin[number])
        if end - begin < MIN_RUN_CELLS or not self._peak[number] > self._high[number]:
            return None
        cells = np.arange(begin, end) % self._history
        values = self._excess[cells, number]
        return measured(number, begin, values, self._circular[cells, number], is_open=is_open)

    def _tail(self, number: int, end: int) -> Run | None:
        """Return what is left of a run, if it lasts."""
        cells = np.arange(int(self._begin[number]), end) % self._history
        values = self._excess[cells, number]
        run = measured(number, int(self._begin[number]), values, self._circular[cells, number])
        return replace(run, is_tail=True) if run.peak_db > self._high[number] else None

    def open_runs(self, cell: int) -> list[Run]:
        """Return the runs that go on at a cell."""
        numbers = np.flatnonzero((self._state == _INSIDE) & (self._peak > self._high)).tolist()
        before = {(run.bin, run.begin): run for run in self._open}
        self._open = [run for i in numbers if (run := self._open_run(i, cell, before)) is not None]
        return self._open

    def _open_run(self, number: int, cell: int, before: Mapping[tuple[int, int], Run]) -> Run | None:
        """Return the run of a bin that goes on.

        It is measured again only if its peak has grown: a burst in hundreds of bins must not cost milliseconds.
        """
        known = before.get((number, int(self._begin[number])))
        if known is not None and known.peak_db == self._peak[number]:
            return replace(known, end=cell)
        return self._run(number, cell, is_open=True)

    def close(self, cell: int) -> list[Run]:
        """End all runs, because rows are missing; return them."""
        inside = np.flatnonzero(self._state == _INSIDE).tolist()
        self._state[:] = _OUTSIDE
        return [run for i in inside if (run := self._run(i, cell)) is not None]


def measured(
    number: int, begin: int, values: NDArray[np.float32], circular: NDArray[np.float32], *, is_open: bool = False
) -> Run:
    """Return a run with its numbers.

    Parameters
    ----------
    number, begin
        Number of the bin, and of the first cell.
    values
        Decibels over the background of all cells.
    circular
        V/I of all cells.
    is_open
        True if the run goes on.
    """
    known = np.where(np.isnan(values), -np.inf, values)
    top = int(known.argmax())
    peak_db = float(known[top])
    # Half of the power over the background: decibels near zero have no half.
    half_db = 10 * math.log10((10 ** (peak_db / 10) + 1) / 2)
    return Run(
        bin=number,
        begin=begin,
        end=begin + len(values),
        peak=begin + top,
        onset=begin + int((known >= ONSET_SHARE * peak_db).argmax()),
        half=begin + int((known >= peak_db / 2).argmax()),
        peak_db=peak_db,
        mean_db=float(known[known > -np.inf].mean()),
        half_cells=int(np.count_nonzero(known >= half_db)),
        flat_cells=int(np.count_nonzero(known >= peak_db - _FLAT_DB)),
        strokes=stroke_count(known, peak_db),
        circular=float(circular[top]),
        is_open=is_open,
    )


def stroke_count(values: NDArray[np.float32], peak_db: float) -> int:
    """Return the number of peaks that valleys separate.

    A valley is deeper than a fifth of the highest peak below both of its neighbours.
    """
    # The highest of several cells, so that a long run costs no more than two minutes.
    step = -(-len(values) // _MAX_STROKE_VALUES)
    values = np.maximum.reduceat(values, np.arange(0, len(values), step)) if step > 1 else values
    depth, count, highest, lowest = 0.2 * peak_db, 0, -math.inf, math.inf
    is_rising = True
    for value in values.tolist():
        if is_rising:
            highest = max(highest, value)
            if value < highest - depth:
                count, is_rising, lowest = count + 1, False, value
        else:
            lowest = min(lowest, value)
            if value > lowest + depth:
                is_rising, highest = True, value
    return count + is_rising
