"""Write a picture and a FITS file of each strong burst.

A process draws the pictures. It is started for a burst and ended after the last one, because bursts are rare.
"""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.notes import Note, NoteList
from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.write import export
from sunspec_tui.monitoring.burst_rows import BurstTimeline, is_begin_missing, read_burst_rows
from sunspec_tui.plots.burst_picture import burst_job
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.plot_process import PlotProcess

log = logging.getLogger(__name__)

PICTURES_NAME = "bursts"
"""Directory of the pictures, below that of the archive."""

MAX_WAITING = 50
"""Largest number of bursts that wait for their files; the oldest ones are dropped."""

MAX_TRIES = 3
"""Largest number of attempts for one burst."""

_ANSWER_S = 60.0
_MAX_NAME = 80
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


class Drawing(Protocol):
    """Process that draws jobs, as `PlotProcess`."""

    def request(self, job: PlotJob, answer_timeout_s: float) -> dict[str, Any] | None:
        """Draw a job; return the answer, or None if the process ended."""

    def end_reason(self) -> str:
        """Return why the process ended."""

    def kill(self) -> None:
        """Kill the process."""

    def end(self) -> None:
        """End the process."""


@dataclass(slots=True)
class _Waiting:
    """A burst that waits for its files, and the attempts so far."""

    burst: Burst
    tries: int = 0


class BurstPictures:
    """Files of strong bursts, one burst after another.

    Parameters
    ----------
    directory
        Directory of the files; it is created with the first one.
    timeline
        Timeline of the rows; None for no files.
    min_db
        Lowest peak over the background of a burst that gets files; None for no files.
    start_process
        Starts the process that draws.
    """

    def __init__(
        self,
        directory: Path,
        timeline: BurstTimeline | None,
        min_db: float | None,
        start_process: Callable[[], Drawing] = PlotProcess,
    ) -> None:
        self._directory, self._timeline = directory, timeline
        self._min_db = math.inf if min_db is None or timeline is None else min_db
        self._start_process = start_process
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)
        self._lock = threading.Lock()
        self._process: Drawing | None = None
        self._is_ended = False

    @property
    def has_waiting(self) -> bool:
        """True if a burst waits for its files."""
        return bool(self._waiting)

    def add(self, burst: Burst) -> None:
        """Add a burst that has ended, if it is strong enough.

        Interference, and what an observer has marked as wrong, gets no files. A burst that waits already is replaced.
        """
        for waiting in [each for each in self._waiting if each.burst.name == burst.name]:
            self._waiting.remove(waiting)
        if burst.is_solar and not burst.is_wrong and burst.peak_db >= self._min_db:
            self._waiting.append(_Waiting(burst))

    def write_next(self) -> str:
        """Write the files of the next burst.

        Returns
        -------
        str
            The problem; empty if there is none.
        """
        waiting = self._waiting[0]
        waiting.tries += 1
        problem = self._write(waiting.burst)
        if not problem or waiting.tries >= MAX_TRIES:
            self._waiting.popleft()
        if not self._waiting:
            self.release()
        return problem

    def _write(self, burst: Burst) -> str:
        found = None if self._timeline is None else read_burst_rows(self._timeline, burst)
        if found is None:
            return f"the rows of the burst {printable(burst.short_text)} are not available any more"
        path = self._directory / f"{file_stem(burst.name)}.png"
        try:
            export(_with_remark(found.rows, burst), path.with_suffix(".fits"))
        except ExportError as error:
            return str(error)
        return self._draw(burst_job(found.shown, burst, path, picture_remark(found.shown, burst)))

    def _draw(self, job: PlotJob) -> str:
        try:
            process = self._running_process()
        except OSError as error:
            return f"the process that draws bursts cannot be started: {error.strerror or error}"
        answer = None if process is None else process.request(job, _ANSWER_S)
        if answer is None:
            reason = "" if process is None or self._is_ended else process.end_reason()
            self.release()
            return f"the process that draws bursts has ended ({reason})" if reason else ""
        return "" if answer["ok"] else printable(answer["error"])

    def _running_process(self) -> Drawing | None:
        """Return the process; None after `end`."""
        with self._lock:
            if self._process is None and not self._is_ended:
                self._process = self._start_process()
            return self._process

    def release(self) -> None:
        """End the process until the next burst."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def begin(self) -> None:
        """Draw from now on, also after `end`."""
        self._is_ended = False

    def end(self) -> None:
        """Kill a drawing process; draw no more."""
        with self._lock:
            self._is_ended = True
            process = self._process
        if process is not None:
            process.kill()


def picture_remark(shown: Recording, burst: Burst) -> str:
    """Return what a picture lacks of its burst."""
    return f"rows from {format_clock(float(shown.starts_s[0]))} on" if is_begin_missing(shown, burst) else ""


def _with_remark(rows: Recording, burst: Burst) -> Recording:
    """Note what the rows lack of a burst."""
    begin_s, end_s = float(rows.starts_s[0]), float(rows.times_s[-1])
    if not is_begin_missing(rows, burst) and end_s >= burst.end_s:
        return rows
    clocks = [format_clock(each) for each in (begin_s, end_s, burst.begin_s, burst.end_s)]
    text = "this file has the rows from {} to {} of a burst from {} to {} UTC".format(*clocks)
    return rows.with_notes(NoteList([Note(begin_s, text, end_s, "sunspec-tui")]))


def file_stem(name: str) -> str:
    """Return a burst's name with only characters that every disk accepts."""
    return "".join(each if each in _IN_NAMES else "_" for each in name[:_MAX_NAME]) or "burst"
