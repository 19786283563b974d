"""Update the index of quick-looks: pictures, FITS files and the page.

Only what changed since the last run is made. The record and the page are written while the work goes on, so that a run
that is ended early loses little.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import ArchiveError, UsageError
from sunspec_tui.core.flux_scale import scale_recording
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.archive.day_stores import stores_by_day
from sunspec_tui.files.archive.layout import StoreName
from sunspec_tui.files.archive_notes import PrintableNote, read_archive_notes
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.files.write import export
from sunspec_tui.plots.directory_lock import Claim, open_lock_file, try_lock
from sunspec_tui.plots.index_page import PAGE, index_page
from sunspec_tui.plots.index_plan import DayPlan, Work, day_begin_s, day_name, files_exist, plan_day, without_directory
from sunspec_tui.plots.index_record import (
    DayRecord,
    FileRecord,
    IndexRecord,
    file_names,
    is_interval,
    read_record,
    thumbnail_name,
    write_record,
)
from sunspec_tui.plots.index_tasks import Drawn, Key, PictureOptions, interval_task, picture_task
from sunspec_tui.plots.process_pool import Task

log = logging.getLogger(__name__)

LOCK = ".quicklooks.lock"
"""Name of the lock file; only one program updates an index."""

_SAVE_S = 15.0
_DAY_S = 86_400.0

RunTasks = Callable[[Iterable[Task[Key]]], Generator[tuple[Key, Any]]]
"""Runs tasks, here or in other processes, and yields their keys and results."""

Report = Callable[[int, int], None]
"""Called with the number of pictures and files that are done, and their total."""


class IndexUpdater:
    """Index of an archive's days in a directory.

    Parameters
    ----------
    directory
        The archive, or one of its stores.
    out
        Directory of the index.
    options
        Choices of the user for the pictures.
    periods
        Pictures to make: ``day``, ``hour``, or both.
    monotonic
        Monotonic clock, in seconds.

    Attributes
    ----------
    failures
        What could not be made at the last update, as sentences.
    days, unchanged
        Number of days of the last update, and of those that were up to date.
    """

    def __init__(
        self,
        directory: Path,
        out: Path,
        options: PictureOptions,
        periods: tuple[str, ...] = ("day", "hour"),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory, self._out, self._options, self._periods = directory, out, options, periods
        self._monotonic = monotonic
        self._record: IndexRecord | None = None
        self._notes: dict[str, list[PrintableNote]] = {}
        self._problem = ""
        self._is_page_new = False
        self.failures: list[str] = []
        self.days = self.unchanged = 0

    def update(
        self, run: RunTasks, report: Report, start_s: float = -math.inf, end_s: float = math.inf
    ) -> Iterator[Path]:
        """Make what changed, and yield the paths of the written files.

        Parameters
        ----------
        run
            Runs the tasks.
        report
            Called after each picture.
        start_s, end_s
            Limits of the begins of the days to update; other days of the index stay as they are.

        Raises
        ------
        ArchiveError
            If there is no archive.
        UsageError, ExportError
            If a file cannot be written.
        """
        self.failures, self._is_page_new = [], False
        record = self._record = self._usable_record()
        plans = self._plans(record, start_s, end_s)
        work = {(each.day, each.key): each for plan in plans for each in plan.work}
        self.days, self.unchanged = len(plans), sum(not plan.work for plan in plans)
        self.failures += [f"{plan.day}: {plan.record.error}" for plan in plans if plan.record.error]
        try:
            yield from self._make(run, work, plans, report)
        finally:
            self._save()
        if self._is_page_new:
            yield self._out / PAGE

    def _usable_record(self) -> IndexRecord:
        """Return the record; without pictures of other options."""
        record = self._record or read_record(self._out)
        options = {**self._options._asdict(), "panels": list(self._options.panels), "periods": list(self._periods)}
        scale = options.pop("flux_scale")
        options |= {} if scale is None else {"flux_scale": [scale.name, scale.digest]}
        if record.options != options:
            # Earlier pictures stay until the new ones are drawn.
            for each in record.days.values():
                each.stamp = []
                each.files = {key: replace(found, content=["other options"]) for key, found in each.files.items()}
        record.options = options
        return record

    def _plans(self, record: IndexRecord, start_s: float, end_s: float) -> list[DayPlan]:
        """Plan the work on each day between two times."""
        stores = stores_by_day(self._directory)
        if not stores:
            raise ArchiveError(
                f"{printable_name(self._directory)} has no stores such as 2026-11-25.zarr; check the directory"
            )
        self._read_notes()
        plans = []
        for day, paths in stores.items():
            begin_s, notes = day_begin_s(day), self._notes.get(day, [])
            if not start_s <= begin_s < end_s:
                continue
            if any(note.end_s is not None and note.end_s > begin_s + _DAY_S for note in notes):
                paths = [*paths, *stores.get(day_name(begin_s + _DAY_S), [])]
            known = record.days.get(day, DayRecord())
            plan = plan_day(day, paths, notes, known, self._out, product=self._options.product, periods=self._periods)
            # The state of the stores is recorded when all work is done: a run may be ended early.
            record.days[day] = replace(plan.record, stamp=[]) if plan.work else plan.record
            plans.append(plan)
        return plans

    def _read_notes(self) -> None:
        is_store = StoreName.parse(self._directory.name) is not None
        notes, problem = read_archive_notes(self._directory.parent if is_store else self._directory)
        if problem and problem != self._problem:
            log.warning("%s", problem)
        self._problem, self._notes = problem, {}
        for note in notes:
            self._notes.setdefault(day_name(note.begin_s), []).append(note)

    def _make(self, run: RunTasks, work: dict[Key, Work], plans: Sequence[DayPlan], report: Report) -> Iterator[Path]:
        """Run the tasks, and write their results."""
        assert self._record is not None  # noqa: S101 - set at the begin of an update
        left = {plan.day: len(plan.work) for plan in plans}
        stamps = {plan.day: plan.record.stamp for plan in plans}
        report(0, len(work))
        next_save_s = self._monotonic() + _SAVE_S
        with closing(run(self._task(each) for each in work.values())) as results:
            for number, (key, result) in enumerate(results):
                yield from self._written(work[key], result)
                left[key[0]] -= 1
                if not left[key[0]]:
                    self._record.days[key[0]].stamp = stamps[key[0]]
                report(number + 1, len(work))
                if self._monotonic() >= next_save_s:
                    self._save()
                    next_save_s = self._monotonic() + _SAVE_S

    def _task(self, work: Work) -> Task[Key]:
        key, product = (work.day, work.key), Product(work.record.product)
        if is_interval(work.key):
            return interval_task(self._directory, key, work.begin_s, work.end_s, product, work.record.column_s)
        return picture_task(self._directory, key, work.begin_s, product, self._options)

    def _written(self, work: Work, result: Any) -> Iterator[Path]:
        """Write the result of a task, and record it."""
        assert self._record is not None  # noqa: S101 - set at the begin of an update
        files = self._record.days[work.day].files
        if not isinstance(result, BaseException) and not (result.pngs if isinstance(result, Drawn) else result):
            result = ArchiveError(f"there is no {work.record.product}")
        if isinstance(result, BaseException):
            # A task that fails must not prevent the others.
            error = without_directory(result, stores_by_day(self._directory).get(work.day, []))
            self.failures.append(f"{work.day} {work.key}: {error}")
            files[work.key] = replace(self._earlier(work), error=error)
            return
        if isinstance(result, Drawn):
            yield from self._write_pictures(work, result, files)
        else:
            yield from self._write_intervals(work, result, files)

    def _earlier(self, work: Work) -> FileRecord:
        """Return the record of existing files of an earlier run."""
        assert self._record is not None  # noqa: S101 - set at the begin of an update
        earlier = self._record.days[work.day].files.get(work.key)
        if earlier is not None and files_exist(work.day, work.key, earlier, self._out):
            return earlier
        return replace(work.record, content=[])

    def _write_pictures(self, work: Work, drawn: Drawn, files: dict[str, FileRecord]) -> Iterator[Path]:
        names = file_names(work.day, work.key, len(drawn.pngs))
        for name, png in zip(names, drawn.pngs, strict=True):
            yield _write(self._out / name, png)
        if drawn.thumbnail:
            yield _write(self._out / thumbnail_name(work.day), drawn.thumbnail)
        files[work.key] = replace(
            work.record, count=len(names), column_s=drawn.column_s, low_mhz=drawn.low_mhz, high_mhz=drawn.high_mhz,
            nbytes=sum(map(len, drawn.pngs)),
        )  # fmt: skip

    def _write_intervals(self, work: Work, recordings: list[Recording], files: dict[str, FileRecord]) -> Iterator[Path]:
        nbytes, names = 0, file_names(work.day, work.key, len(recordings))
        for name, recording in zip(names, recordings, strict=True):
            nbytes += export(scale_recording(recording, self._options.flux_scale), self._out / name)
            yield self._out / name
        edges_hz = [each.frequencies_hz[[0, -1]] for each in recordings]
        files[work.key] = replace(
            work.record, count=len(names), nbytes=nbytes, low_mhz=float(min(low for low, _ in edges_hz) / 1e6),
            high_mhz=float(max(high for _, high in edges_hz) / 1e6),
        )  # fmt: skip

    def _save(self) -> None:
        """Write the record, and the page if it changed.

        Raises
        ------
        UsageError
            If they cannot be written.
        """
        assert self._record is not None  # noqa: S101 - set at the begin of an update
        present = set(stores_by_day(self._directory))
        page = index_page(self._record, self._notes, present).encode()
        path = self._out / PAGE
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            write_record(self._out, self._record)
            if path.is_file() and path.read_bytes() == page:
                return
        except OSError as error:
            raise UsageError(f"cannot write {printable_name(path)}: {error.strerror}; choose another --out") from error
        _write(path, page)
        self._is_page_new = True


@contextmanager
def locked_index(out: Path) -> Iterator[None]:
    """Lock a directory for one updater.

    Raises
    ------
    UsageError
        If another program updates its index, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock_file(out / LOCK)
    except OSError as error:
        raise UsageError(f"cannot write {printable_name(out)}: {error.strerror}; choose another --out") from error
    try:
        if try_lock(descriptor) is Claim.TAKEN:
            raise UsageError(f"another quicklook updates {printable_name(out)}; end it, or choose another --out")
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> Path:
    """Write a file atomically, and return its path.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {printable_name(path)}: {error.strerror}; choose another --out") from error
    return path
