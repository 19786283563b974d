"""Run one command with a line on its standard input, within limits.

A command that hangs is terminated, then killed, with the processes that it has started. Only the beginning of its
output is kept.
"""

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from sunspec_tui.core.child_environment import child_environment
from sunspec_tui.core.printable import printable, printable_name

MAX_OUTPUT_BYTES = 4096
MAX_SHOWN_CHARACTERS = 300
_CHECK_S = 0.05
_READ_BYTES = 65_536


def run_command(
    words: Sequence[str], line: str, time_s: float, kill_after_s: float, ending: threading.Event, grace_s: float
) -> str:
    """Run a command; return a sentence about its failure.

    The sentence is empty if it has worked.

    Parameters
    ----------
    words
        The command and its arguments; no shell reads them.
    line
        Text for its standard input, which is closed after it.
    time_s
        Time after which the command is terminated, seconds.
    kill_after_s
        Time from then on after which it is killed.
    ending
        Set when the program ends; a command that runs then has at most `grace_s` left.
    grace_s
        See `ending`.
    """
    name = printable_name(words[0])
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=child_environment({}),
            start_new_session=True, bufsize=0,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return f"{name} cannot be started: {printable(why, MAX_SHOWN_CHARACTERS)}"
    with process:
        return _Run(process, name, line.encode(errors="backslashreplace"), ending).finish(time_s, kill_after_s, grace_s)


class _Run:
    """A command that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str, text: bytes, ending: threading.Event) -> None:
        self._process, self._name, self._ending = process, name, ending
        self._unsent, self._output, self._is_cut = text, bytearray(), False
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
        self._input: IO[bytes] | None = process.stdin
        self._pipe: IO[bytes] | None = process.stdout
        for pipe in (process.stdin, process.stdout):
            os.set_blocking(pipe.fileno(), False)

    def finish(self, time_s: float, kill_after_s: float, grace_s: float) -> str:
        """Wait for the end, at most some time; return what failed."""
        begun_s, has_ended = time.monotonic(), False
        try:
            has_ended = self._wait(self._deadline(begun_s + time_s, grace_s))
            if not has_ended:
                self._kill_group(signal.SIGTERM)
                kill_s = time.monotonic() + kill_after_s
                self._wait(lambda: kill_s)
        finally:
            if not has_ended:
                # Also the processes that the command has left behind.
                self._kill_group(signal.SIGKILL)
            self._process.wait()
        self._exchange(0.0)
        return self._failure(has_ended=has_ended, lasted_s=time.monotonic() - begun_s)

    def _deadline(self, end_s: float, grace_s: float) -> Callable[[], float]:
        """Return a function that returns the present deadline."""
        asked_s: list[float] = []

        def deadline_s() -> float:
            if self._ending.is_set() and not asked_s:
                asked_s.append(time.monotonic())
            return min(end_s, asked_s[0] + grace_s) if asked_s else end_s

        return deadline_s

    def _wait(self, deadline_s: Callable[[], float]) -> bool:
        """Exchange data until the command ends; return False after the deadline."""
        while self._process.poll() is None:
            left_s = deadline_s() - time.monotonic()
            if left_s <= 0:
                return False
            self._exchange(min(left_s, _CHECK_S))
        return True

    def _exchange(self, wait_s: float) -> None:
        """Send and read what is possible now, after waiting for it."""
        readers = [self._pipe] if self._pipe else []
        writers = [self._input] if self._input else []
        if not readers and not writers:
            # Both pipes are closed, but the command may continue.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
            return
        # `select.select` fails if the process has more than 1024 open files.
        ready = select.poll()
        for pipe in readers:
            ready.register(pipe, select.POLLIN)
        for pipe in writers:
            ready.register(pipe, select.POLLOUT)
        numbers = {number for number, _ in ready.poll(1000 * wait_s)}
        if self._input and self._input.fileno() in numbers:
            self._send()
        if self._pipe and self._pipe.fileno() in numbers:
            self._read()

    def _send(self) -> None:
        assert self._input is not None  # noqa: S101 - select has returned it
        try:
            self._unsent = self._unsent[self._input.write(self._unsent) or 0 :]
        except OSError:
            # The command does not read its input.
            self._unsent = b""
        if not self._unsent:
            with suppress(OSError):
                self._input.close()
            self._input = None

    def _read(self) -> None:
        assert self._pipe is not None  # noqa: S101 - select has returned it
        data: bytes | None = self._pipe.read(_READ_BYTES)
        if data is None:
            # Another process has read it.
            return
        if not data:
            self._pipe.close()
            self._pipe = None
        self._is_cut |= len(self._output) + len(data) > MAX_OUTPUT_BYTES
        self._output += data[: MAX_OUTPUT_BYTES - len(self._output)]

    def _kill_group(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, number)

    def _failure(self, *, has_ended: bool, lasted_s: float) -> str:
        status = self._process.returncode
        if has_ended and status == 0:
            return ""
        if not has_ended and self._ending.is_set():
            what = "was stopped because the program ends"
        elif not has_ended:
            what = f"did not end within {lasted_s:.1f} s and was stopped"
        elif status < 0:
            what = f"was ended by the signal {_signal_name(-status)}"
        else:
            what = f"has failed with status {status}"
        output = printable(bytes(self._output).decode(errors="replace").strip(), MAX_SHOWN_CHARACTERS)
        more = " …" if self._is_cut else ""
        return f"{self._name} {what}" + (f"; it says: {output}{more}" if output else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
