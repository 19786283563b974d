"""Textual driver that survives stalled or vanished terminals, and resumed processes.

The driver writes to standard output, because standard error may go to a file. The command line has checked that
standard output is a terminal. `terminal_input` parses the input instead of Textual's parser. Output goes through
`terminal_output`, so that a terminal that accepts no bytes does not block other code.

A process may be continued although this driver never suspended it: the kernel sends SIGCONT together with SIGHUP, and
a user may stop and continue the process from outside. The terminal may also go away. tests/tui/test_driver.py checks
the private parts of Textual that this module uses.
"""

import asyncio
import logging
import os
import select
import socket
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import Any

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from sunspec_tui.tui.terminal.capabilities import pixel_size, terminal_size
from sunspec_tui.tui.terminal.terminal_events import EventMaker
from sunspec_tui.tui.terminal.terminal_input import InputSplitter, Token
from sunspec_tui.tui.terminal.terminal_output import TerminalOutput
from sunspec_tui.tui.terminal.terminal_replies import Reply, string_starts
from sunspec_tui.tui.terminal.terminal_title import TerminalTitle, has_title

log = logging.getLogger(__name__)

CURSOR_QUERY = "\x1b[6n"
"""Query of the cursor's position, to which every terminal replies."""
_MAX_QUERIES = 16
# A string becomes at most one message, so more of it is read at once.
_READ_BYTES, _STRING_BYTES = 1024, 65536
_SOON_S = 0.02
_END_S = 1.0
# Reading pauses while more than `_MAX_WAITING` messages wait for the app. The queue is checked after every
# `_CHECK_EVERY` messages.
_MAX_WAITING, _CHECK_EVERY = 64, 16
_RESTART_AFTER_S = 0.5
# Longest wait at the end if the terminal accepts nothing.
_RESTORE_TIMEOUT_S = 1.5
_RESTORE = (
    "\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)


class Driver(LinuxDriver):
    """Driver of the monitor's terminal."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        output = sys.__stdout__
        assert output is not None  # noqa: S101 - the command line has checked
        self._output = TerminalOutput(output.fileno(), output.encoding)
        self._file = self._output  # type: ignore[assignment]
        self._size = self._size or self._get_terminal_size()
        self.expected_replies: frozenset[type[Reply]] = frozenset()
        """Types of the replies about the terminal's abilities that are passed on."""
        self.farewell = ""
        """Text that removes pictures when the program leaves the terminal."""
        self._queries = 0
        self._queries_lock = threading.Lock()
        self._input_has_ended = False
        self._messages_since_check = 0
        self._logged: set[str] = set()
        # A byte to `_waker` wakes the thread that reads keys, so that it can end.
        self._woken, self._waker = socket.socketpair()
        self._kill_timer: threading.Timer | None = None
        self.title = TerminalTitle(self.write, is_possible=has_title(os.environ))

    # Output

    @property
    def is_writing(self) -> bool:
        """True if the writer thread is alive."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    @property
    def is_busy(self) -> bool:
        """True while output is queued for the terminal."""
        thread = self._writer_thread
        return self._output.is_busy or (thread is not None and bool(thread._queue.qsize()))  # noqa: SLF001 - see tests/tui/test_driver.py

    @property
    def is_gone(self) -> bool:
        """True if the terminal has gone away, not if only suspended."""
        lost = self._output.is_gone or self._input_has_ended
        return self._writer_thread is not None and not self._must_signal_resume and (lost or not self.is_writing)

    def write(self, data: str) -> None:
        """Write to the terminal, if it still exists."""
        if self.is_writing and not self._output.is_gone:
            self._count_queries(data.count(CURSOR_QUERY))
            super().write(data)

    def _count_queries(self, more: int) -> None:
        """Count queries of the cursor's position; a negative number counts replies.

        One thread sends the queries, another thread reads the replies.
        """
        with self._queries_lock:
            self._queries = min(_MAX_QUERIES, max(0, self._queries + more))

    def start_application_mode(self) -> None:
        """Take control of the terminal."""
        self._output.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.title.take_again()

    def stop_application_mode(self) -> None:
        """Restore the terminal; drop the queued output."""
        self._output.drop_queued()
        if self.farewell:
            self.write(self.farewell)
        super().stop_application_mode()
        self.title.leave()

    def close(self) -> None:
        """Write the queued output, within a time limit; end the writing threads."""
        if self.is_writing:
            super().close()
        self._output.stop(self.farewell + _RESTORE + self.title.restore_text, _RESTORE_TIMEOUT_S)

    def end_within(self, seconds: float, status: int) -> None:
        """Kill the process after a time; restore the terminal first.

        Parameters
        ----------
        seconds
            Time from now; a second call changes nothing.
        status
            Exit status of the killed process.
        """
        if self._kill_timer is None:
            self._kill_timer = threading.Timer(seconds, self._kill_process, [status])
            self._kill_timer.daemon = True
            self._kill_timer.start()

    def _kill_process(self, status: int) -> None:
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        self._output.write_last(
            f"{self.farewell}{_RESTORE}{self.title.restore_text}"
            "sunspec-tui: the program did not end in time and was killed\r\n"
        )
        os._exit(status)

    def _get_terminal_size(self) -> tuple[int, int]:
        return terminal_size(self._output.fileno(), os.environ)

    @property
    def size_now(self) -> tuple[int, int]:
        """Current columns and lines of the terminal, from the kernel."""
        return self._get_terminal_size()

    @property
    def pixel_size_now(self) -> tuple[int, int]:
        """Current width and height of the terminal in pixels; 0 if unknown."""
        return pixel_size(self._output.fileno())

    def _query_in_band_window_resize(self) -> None:
        """Request no size reports, because only the kernel's size is trusted."""

    def _sigcont_application(self, *_: object) -> None:
        """Set up the terminal again if it was restored; else redraw.

        The redraw is necessary because the content of the terminal is unknown.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._app.call_later(self._app.action_redraw)  # type: ignore[attr-defined]

    # Input

    def _run_input_thread(self) -> None:
        """Read input until the end; log an error and continue."""
        while not self.exit_event.is_set() and not self._input_has_ended:
            try:
                self.run_input_thread()
            except OSError as error:
                self._input_has_ended = True
                self._log_once(f"the terminal can no longer be read: {error.strerror}", logging.WARNING)
            except Exception as error:  # noqa: BLE001 - without this thread no key works
                self._log_once(f"reading the keys failed and starts again: {error!r}", logging.ERROR)
                self.exit_event.wait(_RESTART_AFTER_S)

    def disable_input(self) -> None:
        """End the thread that reads keys."""
        if not self.exit_event.is_set():
            self._waker.send(b"\0")
        super().disable_input()

    def run_input_thread(self) -> None:
        """Read the terminal's bytes and post their messages to the app."""
        splitter, maker = InputSplitter(), EventMaker()
        dropped = 0
        while not self.exit_event.is_set():
            wait_s = _SOON_S if splitter.is_waiting else None
            ready = select.select([self.fileno, self._woken], [], [], wait_s)[0]
            if self._woken in ready:
                # `disable_input` sets `exit_event` directly after it has sent the byte.
                tokens = list[Token]()
                self._woken.recv(1)
                self.exit_event.wait(_END_S)
            elif ready:
                data = os.read(self.fileno, _STRING_BYTES if splitter.is_in_string else _READ_BYTES)
                if not data:
                    raise OSError(0, "its input has ended")
                maker.expected = self.expected_replies
                splitter.string_starts = string_starts(maker.expected)
                tokens = splitter.feed(data, time.monotonic())
            else:
                tokens = splitter.tick(time.monotonic())
            self._pass_on(maker, tokens)
            if splitter.dropped > dropped:
                dropped = splitter.dropped
                self._log_once("the terminal sent a paste or a reply without an end; it was dropped", logging.WARNING)

    def _pass_on(self, maker: EventMaker, tokens: list[Token]) -> None:
        for message in self._messages(maker, tokens) if tokens else ():
            if type(message).__name__ == "CursorPosition":
                self._count_queries(-1)
            self.process_message(message)
            self._messages_since_check += 1
        if self._messages_since_check >= _CHECK_EVERY:
            self._messages_since_check = 0
            self._wait_for_app()

    def send_message(self, message: Message) -> None:
        """Post a message to the app directly.

        Textual's own method would start a task for each message.
        """
        self._app.post_message(message)

    def _messages(self, maker: EventMaker, tokens: list[Token]) -> list[Message]:
        """Convert tokens to messages; drop each token that fails."""
        try:
            return maker.messages(tokens, self._app.size, self._queries)
        except Exception as error:  # noqa: BLE001 - Textual's parser may raise any error
            if len(tokens) > 1:
                return [message for token in tokens for message in self._messages(maker, [token])]
            self._log_once(f"the terminal's input {tokens[0].text!r} was dropped: {error!r}", logging.WARNING)
            return []

    def _wait_for_app(self) -> None:
        """Wait until the app has handled most of its messages.

        In the meantime, input waits in the terminal.
        """
        handled = asyncio.run_coroutine_threadsafe(_nothing(), self._loop)
        while not self.exit_event.is_set():
            if handled.done() and self._app.message_queue_size <= _MAX_WAITING:
                return
            self.exit_event.wait(_SOON_S / 4)

    def _log_once(self, text: str, level: int) -> None:
        """Log a text, but only once for each text before the colon."""
        kind = text.partition(":")[0]
        if kind not in self._logged:
            self._logged.add(kind)
            log.log(level, "%s", text)


async def _nothing() -> None:
    """Do nothing; its end shows that all earlier callbacks have run."""
