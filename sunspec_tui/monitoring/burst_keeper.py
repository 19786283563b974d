"""Keep a board's bursts: tables of days, pictures and FITS files.

A thread writes them, so that a disk that hangs delays neither the detector nor the screen. A failure is reported once,
and tried again.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import SunspecError, error_text
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import format_date
from sunspec_tui.files.burst_days import DAY_S, BurstDays
from sunspec_tui.monitoring.burst_pictures import PICTURES_NAME, BurstPictures
from sunspec_tui.monitoring.burst_rows import BurstTimeline

log = logging.getLogger(__name__)

WRITE_S = 5.0
"""Shortest time from one writing of the tables to the next."""

MAX_WRITING_SHARE = 0.05
"""Largest share of the time that the writing of the tables takes."""

CHECK_S = 5.0
"""Longest time from one look at the tables to the next: another program may mark a burst as wrong there."""

RETRY_S = 30.0
"""Time after a failure until it is tried again."""

_STOP_S = 3.0
_ON_TABLES = ("tables", "verdicts", "bursts")


class BurstKeeper:
    """Keeper of a board's bursts that have ended.

    Either `start` and `stop` run it in a thread, or a thread of the caller calls `load` once and then `update`.

    Parameters
    ----------
    directory
        Directory of the archive.
    board
        The board. Bursts of the last two days are read from their tables and added to it.
    timeline
        Timeline of the rows, for pictures; None for no pictures.
    min_db
        Lowest peak over the background of a burst that gets a picture and a FITS file, in ``bursts/`` below
        `directory`; None for no files.
    on_load
        Called once, from the thread that loads, with the bursts of the tables.
    clock, monotonic
        Wall clock, seconds since 1970, and monotonic clock.
    pictures
        Writer of pictures, in place of the usual one.
    """

    def __init__(
        self,
        directory: Path,
        board: BurstBoard,
        timeline: BurstTimeline | None,
        min_db: float | None = None,
        *,
        on_load: Callable[[Sequence[Burst]], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pictures: BurstPictures | None = None,
    ) -> None:
        self._directory, self._board = directory, board
        self._on_load, self._clock, self._monotonic = on_load, clock, monotonic
        self._days = BurstDays(directory)
        self._pictures = pictures or BurstPictures(directory / PICTURES_NAME, timeline, min_db)
        self._known: dict[str, Burst] = {}
        # Begin and end of each burst when its files were requested.
        self._pictured: dict[str, tuple[float, float]] = {}
        self._is_loaded = False
        self._due_s = self._pictures_due_s = -float("inf")
        self._problems: dict[str, str] = {}
        self._changed, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def problem(self) -> str:
        """What cannot be written now; empty if all is well."""
        return "; ".join(tuple(self._problems.values()))

    @property
    def table_problem(self) -> str:
        """Why the tables cannot be read or written; else empty."""
        # One sentence is enough: a disk that fails is the reason for all.
        return next(filter(None, (self._problems.get(what) for what in _ON_TABLES)), "")

    def start(self) -> None:
        """Start the thread; without effect while it runs."""
        if self._thread is not None:
            return
        self._ending.clear()
        self._pictures.begin()
        self._board.listeners.add(self._changed.set)
        self._thread = threading.Thread(target=self._run, name="sunspec-bursts-kept", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end the thread within a limited time.

        Pictures that are not drawn yet are left out.
        """
        thread, self._thread = self._thread, None
        self._board.listeners.remove(self._changed.set)
        self._ending.set()
        self._changed.set()
        self._pictures.end()
        if thread is not None and not join_within(thread, _STOP_S):
            log.warning("the disk of the table of bursts does not respond, so the last bursts may not be in it")

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._changed.clear()
                wait_s = self._update_safely()
                self._changed.wait(CHECK_S if wait_s is None else min(wait_s, CHECK_S))
            self._collect()
            self._write_tables()
        finally:
            self._pictures.release()

    def _update_safely(self) -> float | None:
        """Do one step; an unforeseen error must not end the thread."""
        try:
            wait_s = self.update()
        except Exception as error:  # noqa: BLE001 - reported once, and tried again
            self._report("bursts", f"the bursts are not kept: {error_text(error)}; trying again")
            return RETRY_S
        self._report("bursts", "")
        return wait_s

    def load(self) -> bool:
        """Read the tables of the last two days into the board, once.

        Return False if the disk fails.
        """
        if self._is_loaded:
            return True
        now_s = self._clock()
        loaded = list[Burst]()
        try:
            for time_s in (now_s - DAY_S, now_s):
                loaded += self._days.load(format_date(time_s))
        except OSError as error:
            self._report("tables", self._failure("read", error))
            return False
        self._is_loaded = True
        names = {burst.name for burst in loaded}
        self._pictured |= {burst.name: (burst.begin_s, burst.end_s) for burst in loaded}
        self._board.add(loaded)
        self._on_load(loaded)
        self._known |= {burst.name: burst for burst in self._board.bursts if burst.name in names}
        return True

    def update(self) -> float | None:
        """Write what has changed, if it is due, and read others' verdicts.

        Returns
        -------
        float or None
            Seconds until the next call is needed; None if only a change of the board needs one.
        """
        now_s = self._monotonic()
        if now_s >= self._due_s:
            self._update_tables(now_s)
        if now_s >= self._pictures_due_s and self._pictures.has_waiting:
            self._write_picture(now_s)
        return self._wait_s(now_s)

    def _update_tables(self, now_s: float) -> None:
        if not self.load():
            self._due_s = now_s + RETRY_S
            return
        self._read_verdicts()
        self._collect()
        if self._days.has_waiting:
            is_written = self._write_tables()
            # A long table, or a slow disk, is written less often.
            least_s = max(WRITE_S, (self._monotonic() - now_s) / MAX_WRITING_SHARE)
            self._due_s = now_s + (least_s if is_written else max(least_s, RETRY_S))

    def _read_verdicts(self) -> None:
        """Take over what other programs have marked as wrong in the tables."""
        try:
            self._days.refresh()
        except OSError as error:
            self._report("verdicts", self._failure("read", error))
            return
        self._report("verdicts", "")
        self._take_verdicts()

    def _take_verdicts(self) -> None:
        verdicts = self._days.take_verdicts()
        for burst in self._board.bursts if verdicts else ():
            if verdicts.get(burst.name, burst.is_wrong) != burst.is_wrong:
                self._board.mark_wrong(burst.name, is_wrong=not burst.is_wrong)

    def _wait_s(self, now_s: float) -> float | None:
        """Return the time until something is due."""
        due_s = [self._due_s] if self._due_s > now_s else []
        due_s += [self._pictures_due_s] if self._pictures.has_waiting else []
        return max(0.0, min(due_s) - now_s) if due_s else None

    def _collect(self) -> None:
        """Take the bursts that have ended or changed since the last call."""
        ended = {burst.name: burst for burst in self._board.bursts if not burst.is_open}
        # A burst that was withdrawn before it was written leaves no trace.
        ended = {name: each for name, each in ended.items() if not each.is_withdrawn or name in self._known}
        changed = [burst for name, burst in ended.items() if self._known.get(name) is not burst]
        self._days.add(changed)
        for burst in changed:
            begin_s, end_s = self._pictured.get(burst.name, (math.inf, -math.inf))
            # A burst may still grow for two minutes after its end.
            if burst.begin_s < begin_s or burst.end_s > end_s:
                self._pictured[burst.name] = burst.begin_s, burst.end_s
                self._pictures.add(burst)
        # Names that have left the board do not come back.
        self._known = ended
        self._pictured = {name: limits_s for name, limits_s in self._pictured.items() if name in ended}

    def _write_tables(self) -> bool:
        try:
            self._days.write()
        except (OSError, SunspecError) as error:
            self._report("tables", self._failure("written", error))
            return False
        self._report("tables", "")
        self._take_verdicts()
        return True

    def _write_picture(self, now_s: float) -> None:
        """Write the files of one burst; the tables come first again."""
        problem = self._pictures.write_next()
        self._report("pictures", problem)
        if problem:
            self._pictures_due_s = now_s + RETRY_S

    def _failure(self, what: str, error: Exception) -> str:
        why = str(error) if isinstance(error, SunspecError) else getattr(error, "strerror", None) or error_text(error)
        name = printable_name(self._directory)
        return f"the table of bursts in {name} cannot be {what}: {printable(why)}; free or repair its disk"

    def _report(self, what: str, problem: str) -> None:
        """Log a new problem once, and its end."""
        before = self._problems.get(what, "")
        if problem and problem != before:
            log.warning("%s", problem)
        if before and not problem:
            log.info("%s of bursts can be written again", what)
        with suppress(KeyError):
            del self._problems[what]
        if problem:
            self._problems[what] = problem
