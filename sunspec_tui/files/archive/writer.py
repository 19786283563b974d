"""Write all received rows to the archive, in a separate thread.

The thread reads the ring a few seconds behind the stream and never blocks the receiver. Rows that cannot be written
stay in the ring for the next try; rows that leave the ring before are counted as lost. No error ends the thread.
"""

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.errors import LIMITS_REMEDY, SunspecError, resource_shortage
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.unstarted_threads import forget_unstarted_threads
from sunspec_tui.files.archive.backlog import MAX_WAITING_BYTES, ArchiveBacklog, ArchiveSource
from sunspec_tui.files.archive.layout import (
    CALM_S,
    MAX_PARTS,
    Precision,
    StoreBudget,
    are_storable,
    microseconds,
    split_by_day,
)
from sunspec_tui.files.archive.lock import ArchiveLock
from sunspec_tui.files.archive.status import ArchiveEvent, ArchiveState, ArchiveStatus
from sunspec_tui.files.archive.store import ArchiveStore, last_store, open_store

__all__ = ["ArchiveSource", "ArchiveWriter"]

log = logging.getLogger(__name__)

COMMIT_S = 4.0
_POLL_S = 0.25
_BLOCK_ROWS = 480
_GATE_S = 60.0
# Longest time for each block of rows at the end of the program; a machine under load needs seconds for one.
_STOP_S = 10.0
# Share of the ring whose waiting rows cause an early commit.
_FULL_SHARE = 0.25
_DISORDER = (
    "rows that would begin yet another store are lost, because the data's time or axis jumps again and again: "
    "do two producers send to one port, or is a clock being set?"
)


class ArchiveWriter:
    """Archive thread: reads new rows from the ring and commits them every few seconds.

    Parameters
    ----------
    directory
        Directory of the archive; None turns the archive off.
    current
        Returns the ring that is being filled, or None before the first frame.
    on_event
        Called from the writer's thread when writing starts to fail and when it works again.
    precision
        Precision of the powers in new stores.
    min_elevation_deg
        Rows are kept while the elevation of the Sun is at least this high; None keeps all rows.
    elevation_deg
        Returns the elevation of the Sun at a time. If it fails or returns NaN, rows are kept.
    commit_s
        Seconds from commit to commit.
    max_waiting_bytes
        Memory for waiting rows of earlier rings.
    monotonic
        Monotonic clock, in seconds.
    """

    def __init__(
        self,
        directory: Path | None,
        current: Callable[[], ArchiveSource | None],
        *,
        on_event: Callable[[ArchiveEvent], None],
        precision: Precision = Precision.EXACT,
        min_elevation_deg: float | None = None,
        elevation_deg: Callable[[float], float] | None = None,
        commit_s: float = COMMIT_S,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._current = current
        self._on_event, self._precision = on_event, precision
        self._min_elevation_deg = min_elevation_deg
        self._elevation_deg = elevation_deg or _sun_elevation_deg
        self._commit_s, self._monotonic = commit_s, monotonic
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._backlog = ArchiveBacklog(max_waiting_bytes)
        self._max_waiting_bytes = max_waiting_bytes
        self._store: ArchiveStore | None = None
        self._damaged: set[Path] = set()
        # Lost rows that were reported, and lost rows that no store can hold and that were not reported yet.
        self._lost_reported, self._unstorable = 0, 0
        self._budget = StoreBudget(monotonic)
        # Lost rows that would have started too many stores: they are reported together, as one disorder.
        self._refused, self._refused_s, self._refused_reported = 0, -math.inf, 0
        self._disorder = ""
        self._gate_s, self._gate_open, self._gate_problem = -math.inf, True, ""
        self._status = ArchiveStatus(ArchiveState.OFF if directory is None else ArchiveState.WAITING, directory)

    def start(self) -> None:
        """Start the thread.

        Raises
        ------
        MissingExtraError
            If zarr is not installed.
        """
        if self._directory is None:
            return
        self._ending.clear()
        if self._thread is None or not self._thread.is_alive():
            try:
                self._thread = self._start_thread(self._directory)
            except Exception as error:
                if not resource_shortage(error):
                    raise
                self._thread = None
                self._fail(
                    f"not enough memory or threads ({resource_shortage(error)}); {LIMITS_REMEDY} and start again"
                )

    def _start_thread(self, directory: Path) -> threading.Thread:
        _check_installed()
        thread = threading.Thread(target=self._run, args=(directory,), name="sunspec-archive", daemon=True)
        thread.start()
        return thread

    def stop(self, deadline_s: float = math.inf) -> None:
        """Commit the waiting rows and end the thread.

        Give up if no block is written for some time.

        Parameters
        ----------
        deadline_s
            Time on `time.monotonic` at which to give up even if blocks are still being written.
        """
        self._ending.set()
        if self._thread is None:
            return
        begun_s = time.monotonic()
        if join_within(self._thread, _STOP_S, self._settled_rows, deadline_s=deadline_s):
            self._thread = None
        else:
            waited_s = time.monotonic() - begun_s
            self._report_unwritten(
                f"the archive was not complete {waited_s:.1f} s after the end; its disk or this machine is too slow"
            )

    def _settled_rows(self) -> int:
        counts = self._backlog.counts()
        return counts.written + counts.lost + counts.unwanted

    def status(self) -> ArchiveStatus:
        """Return the status; overwritten rows count as missed at once."""
        counts = self._backlog.counts()
        return replace(
            self._status,
            problem=self._status.problem or self._disorder,
            rows_written=counts.written,
            rows_missed=counts.lost,
            rows_unwanted=counts.unwanted,
            rows_waiting=counts.waiting,
        )

    def _run(self, directory: Path) -> None:
        lock = ArchiveLock(directory)
        try:
            ending = False
            while not ending:
                ending = self._wait_until_due()
                self._commit(lock)
        finally:
            self._report_unwritten(self._status.problem or "the archive has ended")
            lock.close()
            self._store = None

    def _wait_until_due(self) -> bool:
        """Wait for the next commit; return True at the end of the program."""
        due_s = self._monotonic() + self._commit_s
        while (left_s := due_s - self._monotonic()) > 0:
            if self._ending.wait(min(left_s, _POLL_S)):
                break
            self._update_source()
            well = self._status.state is not ArchiveState.FAILING
            length = self._backlog.ring_length
            if well and length and self._backlog.counts().waiting > _FULL_SHARE * length:
                return False
        self._update_source()
        return self._ending.is_set()

    def _update_source(self) -> None:
        """Follow a new ring, or update the description of this one."""
        try:
            newest = self._current()
            if newest is not None:
                self._backlog.follow(newest)
        except Exception as error:  # noqa: BLE001 - memory may be short; the next call tries again
            self._fail(f"the received rows cannot be read: {error!r}")
        if self._backlog.over_budget:
            self._backlog.over_budget = False
            self._report_over_budget()

    def _commit(self, lock: ArchiveLock) -> None:
        """Write all waiting rows; after an error they wait for the next try."""
        try:
            if lock.acquire():
                # Another process may have written to the store meanwhile.
                self._store = None
                self._status = replace(self._status, state=ArchiveState.WAITING)
            for rows in self._backlog.batches(_BLOCK_ROWS):
                self._commit_block(rows)
        except SunspecError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(f"{_reason(error)}; rows wait in the ring, repair it or choose another --archive")
        except Exception as error:  # noqa: BLE001 - libraries raise any error; the rows stay for the next try
            forget_unstarted_threads()
            self._fail(f"{error!r}; rows wait in the ring")
        if not self._status.problem:
            self._report_lost()

    def _commit_block(self, rows: Recording) -> None:
        """Write the storable rows of a block, and count the others as lost."""
        storable = are_storable(rows.times_s)
        edges = [0, *(np.flatnonzero(np.diff(storable)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            if storable[begin]:
                self._commit_rows(rows.only(slice(begin, end)))
            else:
                self._backlog.settle(end - begin)
                self._unstorable += end - begin

    def _commit_rows(self, rows: Recording) -> None:
        if not self._sun_is_up(float(rows.times_s[-1])):
            self._status = replace(self._status, state=ArchiveState.NIGHT, problem="")
            self._backlog.settle(len(rows), unwanted=True)
            return
        for which in split_by_day(rows.times_s):
            segment = rows.only(which)
            part = self._archivable(segment)
            if len(part):
                self._append(part)
                # Set the state before the counts, so that rows never count as written in an earlier state.
                self._succeed(part)
                self._backlog.settle(len(part), written=True)
            self._budget.count_rows(segment.times_s)

    def _archivable(self, segment: Recording) -> Recording:
        """Drop rows that would need too many stores; return the others."""
        assert self._directory is not None  # noqa: S101 - start() starts no thread without one
        current = self._store
        if current is not None and current.accepts(segment):
            return segment
        known = {current.path} if current is not None else set[Path]()
        store, following = last_store(self._directory, segment, self._damaged | known, self._precision)
        if store is not None:
            self._store = store
            return segment
        if self._budget.allows() and following.part <= MAX_PARTS:
            return segment
        count = _count_too_early(segment, current)
        self._refuse(count)
        return segment.only(slice(count, None))

    def _refuse(self, count: int) -> None:
        """Count the next rows as lost; report the first ones of a disorder."""
        # Count them here first, so that a report in between does not count them as rows that left the ring.
        self._refused += count
        self._backlog.settle(count)
        self._refused_s = self._monotonic()
        if not self._disorder:
            self._disorder = printable(f"archive {self._directory}: {_DISORDER}")
            self._report(ok=False, text=self._disorder)

    def _end_disorder(self) -> None:
        """Report the end of a disorder if no row was refused for some time."""
        if self._disorder and self._monotonic() - self._refused_s >= CALM_S:
            self._disorder = ""
            count, self._refused_reported = self._refused - self._refused_reported, self._refused
            self._report(ok=True, text=f"all rows are archived again; {count} rows were lost while the data jumped")

    def _append(self, part: Recording) -> None:
        assert self._directory is not None  # noqa: S101 - start() starts no thread without one
        # Forget the store until the commit has succeeded, because its count of rows may be wrong after a failure.
        store, self._store = self._store, None
        if store is None or not store.accepts(part):
            store = open_store(self._directory, part, self._damaged, self._precision)
        try:
            store.append(part)
        except OSError:
            raise
        except Exception:
            # The store is damaged, not the disk: use another part of the day. Another new store would fail too.
            if store.nrows:
                self._damaged.add(store.path)
            raise
        if store.nrows == len(part):
            self._budget.begin()
        self._store = store

    def _sun_is_up(self, time_s: float) -> bool:
        if self._min_elevation_deg is None:
            return True
        if abs(time_s - self._gate_s) >= _GATE_S:
            # A NaN is not below the limit, so rows are kept.
            self._gate_s, self._gate_open = time_s, not self._elevation_at(time_s) < self._min_elevation_deg
        return self._gate_open

    def _elevation_at(self, time_s: float) -> float:
        """Return the Sun's elevation; NaN, reported once, if it cannot be computed."""
        try:
            found = float(self._elevation_deg(time_s))
        except Exception as error:
            log.debug("no elevation of the Sun at %s", time_s, exc_info=True)
            found, why = math.nan, str(error)
        else:
            why = "" if math.isfinite(found) else "it is not a number"
        if why and not self._gate_problem:
            self._report(ok=False, text=printable(f"the Sun's elevation is unknown, so all rows are archived: {why}"))
        self._gate_problem = why
        return found

    def _succeed(self, part: Recording) -> None:
        before = self._status
        self._status = replace(
            before,
            state=ArchiveState.WRITING,
            last_time_s=float(part.times_s[-1]),
            free_bytes=self._free_bytes(),
            problem="",
        )
        if before.problem:
            self._report(ok=True, text=f"archiving to {before.directory} works again")
        elif before.state is not ArchiveState.WRITING:
            self._report(ok=True, text=f"archiving to {before.directory}")
        self._end_disorder()

    def _free_bytes(self) -> int | None:
        with suppress(OSError):
            return shutil.disk_usage(self._directory or ".").free
        return None

    def _fail(self, why: str) -> None:
        before = self._status
        problem = printable(f"cannot archive to {before.directory}: {why}")
        self._status = replace(before, state=ArchiveState.FAILING, problem=problem, failures=before.failures + 1)
        if problem != before.problem:
            self._report(ok=False, text=problem)

    def _report_lost(self) -> None:
        """Report the rows lost since the last report, while writing works."""
        unstorable, self._unstorable = self._unstorable, 0
        if unstorable:
            self._report(ok=False, text=f"{unstorable} rows are lost: the year of their times cannot be stored")
        lost = self._backlog.counts().lost - self._refused
        count, self._lost_reported = lost - self._lost_reported - unstorable, lost
        if count > 0:
            self._report(ok=False, text=f"{count} rows left the ring before they could be archived")

    def _report_over_budget(self) -> None:
        limit = f"{self._max_waiting_bytes / (1 << 20):.0f} MiB"
        self._report(ok=False, text=f"rows waiting for the archive need more than {limit}; the oldest are lost")

    def _report_unwritten(self, why: str) -> None:
        """Report the rows that were not written when the program ends."""
        self._report_lost()
        waiting = self._backlog.counts().waiting
        if waiting:
            self._report(ok=False, text=f"{waiting} rows were still waiting and were not archived: {why}")

    def _report(self, *, ok: bool, text: str) -> None:
        try:
            self._on_event(ArchiveEvent(ok, text))
        except Exception:
            log.exception("an archive event could not be reported: %s", text)


def _count_too_early(segment: Recording, current: ArchiveStore | None) -> int:
    """Return the number of rows before the first one that fits; all if none fits."""
    if current is None or current.last_us is None:
        return len(segment)
    count = int(np.searchsorted(microseconds(segment.times_s), current.last_us))
    rest = segment.only(slice(count, None))
    return count if len(rest) and current.accepts(rest) else len(segment)


def _reason(error: OSError) -> str:
    """Return the system's error text; libraries raise FileNotFoundError without one."""
    if error.strerror:
        return error.strerror
    return "a store was removed while it was written" if isinstance(error, FileNotFoundError) else str(error)


def _check_installed() -> None:
    require_extra("zarr", "an archive")


def _sun_elevation_deg(time_s: float) -> float:
    from sunspec_tui.files.archive.sun_elevation import sun_elevation_deg

    return sun_elevation_deg(time_s)
