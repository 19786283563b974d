"""Average a recording over time and frequency.

A row of the result is the mean of a whole number of rows, without a gap, a restart or a change of cadence between them.
Values that are not finite are ignored; without a finite value, the mean is NaN. It opens no file and draws nothing.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.recording import Recording, channels_of, measured_cadence_s
from sunspec_tui.core.row_spans import cadence_changes

log = logging.getLogger(__name__)

_BLOCK_BYTES = 16_000_000
# Steps between consecutive rows differ from their mean by less than this share.
_UNEVENNESS = 0.4
_SAME_LENGTH = 0.1


class _RowGroups(NamedTuple):
    """Consecutive rows of equal length, in whole groups.

    Attributes
    ----------
    first
        Number of the first row.
    joined, groups
        Rows in a group, and number of groups.
    row_s
        Length of a group in seconds.
    """

    first: int
    joined: int
    groups: int
    row_s: float

    def last_rows(self) -> NDArray[np.intp]:
        """Return the number of the last row of each group."""
        return self.first + self.joined * np.arange(1, self.groups + 1) - 1


class _BinGroups(NamedTuple):
    """Groups of neighbouring bins.

    Attributes
    ----------
    firsts
        Number of the first bin of each group.
    weights
        Weight of each bin: the number of its channels.
    frequencies_hz
        Centre of each group.
    """

    firsts: NDArray[np.intp]
    weights: NDArray[np.float64]
    frequencies_hz: NDArray[np.float64]


def rebinned(recording: Recording, row_s: float | None = None, bins: int | None = None) -> Recording:
    """Return the means of a recording over time and neighbouring bins.

    Parameters
    ----------
    recording
        The rows.
    row_s
        Seconds of data in a row of the result, rounded to a whole number of rows; None keeps the rows. Groups are
        counted from each first row after a gap, a restart or a change of cadence. Rows that fill no whole group are
        left out, and their number is logged.
    bins
        Neighbouring bins in a bin of the result; None keeps them. The last one may hold fewer.

    Raises
    ------
    UsageError
        If `row_s` is not positive, or `bins` is not a whole number of at least 1.
    ExportError
        If the rows are longer than `row_s`, or there are no consecutive rows of that length.
    """
    _check(row_s, bins)
    if not len(recording) or (row_s is None and bins is None):
        return recording
    runs = [_RowGroups(0, 1, len(recording), recording.cadence_s)]
    if row_s is not None:
        runs = _row_groups(recording, row_s)
        _report(runs, len(recording))
    groups = _bin_groups(recording.frequencies_hz, bins or 1)
    last_rows = np.concatenate([run.last_rows() for run in runs])
    times_s = recording.times_s[last_rows]
    restarts = np.searchsorted(last_rows, np.flatnonzero(recording.restarts))
    return replace(
        recording,
        data=_averaged(recording.data, runs, groups),
        times_s=times_s,
        frequencies_hz=groups.frequencies_hz,
        cadence_s=_usual_length_s(runs),
        restart_ends_s=times_s[np.unique(restarts[restarts < len(times_s)])],
    )


def _check(row_s: float | None, bins: int | None) -> None:
    if row_s is not None and not (isinstance(row_s, (int, float, np.number)) and math.isfinite(row_s) and row_s > 0):
        raise UsageError(f"rows of {row_s!r} s are not possible, the time to average over must be above 0")
    if bins is not None and not (isinstance(bins, (int, np.integer)) and bins >= 1):
        raise UsageError(f"{bins!r} channels cannot be averaged, it must be a whole number of at least 1")


def _row_groups(recording: Recording, row_s: float) -> list[_RowGroups]:
    """Return the groups of rows that are averaged to one row each."""
    if recording.cadence_s > row_s * 2:
        length = f"{recording.cadence_s:.4g}"
        raise ExportError(f"the rows are already {length} s long; choose an --average-time of more, or leave it out")
    found = []
    for run, cadence_s in _runs(recording):
        joined = max(1, round(row_s / cadence_s))
        if count := (run.stop - run.start) // joined:
            found.append(_RowGroups(run.start, joined, count, joined * cadence_s))
    if not found:
        raise ExportError(
            f"there are no {row_s:g} s of rows without a gap, a restart or a change of cadence; "
            "choose a shorter --average-time"
        )
    return found


def _runs(recording: Recording) -> Iterator[tuple[slice, float]]:
    """Yield runs of consecutive rows, and their cadence.

    A run has one sequence and one cadence.
    """
    times_s, restarts, count = recording.times_s, recording.restarts, len(recording)
    edges = [0, *(row for row, _, _ in cadence_changes(times_s)), count]
    for begin, end in pairwise(edges):
        one_cadence = len(edges) == 2 and recording.cadence_s > 0
        cadence_s = recording.cadence_s if one_cadence else measured_cadence_s(times_s[begin:end])
        if not cadence_s > 0:
            raise ExportError("the rows have no regular step to average over; leave --average-time out")
        steps_s = np.diff(times_s[begin:end])
        apart = (np.abs(steps_s - cadence_s) > _UNEVENNESS * cadence_s) | restarts[begin + 1 : end]
        broken = np.flatnonzero(apart) + begin + 1
        for first, last in pairwise([begin, *broken.tolist(), end]):
            yield slice(first, last), cadence_s


def _report(runs: list[_RowGroups], count: int) -> None:
    """Log how many rows are left out, and unequal row lengths."""
    left_out = count - sum(run.joined * run.groups for run in runs)
    if left_out:
        log.warning(
            "%d of %d rows are left out: too few for a whole row before a gap, a restart or the end", left_out, count
        )
    lengths_s = [run.row_s for run in runs]
    if max(lengths_s) > (1 + _SAME_LENGTH) * min(lengths_s):
        log.warning(
            "the cadence changes, so rows are %.4g to %.4g s long; export the parts separately with --start and --end",
            min(lengths_s), max(lengths_s),
        )  # fmt: skip


def _usual_length_s(runs: list[_RowGroups]) -> float:
    """Return the usual length of a row.

    It is the mean of the lengths that are close to the most frequent one.
    """
    usual_s = max(runs, key=lambda run: run.groups).row_s
    # An unknown length (NaN) does not equal itself.
    near = [each for each in runs if abs(each.row_s - usual_s) <= _SAME_LENGTH * usual_s] or runs[:1]
    return sum(each.row_s * each.groups for each in near) / sum(each.groups for each in near)


def _bin_groups(frequencies_hz: NDArray[np.float64], joined: int) -> _BinGroups:
    """Return groups of `joined` neighbouring bins."""
    count = len(frequencies_hz)
    firsts, weights = np.arange(0, count, joined), np.ones(count)
    if joined == 1:
        return _BinGroups(firsts, weights, frequencies_hz)
    channels = channels_of(frequencies_hz)
    if channels is None:
        sizes = np.diff([*firsts, count])
        return _BinGroups(firsts, weights, np.add.reduceat(frequencies_hz, firsts) / sizes)
    # The last bin may hold fewer channels than the others.
    weights[-1] = (channels.nchan - channels.channel_average * (count - 1)) / channels.channel_average
    centres_hz = bin_frequencies_hz(channels.chan0, channels.nchan, channels.channel_average * joined)
    return _BinGroups(firsts, weights, centres_hz)


def _averaged(data: NDArray[np.float32], runs: list[_RowGroups], groups: _BinGroups) -> NDArray[np.float32]:
    """Return the means of all groups, shape (n, nbins, nproducts)."""
    nrows = sum(run.groups for run in runs)
    out, place = np.empty((nrows, len(groups.firsts), data.shape[2]), np.float32), 0
    for run in runs:
        step = max(1, _BLOCK_BYTES // max(1, run.joined * data[:1].nbytes))
        for begin in range(0, run.groups, step):
            count = min(step, run.groups - begin)
            first = run.first + begin * run.joined
            block = data[first : first + count * run.joined]
            out[place : place + count] = _means(block.reshape(count, run.joined, *data.shape[1:]), groups)
            place += count
    return out


def _means(block: NDArray[np.float32], groups: _BinGroups) -> NDArray[np.float64]:
    """Return the means of the finite values of a block.

    The block has the shape (n, joined, nbins, nproducts).
    """
    finite, weights = np.isfinite(block), groups.weights[:, None]
    sums = np.where(finite, block, 0).sum(axis=1, dtype=np.float64) * weights
    counts = finite.sum(axis=1) * weights
    sums, counts = (np.add.reduceat(each, groups.firsts, axis=1) for each in (sums, counts))
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts)
