"""Write lines to files, pipes and terminals that may fail or block.

A `LineWriter` has a bounded queue and a thread: writing never blocks and never raises, and lost lines are counted and
reported once. `write_all` is for callers that may wait. This module does not decide what is written.
"""

import errno
import os
import select
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

MAX_LINES, MAX_BYTES = 1000, 2**20
CLOSE_S = 1.0
_POLL_MS = 50
# A pipe that is ready accepts this many bytes without blocking.
_CHUNK_BYTES = min(select.PIPE_BUF, 4096)
_BLOCKED = "it accepts no data"

MayWait = Callable[[], bool]
Report = Callable[[str, str, int], None]
"""Called with the output's name, the problem (empty when the output works again), and the lines lost so far."""


def write_all(descriptor: int, data: bytes, may_wait: MayWait = lambda: True) -> None:
    """Write to a descriptor; wait for room while `may_wait` allows it.

    Raises
    ------
    TimeoutError
        If data is left when `may_wait` returns False.
    OSError
        As `os.write` does.
    """
    poller, left = select.poll(), memoryview(data)
    poller.register(descriptor, select.POLLOUT)
    while left:
        if poller.poll(_POLL_MS):
            try:
                left = left[os.write(descriptor, left[:_CHUNK_BYTES]) :]
                continue
            except BlockingIOError:
                # There is room for less than a chunk, so poll would return at once. Wait to avoid a busy loop.
                select.select([], [], [], _POLL_MS / 1000)
        if not may_wait():
            raise TimeoutError(errno.ETIMEDOUT, _BLOCKED)


class Sink(Protocol):
    """Destination of lines, and its encoding."""

    encoding: str

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write all data, or raise OSError."""

    def close(self) -> None:
        """Close the descriptor that this sink opened."""


class DescriptorSink:
    """Sink on a descriptor that the caller opens and closes."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor, self.encoding = descriptor, encoding

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write all."""
        write_all(self._descriptor, data, may_wait)

    def close(self) -> None:
        """Do nothing: the caller closes it."""


class StreamSink:
    """Sink on a text stream without a descriptor.

    Tests and notebooks replace standard output with such streams.
    """

    encoding = "utf-8"

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, data: bytes, may_wait: MayWait) -> None:  # noqa: ARG002 - a stream cannot be waited for
        """Write and flush."""
        try:
            self._stream.write(data.decode())
            self._stream.flush()
        except ValueError as error:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from error

    def close(self) -> None:
        """Do nothing: the caller closes it."""


class ClosedSink:
    """Sink of an output that was closed before the program started."""

    encoding = "utf-8"

    def write(self, data: bytes, may_wait: MayWait) -> None:  # noqa: ARG002 - nothing can be written
        """Fail."""
        raise OSError(errno.EBADF, "it is closed")

    def close(self) -> None:
        """Do nothing: it is closed."""


class FileSink:
    """Sink that appends lines to a named file.

    The file is opened again when its name refers to another file or to no file, as after a rotation of logs.
    A FIFO is opened without waiting for its reader: until there is one, writing fails.

    Raises
    ------
    OSError
        If the file cannot be opened; a FIFO without a reader is no error.
    """

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        # The working directory may be removed or changed later.
        self._path = os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps `..`
        self._descriptor: int | None = None
        # The reader of a FIFO may open it later.
        with suppress(BlockingIOError):
            self._descriptor = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            return os.open(self._path, flags, 0o666)
        except OSError as error:
            if error.errno == errno.ENXIO and stat.S_ISFIFO(os.stat(self._path).st_mode):  # noqa: PTH116 - a text
                raise BlockingIOError(errno.ENXIO, "no program reads this FIFO") from error
            raise

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write all data to the file that has the name now."""
        if self._descriptor is None or not self._is_current(self._descriptor):
            self.close()
            self._descriptor = self._open()
        try:
            write_all(self._descriptor, data, may_wait)
        except BrokenPipeError:
            # The next reader of a FIFO needs a newly opened descriptor.
            self.close()
            raise

    def _is_current(self, descriptor: int) -> bool:
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode):
            return True
        try:
            named = os.stat(self._path)  # noqa: PTH116 - a text, see above
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class NoLock:
    """Dummy lock for a logging handler.

    Its `LineWriter` has a lock. A handler logs the failure of its own output, so two failing handlers with locks could
    wait for each other.
    """

    def acquire(self) -> bool:
        """Do nothing."""
        return True

    def release(self) -> None:
        """Do nothing."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        pass


class LineWriter:
    """Writer of lines with its own thread and a bounded queue.

    Parameters
    ----------
    name
        Name of the output, for messages.
    sink
        Destination of the lines; the writer closes it.
    report
        Called from any thread when lines are lost and when the output works again; None reports nothing.
    max_lines, max_bytes
        Limits of the queue; the oldest lines are dropped for newer ones.

    Attributes
    ----------
    lines_lost
        Lines that were dropped or could not be written.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        report: Report | None = None,
        *,
        max_lines: int = MAX_LINES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.name = name
        self.lines_lost = 0
        self._sink, self._report = sink, report
        self._max_lines, self._max_bytes = max_lines, max_bytes
        self._lines: deque[bytes] = deque()
        self._nbytes = 0
        self._changed = threading.Condition()
        self._close_by_s: float | None = None
        self._failing = self._begun_line = False
        self._thread = threading.Thread(target=self._run, name="sunspec-output", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue a line; never blocks and never raises."""
        line = encoded(text, self._sink)
        with self._changed:
            self._lines.append(line)
            self._nbytes += len(line)
            dropped = self._drop()
            self._changed.notify()
        if dropped:
            self._lose(dropped, f"{self.name} accepts no data, lines are dropped")

    def _drop(self) -> int:
        """Drop the oldest lines of a full queue; return how many."""
        dropped = 0
        while self._lines and (len(self._lines) > self._max_lines or self._nbytes > self._max_bytes):
            self._nbytes -= len(self._lines.popleft())
            dropped += 1
        return dropped

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Write the queued lines, and end the thread.

        Parameters
        ----------
        timeout_s
            Longest time to wait, in seconds.

        Returns
        -------
        bool
            True if the thread has ended. A second call is harmless.
        """
        with self._changed:
            if self._close_by_s is None:
                self._close_by_s = time.monotonic() + timeout_s
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s + 2 * _POLL_MS / 1000)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (line := self._next()) is not None:
            try:
                # A failed line may be written in part: end it, so that the next line starts on a new line.
                self._sink.write(b"\n" + line if self._begun_line else line, self._may_wait)
            except OSError as error:
                self._begun_line = True
                self._lose(1, f"cannot write to {self.name}: {error.strerror or error}")
            else:
                self._begun_line = False
                self._recover()
        self._sink.close()

    def _next(self) -> bytes | None:
        """Return the next line; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._close_by_s is not None)
            if not self._lines:
                return None
            line = self._lines.popleft()
            self._nbytes -= len(line)
            return line

    def _may_wait(self) -> bool:
        return self._close_by_s is None or time.monotonic() < self._close_by_s

    def _lose(self, count: int, problem: str) -> None:
        with self._changed:
            self.lines_lost += count
            self._failing = True
            lost = self.lines_lost
        if self._report is not None:
            self._report(self.name, problem, lost)

    def _recover(self) -> None:
        with self._changed:
            if not self._failing or self._lines:
                return
            self._failing = False
            lost = self.lines_lost
        if self._report is not None:
            self._report(self.name, "", lost)


def encoded(text: str, sink: Sink) -> bytes:
    """Encode a line for a sink; escape characters that its encoding lacks."""
    return f"{text}\n".encode(sink.encoding, "backslashreplace")


def standard_sink(stream: Any) -> Sink:
    """Return the sink of `sys.stdout` or `sys.stderr`.

    The stream is None if the output was closed when the program started.
    """
    if stream is None:
        return ClosedSink()
    try:
        stream.flush()
        return DescriptorSink(stream.fileno(), stream.encoding or "utf-8")
    except (OSError, ValueError):
        return StreamSink(stream)
