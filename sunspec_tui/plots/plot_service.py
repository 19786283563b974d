"""Schedule PNG plots, which a separate process writes.

So receiving and the screen never wait for matplotlib, which is never imported here. A thread keeps the schedule and
controls one child process, which forks for each picture. If plots take longer than their interval, late plots are
skipped and the newest data are drawn. Without new rows there is no plot. A child that ends or hangs is replaced for the
next plot. No error ends the thread: it is reported once, and the plot is tried again.
"""

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.printable import printable
from sunspec_tui.plots.clock_check import ClockCheck
from sunspec_tui.plots.directory_reservation import DirectoryReservation
from sunspec_tui.plots.job import PlotEvent, PlotJob, PlotStatus
from sunspec_tui.plots.plot_process import PlotProcess

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 60.0
_STOP_S = 1.0
_PAUSE_S = 1.0
_MAX_WAIT_S = 3600.0


class PlotService:
    """Thread that plots on a schedule and on demand.

    Parameters
    ----------
    directory
        Directory of the plots; created if it is missing. If another monitor writes there, a subdirectory is used.
    interval_s
        Time between plots; 0 turns the schedule off.
    make_job
        Function that returns the data to plot now, or None before the first frame.
    on_event
        Function called from the writer's thread with each plot and each failure.
    source
        The stream's address, which names the subdirectory.
    clock, monotonic
        Wall clock (seconds since 1970) and monotonic clock.
    answer_timeout_s
        Time for a plot after which the child is replaced; 60 s by default.
    """

    def __init__(
        self,
        directory: Path,
        interval_s: float,
        make_job: Callable[[], PlotJob | None],
        *,
        on_event: Callable[[PlotEvent], None],
        source: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        answer_timeout_s: float | None = None,
    ) -> None:
        self._make_job = make_job
        self._on_event = on_event
        self._clock, self._monotonic = clock, monotonic
        self._clock_check = ClockCheck(clock, monotonic)
        self._answer_timeout_s = answer_timeout_s
        self._reservation = DirectoryReservation(directory, source)
        self._changed = threading.Condition()
        self._status = PlotStatus(interval_s=float(interval_s), directory=directory)
        self._stopping = False
        self._requested = False
        self._due_s = 0.0
        self._drawn_number = -1
        self._thread: threading.Thread | None = None
        self._child: PlotProcess | None = None

    def start(self) -> None:
        """Start the schedule; the first plot is due after one interval."""
        with self._changed:
            self._stopping = False
            self._due_s = self._monotonic() + self._status.interval_s
            self._status = replace(self._status, running=True)
        self._thread = threading.Thread(target=self._run, name="sunspec-plots", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the schedule and the child at once.

        A second call is harmless.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._child is not None:
                self._child.kill()
        if self._thread is not None:
            if not join_within(self._thread, _STOP_S):
                log.warning(
                    "the plot directory does not respond, so the thread of the plots was not ended; check the disk"
                )
            self._thread = None

    def status(self) -> PlotStatus:
        """Return the status of the plot writer."""
        return self._status

    @property
    def child_pid(self) -> int | None:
        """Process id of the child; None without a child."""
        child = self._child
        return child.process.pid if child is not None else None

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the child and its current fork."""
        child = self._child
        return child.pids if child is not None else ()

    def set_interval(self, seconds: float) -> None:
        """Set the interval between plots in seconds; 0 is off."""
        with self._changed:
            self._status = replace(self._status, interval_s=float(seconds))
            self._due_s = self._monotonic() + seconds
            self._changed.notify_all()

    def plot_now(self) -> None:
        """Write a plot now, or after the current one."""
        with self._changed:
            self._requested = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._run_step(self._check_directory)
            while not self._stopping:
                self._run_step(self._plot_when_due)
        finally:
            self._end_child()
            self._reservation.release()
            self._status = replace(self._status, running=False, busy=False)

    def _run_step(self, step: Callable[[], None]) -> None:
        """Run a step; report its failure once and continue."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - this thread must run as long as the monitor
            self._fail(f"the plot failed: {type(error).__name__}: {error}; trying again")
            with self._changed:
                # A step that always fails at once must not use a whole core.
                self._changed.wait_for(lambda: self._stopping, _PAUSE_S)

    def _check_directory(self) -> None:
        """Report an unwritable directory before the first plot."""
        status = self._status
        why = _why_unwritable(status.directory) if status.interval_s else ""
        if why:
            self._fail(f"cannot write a plot to {status.directory}: {why}; choose another with --plot-dir")

    def _plot_when_due(self) -> None:
        requested = self._wait_until_due()
        if requested is not None:
            self._plot(requested=requested)

    def _wait_until_due(self) -> bool | None:
        """Wait for the next plot.

        Return True if it is requested, False if due, None at the end.
        """
        with self._changed:
            while not self._stopping:
                if self._requested:
                    self._requested = False
                    return True
                interval_s = self._status.interval_s
                wait_s = self._due_s - self._monotonic() if interval_s else _MAX_WAIT_S
                if wait_s <= 0:
                    # Due times stay on the schedule; missed ones are skipped.
                    self._due_s += interval_s * (1 + int(-wait_s / interval_s))
                    return False
                self._changed.wait(min(wait_s, _MAX_WAIT_S))
        return None

    def _plot(self, *, requested: bool) -> None:
        try:
            job = self._make_job()
        except Exception as error:  # noqa: BLE001 - reported; the next plot is tried
            self._fail(f"the plot failed: {type(error).__name__}: {error}", requested=requested)
            return
        agrees = self._clock_check.agrees()
        if job is None:
            if requested:
                self._report(PlotEvent(False, "no plot: nothing has been received yet"))
            return
        if job.number == self._drawn_number and not requested:
            return
        self._status = replace(self._status, busy=True)
        try:
            answer = self._answer(replace(job, clock_agrees=agrees))
        finally:
            self._status = replace(self._status, busy=False)
        if answer is None or self._stopping:
            return
        if answer["ok"]:
            self._drawn_number = job.number
            self._succeed(answer)
        else:
            self._fail(answer["error"], requested=requested)

    def _answer(self, job: PlotJob) -> dict[str, Any] | None:
        """Draw a plot in this monitor's directory; return None if stopped meanwhile."""
        configured = self._status.directory
        try:
            directory = self._reservation.directory()
        except OSError as error:
            why = error.strerror or str(error)
            return {"ok": False, "error": f"cannot write a plot to {configured}: {why}; choose another with --plot-dir"}
        self._status = replace(self._status, directory=directory)
        return self._request_plot(replace(job, directory=str(directory)))

    def _succeed(self, answer: dict[str, Any]) -> None:
        before = self._status
        self._status = replace(
            before,
            written=before.written + 1,
            last_path=answer["path"],
            last_time_s=self._clock(),
            last_seconds=answer["seconds"],
            last_bytes=answer["bytes"],
            last_error="",
            kept=answer["kept"],
            kept_bytes=answer["kept_bytes"],
            removed=before.removed + answer["removed"],
        )
        again = ", plots are written again" if before.last_error else ""
        self._report(PlotEvent(True, f"plot {answer['path']} ({answer['seconds']:.2f} s){again}"))
        self._note(self._reservation.note, answer["note"])

    def _note(self, *notes: str) -> None:
        """Report plots or `latest.png` at an unusual place once."""
        before = self._status.note
        self._status = replace(self._status, note="; ".join(filter(None, notes)))
        for note in notes:
            if note and note not in before:
                self._report(PlotEvent(True, note, unusual=True))

    def _fail(self, text: str, *, requested: bool = False) -> None:
        """Count a failure.

        Report it if the plot was requested, else only the first time.
        """
        before, text = self._status, printable(text)
        self._status = replace(before, failed=before.failed + 1, last_error=text)
        if requested or text != before.last_error:
            self._report(PlotEvent(False, text))

    def _report(self, event: PlotEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("a plot event could not be reported: %s", event.text)

    def _request_plot(self, job: PlotJob) -> dict[str, Any] | None:
        """Request a plot from the child; return None if stopped meanwhile."""
        try:
            child = self._running_child()
        except OSError as error:
            why = error.strerror or str(error)
            return {"ok": False, "error": f"the plot process cannot be started: {why}; trying again"}
        if child is None:
            return None
        try:
            answer = child.request(job, self._answer_timeout_s or ANSWER_TIMEOUT_S)
        except Exception:
            # Part of a job may remain in its pipe.
            self._end_child()
            raise
        if answer is None and not self._stopping:
            text = f"the plot process has ended ({child.end_reason()}); the next plot starts another"
            self._end_child()
            return {"ok": False, "error": text}
        return answer

    def _running_child(self) -> PlotProcess | None:
        """Return the plot process, started if necessary; None if stopped meanwhile."""
        with self._changed:
            stopping, running = self._stopping, self._child
        if stopping or running is not None:
            return None if stopping else running
        # Start it without the lock: the start reads the disk, and keys of the monitor need the lock.
        child = PlotProcess(self._monotonic)
        with self._changed:
            if not self._stopping:
                self._child = child
                return child
        child.end()
        return None

    def _end_child(self) -> None:
        with self._changed:
            child, self._child = self._child, None
        if child is not None:
            child.end()


def _why_unwritable(directory: Path) -> str:
    """Return why no plot can be written; empty if one can.

    For a missing directory, its nearest existing parent is checked.
    """
    try:
        absolute = directory.absolute()
    except OSError:
        return "the working directory has been removed"
    for existing in (absolute, *absolute.parents):
        try:
            existing.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return error.strerror or str(error)
        if not existing.is_dir():
            return os.strerror(errno.ENOTDIR)
        return "" if os.access(existing, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    return ""
