"""Send the log to standard error, a file and an event log.

A log output that blocks or fails never delays or ends the code that logs.
"""

import logging
import os
import stat
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.event_log import EventLog
from sunspec_tui.core.line_writer import FileSink, LineWriter, NoLock, Sink, standard_sink
from sunspec_tui.core.printable import printable, printable_lines, printable_name
from sunspec_tui.monitoring.event_pacing import PacedLog
from sunspec_tui.monitoring.problems import Problems

log = logging.getLogger("sunspec_tui")
_MAX_LIBRARY_CHARACTERS, _MAX_LIBRARIES = 200, 50


class _Formatter(logging.Formatter):
    """Formatter of records as one visible line; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return printable_lines(super().formatException(ei))


class LineHandler(logging.Handler):
    """Handler that passes log records to a `LineWriter`."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Use no lock."""
        self.lock = NoLock()  # type: ignore[assignment]

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record."""
        try:
            self._writer.write(self.format(record))
        except Exception:  # noqa: BLE001 - as in logging: a bad message must not stop the code that logs
            self.handleError(record)

    def close(self) -> None:
        """Write the queued lines, within a short time."""
        self._writer.close()
        super().close()


class LibraryHandler(logging.Handler):
    """Handler that repeats warnings of libraries in our log.

    Each warning is one line. Without a handler, Python prints warnings to standard error with tracebacks, even over the
    terminal interface. Each library gets at most one line a second; the next line contains the number of suppressed
    warnings.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._paced: dict[str, PacedLog] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record's first line and the name of its exception."""
        try:
            first_line, _, _ = record.getMessage().partition("\n")
            text = f"{record.name}: {first_line}"
            if record.exc_info and record.exc_info[1] is not None:
                text += f" ({record.exc_info[1]!r})"
            text = printable(text, _MAX_LIBRARY_CHARACTERS)
            self._paced_log(record.name).add(record.levelno, "library", text, time.monotonic(), library=record.name)
        except Exception:  # noqa: BLE001 - as in logging: a bad message must not stop the code that logs
            self.handleError(record)

    def _paced_log(self, library: str) -> PacedLog:
        name = library if library in self._paced or len(self._paced) < _MAX_LIBRARIES else ""
        return self._paced.setdefault(name, PacedLog(log))

    def close(self) -> None:
        """Log the suppressed warnings."""
        for paced in self._paced.values():
            paced.finish()
        super().close()


def check_not_on_screen(option: str, file: Path | None) -> None:
    """Check that a file is not the terminal of the monitor.

    Parameters
    ----------
    option
        Name of the option.
    file
        Path of the file; None for no file.

    Raises
    ------
    UsageError
        If the lines of the file would appear over the picture.
    """
    if file is not None and _is_own_terminal(file):
        raise UsageError(
            f"{option} is {printable_name(file)}, the terminal of the picture; choose a file, or run with --no-ui"
        )


def _is_own_terminal(file: Path) -> bool:
    """Return True if a path is the terminal of this program.

    The terminal has several names.
    """
    try:
        found = file.stat()
    except (OSError, ValueError):
        # A file that cannot be examined is refused with the reason when it is opened.
        return False
    screens = {os.fstat(descriptor).st_rdev for descriptor in (0, 1)}
    with suppress(OSError):
        # The controlling terminal has a second name, with another device number.
        screens.add(Path("/dev/tty").stat().st_rdev)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev in screens


def start_logging(
    started: ExitStack,
    level: str,
    file: Path | None = None,
    events: Path | None = None,
    *,
    terminal: bool = True,
    problems: Problems | None = None,
) -> None:
    """Log to standard error and to files, until `started` ends.

    Parameters
    ----------
    started
        Context whose end stops the logging.
    level
        Level of standard error and `file`.
    file, events
        Paths of the log file and of the event log; None writes no file.
    terminal
        Log to standard error; False while a terminal interface draws there.
    problems
        Receives the failures of outputs.

    Raises
    ------
    UsageError
        If a file cannot be opened.
    """
    report = problems.report if problems is not None else None
    log.setLevel(level)
    log.propagate = False
    _add_handler(started, logging.NullHandler(), level)
    if terminal:
        _add_handler(started, LineHandler(LineWriter("standard error", standard_sink(sys.stderr), report)), level)
    if file is not None:
        _add_handler(
            started, LineHandler(LineWriter(f"the log file {printable_name(file)}", _log_sink(file), report)), level
        )
    if events is not None:
        _add_handler(started, EventLog(events, report), logging.DEBUG)
        # The event log keeps all events, also if the other logs have a higher level.
        log.setLevel(min(log.level, logging.INFO))
    _log_libraries(started)


def _log_libraries(started: ExitStack) -> None:
    """Log the warnings of libraries until `started` ends."""
    root, handler = logging.getLogger(), LibraryHandler()
    root.addHandler(handler)
    started.callback(handler.close)
    started.callback(root.removeHandler, handler)


def _add_handler(started: ExitStack, handler: logging.Handler, level: str | int) -> None:
    """Log to a handler until `started` ends."""
    form = _Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    handler.setLevel(level)
    log.addHandler(handler)
    started.callback(_end_logging, handler)


def _log_sink(file: Path) -> Sink:
    try:
        return FileSink(file)
    except OSError as error:
        raise UsageError(f"cannot log to {file}: {error.strerror}; choose another --log-file") from error


def _end_logging(handler: logging.Handler) -> None:
    log.removeHandler(handler)
    handler.close()
