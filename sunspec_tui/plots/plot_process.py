"""Control the plot process from its parent: start, jobs, answers, end.

No call here waits without a limit: the pipes are written and read in small steps, with a check of the time after each.
"""

import json
import logging
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sunspec_tui.core.active_time import ActiveTimer
from sunspec_tui.core.child_environment import child_environment
from sunspec_tui.core.printable import printable
from sunspec_tui.files.atomic_write import temporary_file_owner
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_pipe import job_parts

log = logging.getLogger(__name__)

_STEP_MS = 200
_GRACE_S = 0.3
_THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_KILL_S = 1.0
_MAX_ANSWER_BYTES = 65_536
_MAX_STDERR_BYTES = 65_536


class PlotProcess:
    """Plot process with its pipes.

    A fork of the process draws each picture.

    Parameters
    ----------
    monotonic
        Monotonic clock, in seconds.

    Raises
    ------
    OSError
        If the process cannot be started.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answer_timeout_s = math.inf
        self._directory: Path | None = None
        self._timed_out = False
        self._drawing: int | None = None
        self._drawing_status: int | None = None
        self._stderr = _stderr_file()
        try:
            self.process = subprocess.Popen(
                # -P: do not import modules from the working directory.
                [sys.executable, "-P", "-m", "sunspec_tui.plots.plot_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr or subprocess.DEVNULL,
                bufsize=0,
                env=_environment(),
                start_new_session=True,
            )
        except BaseException:
            self._close_stderr()
            raise
        assert self.process.stdin is not None  # noqa: S101 - opened as a pipe
        assert self.process.stdout is not None  # noqa: S101
        self._input, self._output = self.process.stdin, self.process.stdout
        for pipe in (self._input, self._output):
            os.set_blocking(pipe.fileno(), False)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the plot process and its current fork."""
        drawing = self._drawing
        return (self.process.pid,) if drawing is None else (self.process.pid, drawing)

    def request(self, job: PlotJob, answer_timeout_s: float) -> dict[str, Any] | None:
        """Send a job and wait for its answer.

        Parameters
        ----------
        job
            The plot to draw.
        answer_timeout_s
            Time after which the process is killed; time while this program was stopped does not count.

        Returns
        -------
        dict or None
            The answer; None if the process ends, takes too long or is killed.
        """
        self._directory, self._answer_timeout_s = Path(job.directory), answer_timeout_s
        self._empty_stderr()
        timer = ActiveTimer(self._monotonic)
        try:
            for part in job_parts(job):
                self._send(part, timer)
            return self._answer(timer)
        except (BrokenPipeError, TimeoutError):
            return None
        finally:
            self._drawing = None

    def _send(self, part: memoryview, timer: ActiveTimer) -> None:
        while part.nbytes:
            self._wait(self._input.fileno(), select.POLLOUT, timer)
            with suppress(BlockingIOError):
                part = part[os.write(self._input.fileno(), part) :]

    def _answer(self, timer: ActiveTimer) -> dict[str, Any] | None:
        """Read lines until one ends the job."""
        read = b""
        while True:
            while b"\n" not in read:
                more = self._read(timer)
                if not more or len(read) > _MAX_ANSWER_BYTES:
                    return None
                read += more
            line, read = read.split(b"\n", 1)
            answer = dict(json.loads(line))
            if "ended" in answer:
                self._drawing_status = int(answer["ended"])
                return None
            if "drawing" not in answer:
                return answer
            self._drawing = int(answer["drawing"])

    def _read(self, timer: ActiveTimer) -> bytes:
        """Wait for output.

        Return it, or nothing if the process has closed it.
        """
        while True:
            self._wait(self._output.fileno(), select.POLLIN, timer)
            with suppress(BlockingIOError):
                return os.read(self._output.fileno(), _MAX_ANSWER_BYTES)

    def _wait(self, descriptor: int, event: int, timer: ActiveTimer) -> None:
        """Wait until a pipe is ready or broken.

        Kill the process when its time is up.
        """
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_STEP_MS):
            if timer.elapsed_s() > self._answer_timeout_s:
                self._timed_out = True
                self.kill()
                raise TimeoutError

    def end_reason(self) -> str:
        """Return the last line of standard error, else the status."""
        if self._timed_out:
            return f"killed after {self._answer_timeout_s:g} s without an answer"
        status = self._drawing_status
        if status is None:
            try:
                status = self.process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                return "the process does not end"
        if status == -signal.SIGKILL:
            return "killed, perhaps because memory ran out"
        lines = self._stderr_text().strip().splitlines()
        return printable(lines[-1], 200) if lines else f"status {status}"

    def _stderr_text(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        return self._stderr.read(_MAX_STDERR_BYTES).decode(errors="replace")

    def _empty_stderr(self) -> None:
        """Empty the standard error file, to limit its size.

        The process shares the file's offset.
        """
        if self._stderr is not None:
            with suppress(OSError):
                os.lseek(self._stderr.fileno(), 0, os.SEEK_SET)
                os.ftruncate(self._stderr.fileno(), 0)

    def kill(self) -> None:
        """Kill the process and its fork, which are one process group.

        Without effect after its end.
        """
        if self.process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the process and delete its unfinished files."""
        with suppress(OSError):
            self._input.close()
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            # A process that waits for a hanging disk cannot be killed; the monitor must not wait for it.
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_KILL_S)
        self._output.close()
        self._close_stderr()
        self._remove_temporary()

    def _close_stderr(self) -> None:
        if self._stderr is not None:
            self._stderr.close()

    def _remove_temporary(self) -> None:
        if self._directory is None:
            return
        # If the disk is unplugged or read-only, the files remain until the next start.
        with suppress(OSError):
            for name in os.listdir(self._directory):  # noqa: PTH208 - there may be 100 000 names
                origin = temporary_file_owner(name)
                if origin is not None and origin[0] == self.process.pid:
                    (self._directory / name).unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    # A desktop session's environment must not select another backend. Threads of numerical libraries would prevent
    # forks.
    environment = child_environment({"MPLBACKEND": "Agg"} | dict.fromkeys(_THREAD_COUNTS, "1"))
    return {key: value for key, value in environment.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}


def _stderr_file() -> IO[bytes] | None:
    """Open an unnamed file for standard error.

    Return None if no disk accepts it.
    """
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        log.debug("no file for the standard error of the plot process: %s", error)
        return None
