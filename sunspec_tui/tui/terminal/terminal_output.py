"""Write to a terminal from a thread, so that callers never wait.

A stopped terminal (Ctrl-S, or an SSH session from a suspended laptop) accepts no bytes, and a write to it blocks. A
separate thread writes as much as the terminal accepts. At the end the wait is limited. If it is not enough, the queued
output is dropped and only the terminal's modes are restored.

This module uses nothing of Textual.
"""

import errno
import os
import select
import termios
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# This is more than one update needs. While the terminal accepts nothing, output beyond this limit is lost.
MAX_PENDING_BYTES = 4 << 20
_POLL_S = 0.1
_CHUNK_BYTES = 4096
# Control character (CAN) that ends an incomplete escape sequence.
# These end a sequence that was cut, and a command of kitty's graphics.
_CANCEL = b"\x18\x1b\\"


class TerminalOutput:
    """Text file of a terminal, whose writes never block.

    Parameters
    ----------
    fileno
        File descriptor of the terminal.
    encoding
        Encoding of the text; characters that it lacks become backslash escapes.

    Attributes
    ----------
    is_gone
        True after the terminal has gone away.
    """

    def __init__(self, fileno: int, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self.is_gone = False
        self._fileno = fileno
        self._items: deque[bytes] = deque()
        self._taken_bytes = 0  # of the first item
        self._changed = threading.Condition()
        self._ending = False
        self._thread: threading.Thread | None = None

    # As a file

    def fileno(self) -> int:
        """Return the terminal's file descriptor."""
        return self._fileno

    def isatty(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def write(self, text: str) -> int:
        """Queue text; the thread writes it when the terminal accepts it.

        Raises
        ------
        OSError
            If the terminal has gone away.
        """
        if self.is_gone:
            raise OSError(errno.EIO, "the terminal has gone away")
        data = text.encode(self.encoding, "backslashreplace")
        with self._changed:
            if sum(map(len, self._items)) + len(data) <= MAX_PENDING_BYTES:
                self._items.append(data)
                self._changed.notify_all()
        return len(text)

    @property
    def is_busy(self) -> bool:
        """True while output is queued."""
        return bool(self._items)

    @property
    def queued_bytes(self) -> int:
        """Number of queued bytes that are not written yet."""
        with self._changed:
            return sum(map(len, self._items)) - self._taken_bytes

    # Start and stop

    def start(self) -> None:
        """Start the thread."""
        self._ending = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sunspec-terminal", daemon=True)
            self._thread.start()

    def drop_queued(self) -> None:
        """Drop the queued output, so that later output is written soon.

        A partly written item stays, so that no sequence is cut.
        """
        with self._changed:
            while len(self._items) > bool(self._taken_bytes):
                self._items.pop()

    def stop(self, restore_text: str, timeout_s: float) -> bool:
        """Write the queued output or the restoring text; end the thread.

        Parameters
        ----------
        restore_text
            Text that restores the terminal, used if the queued output cannot be written in time.
        timeout_s
            Longest time to wait, in seconds.

        Returns
        -------
        bool
            True if all queued output was written.
        """
        thread = self._thread
        if thread is None:
            return not self.is_busy
        with self._changed:
            written = self._changed.wait_for(lambda: not self._items or self.is_gone, timeout_s) and not self.is_gone
            self._items.clear()
            self._ending = True
            self._changed.notify_all()
        # The thread waits for the terminal in short steps, so it ends soon.
        thread.join(10 * _POLL_S)
        self._thread = None
        if not written and not self.is_gone:
            self.write_last(restore_text)
        return written

    def write_last(self, text: str) -> None:
        """Discard the output still in the kernel; write this text instead."""
        with suppress(termios.error):
            termios.tcflush(self._fileno, termios.TCOFLUSH)
        with _nonblocking(self._fileno) as fileno, suppress(OSError):
            if not select.select([], [fileno], [], 0)[1]:
                # The terminal is stopped, so a write would block.
                return
            os.write(fileno, _CANCEL + text.encode(self.encoding, "backslashreplace"))

    # The thread

    def _run(self) -> None:
        with _nonblocking(self._fileno) as fileno:
            while (data := self._next()) is not None:
                try:
                    self._write_all(fileno, data)
                except OSError:
                    self._note_gone()
                    return

    def _next(self) -> bytes | None:
        """Return the next item; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ending)
            self._taken_bytes = 0
            return self._items[0] if self._items else None

    def _write_all(self, fileno: int, data: bytes) -> None:
        """Write an item, unless it is dropped in the meantime."""
        while self._taken_bytes < len(data) and self._is_first(data):
            if select.select([], [fileno], [], _POLL_S)[1]:
                with suppress(BlockingIOError):
                    self._taken_bytes += os.write(fileno, data[self._taken_bytes :][:_CHUNK_BYTES])
        with self._changed:
            if self._is_first(data):
                self._items.popleft()
            self._taken_bytes = 0
            self._changed.notify_all()

    def _is_first(self, data: bytes) -> bool:
        return bool(self._items) and self._items[0] is data

    def _note_gone(self) -> None:
        with self._changed:
            self.is_gone = True
            self._items.clear()
            self._changed.notify_all()


@contextmanager
def _nonblocking(fileno: int) -> Iterator[int]:
    """Give a non-blocking descriptor of the terminal.

    It is a second descriptor, because a mode of the first one would also apply to other programs. In some containers
    the terminal has no name and cannot be opened again; then give the first descriptor, to which the caller writes only
    when `select` reports room.
    """
    own = _opened_again(fileno)
    try:
        yield fileno if own is None else own
    finally:
        if own is not None:
            os.close(own)


def _opened_again(fileno: int) -> int | None:
    """Open the terminal again, without blocking; return None if that fails."""
    with suppress(OSError):
        own = os.open(os.ttyname(fileno), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        if os.fstat(own).st_rdev == os.fstat(fileno).st_rdev:
            return own
        os.close(own)
    return None
