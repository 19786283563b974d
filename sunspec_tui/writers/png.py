"""Writes PNG plots in a process of their own, so that receiving and drawing never wait for matplotlib.

A thread keeps the schedule and talks to the one child; when plots take longer than their interval, the newest
data win, and where no row is new there is no plot. A child that dies or hangs is replaced with the next plot. `stop`
ends the thread and the child and leaves no temporary file. matplotlib is never imported here.
"""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from sunspec_tui.plots import PlotEvent, PlotJob, PlotStatus
from sunspec_tui.writers.png_process import write_job

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 60.0
_GRACE_S = 0.3
_KILL_S = 2.0
_STOP_S = 5.0


class PngWriter:
    """Plots on a schedule and on demand.

    Parameters
    ----------
    directory
        Where plots go; made when it is missing.
    interval_s
        From plot to plot; 0 is off.
    make_job
        Gives the data of a plot at its moment, or None while nothing has come.
    on_event
        Told of each plot and each failure, from the writer's thread.
    clock, monotonic
        Wall clock (seconds since 1970) and a clock that never goes back.
    """

    def __init__(
        self,
        directory: Path,
        interval_s: float,
        make_job: Callable[[], PlotJob | None],
        *,
        on_event: Callable[[PlotEvent], None],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_job = make_job
        self._on_event = on_event
        self._clock, self._monotonic = clock, monotonic
        self._changed = threading.Condition()
        self._status = PlotStatus(interval_s=float(interval_s), directory=directory)
        self._stopping = False
        self._asked = False
        self._due_s = 0.0
        self._drawn_number = -1
        self._thread: threading.Thread | None = None
        self._child: _Child | None = None

    def start(self) -> None:
        """Begin the schedule; the first plot comes after one interval."""
        with self._changed:
            self._stopping = False
            self._due_s = self._monotonic() + self._status.interval_s
            self._status = replace(self._status, running=True)
        self._thread = threading.Thread(target=self._run, name="sunspec-plots", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the schedule and the child at once; again without harm."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._child is not None:
                self._child.process.kill()
        if self._thread is not None:
            self._thread.join(_STOP_S)
            if self._thread.is_alive():
                log.warning("the plot directory does not answer; its thread is left behind")
            self._thread = None

    def status(self) -> PlotStatus:
        """How it is doing."""
        return self._status

    @property
    def child_pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        child = self._child
        return child.process.pid if child is not None else None

    def set_interval(self, seconds: float) -> None:
        """Plot every so many seconds from now on; 0 is off."""
        with self._changed:
            self._status = replace(self._status, interval_s=float(seconds))
            self._due_s = self._monotonic() + seconds
            self._changed.notify_all()

    def plot_now(self) -> None:
        """Write a plot as soon as the one under way is done."""
        with self._changed:
            self._asked = True
            self._changed.notify_all()

    def _run(self) -> None:
        self._probe()
        try:
            while (asked := self._wait_until_due()) is not None:
                self._plot(asked=asked)
        finally:
            self._end_child()
            self._status = replace(self._status, running=False, busy=False)

    def _probe(self) -> None:
        """Say at once, not with the first plot, that the directory cannot be written."""
        status = self._status
        directory = status.directory.absolute()
        existing = next((each for each in (directory, *directory.parents) if each.exists()), directory)
        if not status.interval_s or (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            return
        why = os.strerror(errno.EACCES if existing.is_dir() else errno.ENOTDIR)
        self._fail(f"cannot write a plot to {status.directory}: {why}; choose another with --plot-dir")

    def _wait_until_due(self) -> bool | None:
        """Wait for the next plot: True when it was asked for, False when it is due, None at the end."""
        with self._changed:
            while not self._stopping:
                if self._asked:
                    self._asked = False
                    return True
                interval_s = self._status.interval_s
                wait_s = self._due_s - self._monotonic() if interval_s else None
                if wait_s is not None and wait_s <= 0:
                    # Due times stay on the schedule; those that were missed are left out.
                    self._due_s += interval_s * (1 + int(-wait_s / interval_s))
                    return False
                self._changed.wait(wait_s)
        return None

    def _plot(self, *, asked: bool) -> None:
        try:
            job = self._make_job()
        except Exception as error:  # noqa: BLE001 - told; the next plot is tried
            self._fail(f"the plot failed: {type(error).__name__}: {error}", asked=asked)
            return
        if job is None:
            if asked:
                self._on_event(PlotEvent(False, "no plot: nothing has been received yet"))
            return
        if job.number == self._drawn_number and not asked:
            return
        self._status = replace(self._status, busy=True)
        try:
            Path(job.directory).mkdir(parents=True, exist_ok=True)
            answer = self._ask_child(job)
        except OSError as error:
            why = error.strerror or str(error)
            self._fail(f"cannot write a plot to {job.directory}: {why}; choose another with --plot-dir", asked=asked)
            return
        finally:
            self._status = replace(self._status, busy=False)
        if answer is None or self._stopping:
            return
        if answer["ok"]:
            self._drawn_number = job.number
            self._succeed(answer)
        else:
            self._fail(answer["error"], asked=asked)

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
        self._on_event(PlotEvent(True, f"plot {answer['path']} ({answer['seconds']:.2f} s){again}"))

    def _fail(self, text: str, *, asked: bool = False) -> None:
        """Count a failure; it is told when somebody waits for the plot, else once and not each time."""
        before = self._status
        self._status = replace(before, failed=before.failed + 1, last_error=text)
        if asked or text != before.last_error:
            self._on_event(PlotEvent(False, text))

    def _ask_child(self, job: PlotJob) -> dict[str, Any] | None:
        """Have a plot drawn; None when asked to end meanwhile."""
        with self._changed:
            if self._stopping:
                return None
            if self._child is None:
                self._child = _Child()
            child = self._child
        answer = child.ask(job)
        if answer is None and not self._stopping:
            text = f"the plot process has ended ({child.last_words()}); the next plot starts another"
            self._end_child()
            return {"ok": False, "error": text}
        return answer

    def _end_child(self) -> None:
        with self._changed:
            child, self._child = self._child, None
        if child is not None:
            child.end()


class _Child:
    """The plot process and the pipes to it."""

    def __init__(self) -> None:
        # The environment of a desktop session must not choose another backend.
        environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment["MPLBACKEND"] = "Agg"
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._directory: Path | None = None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sunspec_tui.writers.png_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            start_new_session=True,
        )

    def ask(self, job: PlotJob) -> dict[str, Any] | None:
        """Send a job and wait for its answer; None when the child dies, hangs or is killed."""
        assert self.process.stdin is not None  # noqa: S101 - it was opened with a pipe
        assert self.process.stdout is not None  # noqa: S101
        self._directory = Path(job.directory)
        # Whatever holds it up, taking the job or answering: killed, it is replaced with the next plot.
        watchdog = threading.Timer(ANSWER_TIMEOUT_S, self.process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            write_job(cast(BinaryIO, self.process.stdin), job)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            return None
        finally:
            watchdog.cancel()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def last_words(self) -> str:
        """How the child ended: its last line of standard error, else its status."""
        try:
            status = self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return "it does not end"
        if status == -signal.SIGKILL:
            return f"killed, by somebody or after {ANSWER_TIMEOUT_S:.0f} s without an answer"
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"status {status}"

    def end(self) -> None:
        """End the process, and remove what it may have left half written."""
        assert self.process.stdin is not None  # noqa: S101
        assert self.process.stdout is not None  # noqa: S101
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            log.debug("the plot process was gone before its input was closed")
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            # One that waits for a disk that hangs cannot be killed; it must not hold up the monitor too.
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_KILL_S)
        self.process.stdout.close()
        self._stderr.close()
        self._remove_temporary()

    def _remove_temporary(self) -> None:
        if self._directory is not None and self._directory.is_dir():
            for path in self._directory.glob(f".{self.process.pid}.*.tmp.*"):
                # On a disk that has gone read-only it stays, and goes with the next start.
                with suppress(OSError):
                    path.unlink(missing_ok=True)
