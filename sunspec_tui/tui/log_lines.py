"""Keep the newest lines of the log for a screen.

A thread that logs never waits for the screen, however much it logs. The memory is bounded: lines that the screen does
not read in time are counted and dropped.
"""

import logging
import threading
from collections import deque
from typing import NamedTuple

from sunspec_tui.core.event_log import event_kind
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.printable import printable

MAX_LINES = 1000
FAILURES = ("thread_failed", "monitor_fault")
"""Kinds of events that report a permanent failure of one part of the program."""
_ELSEWHERE = ("plot",)
# The Plots panel shows each successful plot. In the log, one every ten seconds would push out all other lines.


class LogLine(NamedTuple):
    """One line of the log.

    Attributes
    ----------
    level, time_s
        Level of the record, and its time in Unix seconds.
    text
        Text of visible characters.
    is_failure
        True if the line reports a permanent failure of one part of the program.
    """

    level: int
    time_s: float
    text: str
    is_failure: bool = False

    @property
    def style(self) -> str:
        """Style of the line, according to its level."""
        if self.level >= logging.ERROR:
            return "bold red"
        return "yellow" if self.level >= logging.WARNING else "dim"


class LogLines(logging.Handler):
    """Handler that keeps the newest records until they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners = Listeners()
        """Called at each new line, from the thread that logs."""
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self._dropped = 0
        self._own_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, unless a panel shows it."""
        if event_kind(record) in _ELSEWHERE:
            return
        try:
            text = printable(record.getMessage())
        except Exception as error:  # noqa: BLE001 - a bad record must not stop the code that logs
            text = printable(f"a line of the log cannot be shown: {error!r}")
        line = LogLine(record.levelno, record.created, text, event_kind(record) in FAILURES)
        with self._own_lock:
            self._dropped += len(self._lines) == MAX_LINES
            self._lines.append(line)
        self.listeners.notify()

    def drain(self) -> list[LogLine]:
        """Return the lines since the last call, oldest first.

        If lines were dropped, the first line states their number.
        """
        if not self._lines:
            return []
        with self._own_lock:
            lines, dropped = list(self._lines), self._dropped
            self._lines.clear()
            self._dropped = 0
        if dropped:
            text = f"{dropped} lines were left out here; --log-file keeps all lines"
            lines.insert(0, LogLine(logging.WARNING, lines[0].time_s, text))
        return lines
