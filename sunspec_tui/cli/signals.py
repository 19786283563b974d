"""End a command on a signal, even if it hangs.

A signal that was ignored when the program started (nohup, a background job) stays ignored. A thread reads the signals,
so that a blocked main thread or a held lock cannot prevent the end.
"""

import logging
import math
import os
import select
import signal
import sys
import threading
import time
from types import FrameType
from typing import Self

from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_INTERRUPTED, STATUSES, ending_signals, signal_name
from sunspec_tui.core.line_writer import DescriptorSink, Sink, encoded, standard_sink

log = logging.getLogger(__name__)
ORDERLY_S, LEAVE_S = 4.0, 1.0
"""Time limits of an orderly end after a signal, and of the interpreter's exit; after them the process is killed."""

UNASKED_S = 30.0
"""Time limit of an orderly end without a signal."""

_PRINT_S = 0.3
_RETRY_S = 0.02
_IMPORTER = "<frozen importlib._bootstrap>"
_STANDARD_ERROR = 2
# Values in the pipe to the thread that are not signal numbers.
_STOP, _NO_SIGNAL = 0, 255


class EndRequested(BaseException):
    """A signal asked a command to end before it was done."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal_name(number)} before it was done")
        self.number = number
        self.status = EXIT_INTERRUPTED if number == signal.SIGINT else EXIT_FAILED


class Ending:
    """Context that waits for an ending signal, and forces a late end.

    Parameters
    ----------
    raises
        True raises `EndRequested` in the main thread, for a command that does one thing. Otherwise call `wait`.

    Attributes
    ----------
    exit_status
        Exit status of the first signal; None before a signal has come.
    signal_number
        Number of the first signal.
    """

    def __init__(self, *, raises: bool = False) -> None:
        self.exit_status: int | None = None
        self.signal_number: int | None = None
        self._forced_status = EXIT_FAILED
        self._raises = raises
        self._raised: EndRequested | None = None
        self._main_thread = threading.main_thread().ident or 0
        self._is_requested = threading.Event()
        self._end_by_s = math.inf

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = {number: signal.getsignal(number) for number in ending_signals()}
        for number in self._before:
            signal.signal(number, self._on_signal)
        self._before_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="sunspec-ending", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._restore_signals()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Stop the thread; raise `EndRequested` for an error after it.

        Raises
        ------
        EndRequested
            The work was interrupted and then failed. A wait that is interrupted can fail with an error of its own, such
            as "release unlocked lock".
        """
        del kind, traceback
        self._raises = False
        os.write(self._writer, bytes([_STOP]))
        self._thread.join()
        # Only now: a signal that the thread sends again must find its handler.
        self._restore_signals()
        os.close(self._reader)
        os.close(self._writer)
        if self._raised is not None and error is not None and error is not self._raised:
            log.debug("failed after a signal", exc_info=error)
            raise self._raised from error

    def _restore_signals(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._before_wakeup)

    def wait(self, seconds: float) -> bool:
        """Wait; return True if a signal has asked to end."""
        return self._is_requested.wait(min(max(0.0, seconds), threading.TIMEOUT_MAX))

    def end_within(self, status: int, seconds: float = UNASKED_S) -> None:
        """Kill the process if it does not leave this context in time."""
        if self.exit_status is None:
            self._forced_status = status
            self._end_by_s = time.monotonic() + seconds
            # Wake the thread, so that it uses the new deadline.
            os.write(self._writer, bytes([_NO_SIGNAL]))

    @property
    def end_by_s(self) -> float:
        """Time on `time.monotonic` when the process is killed.

        It is infinite before an end has begun.
        """
        return self._end_by_s

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Raise `EndRequested` once, in the main thread; `_watch` needs no handler."""
        # A second signal must not interrupt the clean-up. Some compiled modules crash if their import is interrupted:
        # `_watch` sends the signal again.
        if self._may_raise and not _is_importing(frame):
            self._raised = EndRequested(number)
            raise self._raised

    def _watch(self) -> None:
        poller = select.poll()
        poller.register(self._reader, select.POLLIN)
        while True:
            left_s = self._end_by_s - time.monotonic()
            if left_s <= 0:
                self._force()
            # A signal that came during an import must still interrupt the main thread.
            unraised = self.signal_number if self._may_raise else None
            if unraised is not None:
                left_s = min(left_s, _RETRY_S)
            if poller.poll(None if math.isinf(left_s) else left_s * 1000):
                numbers = os.read(self._reader, 1024)
                if _STOP in numbers:
                    return
                for number in numbers:
                    self._handle_signal(number)
            elif unraised is not None:
                signal.pthread_kill(self._main_thread, unraised)

    @property
    def _may_raise(self) -> bool:
        """True until a signal has interrupted the main thread."""
        return self._raises and self._raised is None

    def _handle_signal(self, number: int) -> None:
        status = STATUSES.get(number)
        if status is not None and self.exit_status is None:
            is_unfinished = self._raises and number != signal.SIGINT
            self.signal_number = number
            self.exit_status = self._forced_status = EXIT_FAILED if is_unfinished else status
            self._end_by_s = time.monotonic() + ORDERLY_S
            self._is_requested.set()

    def _force(self) -> None:
        names = {thread.name for thread in threading.enumerate()} - {self._thread.name}
        # A thread that hangs may hold the lock of `sys.stderr`.
        sink = DescriptorSink(_STANDARD_ERROR, "ascii")
        _print(f"sunspec-tui: not ended in time, ended by force; still running: {', '.join(sorted(names))}", sink)
        os._exit(self._forced_status)


def _is_importing(frame: FrameType | None) -> bool:
    """Return True if the interrupted code is part of an import."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTER:
            return True
        frame = frame.f_back
    return False


def leave_within(status: int, seconds: float = LEAVE_S) -> None:
    """Kill the process if the interpreter's exit takes longer.

    Kill it at once if no thread can be started: nothing else could end a process that hangs.
    """
    timer = threading.Timer(seconds, os._exit, (status,))
    timer.daemon = True
    try:
        timer.start()
    except (RuntimeError, MemoryError):
        os._exit(status)


def complain(text: str) -> bool:
    """Print an error line; return False if standard error blocks."""
    return print_soon(f"sunspec-tui: {text}")


def print_soon(text: str) -> bool:
    """Print a line on standard error; return False if it fails."""
    return _print(text, standard_sink(sys.stderr))


def _print(text: str, sink: Sink) -> bool:
    end_s = time.monotonic() + _PRINT_S
    try:
        sink.write(encoded(text, sink), lambda: time.monotonic() < end_s)
    except OSError:
        # No other output is left; the exit status reports the failure.
        return False
    return True
