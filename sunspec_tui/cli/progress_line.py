"""Show the progress of a long command on standard error.

On a terminal, one line is replaced again and again; elsewhere, a plain line is written from time to time. Standard
output has only the results.
"""

import os
import sys
import time
from collections.abc import Callable

from sunspec_tui.core.line_writer import standard_sink

PLAIN_INTERVAL_S = 10.0
"""Time between plain lines."""

_LINE_INTERVAL_S = 0.1
_WRITE_S = 0.3
_MIN_DONE = 3
_USUAL_COLUMNS = 80
_ERASE = "\r\x1b[K"


def progress_text(done: int, total: int, elapsed_s: float, what: str) -> str:
    """Return a line such as ``5 of 9 pictures``."""
    left = ""
    if _MIN_DONE <= done < total:
        left_s = elapsed_s / done * (total - done)
        left = f", about {left_s / 60:.0f} min left" if left_s >= 90 else f", about {left_s:.0f} s left"
    return f"{done} of {total} {what}{left}"


class ProgressLine:
    """Progress of a command.

    Parameters
    ----------
    say
        Print function of the command, for its results.
    what
        What is counted, such as ``pictures``.
    monotonic
        Monotonic clock, in seconds.
    """

    def __init__(self, say: Callable[[str], None], what: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._say, self._what, self._monotonic = say, what, monotonic
        self._is_terminal = _shows_lines()
        self._begin_s = self._shown_s = monotonic()
        self._line = ""

    def begin(self) -> None:
        """Measure the time from now on."""
        self._begin_s = self._monotonic()

    def update(self, done: int, total: int) -> None:
        """Show what is done, at most a few times a second."""
        if done >= total and not self._is_terminal:
            return
        now_s = self._monotonic()
        interval_s = _LINE_INTERVAL_S if self._is_terminal else PLAIN_INTERVAL_S
        if now_s < self._shown_s + interval_s:
            return
        self._shown_s = now_s
        text = progress_text(done, total, now_s - self._begin_s, self._what)
        if self._is_terminal:
            self._show(text)
        else:
            _write(f"sunspec-tui: {text}\n")

    def say(self, text: str) -> None:
        """Print a result; the progress stays below it."""
        line = self._line
        self.clear()
        self._say(text)
        if line:
            self._show(line)

    def tell(self, text: str) -> None:
        """Print a message on standard error."""
        self.clear()
        _write(f"sunspec-tui: {text}\n")

    def clear(self) -> None:
        """Remove the progress from the terminal."""
        if self._line:
            _write(_ERASE)
            self._line = ""

    def _show(self, line: str) -> None:
        self._line = line
        # A line that is wider than the terminal could not be replaced.
        _write(_ERASE + line[: _columns() - 1])


def _shows_lines() -> bool:
    """Return True if standard error can replace a line."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def _write(text: str) -> None:
    """Write to standard error; drop the text if it accepts none."""
    sink, end_s = standard_sink(sys.stderr), time.monotonic() + _WRITE_S
    try:
        sink.write(text.encode(sink.encoding, "backslashreplace"), lambda: time.monotonic() < end_s)
    except OSError:
        # The command needs no progress line: it continues without it.
        return
