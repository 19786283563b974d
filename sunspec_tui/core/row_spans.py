"""Compute rows' start times and durations, and place them in columns.

Only the end of a row's averaging is stored, and the cadence of a stream may change. A row's length is therefore derived
from its neighbours. Pure functions on arrays of times, without figures or files.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

GAP = -1
"""Row number of a column without a row."""

_EVEN_STEPS = 8
_EVENNESS = 0.1
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Columns:
    """Adjacent columns of a picture.

    Attributes
    ----------
    edges_s
        Ascending edges in seconds since 1970 UTC, to the microsecond, shape (n + 1,).
    rows
        Number of the row in each column, `GAP` if there is none, int64, shape (n,).
    """

    edges_s: NDArray[np.float64]
    rows: NDArray[np.int64]


def starts_sequence(times_s: NDArray[np.float64], restarts: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return True for each row that starts a sequence.

    Such a row follows a restart, or its time does not increase.
    """
    anew = np.zeros(len(times_s), np.bool_) if restarts is None else restarts.copy()
    anew[:1] = True
    anew[1:] |= ~(np.diff(times_s) > 0)
    return anew


def row_starts_s(
    times_s: NDArray[np.float64],
    slots: NDArray[np.int64],
    cadence_s: float,
    restarts: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the start of each row's averaging, in seconds since 1970 UTC.

    A row that follows its predecessor without a gap begins at its predecessor's end. The length of any other row is
    that of the next such row in its sequence, or else of the last such row before it, or else the cadence.

    Parameters
    ----------
    times_s
        End of each row's averaging, shape (n,).
    slots
        Places of the rows on an even time axis, shape (n,): a step above 1 is a gap.
    cadence_s
        Length of a row without such neighbours. If it is not positive, such a row has no length.
    restarts
        True for each row that begins a new sequence, shape (n,); None for no such row.
    """
    times_s = np.asarray(times_s, np.float64)
    anew = starts_sequence(times_s, restarts)
    steps_s = np.diff(times_s, prepend=np.nan)
    follows = ~anew & (np.diff(slots, prepend=0) == 1)
    lengths_s = _from_neighbours(np.where(follows, steps_s, np.nan), np.cumsum(anew))
    lengths_s = np.where(np.isnan(lengths_s), cadence_s if cadence_s > 0 else 0.0, lengths_s)
    # A row after a gap does not begin before the end of the row before the gap.
    found = times_s - np.where(anew, lengths_s, np.fmin(lengths_s, steps_s))
    found[1:] = np.where(follows[1:], times_s[:-1], found[1:])
    return found


def _from_neighbours(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fill each NaN with a neighbour's value of the same group.

    It is the next number, or else the last one before.
    """
    count = len(values)
    places, known = np.arange(count), ~np.isnan(values)
    after = np.minimum.accumulate(np.where(known, places, count)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(known, places, -1))
    found = values.copy()
    for source in (after, before):
        inside = np.clip(source, 0, max(0, count - 1))
        usable = np.isnan(found) & (inside == source) & (groups[inside] == groups)
        found[usable] = values[inside[usable]]
    return found


def without_even_gaps(times_s: NDArray[np.float64], slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Remove gaps that are only caused by a change of cadence.

    Eight or more successive steps that are equal to a tenth are a cadence, without gaps between their rows.

    Parameters
    ----------
    times_s, slots
        Times of the rows, and their places by the cadence of the whole recording.
    """
    strides = np.diff(slots)
    for first, last, _ in _even_runs(np.diff(times_s)):
        strides[first:last] = 1
    return np.concatenate([slots[:1], slots[:1] + np.cumsum(strides)])


def _even_runs(steps_s: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """Return first step, end and mean of each run of even steps.

    A run has at least eight positive steps that are equal to a tenth.
    """
    if len(steps_s) < _EVEN_STEPS:
        return []
    with np.errstate(invalid="ignore"):
        equal = (np.abs(np.diff(steps_s)) <= _EVENNESS * steps_s[:-1]) & (steps_s[1:] > 0)
    edges = [0, *(np.flatnonzero(~equal) + 1).tolist(), len(steps_s)]
    runs = ((first, last) for first, last in pairwise(edges) if last - first >= _EVEN_STEPS)
    return [(first, last, float(steps_s[first:last].mean())) for first, last in runs]


def cadence_changes(times_s: NDArray[np.float64]) -> list[tuple[int, float, float]]:
    """Return the changes of the cadence by more than a tenth.

    Returns
    -------
    list of (row, before_s, after_s)
        Number of the first row after the change, the cadence before it, and the cadence after it. Only cadences of
        eight equal steps or more count.
    """
    runs = pairwise(_even_runs(np.diff(times_s)))
    return [
        (last + 1, before_s, after_s)
        for (_, last, before_s), (_, _, after_s) in runs
        if abs(after_s - before_s) > _EVENNESS * before_s
    ]


def row_lengths_s(times_s: NDArray[np.float64], cadence_s: float) -> NDArray[np.float64]:
    """Return the data time that each row averages, in seconds, shape (n,).

    It is the cadence; if the cadence changes, it is the cadence around the row.

    Parameters
    ----------
    times_s
        End of each row's averaging, shape (n,).
    cadence_s
        Usual data time from row to row. If it is not positive, no row has a length.
    """
    found = np.full(len(times_s), cadence_s if cadence_s > 0 else 0.0)
    changes = cadence_changes(times_s) if cadence_s > 0 else []
    if changes:
        found[: changes[0][0]] = changes[0][1]
    for row, _, after_s in changes:
        found[row:] = after_s
    return found


def place_columns(start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> Columns:
    """Place rows at their times.

    The later one of overlapping rows is shown.

    Parameters
    ----------
    start_s, end_s
        Beginning and end of each row, finite, shape (n,), n at least 1. A row without length is left out.
    """
    starts, ends = (np.rint(each * _MICROSECONDS).astype(np.int64) for each in (start_s, end_s))
    edges = np.union1d(starts, ends)
    owners = np.full(len(edges) - 1, GAP, np.int64)
    bounds = zip(np.searchsorted(edges, starts).tolist(), np.searchsorted(edges, ends).tolist(), strict=True)
    for row, (first, last) in enumerate(bounds):
        owners[first:last] = row
    # Drop edges of covered rows inside the row that covers them.
    kept = np.append(np.flatnonzero(np.diff(owners, prepend=GAP - 1)), len(owners))
    return Columns(edges[kept] / _MICROSECONDS, owners[kept[:-1]])
