"""Log events, and write them to a file as JSON lines.

An event is a change of state: a line of the log with a kind and values for programs. `log_event` logs an event; an
`EventLog` writes events and ignores other log records. The caller decides what is an event.
"""

import json
import logging
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.line_writer import FileSink, LineWriter, NoLock, Report
from sunspec_tui.core.printable import printable_name, printable_values
from sunspec_tui.core.times import format_iso

_ATTRIBUTE = "sunspec_event"
_MAX_WAITING, _MAX_WAITING_BYTES = 10_000, 4 * 2**20


def log_event(log: logging.Logger, level: int, kind: str, text: str, **values: Any) -> None:
    """Log an event.

    Parameters
    ----------
    log, level
        Logger, and level of the record.
    kind
        One word, the same for all events of a kind.
    text
        Message for users.
    values
        Values for programs, as JSON.
    """
    log.log(level, "%s", text, extra={_ATTRIBUTE: {"event": kind} | values})


def event_kind(record: logging.LogRecord) -> str:
    """Return the kind of a record's event; empty for other records."""
    event = getattr(record, _ATTRIBUTE, None)
    return str(event["event"]) if event is not None else ""


class Debouncer:
    """Filter that accepts a new state only when it is stable.

    Parameters
    ----------
    wait_s
        Time for which a new state must be stable, in seconds.
    initial
        State at the beginning.
    """

    def __init__(self, wait_s: float, initial: str = "") -> None:
        self._wait_s = wait_s
        self._reported = self._current = initial
        self._since_s = 0.0

    def update(self, text: str, now_s: float) -> bool:
        """Return True if the state `text` must be reported at `now_s`."""
        if text != self._current:
            self._current, self._since_s = text, now_s
        if text == self._reported or now_s - self._since_s < self._wait_s:
            return False
        self._reported = text
        return True


class EventLog(logging.Handler):
    """Handler that appends events to a file, one JSON object per line.

    Its keys are ``time``, ``level``, ``event``, the values of the event, and ``text``.

    Parameters
    ----------
    path
        File to append to.
    report
        Called when events are lost, and when they are written again.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """

    def __init__(self, path: Path, report: Report | None = None) -> None:
        super().__init__()
        try:
            sink = FileSink(path)
        except OSError as error:
            raise UsageError(f"cannot write events to {path}: {error.strerror}; choose another --event-log") from error
        name = f"the event log {printable_name(path)}"
        self._writer = LineWriter(name, sink, report, max_lines=_MAX_WAITING, max_bytes=_MAX_WAITING_BYTES)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Use no lock: the writer has its own."""
        self.lock = NoLock()  # type: ignore[assignment]

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record, if it is an event."""
        event = getattr(record, _ATTRIBUTE, None)
        if event is None:
            return
        line = {"time": format_iso(record.created), "level": record.levelname.lower(), **event}
        try:
            self._writer.write(json.dumps(printable_values(line | {"text": record.getMessage()})))
        except Exception:  # noqa: BLE001 - as in logging: a bad event must not stop the code that logs
            self.handleError(record)

    def close(self) -> None:
        """Write the queued events, within a limited time, and close the file."""
        self._writer.close()
        super().close()
