"""Divide recorded rows into parts for the search of bursts.

A part can be handed to another process, which reads its rows and those of some time before and after it, and returns
traces. The parts begin at multiples of their length since 1970 UTC, or where the user asks.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ArchiveError, NoRowsError, NoSelectedRowsError, SourceError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.recording import Recording, measured_cadence_s
from sunspec_tui.core.row_spans import cadence_changes
from sunspec_tui.files.archive.day_stores import stores_by_day
from sunspec_tui.files.archive.layout import StoreName
from sunspec_tui.files.archive.reader import open_by_axis
from sunspec_tui.files.file_index import IndexedFile
from sunspec_tui.files.file_series import FileSeries
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.time_order import in_order
from sunspec_tui.files.xarray_dataset import from_dataset
from sunspec_tui.monitoring.burst_finder import BurstFinder
from sunspec_tui.monitoring.burst_series import MAX_GAP_S, Span, joined_spans

PART_S = 4 * 3600.0
"""Length of a part: four hours, longer than the rows that it needs before and after it."""

PIECE_S = 1800.0
"""Time of the rows in memory at once."""

_DAY_S = 86_400.0
# A row that ends with a part belongs to it. Times are whole microseconds, so half of one is after such a row.
_AFTER_S = 5e-7


class SearchPart(NamedTuple):
    """Rows that end after one time and not after another.

    Attributes
    ----------
    series
        Number of the series that it belongs to.
    begin_s, end_s
        Its limits, seconds since 1970 UTC.
    """

    series: int
    begin_s: float
    end_s: float


class ReadRows(NamedTuple):
    """Rows between two times.

    Attributes
    ----------
    recordings
        The rows of each frequency axis.
    problems
        Files that cannot be read, with the reasons as sentences.
    """

    recordings: list[Recording]
    problems: tuple[tuple[Path, str], ...] = ()


class RowReader(Protocol):
    """Reads the rows of a part; another process can receive it."""

    def read(self, begin_s: float, end_s: float) -> ReadRows:
        """Return the rows between two times."""


class FileRowReader(NamedTuple):
    """Reader of files that are one series.

    Attributes
    ----------
    paths
        The files.
    selection
        The requested parts of each file.
    """

    paths: tuple[Path, ...]
    selection: RowSelection

    def read(self, begin_s: float, end_s: float) -> ReadRows:
        """Return the rows between two times.

        A file whose rows are damaged is left out.
        """
        selection = self.selection._replace(start_s=begin_s, end_s=end_s, quiet=True)
        try:
            return ReadRows(_rows_of(self.paths, selection))
        except SourceError:
            problems = {path: problem for path in self.paths if (problem := _problem_of(path, selection))}
            if not problems:
                raise
        good = tuple(path for path in self.paths if path not in problems)
        return ReadRows(_rows_of(good, selection) if good else [], tuple(problems.items()))


def _rows_of(paths: tuple[Path, ...], selection: RowSelection) -> list[Recording]:
    try:
        return [FileSeries(paths, selection).whole()]
    except NoSelectedRowsError:
        return []


def _problem_of(path: Path, selection: RowSelection) -> str:
    """Return why a file cannot be read; empty if it can."""
    try:
        _rows_of((path,), selection)
    except SourceError as error:
        return str(error)
    return ""


class ArchiveRowReader(NamedTuple):
    """Reader of an archive.

    Attributes
    ----------
    directory
        Absolute path of the archive, or of one store.
    """

    directory: str

    def read(self, begin_s: float, end_s: float) -> ReadRows:
        """Return the rows between two times, for each frequency axis."""
        try:
            datasets = open_by_axis(self.directory, begin_s, end_s, quiet=True)
        except NoRowsError:
            return ReadRows([])
        # Each worker has one core; more threads would use the cores of other workers.
        with require_extra("dask.config", "reading an archive").set(scheduler="synchronous"):
            return ReadRows([from_dataset(dataset) for dataset in datasets])


class PartTraces(NamedTuple):
    """Traces of one part and one frequency axis.

    Attributes
    ----------
    axis
        Key of the axis, its products and the detector's resolution.
    spans_s
        Intervals with rows, in the order of time, at least one.
    low_mhz, high_mhz
        Lowest and highest frequency.
    traces
        What the detector has found.
    """

    axis: bytes
    spans_s: tuple[Span, ...]
    low_mhz: float
    high_mhz: float
    traces: Any

    @property
    def begin_s(self) -> float:
        """Begin of its first row, seconds since 1970 UTC."""
        return self.spans_s[0][0]

    @property
    def end_s(self) -> float:
        """End of its last row, seconds since 1970 UTC."""
        return self.spans_s[-1][1]


class PartResult(NamedTuple):
    """Result of one part.

    Attributes
    ----------
    traces
        Traces of each frequency axis.
    problems
        Files whose rows were left out, with the reasons as sentences.
    failure
        Why some time of the part was not searched, as a sentence; else empty.
    """

    traces: list[PartTraces]
    problems: tuple[tuple[Path, str], ...] = ()
    failure: str = ""


def find_in_part(finder: BurstFinder, part: SearchPart, reader: RowReader) -> PartResult:
    """Search the rows of a part, for each axis and resolution.

    Rows that cannot be read cost only their piece of time.
    """
    searches: dict[bytes, _AxisSearch] = {}
    problems: dict[Path, str] = {}
    failure = ""
    for begin_s, end_s in _pieces(part, finder):
        try:
            rows = reader.read(begin_s, end_s)
        except (SourceError, ArchiveError) as error:
            # The rows before and after a part are searched, and reported, with other parts.
            is_inside = begin_s < part.end_s and end_s > part.begin_s
            failure = failure or (str(error) if is_inside else "")
            continue
        problems |= dict(rows.problems)
        for recording in rows.recordings:
            for each in of_one_cadence(_in_time_order(recording)):
                words = ",".join([*each.products, f"{finder.cell_s(each.cadence_s):g}"])
                key = each.frequencies_hz.tobytes() + words.encode()
                if key not in searches:
                    searches[key] = _AxisSearch(finder, part, each)
                searches[key].feed(each)
    found = (search.result(key) for key, search in searches.items())
    return PartResult([each for each in found if each is not None], tuple(problems.items()), failure)


def _in_time_order(recording: Recording) -> Recording:
    """Return the rows by time, without those that repeat a time.

    Rows of one file may be in any order. The detector needs them as they were measured.
    """
    if (np.diff(recording.times_s) > 0).all():
        return recording
    segments, _ = in_order([recording.times_s], recording.cadence_s)
    order = np.concatenate([np.arange(begin, end) for _, begin, end in segments])
    order = order[np.diff(recording.times_s[order], prepend=-np.inf) > 0]
    return replace(recording, data=recording.data[order], times_s=recording.times_s[order])


def _pieces(part: SearchPart, finder: BurstFinder) -> Iterator[tuple[float, float]]:
    """Yield the times that are read at once.

    None lies on both sides of an edge of the part.
    """
    edges_s = part.begin_s - finder.before_s, part.begin_s, part.end_s, part.end_s + finder.after_s
    for first_s, last_s in pairwise(edges_s):
        begin_s = first_s
        while begin_s < last_s:
            end_s = min(begin_s + PIECE_S, last_s)
            yield begin_s, end_s
            begin_s = end_s


def of_one_cadence(recording: Recording) -> Iterator[Recording]:
    """Yield the parts of a recording between changes of its cadence."""
    edges = [0, *(row for row, _, _ in cadence_changes(recording.times_s)), len(recording)]
    for begin, end in pairwise(edges):
        rows = recording.only(slice(begin, end))
        cadence_s = measured_cadence_s(rows.times_s)
        yield replace(rows, cadence_s=cadence_s) if len(edges) > 2 and cadence_s > 0 else rows


class _AxisSearch:
    """Search of the rows of one axis and resolution in a part."""

    def __init__(self, finder: BurstFinder, part: SearchPart, first: Recording) -> None:
        self._part = part
        self._search = finder.search(first.frequencies_hz, first.products, first.cadence_s)
        self._limits_mhz = float(first.frequencies_hz[0]) / 1e6, float(first.frequencies_hz[-1]) / 1e6
        self._spans_s: tuple[Span, ...] = ()

    def feed(self, recording: Recording) -> None:
        """Search further rows."""
        begin_s, end_s = self._part.begin_s + _AFTER_S, self._part.end_s + _AFTER_S
        inside = np.flatnonzero((recording.times_s > begin_s) & (recording.times_s < end_s))
        self._spans_s = joined_spans((*self._spans_s, *_spans_s(recording.starts_s[inside], recording.times_s[inside])))
        self._search.feed(recording.times_s, recording.data)

    def result(self, key: bytes) -> PartTraces | None:
        """Return the traces; None if the part itself has no rows."""
        if not self._spans_s:
            return None
        traces = self._search.traces(self._part.begin_s + _AFTER_S, self._part.end_s + _AFTER_S)
        return PartTraces(key, self._spans_s, *self._limits_mhz, traces)


def _spans_s(starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]) -> list[Span]:
    """Return the intervals of rows without long gaps."""
    edges = [0, *(np.flatnonzero(starts_s[1:] - ends_s[:-1] > MAX_GAP_S) + 1).tolist(), len(ends_s)]
    pieces = [slice(first, last) for first, last in pairwise(edges) if last > first]
    return [(float(starts_s[piece].min()), float(ends_s[piece].max())) for piece in pieces]


def parts_between(series: int, begin_s: float, end_s: float, limits_s: tuple[float, float]) -> Iterator[SearchPart]:
    """Yield the parts of an interval.

    Parameters
    ----------
    series
        Number of the series.
    begin_s, end_s
        The interval, seconds since 1970 UTC.
    limits_s
        Times between which rows must end; they may be infinite.
    """
    first_s, last_s = max(begin_s, limits_s[0]), min(end_s, limits_s[1])
    number = math.floor(first_s / PART_S)
    while number * PART_S < last_s:
        low_s, high_s = max(first_s, number * PART_S), min(last_s, (number + 1) * PART_S)
        if high_s > low_s:
            yield SearchPart(series, low_s, high_s)
        number += 1


def parts_of_files(
    series: int, files: Sequence[IndexedFile], finder: BurstFinder, selection: RowSelection
) -> list[tuple[SearchPart, RowReader]]:
    """Return the parts of files that have rows, and their readers."""
    limits_s = _limits_s(selection)
    # A microsecond earlier, because a row that ends at the begin of a part belongs to the part before.
    begin_s, end_s = min(file.times_us[0] for file in files) / 1e6 - 1e-6, max(file.end_us for file in files) / 1e6
    found = list[tuple[SearchPart, RowReader]]()
    for part in parts_between(series, begin_s, end_s, limits_s):
        if any(_has_rows(file, part.begin_s, part.end_s) for file in files):
            first_s, last_s = part.begin_s - finder.before_s, part.end_s + finder.after_s
            near = tuple(file.path for file in files if _has_rows(file, first_s, last_s))
            found.append((part, FileRowReader(near, selection)))
    return found


def parts_of_archive(directory: Path, selection: RowSelection) -> list[tuple[SearchPart, RowReader]]:
    """Return the parts of an archive's days, and their reader.

    Some of them may have no rows.
    """
    reader, limits_s = ArchiveRowReader(str(directory.absolute())), _limits_s(selection)
    begins_s = (StoreName(day).begin_s for day in sorted(stores_by_day(directory)))
    return [(part, reader) for begin_s in begins_s for part in parts_between(0, begin_s, begin_s + _DAY_S, limits_s)]


def _limits_s(selection: RowSelection) -> tuple[float, float]:
    low_s, high_s = selection.start_s, selection.end_s
    return -math.inf if low_s is None else low_s, math.inf if high_s is None else high_s


def _has_rows(file: IndexedFile, begin_s: float, end_s: float) -> bool:
    """Return True if rows of a file end between two times."""
    limits_us = np.rint(np.array([begin_s, end_s]) * 1e6)
    first, stop = np.searchsorted(file.times_us, limits_us, "right")
    return bool(stop > first)
