"""Runs: times during which one bin lies above its background."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ONSET_SHARE = 0.25
"""Share of its peak (decibels) at which a run is seen to begin."""

_FLAT_DB = 0.1
_MAX_STROKE_VALUES = 240


class _RunNumbers(NamedTuple):
    """Attributes of `Run`."""

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
    lacks_begin: bool = False
    lacks_end: bool = False
    lacks_rise: bool = False


class Run(_RunNumbers):
    """A time during which one bin lies above its background.

    It is a tuple, because hundreds are made and turned to columns within milliseconds. Two runs are equal if they are
    the same object, so that they are found quickly in sets.

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
    lacks_begin, lacks_end
        True if the cell before its first, or after its last, is missing: that limit is not known.
    lacks_rise
        True if its begin is not known to a cell, because rows are missing there.
    """

    __slots__ = ()
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__


def one_run(first: Run, second: Run) -> Run:
    """Return a long run that was found in two parts."""
    highest = max(first, second, key=lambda run: run.peak_db)
    cells, more = first.end - first.begin, second.end - second.begin
    return first._replace(
        end=second.end,
        peak=highest.peak,
        peak_db=highest.peak_db,
        mean_db=(first.mean_db * cells + second.mean_db * more) / (cells + more),
        half_cells=first.half_cells + second.half_cells,
        flat_cells=first.flat_cells + second.flat_cells,
        strokes=first.strokes + second.strokes,
        circular=highest.circular,
        is_open=second.is_open,
        lacks_end=second.lacks_end,
    )


@dataclass(frozen=True, slots=True)
class Spans:
    """Where runs are; all shapes are (n,).

    Attributes
    ----------
    bins
        Numbers of the bins.
    begins, ends
        Numbers of the first cells and of the cells after the last.
    is_tail
        True for what follows the fall of another run.
    lacks_begin, lacks_end
        True for runs whose begin or end is not known.
    lacks_rise
        True for runs whose begin is not known to a cell.
    """

    bins: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    is_tail: NDArray[np.bool_]
    lacks_begin: NDArray[np.bool_]
    lacks_end: NDArray[np.bool_]
    lacks_rise: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence["Spans"]) -> "Spans":
        """Return the runs of all parts."""
        return cls(*(np.concatenate([getattr(each, field.name) for each in parts]) for field in fields(cls)))

    def selected(self, is_selected: NDArray[np.bool_]) -> "Spans":
        """Return some of the runs."""
        return Spans(*(getattr(self, field.name)[is_selected] for field in fields(self)))


def measured(
    spans: Spans, values: NDArray[np.float32], circular: NDArray[np.float32], *, is_open: bool = False
) -> list[Run]:
    """Return runs with their numbers.

    Parameters
    ----------
    spans
        Where the runs are.
    values
        Decibels over the background, shape (cells, n), from the first begin to the last end.
    circular
        V/I of the same cells.
    is_open
        True if the runs go on.
    """
    first, columns = int(spans.begins.min()), np.arange(len(spans.bins))
    cells = first + np.arange(len(values))[:, np.newaxis]
    is_known = (cells >= spans.begins) & (cells < spans.ends) & ~np.isnan(values)
    known = np.where(is_known, values, np.float32(-np.inf))
    top = known.argmax(axis=0)
    peak_db = known[top, columns].astype(np.float64)
    # Half of the power over the background: decibels near zero have no half.
    half_db = 10 * np.log10((10 ** (peak_db / 10) + 1) / 2)
    sums = np.where(is_known, values, np.float32(0)).sum(axis=0, dtype=np.float64)
    numbers = (
        spans.bins,
        spans.begins,
        spans.ends,
        first + top,
        first + (known >= ONSET_SHARE * peak_db).argmax(axis=0),
        first + (known >= peak_db / 2).argmax(axis=0),
        peak_db,
        sums / is_known.sum(axis=0),
        (known >= half_db).sum(axis=0),
        (known >= peak_db - _FLAT_DB).sum(axis=0),
    )
    strokes = _stroke_counts(spans, known)
    flags = (spans.is_tail, spans.lacks_begin, spans.lacks_end, spans.lacks_rise)
    others = circular[top, columns].tolist(), [is_open] * len(strokes), *(each.tolist() for each in flags)
    return list(map(Run, *(each.tolist() for each in numbers), strokes, *others))


def _stroke_counts(spans: Spans, known: NDArray[np.float32]) -> list[int]:
    """Return the number of peaks of each run."""
    by_run, first = np.ascontiguousarray(known.T), int(spans.begins.min())
    limits = zip((spans.begins - first).tolist(), (spans.ends - first).tolist(), strict=True)
    parts = (values[begin:end] for values, (begin, end) in zip(by_run, limits, strict=True))
    # A missing cell is no valley.
    return [stroke_count(part[part > -np.inf], float(part.max())) for part in parts]


def stroke_count(values: NDArray[np.float32], peak_db: float) -> int:
    """Return the number of peaks that valleys separate.

    A valley is deeper than a fifth of the highest peak below both of its neighbours.
    """
    # The highest of several cells, so that a long run costs no more than two minutes.
    step = -(-len(values) // _MAX_STROKE_VALUES)
    values = np.maximum.reduceat(values, np.arange(0, len(values), step)) if step > 1 else values
    depth, count, extreme, is_rising = 0.2 * peak_db, 0, -math.inf, True
    for value in values.tolist():
        if is_rising:
            if value > extreme:
                extreme = value
            elif value < extreme - depth:
                count, is_rising, extreme = count + 1, False, value
        elif value < extreme:
            extreme = value
        elif value > extreme + depth:
            is_rising, extreme = True, value
    return count + is_rising
