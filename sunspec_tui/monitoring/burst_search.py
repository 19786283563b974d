"""Search recorded rows for bursts, in parallel processes or on a cluster.

Workers return traces of parts; this process joins them in the order of time, so the result does not depend on the parts
or on the number of workers.
"""

import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import MissingExtraError, SourceError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.files.file_groups import group_files
from sunspec_tui.files.file_index import IndexedFile, Progress, index_files
from sunspec_tui.files.input_paths import ENDINGS, is_archive_of_stores
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.monitoring.burst_finder import BurstFinder
from sunspec_tui.monitoring.burst_parts import (
    PartTraces,
    RowReader,
    SearchPart,
    find_in_part,
    parts_of_archive,
    parts_of_files,
)
from sunspec_tui.monitoring.burst_series import Covered, FoundSeries, Span, joined_spans
from sunspec_tui.plots.archive_quicklook import run_tasks
from sunspec_tui.plots.process_pool import Task, run_here

log = logging.getLogger(__name__)

_PACKED = (".gz", ".bz2", *ENDINGS)


class SearchResult(NamedTuple):
    """Result of a search.

    Attributes
    ----------
    series
        The series of rows with their bursts, in the order of time.
    failures
        Sentences about the parts that could not be searched.
    """

    series: tuple[FoundSeries, ...]
    failures: tuple[str, ...] = ()

    @property
    def bursts(self) -> list[Burst]:
        """All bursts, in the order of their begins."""
        found = (burst for each in self.series for burst in each.bursts)
        return sorted(found, key=lambda burst: (burst.begin_s, burst.name))

    @property
    def covered(self) -> list[Covered]:
        """What all series cover."""
        return [each for series in self.series for each in series.covered]


class _Plan(NamedTuple):
    """Parts to search with their readers, and what they belong to.

    These are the files of each series, or the name of an archive.
    """

    parts: list[tuple[SearchPart, RowReader]]
    groups: list[tuple[IndexedFile, ...]]
    archive: str = ""


def _quiet(done: int, total: int) -> None:
    """Show no progress."""


def search(
    paths: Sequence[Path],
    finder: BurstFinder,
    selection: RowSelection | None = None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    opening: Progress = _quiet,
    report: Progress = _quiet,
) -> SearchResult:
    """Search files or an archive for bursts.

    Parameters
    ----------
    paths
        As `input_paths` returns them: files, or one archive.
    finder
        The detector.
    selection
        Limits of time, and parts of each file. Rows before the start give the background.
    scheduler
        Address of a Dask scheduler whose workers have this package and can read the rows under the same paths; None for
        this machine.
    workers
        Number of processes on this machine, by default the number of cores; with 1, this process.
    opening, report
        Called with the number of files that are opened, and with that of parts that are searched, and their totals.

    Raises
    ------
    SourceError, ArchiveError
        If nothing can be read, there are no rows in that time, or the scheduler does not answer.
    MissingExtraError
        If a library of the archive or of the cluster is not installed.
    """
    if scheduler is not None:
        require_extra("distributed", "a search on a cluster")
    plan = _plan(paths, finder, selection or RowSelection(), opening)
    traces, failures = _searched(plan, finder, scheduler, workers, report)
    series = _archive_series(plan, finder, traces) if plan.archive else _file_series(plan, finder, traces)
    if not series and not failures:
        raise SourceError(f"{printable_name(paths[0])}: no rows in that time; choose another --start or --end")
    return SearchResult(_with_own_names(sorted(series, key=lambda each: each.covered[0].begin_s)), tuple(failures))


def _plan(paths: Sequence[Path], finder: BurstFinder, selection: RowSelection, opening: Progress) -> _Plan:
    if len(paths) == 1 and is_archive_of_stores(paths[0]):
        for library in ("xarray", "zarr", "dask"):
            require_extra(library, "reading an archive")
        return _Plan(parts_of_archive(paths[0], selection), [], paths[0].absolute().name)
    whole = selection._replace(start_s=None, end_s=None)
    # At a longer gap the detector remembers nothing of the rows before it.
    groups = group_files(index_files(paths, whole, opening), finder.before_s)
    parts = [
        part for number, files in enumerate(groups)
        for part in parts_of_files(number, files, finder, selection)
    ]  # fmt: skip
    return _Plan(parts, groups)


def _searched(
    plan: _Plan, finder: BurstFinder, scheduler: str | None, workers: int | None, report: Progress
) -> tuple[dict[int, list[PartTraces]], list[str]]:
    """Search all parts; return the traces by the part's number, and failures.

    Files whose rows are left out are logged once.
    """
    tasks = [
        Task(number, [(find_in_part, (finder, part, reader))], _first)
        for number, (part, reader) in enumerate(plan.parts)
    ]
    count = min(workers or os.cpu_count() or 1, len(tasks))
    found, failures, left_out = dict[int, list[PartTraces]](), list[str](), set[Path]()
    report(0, len(tasks))
    results = run_here(tasks) if scheduler is None and count <= 1 else run_tasks(tasks, scheduler, count)
    with closing(results):
        for done, (number, result) in enumerate(results, 1):
            report(done, len(tasks))
            if isinstance(result, MissingExtraError):
                raise result
            if isinstance(result, BaseException):
                failure = printable(result) or type(result).__name__
            else:
                found[number], failure = result.traces, printable(result.failure)
                _report_left_out(result.problems, left_out)
            if failure:
                begin = format_date_and_clock(plan.parts[number][0].begin_s)
                failures.append(f"{begin} UTC: {failure}")
    return found, failures


def _report_left_out(problems: Iterable[tuple[Path, str]], reported: set[Path]) -> None:
    """Log each file whose rows are left out once."""
    for path, problem in problems:
        if path not in reported:
            log.warning("%s; its rows are left out", problem)
        reported.add(path)


def _first(results: list[Any]) -> Any:
    return results[0]


def _file_series(plan: _Plan, finder: BurstFinder, traces: dict[int, list[PartTraces]]) -> list[FoundSeries]:
    """Return the series of files.

    The source of a burst is the file in which it begins.
    """
    series = list[FoundSeries]()
    for number, files in enumerate(plan.groups):
        parts = [each for i in sorted(traces) if plan.parts[i][0].series == number for each in traces[i]]
        if parts:
            name = stem_of(files[0].path)
            bursts = (burst for same in _by_axis(parts) for burst in finder.bursts_of(same, name))
            named = (replace(burst, source=_file_at(files, burst.begin_s).path.name) for burst in bursts)
            covered = (_covered(file, parts) for file in files)
            in_order = sorted(named, key=lambda burst: burst.begin_s)
            series.append(FoundSeries(name, tuple(each for each in covered if each is not None), tuple(in_order)))
    return series


def _by_axis(parts: Sequence[PartTraces]) -> list[list[Any]]:
    """Return the traces of each axis and resolution, in their order."""
    found: dict[bytes, list[Any]] = {}
    for part in parts:
        found.setdefault(part.axis, []).append(part.traces)
    return list(found.values())


def _file_at(files: Sequence[IndexedFile], time_s: float) -> IndexedFile:
    """Return the last file that has begun at a time.

    It is the first one if none has.
    """
    return next((file for file in reversed(files) if file.begin_us <= time_s * 1e6), files[0])


def _covered(file: IndexedFile, parts: Sequence[PartTraces]) -> Covered | None:
    """Return what a file covers of the searched parts."""
    begin_s, end_s = file.begin_us / 1e6, file.end_us / 1e6
    cut = ((max(begin_s, first_s), min(end_s, last_s)) for first_s, last_s in _spans_s(parts))
    spans_s = tuple((first_s, last_s) for first_s, last_s in cut if last_s > first_s)
    return Covered(stem_of(file.path), spans_s, parts[0].low_mhz, parts[0].high_mhz) if spans_s else None


def _spans_s(parts: Sequence[PartTraces]) -> tuple[Span, ...]:
    return joined_spans(span for part in parts for span in part.spans_s)


def _archive_series(plan: _Plan, finder: BurstFinder, traces: dict[int, list[PartTraces]]) -> list[FoundSeries]:
    """Return one series for each axis, resolution and interval with rows."""
    axes: dict[bytes, list[list[PartTraces]]] = {}
    for part in (part for number in sorted(traces) for part in traces[number]):
        runs = axes.setdefault(part.axis, [])
        if runs and part.begin_s - runs[-1][-1].end_s <= finder.before_s:
            runs[-1].append(part)
        else:
            runs.append([part])
    name = plan.archive
    return [
        FoundSeries(
            name,
            (Covered(name, _spans_s(parts), parts[0].low_mhz, parts[0].high_mhz),),
            tuple(finder.bursts_of([part.traces for part in parts], name)),
        )
        for runs in axes.values()
        for parts in runs
    ]


def stem_of(path: Path) -> str:
    """Return the name of a file without the extensions of its format."""
    name = path.name
    while name.lower().endswith(_PACKED):
        name = name[: name.rindex(".")]
    return name


def _with_own_names(series: Iterable[FoundSeries]) -> tuple[FoundSeries, ...]:
    """Return series in which each burst has a name of its own.

    Detectors of two series may have used the same name.
    """
    used = set[str]()
    return tuple(
        each._replace(bursts=tuple(replace(burst, name=_free_name(burst.name, used)) for burst in each.bursts))
        for each in series
    )


def _free_name(name: str, used: set[str]) -> str:
    """Return a name that is not used yet; it is used now."""
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}.{number}"
    used.add(free)
    return free
