"""Writes every row that is received into the archive, in a thread of its own.

It follows the ring from a distance of a few seconds and never holds up who fills it. What cannot be written stays in
the ring and is tried again; what leaves the ring meanwhile is counted.
"""

import logging
import math
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sunspec_tui.archiving import ArchiveEvent, ArchiveState, ArchiveStatus, stretches
from sunspec_tui.errors import SunspecError
from sunspec_tui.extras import optional
from sunspec_tui.recording import Recording
from sunspec_tui.ring import RingBuffer
from sunspec_tui.writers.archive_lock import ArchiveLock
from sunspec_tui.writers.store import ArchiveStore, open_store

log = logging.getLogger(__name__)

COMMIT_S = 4.0
_LOOK_S = 0.25
_BLOCK_ROWS = 480
_GATE_S = 60.0
_STOP_S = 10.0
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
        # Rings that have rows to be written, the oldest first; only the last one still grows.
        self._rings: deque[Followed] = deque()
        self._count = 0
        self._store: ArchiveStore | None = None
        self._spoilt: set[Path] = set()
        self._untold = 0
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
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(self._directory,), name="sunspec-archive", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Commit what the ring still has, and end; a disk that does not answer is not waited for."""
        self._ending.set()
        if self._thread is None:
            return
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            log.error("the archive's disk does not answer; its thread is left behind with %d rows", self._backlog())
        else:
            self._thread = None

    def status(self) -> ArchiveStatus:
        """How it is doing; rows that have left the ring count as missed at once."""
        status, waiting = self._status, self._backlog()
        gone = sum(max(0, _oldest(each.ring) - self._count) for each in list(self._rings)[:1])
        return replace(status, rows_waiting=waiting, rows_missed=status.rows_missed + gone)

    def _backlog(self) -> int:
        """Rows that could be written now."""
        return sum(max(0, min(each.ring.count - self._count, each.ring.filled)) for each in list(self._rings))

    def _run(self, directory: Path) -> None:
        lock = ArchiveLock(directory)
        try:
            ending = False
            while not ending:
                ending = self._wait_until_due()
                self._commit(lock)
        finally:
            lock.close()
            self._store = None

    def _wait_until_due(self) -> bool:
        """Wait for the next commit, with an eye on the ring; True at the end."""
        due_s = self._monotonic() + self._commit_s
        while (left_s := due_s - self._monotonic()) > 0:
            if self._ending.wait(min(left_s, _LOOK_S)):
                break
            self._look()
            well = self._status.state is not ArchiveState.FAILING
            if well and self._rings and self._backlog() > _FULL_SHARE * self._rings[-1].ring.length:
                return False
        self._look()
        return self._ending.is_set()

    def _look(self) -> None:
        """Notice another ring, or what has become known of this one."""
        newest = self._current()
        if newest is None:
            return
        if self._rings and self._rings[-1].ring is newest.ring:
            self._rings[-1] = newest
        else:
            self._rings.append(newest)

    def _commit(self, lock: ArchiveLock) -> None:
        """Write all that waits; whatever goes wrong is told, and tried again."""
        try:
            if lock.hold():
                # While others could write, the store may have grown.
                self._store = None
                self._status = replace(self._status, state=ArchiveState.WAITING)
            while self._rings:
                while self._commit_block(self._rings[0]):
                    pass
                if len(self._rings) == 1:
                    return
                self._rings.popleft()
        except SunspecError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(f"{error.strerror or error}; rows wait in the ring, mend it or choose another --archive")
        except Exception as error:  # noqa: BLE001 - a library's own errors; the rows stay, and are tried again
            self._fail(f"{error!r}; rows wait in the ring")

    def _commit_block(self, followed: Followed) -> bool:
        """Commit the oldest rows that wait in a ring; False where none do."""
        ring = followed.ring
        if (gone := _oldest(ring) - self._count) > 0:
            self._miss(gone)
        block = ring.between(self._count, min(self._count + _BLOCK_ROWS, ring.count))
        if not len(block):
            return False
        first = block.count - len(block)
        if first > self._count:
            self._miss(first - self._count)
        rows = replace(followed.about, data=block.data, times_s=block.times_s)
        if self._sun_is_up(float(block.times_s[-1])):
            for which in stretches(rows.times_s):
                part = rows.only(which)
                self._append(part)
                self._count = first + which.stop
                self._succeed(part)
        else:
            self._count = block.count
            unwanted = self._status.rows_unwanted + len(rows)
            self._status = replace(self._status, state=ArchiveState.NIGHT, rows_unwanted=unwanted, problem="")
        return True

    def _append(self, part: Recording) -> None:
        assert self._directory is not None  # noqa: S101 - start() begins no thread without one
        # Until it is known to have been taken, the store's own count is not to be trusted.
        store, self._store = self._store, None
        if store is None or not store.takes(part):
            store = open_store(self._directory, part, self._spoilt)
        try:
            store.append(part)
        except OSError:
            raise
        except Exception:
            # Not the disk, but what is on it: another part of the day will do. A new one would not be better.
            if store.nrows:
                self._spoilt.add(store.path)
            raise
        self._store = store

    def _sun_is_up(self, time_s: float) -> bool:
        if self._least_elevation_deg is None or not math.isfinite(time_s):
            return True
        if abs(time_s - self._gate_s) >= _GATE_S:
            self._gate_s, self._gate_open = time_s, self._elevation_deg(time_s) >= self._least_elevation_deg
        return self._gate_open

    def _miss(self, count: int) -> None:
        """Count rows that are lost; told when it is over, if writing fails."""
        self._count += count
        self._untold += count
        self._status = replace(self._status, rows_missed=self._status.rows_missed + count)
        if not self._status.problem:
            self._tell_missed()

    def _tell_missed(self) -> None:
        count, self._untold = self._untold, 0
        if count:
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
        self._tell_missed()

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


def _oldest(ring: RingBuffer) -> int:
    """Number of the oldest row that is kept."""
    return ring.count - ring.filled


def _check_installed() -> None:
    optional("zarr", "an archive")


def _sun_elevation_deg(time_s: float) -> float:
    from sunspec_tui.sun import sun_elevation_deg

    return sun_elevation_deg(time_s)
