"""Writes every row that is received into the archive, in a thread of its own.

It follows the ring from a distance of a few seconds and never holds up who fills it. What cannot be written stays in
the ring and is tried again; what leaves the ring meanwhile is counted.
"""

import errno
import fcntl
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from sunspec_tui.archiving import ArchiveEvent, ArchiveState, ArchiveStatus, stretches
from sunspec_tui.errors import SunspecError
from sunspec_tui.extras import optional
from sunspec_tui.recording import Recording
from sunspec_tui.ring import RingBuffer
from sunspec_tui.writers.store import ArchiveStore, open_store

log = logging.getLogger(__name__)

COMMIT_S = 4.0
_LOOK_S = 0.25
_BLOCK_ROWS = 480
_GATE_S = 60.0
# A commit comes early where this share of the ring waits for it.
_FULL_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Followed:
    """A ring that is to be archived.

    Attributes
    ----------
    ring
        Where the rows are.
    about
        A recording without rows, which says what those of this ring are.
    """

    ring: RingBuffer
    about: Recording


class ArchiveWriter:
    """Follows the ring and commits rows every few seconds.

    Parameters
    ----------
    directory
        The archive; None is off.
    current
        Gives the ring that is filled now, or None before the first frame.
    on_event
        Told when writing begins to fail and when it works again, from the writer's thread.
    least_elevation_deg
        Rows are kept while the Sun stands at least so high; None keeps all.
    elevation_deg
        Where the Sun stands at a time.
    commit_s
        Seconds from commit to commit.
    monotonic
        A clock that never goes back.
    """

    def __init__(
        self,
        directory: Path | None,
        current: Callable[[], Followed | None],
        *,
        on_event: Callable[[ArchiveEvent], None],
        least_elevation_deg: float | None = None,
        elevation_deg: Callable[[float], float] | None = None,
        commit_s: float = COMMIT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._current = current
        self._on_event = on_event
        self._least_elevation_deg = least_elevation_deg
        self._elevation_deg = elevation_deg or _sun_elevation_deg
        self._commit_s, self._monotonic = commit_s, monotonic
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._rows: Followed | None = None
        self._count = 0
        self._store: ArchiveStore | None = None
        self._gate_s, self._gate_open = -math.inf, True
        self._status = ArchiveStatus(ArchiveState.OFF if directory is None else ArchiveState.WAITING, directory)

    def start(self) -> None:
        """Begin to follow.

        Raises
        ------
        MissingExtraError
            If zarr is not installed.
        """
        if self._directory is None:
            return
        _check_installed()
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="sunspec-archive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what the ring still has, and end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def status(self) -> ArchiveStatus:
        """How it is doing."""
        waiting = self._backlog()
        return replace(self._status, rows_waiting=waiting) if waiting else self._status

    def _backlog(self) -> int:
        rows = self._rows
        return 0 if rows is None else max(0, min(rows.ring.count - self._count, rows.ring.filled))

    def _run(self) -> None:
        lock: IO[bytes] | None = None
        try:
            while True:
                ending = self._wait_until_due()
                lock = lock or self._locked()
                if lock is not None:
                    self._follow()
                if ending:
                    return
        finally:
            if lock is not None:
                lock.close()

    def _wait_until_due(self) -> bool:
        """Wait for the next commit; True at the end."""
        due_s = self._monotonic() + self._commit_s
        while (left_s := due_s - self._monotonic()) > 0:
            if self._ending.wait(min(left_s, _LOOK_S)):
                return True
            rows = self._adopted()
            if rows is not None and self._backlog() > _FULL_SHARE * rows.ring.length:
                return False
        return self._ending.is_set()

    def _locked(self) -> IO[bytes] | None:
        """The archive's lock: two writers in one store would spoil it."""
        assert self._directory is not None  # noqa: S101 - start() begins no thread without one
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            return _lock(self._directory / ".lock")
        except BlockingIOError:
            self._fail("another monitor writes there; choose another --archive")
        except OSError as error:
            self._fail(f"{error.strerror or error}; choose another --archive")
        return None

    def _follow(self) -> None:
        """Commit all that waits, the ring that was replaced first."""
        try:
            while True:
                newest, rows = self._current(), self._adopted()
                if rows is None or newest is None:
                    return
                while self._commit_block(rows):
                    pass
                # What is known of a ring's rows, the cadence for one, grows; another ring is begun with.
                self._rows = newest
                if newest.ring is rows.ring:
                    return
        except SunspecError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - a library's own errors too; the rows stay, and are tried again
            why = error.strerror if isinstance(error, OSError) and error.strerror else repr(error)
            self._fail(f"{why}; rows wait in the ring")
            self._store = None

    def _adopted(self) -> Followed | None:
        """The ring that is followed: the first one, as soon as there is one, from its very first row on."""
        if self._rows is None:
            self._rows = self._current()
        return self._rows

    def _commit_block(self, rows: Followed) -> bool:
        """Commit the oldest rows that wait; False where none do."""
        block = rows.ring.between(self._count, min(self._count + _BLOCK_ROWS, rows.ring.count))
        if not len(block):
            # Those that were asked for have left the ring, or there are none.
            oldest = rows.ring.count - rows.ring.filled
            if oldest <= self._count:
                return False
            self._miss(oldest - self._count)
            self._count = oldest
            return True
        first = block.count - len(block)
        if first > self._count:
            self._miss(first - self._count)
            self._count = first
        self._write(replace(rows.about, data=block.data, times_s=block.times_s), first)
        return True

    def _write(self, block: Recording, first: int) -> None:
        """Commit rows of one ring, part by part as stores need it."""
        if not self._sun_is_up(float(block.times_s[-1])):
            self._count = first + len(block)
            unwanted = self._status.rows_unwanted + len(block)
            self._status = replace(self._status, state=ArchiveState.NIGHT, rows_unwanted=unwanted)
            return
        last_s = self._store.last_s if self._store else -math.inf
        for which, follows in stretches(block.times_s, last_s):
            part = block.only(which)
            self._append(part, follows=follows)
            self._count = first + which.stop
            self._succeed(part)

    def _append(self, part: Recording, *, follows: bool) -> None:
        store = self._store
        if store is None or not follows or not store.fits(part):
            assert self._directory is not None  # noqa: S101 - as above
            store = open_store(self._directory, part)
        # Until it is known to have been taken, the store's own count is not to be trusted.
        self._store = None
        store.append(part)
        self._store = store

    def _sun_is_up(self, time_s: float) -> bool:
        if self._least_elevation_deg is None or not math.isfinite(time_s):
            return True
        if abs(time_s - self._gate_s) >= _GATE_S:
            self._gate_s, self._gate_open = time_s, self._elevation_deg(time_s) >= self._least_elevation_deg
        return self._gate_open

    def _miss(self, count: int) -> None:
        self._status = replace(self._status, rows_missed=self._status.rows_missed + count)
        self._on_event(ArchiveEvent(False, f"{count} rows left the ring before they could be archived"))

    def _succeed(self, part: Recording) -> None:
        before = self._status
        self._status = replace(
            before,
            state=ArchiveState.WRITING,
            rows_written=before.rows_written + len(part),
            last_time_s=float(part.times_s[-1]),
            free_bytes=self._free_bytes(),
            problem="",
        )
        if before.problem:
            self._on_event(ArchiveEvent(True, f"archiving goes on in {before.directory}"))
        elif before.state is not ArchiveState.WRITING:
            self._on_event(ArchiveEvent(True, f"archiving to {before.directory}"))

    def _free_bytes(self) -> int | None:
        with suppress(OSError):
            return shutil.disk_usage(self._directory or ".").free
        return None

    def _fail(self, why: str) -> None:
        before = self._status
        problem = f"cannot archive to {before.directory}: {why}"
        self._status = replace(before, state=ArchiveState.FAILING, problem=problem, failures=before.failures + 1)
        if problem != before.problem:
            self._on_event(ArchiveEvent(False, problem))


def _lock(path: Path) -> IO[bytes]:
    """A file that is locked until it is closed.

    Raises
    ------
    BlockingIOError
        If another process has locked it.
    """
    path.touch()
    # Open for reading it holds up nobody who makes the disk read-only; network disks lock only what can be written.
    for mode in ("rb", "r+b"):
        with ExitStack() as opened:
            file = opened.enter_context(path.open(mode))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if mode == "rb" and error.errno == errno.EBADF:
                    continue
                raise
            opened.pop_all()
            return file
    raise AssertionError("the last mode locks or raises")


def _check_installed() -> None:
    optional("zarr", "an archive")


def _sun_elevation_deg(time_s: float) -> float:
    from sunspec_tui.sun import sun_elevation_deg

    return sun_elevation_deg(time_s)
