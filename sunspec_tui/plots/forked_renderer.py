"""Draw each picture in a forked process, which returns all its memory.

A drawing takes tens of MiB, and the heap would keep much of it. This process has imported matplotlib and has no data
between pictures; the fork draws, sends the PNG through a pipe and ends. This needs Linux and a process with one thread,
because a fork copies the locks that other threads hold, but not the threads.
"""

import ctypes
import gc
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from sunspec_tui.core.memory_usage import release_to_system
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.png_renderer import PngRenderer

_THREADS = Path("/proc/self/task")
_PR_SET_PDEATHSIG = 1
_READ_BYTES = 1 << 20
_PICTURE, _FAILURE = b"P", b"F"


class DrawingError(Exception):
    """A picture could not be drawn.

    The text is the message for the user.
    """


class DrawingEnded(Exception):
    """The fork ended without a picture.

    Attributes
    ----------
    status
        Exit status of the fork; -n if signal n ended it.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class ForkedRenderer:
    """Drawing of each job in a fork, or else here.

    Parameters
    ----------
    on_start
        Function called with the process id of each fork.
    monitor, private
        Descriptor that is hung up when the monitor ends, and descriptors that a fork must close.
    """

    def __init__(self, on_start: Callable[[int], None], monitor: int, private: tuple[int, ...] = ()) -> None:
        self._on_start = on_start
        self._monitor, self._private = monitor, private
        self._renderer = PngRenderer()

    def render(self, job: PlotJob) -> bytes:
        """Draw a job and return its PNG.

        Raises
        ------
        DrawingError
            If the job cannot be drawn.
        DrawingEnded
            If the fork ends without a picture.
        """
        if not can_fork():
            return self._draw_here(job)
        if self._renderer.prepare():
            _freeze_memory()
        return self._draw_in_fork(job)

    def _draw_here(self, job: PlotJob) -> bytes:
        try:
            return self._renderer.render(job)
        except Exception as error:
            raise DrawingError(_failure_text(error)) from error
        finally:
            release_to_system()

    def _draw_in_fork(self, job: PlotJob) -> bytes:
        parent = os.getpid()
        try:
            reading, writing = os.pipe()
        except OSError as error:
            raise DrawingError(_not_started_text(error)) from error
        try:
            process = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise DrawingError(_not_started_text(error)) from error
        if process == 0:
            self._draw_and_exit(job, parent, reading, writing)
        os.close(writing)
        return self._receive(process, reading)

    def _receive(self, process: int, reading: int) -> bytes:
        """Return the PNG that a fork sends, after the fork has ended."""
        try:
            self._on_start(process)
            answer = _read_all(reading, self._monitor)
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise
        finally:
            os.close(reading)
            status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status:
            raise DrawingEnded(status)
        kind, content = answer[:1], answer[1:]
        if kind == _FAILURE:
            raise DrawingError(content.decode())
        return content

    def _draw_and_exit(self, job: PlotJob, parent: int, reading: int, writing: int) -> NoReturn:
        """Draw in the fork, and exit in any case.

        The parent's stack and exit functions must not run here.
        """
        status = 1
        try:
            _end_with(parent)
            for descriptor in (reading, self._monitor, *self._private):
                os.close(descriptor)
            _write_all(writing, self._answer(job))
            status = 0
        except BaseException:  # noqa: BLE001 - the monitor reports its last line
            traceback.print_exc()
        finally:
            try:
                sys.stderr.flush()
            finally:
                os._exit(status)

    def _answer(self, job: PlotJob) -> bytes:
        try:
            return _PICTURE + self._renderer.render(job)
        except Exception as error:  # noqa: BLE001 - reported; the next plot is tried
            return _FAILURE + _failure_text(error).encode(errors="replace")


def can_fork() -> bool:
    """Return True on Linux, if this process has one thread."""
    if sys.platform != "linux":
        return False
    try:
        return len(list(_THREADS.iterdir())) == 1
    except OSError:
        return False


def _freeze_memory() -> None:
    """Release unused memory, and freeze objects for later forks.

    Else the garbage collector would write to pages that forks share.
    """
    gc.collect()
    release_to_system()
    gc.freeze()


def _end_with(parent: int) -> None:
    """Have the kernel kill this fork when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _read_all(reading: int, monitor: int) -> bytes:
    """Read until the writer closes the pipe.

    End this process if the monitor ends first.
    """
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    # No event is requested, because a hang-up is always reported.
    poll.register(monitor, 0)
    chunks: list[bytes] = []
    while True:
        if monitor in dict(poll.poll()):
            sys.exit("the monitor has ended")
        chunk = os.read(reading, _READ_BYTES)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _write_all(writing: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest.nbytes:
        rest = rest[os.write(writing, rest) :]


def _failure_text(error: Exception) -> str:
    return f"the plot failed: {type(error).__name__}: {error}"


def _not_started_text(error: OSError) -> str:
    return f"the plot process cannot be started: {error.strerror or error}; trying again"
