"""Events: every change of state is a line of the log, and has a kind and numbers that a machine can read.

`log_event` logs one; an `EventLog` keeps those as JSON lines and passes over what else is logged. Nothing here decides
what is worth an event.
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


def log_event(log: logging.Logger, level: int, kind: str, text: str, **numbers: Any) -> None:
    """Log an event.

    Parameters
    ----------
    log, level
        Where, and how bad it is.
    kind
        One word, the same for all events of a kind.
    text
        For people.
    numbers
        For machines, as JSON values.
    """
    log.log(level, "%s", text, extra={_ATTRIBUTE: {"event": kind} | numbers})


def event_kind(record: logging.LogRecord) -> str:
    """Return the kind of a record's event; empty if none."""
    event = getattr(record, _ATTRIBUTE, None)
    return str(event["event"]) if event is not None else ""


class Debouncer:
    """What is said of the stream, worth telling once it has stood for a while.

    Parameters
    ----------
    wait_s
        For how long.
    said
        What stands from the beginning.
    """

    def __init__(self, wait_s: float, said: str = "") -> None:
        self._wait_s = wait_s
        self._said = self._current = said
        self._since_s = 0.0

    def update(self, text: str, now_s: float) -> bool:
        """Whether `text`, seen at `now_s`, has stood for long enough and is another than what was said last."""
        if text != self._current:
            self._current, self._since_s = text, now_s
        if text == self._said or now_s - self._since_s < self._wait_s:
            return False
        self._said = text
        return True


class EventLog(logging.Handler):
    """Writes events to a file, one JSON object a line: ``time``, ``level``, ``event``, its numbers, ``text``.

    Parameters
    ----------
    path
        Lines are added to what it holds.
    report
        Called when events are lost, and when they are written again.

    Raises
    ------
    UsageError
        If it cannot be written.
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
        """Use no lock."""
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
        """Write the queued events, within a short time, and close the file."""
        self._writer.close()
        super().close()
