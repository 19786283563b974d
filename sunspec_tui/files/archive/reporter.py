"""Report the state of the archive and its lost rows.

Changes of the state are reported as events, once each. Lost rows are reported with their number and their cause.
"""

import logging
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sunspec_tui.core.printable import printable
from sunspec_tui.files.archive.backlog import ArchiveBacklog
from sunspec_tui.files.archive.layout import CALM_S
from sunspec_tui.files.archive.status import ArchiveEvent, ArchiveState, ArchiveStatus

log = logging.getLogger(__name__)

_DISORDER = (
    "rows that would begin yet another store are lost, because the data's time or axis jumps again and again: "
    "do two producers send to one port, or is a clock being set?"
)


class ArchiveReporter:
    """Status of an archive, and events when it changes.

    Parameters
    ----------
    directory
        Directory of the archive; None if it is off.
    backlog
        Queue of the rows, with their counts.
    on_event
        Called with each event.
    monotonic
        Monotonic clock, in seconds.
    """

    def __init__(
        self,
        directory: Path | None,
        backlog: ArchiveBacklog,
        on_event: Callable[[ArchiveEvent], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._backlog, self._on_event, self._monotonic = backlog, on_event, monotonic
        # Lost rows that were reported, and lost rows that no store can hold and that were not reported yet.
        self._lost_reported, self._unstorable = 0, 0
        # Lost rows that would have started too many stores: they are reported together, as one disorder.
        self._refused, self._refused_s, self._refused_reported = 0, -math.inf, 0
        self._disorder = ""
        self._status = ArchiveStatus(ArchiveState.OFF if directory is None else ArchiveState.WAITING, directory)

    @property
    def problem(self) -> str:
        """The last error, until a commit succeeds; else empty."""
        return self._status.problem

    @property
    def is_failing(self) -> bool:
        """True if the last commit failed."""
        return self._status.state is ArchiveState.FAILING

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

    def set_waiting(self) -> None:
        """Set the state before the first row of a newly locked archive."""
        self._status = replace(self._status, state=ArchiveState.WAITING)

    def set_night(self) -> None:
        """Set the state while the Sun is too low."""
        self._status = replace(self._status, state=ArchiveState.NIGHT, problem="")

    def succeed(self, last_time_s: float) -> None:
        """Set the state after a commit, and report that writing works.

        `last_time_s` is the time of the last committed row.
        """
        before = self._status
        self._status = replace(
            before,
            state=ArchiveState.WRITING,
            last_time_s=last_time_s,
            free_bytes=_free_bytes(before.directory),
            problem="",
        )
        if before.problem:
            self.report(ok=True, text=f"archiving to {before.directory} works again")
        elif before.state is not ArchiveState.WRITING:
            self.report(ok=True, text=f"archiving to {before.directory}")
        self._end_disorder()

    def fail(self, why: str) -> None:
        """Set the state after an error; report a new error."""
        before = self._status
        problem = printable(f"cannot archive to {before.directory}: {why}")
        self._status = replace(before, state=ArchiveState.FAILING, problem=problem, failures=before.failures + 1)
        if problem != before.problem:
            self.report(ok=False, text=problem)

    def lose_unstorable(self, count: int) -> None:
        """Count the next rows as lost: no store can hold their times."""
        self._backlog.settle(count)
        self._unstorable += count

    def lose_disordered(self, count: int) -> None:
        """Count the next rows as lost: they need too many stores.

        The first ones of a disorder are reported.
        """
        # Count them here first, so that a report in between does not count them as rows that left the ring.
        self._refused += count
        self._backlog.settle(count)
        self._refused_s = self._monotonic()
        if not self._disorder:
            self._disorder = printable(f"archive {self._status.directory}: {_DISORDER}")
            self.report(ok=False, text=self._disorder)

    def _end_disorder(self) -> None:
        """Report the end of a disorder, some time after its last row."""
        if self._disorder and self._monotonic() - self._refused_s >= CALM_S:
            self._disorder = ""
            count, self._refused_reported = self._refused - self._refused_reported, self._refused
            self.report(ok=True, text=f"all rows are archived again; {count} rows were lost while the data jumped")

    def report_lost(self) -> None:
        """Report the rows lost since the last report."""
        unstorable, self._unstorable = self._unstorable, 0
        if unstorable:
            self.report(ok=False, text=f"{unstorable} rows are lost: the year of their times cannot be stored")
        lost = self._backlog.counts().lost - self._refused
        count, self._lost_reported = lost - self._lost_reported - unstorable, lost
        if count > 0:
            self.report(ok=False, text=f"{count} rows left the ring before they could be archived")

    def report_over_budget(self, max_waiting_bytes: int) -> None:
        """Report that waiting rows were lost for lack of memory."""
        limit = f"{max_waiting_bytes / (1 << 20):.0f} MiB"
        self.report(ok=False, text=f"rows waiting for the archive need more than {limit}; the oldest are lost")

    def report_unwritten(self, why: str) -> None:
        """Report the rows that were not written when the program ends."""
        self.report_lost()
        waiting = self._backlog.counts().waiting
        if waiting:
            self.report(ok=False, text=f"{waiting} rows were still waiting and were not archived: {why}")

    def report(self, *, ok: bool, text: str) -> None:
        """Call the listener; log its errors."""
        try:
            self._on_event(ArchiveEvent(ok, text))
        except Exception:
            log.exception("an archive event could not be reported: %s", text)


def _free_bytes(directory: Path | None) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(directory or ".").free
    return None
