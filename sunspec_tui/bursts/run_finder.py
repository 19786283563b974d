"""Find runs, cell by cell.

A run begins above a low limit and counts if it reaches a high limit. It also ends when it has fallen to a share of its
peak, so that the next stroke of a group is a run of its own.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.runs import Run, Spans, measured

LOW_SIGMAS, HIGH_SIGMAS = 3.0, 6.0
"""Limits of a run in standard deviations: a run begins at the low one, and must reach the high one."""

MIN_LOW_DB, MIN_HIGH_DB = 0.8, 1.6
"""Least limits. Sums along drifts find weaker bursts."""

FALL_SHARE = 0.35
"""Share of its peak (decibels) at which a run has ended."""

MAX_RUN_CELLS = 2400
"""Longest run: 20 minutes in cells of half a second; a longer one goes on as the next run, which begins at its end."""

MIN_TAIL_CELLS = 60
"""Shortest tail of a run that counts: half a minute in cells of half a second, as type V lasts."""

MIN_RUN_CELLS = 2
"""Shortest run."""

MAX_HELD_CELLS = 10
"""Most missing cells over which a run goes on: 5 s in cells of half a second. In a longer time, a burst of type III may
have ended and another have begun."""

_SIGMAS_OF_LIMITS = np.array([[LOW_SIGMAS], [HIGH_SIGMAS]], np.float32)
_MIN_OF_LIMITS_DB = np.array([[MIN_LOW_DB], [MIN_HIGH_DB]], np.float32)
_MAX_SHORT_CELLS = 60
_OUTSIDE, _INSIDE, _TAIL = 0, 1, 2


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
    min_tail_cells
        Shortest tail that counts.
    max_held_cells
        Most missing cells over which a run goes on.
    """

    def __init__(
        self,
        nbins: int,
        max_cells: int = MAX_RUN_CELLS,
        min_tail_cells: int = MIN_TAIL_CELLS,
        max_held_cells: int = MAX_HELD_CELLS,
    ) -> None:
        self._max_cells, self._min_tail_cells, self._history = max_cells, min_tail_cells, 2 * max_cells
        self._max_held_cells = max_held_cells
        self._excess = np.full((self._history, nbins), np.nan, np.float32)
        self._circular = np.full((self._history, nbins), np.nan, np.float32)
        self._state = np.zeros(nbins, np.int8)
        self._begin = np.zeros(nbins, np.int64)
        self._peak = np.zeros(nbins, np.float32)
        self._valley = np.zeros(nbins, np.float32)
        self._high = np.zeros(nbins, np.float32)
        # Missing cells of each bin, right before the next cell. Before the first cell they are too many for a run.
        self._missing = np.full(nbins, max_held_cells + 1, np.int64)
        self._lacks_begin, self._lacks_rise = np.zeros(nbins, bool), np.zeros(nbins, bool)
        self._was_missing = np.ones(nbins, bool)
        self._open: dict[int, Run] = {}
        self._ended: list[Spans] = []

    def feed(
        self,
        first: int,
        excess_db: NDArray[np.float32],
        circular: NDArray[np.float32] | None,
        limits: NDArray[np.float32],
        is_missing: NDArray[np.bool_] | None = None,
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
        is_missing
            True for cells without rows, although their neighbours give a mean; by default those without a mean.
        """
        is_missing = np.isnan(excess_db) if is_missing is None else is_missing
        places = np.arange(first, first + len(excess_db)) % self._history
        self._excess[places] = excess_db
        if circular is not None:
            self._circular[places] = circular
        self._high = limits[1]
        if not self._state.any() and not (excess_db > limits[0]).any():
            self._count_missing(excess_db)
            self._was_missing = is_missing[-1]
            return []
        for cell, values in enumerate(excess_db, first):
            self._step(cell, values, limits, is_missing[cell - first])
        return self._ended_runs()

    def _count_missing(self, excess_db: NDArray[np.float32]) -> None:
        """Count each bin's missing cells at the end of these."""
        if not np.isnan(excess_db[-1]).any():
            self._missing[:] = 0
            return
        is_known = ~np.isnan(excess_db)
        has_any = is_known.any(axis=0)
        self._missing = np.where(has_any, is_known[::-1].argmax(axis=0), self._missing + len(excess_db))

    def _step(
        self, cell: int, values: NDArray[np.float32], limits: NDArray[np.float32], is_missing: NDArray[np.bool_]
    ) -> None:
        """Follow one cell."""
        low, high = limits
        is_inside, is_high, is_unknown = self._state == _INSIDE, values > low, np.isnan(values)
        is_held = is_unknown & (self._missing < self._max_held_cells)
        # A missing value changes no peak.
        np.fmax(self._peak, values, out=self._peak, where=is_inside)
        has_fallen = is_inside & (self._peak > high) & (values < FALL_SHARE * self._peak)
        is_long = is_inside & (cell - self._begin >= self._max_cells)
        ends = is_inside & ~is_high & ~is_held | has_fallen | is_long
        begins = is_high & ((self._state == _OUTSIDE) | is_long)
        self._was_missing = self._was_missing | is_missing
        if (self._state == _TAIL).any():
            self._step_tails(cell, values, limits, is_held)
        if ends.any():
            self._end_runs(np.flatnonzero(ends), cell)
            is_tail = has_fallen & is_high
            self._state[is_tail], self._valley[is_tail], self._begin[is_tail] = _TAIL, values[is_tail], cell
            self._lacks_begin[is_tail] = self._lacks_rise[is_tail] = False
        self._begin_runs(begins, cell, values)
        self._missing, self._was_missing = np.where(is_unknown, self._missing + 1, 0), is_missing

    def _step_tails(
        self, cell: int, values: NDArray[np.float32], limits: NDArray[np.float32], is_held: NDArray[np.bool_]
    ) -> None:
        """Follow one cell of the bins in which a run has fallen."""
        low, high = limits
        is_tail, is_low = self._state == _TAIL, ~(values > low) & ~is_held
        np.fmin(self._valley, values, out=self._valley, where=is_tail)
        cells = cell - self._missing - self._begin
        ends = is_tail & ((is_low & (cells >= self._min_tail_cells)) | (cells >= self._max_cells))
        self._note_ended(np.flatnonzero(ends), cell, is_tail=True)
        rises = is_tail & (values > np.maximum(self._valley + high - low, self._valley / FALL_SHARE))
        self._state[is_tail & (is_low | ends)] = _OUTSIDE
        self._begin_runs(rises | (ends & (values > low)), cell, values)

    def _begin_runs(self, begins: NDArray[np.bool_], cell: int, values: NDArray[np.float32]) -> None:
        """Begin runs in some bins."""
        self._state[begins], self._begin[begins], self._peak[begins] = _INSIDE, cell, values[begins]
        self._lacks_begin[begins] = self._missing[begins] > 0
        # The mean over three cells fills a missing cell, but its rise is not that of the burst.
        self._lacks_rise[begins] = self._lacks_begin[begins] | self._was_missing[begins]

    def _end_runs(self, bins: NDArray[np.int64], cell: int) -> None:
        """End the runs of some bins, and keep those that count."""
        self._state[bins] = _OUTSIDE
        counts = (self._ends(bins, cell) - self._begin[bins] >= MIN_RUN_CELLS) & (self._peak[bins] > self._high[bins])
        self._note_ended(bins[counts], cell)

    def _ends(self, bins: NDArray[np.int64], cell: int) -> NDArray[np.int64]:
        """Return the ends of runs: the cell, or the first missing one."""
        return cell - self._missing[bins]

    def _note_ended(self, bins: NDArray[np.int64], cell: int, *, is_tail: bool = False) -> None:
        """Note runs to be measured at the end of the block.

        To measure those of a whole block takes as long as to measure those of a cell.
        """
        if bins.size:
            # The cell itself may be the first missing one.
            lacks_end = (self._missing[bins] > 0) | np.isnan(self._excess[cell % self._history, bins])
            are_tails, ends = np.full(len(bins), is_tail), self._ends(bins, cell)
            flags = are_tails, self._lacks_begin[bins], lacks_end, self._lacks_rise[bins]
            self._ended.append(Spans(bins, self._begin[bins], ends, *flags))

    def _ended_runs(self) -> list[Run]:
        """Measure the runs that have ended.

        Tails below the high limit do not count.
        """
        if not self._ended:
            return []
        runs = self._measured(Spans.joined(self._ended))
        self._ended = []
        return [run for run in runs if not run.is_tail or run.peak_db > self._high[run.bin]]

    def _measured(self, spans: Spans, *, is_open: bool = False) -> list[Run]:
        """Measure runs, short and long ones apart."""
        is_short = spans.ends - spans.begins <= _MAX_SHORT_CELLS
        runs: list[Run] = []
        for part in (spans.selected(is_short), spans.selected(~is_short)):
            if part.bins.size:
                cells = np.arange(part.begins.min(), part.ends.max())[:, np.newaxis]
                places = cells % self._history, part.bins
                runs += measured(part, self._excess[places], self._circular[places], is_open=is_open)
        return runs

    @property
    def has_open_runs(self) -> bool:
        """True if runs go on that count already."""
        return bool(((self._state == _INSIDE) & (self._peak > self._high)).any())

    def open_runs(self, cell: int) -> list[Run]:
        """Return the runs that go on at a cell.

        They are measured again only if their peak has grown: a burst in a hundred bins must not cost milliseconds.
        """
        bins = np.flatnonzero((self._state == _INSIDE) & (self._peak > self._high))
        bins = bins[cell - self._begin[bins] >= MIN_RUN_CELLS]
        known = [self._known(number) for number in bins.tolist()]
        self._open = {run.bin: run for run in known if run is not None}
        new = bins[[run is None for run in known]]
        if new.size:
            none = np.zeros(len(new), bool)
            flags = none, self._lacks_begin[new], none, self._lacks_rise[new]
            spans = Spans(new, self._begin[new], np.full(len(new), cell), *flags)
            self._open |= {run.bin: run for run in self._measured(spans, is_open=True)}
        return [run._replace(end=cell) for run in self._open.values()]

    def _known(self, number: int) -> Run | None:
        """Return the open run of a bin, unless it must be measured."""
        run = self._open.get(number)
        is_same = run is not None and run.begin == self._begin[number] and run.peak_db == self._peak[number]
        return run if is_same else None

    def close(self, cell: int) -> list[Run]:
        """End all runs, because rows are missing or end; return them."""
        is_tail = (self._state == _TAIL) & (cell - self._missing - self._begin >= self._min_tail_cells)
        self._note_ended(np.flatnonzero(is_tail), cell, is_tail=True)
        self._end_runs(np.flatnonzero(self._state == _INSIDE), cell)
        self._state[:] = _OUTSIDE
        self._missing[:], self._was_missing = self._max_held_cells + 1, np.ones_like(self._was_missing)
        return [run._replace(lacks_end=True) for run in self._ended_runs()]
