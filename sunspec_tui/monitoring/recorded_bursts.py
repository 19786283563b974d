"""Bursts of recorded rows, from the tables beside them.

A thread reads the tables, follows their changes, and writes what an observer marks. A disk that hangs delays only this
thread.
"""

import logging
import threading
import time
from collections.abc import Callable

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import BurstList
from sunspec_tui.core.errors import SunspecError, error_text
from sunspec_tui.core.printable import printable
from sunspec_tui.files.burst_tables import BurstTables

log = logging.getLogger(__name__)

MAX_RECORDED = 5000
"""Largest number of bursts of recorded rows in memory."""

REFRESH_S = 2.0
"""Time from one check of the tables to the next."""

RETRY_S = 30.0
"""Time after a failed writing until it is tried again."""

_STOP_S = 1.0
_NO_TABLE = (
    "There is no table of bursts beside these rows. sunspec-tui bursts finds them in files and archives; with "
    "--out bursts.ecsv beside the rows, they are shown here."
)


class RecordedBursts:
    """Board of the bursts of recorded rows.

    Either `start` and `stop` run it in a thread, or a thread of the caller calls `update`.

    Parameters
    ----------
    tables
        The tables; None for no bursts.
    interval_s
        Returns begin and end of the rows, seconds since 1970 UTC; None without rows.
    monotonic
        Monotonic clock, in seconds.

    Attributes
    ----------
    board
        The bursts, with their listeners.
    """

    def __init__(
        self,
        tables: BurstTables | None,
        interval_s: Callable[[], tuple[float, float] | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = BurstBoard(MAX_RECORDED)
        self._tables, self._interval_s, self._monotonic = tables, interval_s, monotonic
        # Verdicts in the tables by name.
        self._kept: dict[str, bool] = {}
        self._why_none = _NO_TABLE if tables is None else "The tables of bursts are being read."
        self._is_stale = True
        self._write_due_s = -float("inf")
        self._problems: dict[str, str] = {}
        self._changed, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def why_none(self) -> str:
        """Reason for an empty board, as sentences."""
        return self._why_none

    def start(self) -> None:
        """Start the thread; without effect while it runs or without tables."""
        if self._thread is None and self._tables is not None:
            self._ending.clear()
            self.board.listeners.add(self._changed.set)
            self._thread = threading.Thread(target=self._run, name="sunspec-bursts-read", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what was marked, and end the thread within a limited time."""
        thread, self._thread = self._thread, None
        self.board.listeners.remove(self._changed.set)
        self._ending.set()
        self._changed.set()
        if thread is not None and not join_within(thread, _STOP_S):
            log.warning("the disk of the table of bursts does not respond, so the last marks may not be in it")

    def _run(self) -> None:
        while not self._ending.is_set():
            self._update_safely()
            self._changed.wait(REFRESH_S)
            self._changed.clear()
        self._write_due_s = -float("inf")
        self._update_safely()

    def _update_safely(self) -> None:
        """Do one step; an unforeseen error must not end the thread."""
        try:
            self.update()
        except Exception as error:  # noqa: BLE001 - reported once, and tried again
            self._report("read", f"the bursts cannot be read: {error_text(error)}; trying again")

    def update(self) -> None:
        """Write what was marked, and read what has changed."""
        interval_s = self._interval_s()
        if self._tables is None or interval_s is None:
            return
        shown = self.board.bursts
        unwritten = self._write(self._tables, self._marks(shown))
        self._is_stale |= self._tables.refresh(*interval_s)
        if self._is_stale:
            self._show(self._tables, shown, unwritten)

    def _marks(self, shown: BurstList) -> dict[str, bool]:
        """Return the verdicts that are not in the tables yet."""
        return {
            burst.name: burst.is_wrong
            for burst in shown
            if burst.name in self._kept and burst.is_wrong != self._kept[burst.name]
        }

    def _write(self, tables: BurstTables, marks: dict[str, bool]) -> dict[str, bool]:
        """Write verdicts; return those that could not be written."""
        now_s = self._monotonic()
        if not marks or now_s < self._write_due_s:
            return marks
        try:
            tables.mark(marks)
        except (SunspecError, OSError) as error:
            self._write_due_s = now_s + RETRY_S
            why = str(error) if isinstance(error, SunspecError) else error.strerror or error_text(error)
            self._report("mark", f"what was marked as wrong is not kept: {printable(why)}")
            return marks
        self._report("mark", "")
        self._is_stale = True
        return {}

    def _show(self, tables: BurstTables, shown: BurstList, unwritten: dict[str, bool]) -> None:
        """Put the bursts of the tables on the board.

        Without effect if an observer has marked one in the meantime: the next step does both.
        """
        self._report("read", "; ".join(tables.problems))
        self._why_none = self._reason(tables)
        if self.board.replace_all(shown, tables.bursts, unwritten):
            self._kept = {burst.name: burst.is_wrong for burst in tables.bursts}
            self._is_stale = False

    def _reason(self, tables: BurstTables) -> str:
        if tables.is_empty:
            return _NO_TABLE
        if tables.problems:
            return "; ".join(tables.problems)
        return "The table of bursts beside these rows has none of their time."

    def _report(self, what: str, problem: str) -> None:
        """Log a new problem once."""
        if problem and problem != self._problems.get(what):
            log.warning("%s", problem)
        self._problems[what] = problem
