"""Thread that writes received rows to the archive.

The thread reads the ring a few seconds behind the stream and never blocks the receiver. Rows that cannot be written
stay in the ring for the next try; rows that leave the ring before are counted as lost. No error ends the thread.
"""

import math
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.errors import LIMITS_REMEDY, SunspecError, resource_shortage
from sunspec_tui.core.optional_imports import check_installed
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.sun import sun_elevation_deg
from sunspec_tui.core.unstarted_threads import forget_unstarted_threads
from sunspec_tui.files.archive.backlog import MAX_WAITING_BYTES, ArchiveBacklog, ArchiveSource
from sunspec_tui.files.archive.elevation_limit import ElevationLimit
from sunspec_tui.files.archive.layout import (
    MAX_PARTS,
    Precision,
    StoreBudget,
    are_storable,
    microseconds,
    split_by_day,
)
from sunspec_tui.files.archive.lock import ArchiveLock
from sunspec_tui.files.archive.reporter import ArchiveReporter
from sunspec_tui.files.archive.status import ArchiveEvent, ArchiveStatus
from sunspec_tui.files.archive.store import ArchiveStore, last_store, open_store

COMMIT_S = 4.0
STOP_S = 10.0
"""Longest time for each block of rows at the end of the program; a machine under load needs seconds for one."""

_POLL_S = 0.25
_BLOCK_ROWS = 480
# Share of the ring whose waiting rows cause an early commit.
_FULL_SHARE = 0.25


class ArchiveWriter:
    """Archive thread, which commits new rows every few seconds.

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
    stop_s
        Longest time for each block of rows at the end of the program, in seconds.
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
        elevation_deg: Callable[[float], float] = sun_elevation_deg,
        commit_s: float = COMMIT_S,
        stop_s: float = STOP_S,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._current, self._precision = current, precision
        self._commit_s, self._stop_s, self._monotonic = commit_s, stop_s, monotonic
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._backlog = ArchiveBacklog(max_waiting_bytes)
        self._max_waiting_bytes = max_waiting_bytes
        self._store: ArchiveStore | None = None
        self._damaged: set[Path] = set()
        self._budget = StoreBudget(monotonic)
        self._reporter = ArchiveReporter(directory, self._backlog, on_event, monotonic)
        self._elevation_limit = ElevationLimit(
            min_elevation_deg, lambda text: self._reporter.report(ok=False, text=text), elevation_deg
        )

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
                self._reporter.fail(f"{_failure(error)} and start again")

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
        if join_within(self._thread, self._stop_s, self._settled_rows, deadline_s=deadline_s):
            self._thread = None
        else:
            waited_s = time.monotonic() - begun_s
            self._reporter.report_unwritten(
                f"the archive was not complete {waited_s:.1f} s after the end; its disk or this machine is too slow"
            )

    def _settled_rows(self) -> int:
        counts = self._backlog.counts()
        return counts.written + counts.lost + counts.unwanted

    def status(self) -> ArchiveStatus:
        """Return the status; overwritten rows count as missed at once."""
        return self._reporter.status()

    def _run(self, directory: Path) -> None:
        lock = ArchiveLock(directory)
        try:
            ending = False
            while not ending:
                ending = self._wait_until_due()
                self._commit(lock)
        finally:
            self._reporter.report_unwritten(self._reporter.problem or "the archive has ended")
            lock.close()
            self._store = None

    def _wait_until_due(self) -> bool:
        """Wait for the next commit; return True at the program's end."""
        due_s = self._monotonic() + self._commit_s
        while (left_s := due_s - self._monotonic()) > 0:
            if self._ending.wait(min(left_s, _POLL_S)):
                break
            self.update_source()
            length = self._backlog.ring_length
            if not self._reporter.is_failing and length and self._backlog.counts().waiting > _FULL_SHARE * length:
                return False
        self.update_source()
        return self._ending.is_set()

    def update_source(self) -> None:
        """Read from a new ring, or update the description of this one."""
        try:
            newest = self._current()
            if newest is not None:
                self._backlog.follow(newest)
        except Exception as error:  # noqa: BLE001 - memory may be short; the next call tries again
            self._reporter.fail(f"the received rows cannot be read: {error!r}")
        if self._backlog.over_budget:
            self._backlog.over_budget = False
            self._reporter.report_over_budget(self._max_waiting_bytes)

    def _commit(self, lock: ArchiveLock) -> None:
        """Write all waiting rows.

        After an error they wait for the next try.
        """
        try:
            if lock.acquire():
                # Another process may have written to the store meanwhile.
                self._store = None
                self._reporter.set_waiting()
            for rows in self._backlog.batches(_BLOCK_ROWS):
                self._commit_block(rows)
        except SunspecError as error:
            self._reporter.fail(str(error))
        except OSError as error:
            self._reporter.fail(f"{_reason(error)}; rows wait in the ring, repair it or choose another --archive")
        except Exception as error:  # noqa: BLE001 - libraries raise any error; the rows stay for the next try
            forget_unstarted_threads()
            self._reporter.fail(f"{_failure(error)}; rows wait in the ring")
        if not self._reporter.problem:
            self._reporter.report_lost()

    def _commit_block(self, rows: Recording) -> None:
        """Write the rows that can be stored; the others are lost."""
        storable = are_storable(rows.times_s)
        edges = [0, *(np.flatnonzero(np.diff(storable)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            if storable[begin]:
                self._commit_rows(rows.only(slice(begin, end)))
            else:
                self._reporter.lose_unstorable(end - begin)

    def _commit_rows(self, rows: Recording) -> None:
        if not self._elevation_limit.is_reached(float(rows.times_s[-1])):
            self._reporter.set_night()
            self._backlog.settle(len(rows), unwanted=True)
            return
        for which in split_by_day(rows.times_s):
            segment = rows.only(which)
            part = self._archivable(segment)
            if len(part):
                self._append(part)
                # Set the state before the counts, so that rows never count as written in an earlier state.
                self._reporter.succeed(float(part.times_s[-1]))
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
        self._reporter.lose_disordered(count)
        return segment.only(slice(count, None))

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


def _count_too_early(segment: Recording, current: ArchiveStore | None) -> int:
    """Return the number of rows before the first one that fits.

    It is the number of all rows if none fits.
    """
    if current is None or current.last_us is None:
        return len(segment)
    count = int(np.searchsorted(microseconds(segment.times_s), current.last_us))
    rest = segment.only(slice(count, None))
    return count if len(rest) and current.accepts(rest) else len(segment)


def _failure(error: Exception) -> str:
    """Return the text of an error, with the remedy for a shortage."""
    shortage = resource_shortage(error)
    return f"not enough memory or threads ({shortage}); {LIMITS_REMEDY}" if shortage else repr(error)


def _reason(error: OSError) -> str:
    """Return the system's error text; libraries raise FileNotFoundError without one."""
    if error.strerror:
        return error.strerror
    return "a store was removed while it was written" if isinstance(error, FileNotFoundError) else str(error)


def _check_installed() -> None:
    # The thread loads zarr with the first rows, so that it does not delay the first picture.
    check_installed("zarr", "an archive")
