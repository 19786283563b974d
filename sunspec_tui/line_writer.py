"""Lines to files, pipes and terminals that may fail, vanish or take nothing.

A `LineWriter` has a bounded queue and a thread: to write never blocks, never raises, and what is lost is counted and
reported once. `write_all` is the same for who may wait. Nothing here decides what is written.
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
# A pipe that is ready takes so much without blocking.
_CHUNK_BYTES = min(select.PIPE_BUF, 4096)
_TAKES_NOTHING = "it takes nothing"

MayWait = Callable[[], bool]
Report = Callable[[str, str, int], None]
"""Called with a name, what is wrong (empty where it is well again), and the lines lost so far."""


def write_all(descriptor: int, data: bytes, may_wait: MayWait = lambda: True) -> None:
    """Write to a descriptor, and wait for room for as long as `may_wait` allows.

    Raises
    ------
    TimeoutError
        If it took nothing until waiting was not allowed any more.
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
                # Ready for less than a chunk: nothing is to be polled for, so wait a little.
                select.select([], [], [], _POLL_MS / 1000)
        if not may_wait():
            raise TimeoutError(errno.ETIMEDOUT, _TAKES_NOTHING)


class Sink(Protocol):
    """Where lines go, and the encoding that they have there."""

    encoding: str

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write, or raise OSError."""

    def close(self) -> None:
        """Close what was opened here."""


class DescriptorSink:
    """A descriptor that somebody else has opened and closes."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor, self.encoding = descriptor, encoding

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write all."""
        write_all(self._descriptor, data, may_wait)

    def close(self) -> None:
        """Do nothing: it is not ours."""


class StreamSink:
    """A text stream without a descriptor, as tests and notebooks put in the place of standard output."""

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
        """Do nothing: it is not ours."""


class ClosedSink:
    """An output that was closed before the program began."""

    encoding = "utf-8"

    def write(self, data: bytes, may_wait: MayWait) -> None:  # noqa: ARG002 - nothing can be written
        """Fail."""
        raise OSError(errno.EBADF, "it is closed")

    def close(self) -> None:
        """Do nothing: it is closed."""


class FileSink:
    """A file that lines are added to; opened again where its name has come to belong to another file, or to none.

    A FIFO is opened without waiting for its reader: until there is one, writing fails.

    Raises
    ------
    OSError
        If the file cannot be opened, other than for want of a reader.
    """

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        # The working directory may be removed or changed later.
        self._path = os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps `..`
        self._descriptor: int | None = None
        # A FIFO's reader may still come.
        with suppress(BlockingIOError):
            self._descriptor = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            return os.open(self._path, flags, 0o666)
        except OSError as error:
            if error.errno == errno.ENXIO and stat.S_ISFIFO(os.stat(self._path).st_mode):  # noqa: PTH116 - a text
                raise BlockingIOError(errno.ENXIO, "nobody reads this FIFO") from error
            raise

    def write(self, data: bytes, may_wait: MayWait) -> None:
        """Write all to the file that has the name now."""
        if self._descriptor is None or not self._is_current(self._descriptor):
            self.close()
            self._descriptor = self._open()
        try:
            write_all(self._descriptor, data, may_wait)
        except BrokenPipeError:
            # A FIFO's next reader needs a new beginning.
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


class LineWriter:
    """Writes lines from a thread of its own.

    Parameters
    ----------
    name
        Of the output, for people.
    sink
        Where lines go; closed here.
    report
        Called when lines are lost and when it works again, from any thread; None reports nothing.
    max_lines, max_bytes
        What may wait; the oldest lines are dropped for newer ones.

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
            self._lose(dropped, f"{self.name} takes nothing, lines are left out")

    def _drop(self) -> int:
        """Drop the oldest lines where too much waits; how many."""
        dropped = 0
        while self._lines and (len(self._lines) > self._max_lines or self._nbytes > self._max_bytes):
            self._nbytes -= len(self._lines.popleft())
            dropped += 1
        return dropped

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Write what waits, for so long at most; whether the thread has ended. Again without harm."""
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
                # What has been written of a line that failed must not spoil the next one.
                self._sink.write(b"\n" + line if self._begun_line else line, self._may_wait)
            except OSError as error:
                self._begun_line = True
                self._lose(1, f"cannot write to {self.name}: {error.strerror or error}")
            else:
                self._begun_line = False
                self._recover()
        self._sink.close()

    def _next(self) -> bytes | None:
        """The next line; None at the end."""
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
    """A line as a sink takes it; a letter that its encoding has not becomes an escape."""
    return f"{text}\n".encode(sink.encoding, "backslashreplace")


def standard_sink(stream: Any) -> Sink:
    """The sink of `sys.stdout` or `sys.stderr`, which are None where they were closed when the program began."""
    if stream is None:
        return ClosedSink()
    try:
        stream.flush()
        return DescriptorSink(stream.fileno(), stream.encoding or "utf-8")
    except (OSError, ValueError):
        return StreamSink(stream)
