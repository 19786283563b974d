"""The newest lines of the log, for a screen that looks at its own rate.

Whoever logs, in whatever thread and however often, never waits for the screen and fills nothing: what the screen has
not looked at in time is counted and left out.
"""

import logging
import threading
from collections import deque
from dataclasses import dataclass

from sunspec_tui.events import event_kind
from sunspec_tui.printable import printable

MAX_LINES = 200
FAILURES = ("thread_failed", "monitor_fault")
"""Kinds of events that say that something of ours has ended or failed, and will not mend itself."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log.

    Attributes
    ----------
    level, time_s
        How bad it is, and when it was logged, Unix seconds.
    text
        Of characters that only show.
    is_failure
        Whether something of ours has failed for good.
    """

    level: int
    time_s: float
    text: str
    is_failure: bool = False

    @property
    def style(self) -> str:
        """Style of the line after its level."""
        if self.level >= logging.ERROR:
            return "bold red"
        return "yellow" if self.level >= logging.WARNING else "dim"


class LogLines(logging.Handler):
    """Keeps the newest records until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self._left_out = 0
        self._own_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        try:
            text = printable(record.getMessage())
        except Exception as error:  # noqa: BLE001 - whoever logs must not end by what it logs
            text = printable(f"a line of the log cannot be shown: {error!r}")
        line = LogLine(record.levelno, record.created, text, event_kind(record) in FAILURES)
        with self._own_lock:
            self._left_out += len(self._lines) == MAX_LINES
            self._lines.append(line)

    def take(self) -> list[LogLine]:
        """What has been logged since the last call, oldest first; before it, how much was left out."""
        if not self._lines:
            return []
        with self._own_lock:
            lines, left_out = list(self._lines), self._left_out
            self._lines.clear()
            self._left_out = 0
        if left_out:
            text = f"{left_out} lines were left out here; --log-file has all of them"
            lines.insert(0, LogLine(logging.WARNING, lines[0].time_s, text))
        return lines
