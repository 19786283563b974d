"""Writing to a terminal that may take nothing: whoever writes never waits.

A terminal that is stopped (Ctrl-S, a laptop asleep behind an SSH session) takes no bytes, and a write to it would
hang for as long. Here a thread of its own writes, as much as the terminal takes; at the end there is a limit
to what is waited for, and the terminal's modes come before pictures.

Nothing of Textual.
"""

import errno
import os
import select
import termios
import threading
from collections import deque
from contextlib import suppress

# More than an update may have; what a terminal that takes nothing has not taken by then is lost.
MAX_PENDING_BYTES = 4 << 20
_LOOK_S = 0.1
_CHUNK_BYTES = 4096
# Ends whatever sequence was cut off before it.
_CANCEL = b"\x18"


class TerminalOutput:
    """A text file, as far as a display needs one, whose writes never wait.

    Parameters
    ----------
    fileno
        Of the terminal.
    encoding
        Of its text; what it lacks is written with backslashes.

    Attributes
    ----------
    is_gone
        Whether the terminal has gone away.
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
        """The terminal's."""
        return self._fileno

    def isatty(self) -> bool:
        """It is one."""
        return True

    def flush(self) -> None:
        """Nothing is held back that could be sent."""

    def write(self, text: str) -> int:
        """Have text written as soon as the terminal takes it.

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
        """Whether something waits to be taken."""
        return bool(self._items)

    # Life

    def start(self) -> None:
        """Begin to write."""
        self._ending = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sunspec-terminal", daemon=True)
            self._thread.start()

    def drop_pictures(self) -> None:
        """Forget what waits, except an item that the terminal has begun to take: what comes next must come soon."""
        with self._changed:
            while len(self._items) > bool(self._taken_bytes):
                self._items.pop()

    def stop(self, last_words: str, timeout_s: float) -> bool:
        """End the thread, with all that waits written, or at least some last words.

        Parameters
        ----------
        last_words
            What restores the terminal, in case it is to be said in place of what waits.
        timeout_s
            Most seconds that are waited.

        Returns
        -------
        bool
            Whether all was written.
        """
        thread = self._thread
        if thread is None:
            return not self.is_busy
        with self._changed:
            written = self._changed.wait_for(lambda: not self._items or self.is_gone, timeout_s) and not self.is_gone
            self._items.clear()
            self._ending = True
            self._changed.notify_all()
        # It waits for the terminal in short steps, so that it ends soon.
        thread.join(10 * _LOOK_S)
        self._thread = None
        if not written and not self.is_gone:
            self.say_at_last(last_words)
        return written

    def say_at_last(self, words: str) -> None:
        """Write in place of what the terminal has not taken yet, as far as it is still with the kernel."""
        with suppress(termios.error):
            termios.tcflush(self._fileno, termios.TCOFLUSH)
        with _opened_again(self._fileno) as fileno, suppress(OSError):
            os.write(fileno, _CANCEL + words.encode(self.encoding, "backslashreplace"))

    # The thread

    def _run(self) -> None:
        with _opened_again(self._fileno) as fileno:
            while (data := self._next()) is not None:
                try:
                    self._write_all(fileno, data)
                except OSError:
                    self._be_gone()
                    return

    def _next(self) -> bytes | None:
        """The next item; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ending)
            self._taken_bytes = 0
            return self._items[0] if self._items else None

    def _write_all(self, fileno: int, data: bytes) -> None:
        """Write an item, unless it is forgotten in the meantime."""
        while self._taken_bytes < len(data) and self._is_first(data):
            if select.select([], [fileno], [], _LOOK_S)[1]:
                with suppress(BlockingIOError):
                    self._taken_bytes += os.write(fileno, data[self._taken_bytes :][:_CHUNK_BYTES])
        with self._changed:
            if self._is_first(data):
                self._items.popleft()
            self._taken_bytes = 0
            self._changed.notify_all()

    def _is_first(self, data: bytes) -> bool:
        return bool(self._items) and self._items[0] is data

    def _be_gone(self) -> None:
        with self._changed:
            self.is_gone = True
            self._items.clear()
            self._changed.notify_all()


class _opened_again:  # noqa: N801 - used as a function
    """The terminal opened once more, so that its writes do not wait and those of others still do."""

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self._own: int | None = None

    def __enter__(self) -> int:
        # Where it has no name, as in some containers, writes that `select` has found room for come back soon.
        with suppress(OSError):
            own = os.open(os.ttyname(self._fileno), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            if os.fstat(own).st_rdev == os.fstat(self._fileno).st_rdev:
                self._own = own
                return own
            os.close(own)
        return self._fileno

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            os.close(self._own)
