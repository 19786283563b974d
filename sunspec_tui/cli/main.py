"""Run a command; report errors as one line and an exit status.

`main` loads only the module of the chosen command, so that a command starts fast.
"""

import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any, NamedTuple

from sunspec_tui.cli.arguments import monitor_settings, parse, parser_for
from sunspec_tui.cli.logging_setup import start_logging
from sunspec_tui.cli.outputs import DirectOutput, hold_descriptors, release
from sunspec_tui.cli.signals import Ending, EndRequested, complain, leave_within
from sunspec_tui.cli.status_lines import MAX_LINE
from sunspec_tui.core.burst_settings import BurstsSettings
from sunspec_tui.core.day_settings import SummarySettings, SunSettings
from sunspec_tui.core.errors import LIMITS_REMEDY, SunspecError, UsageError, resource_shortage
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from sunspec_tui.core.memory_budgets import check_open_files
from sunspec_tui.core.playback_settings import PlaybackSettings
from sunspec_tui.core.printable import printable, printable_lines
from sunspec_tui.core.quicklook_settings import QuicklookSettings
from sunspec_tui.core.settings import ExportSettings, ProbeSettings, StreamSettings
from sunspec_tui.core.unstarted_threads import forget_unstarted_threads

log = logging.getLogger("sunspec_tui")


class _Command(NamedTuple):
    """Settings of a subcommand, and its line in the help."""

    settings: type[Any]
    description: str


_STREAM = _Command(StreamSettings, "Publish a simulated Sun or a recorded file.")
_VIEW = _Command(PlaybackSettings, "Show recorded files or an archive on the monitor's screen.")
# Each command has a module of the same name with a function `run(settings, say)`.
_BRIEF_COMMANDS = {
    "doctor": _Command(ProbeSettings, "Describe a stream, or report why no frames come."),
    "snapshot": _Command(ProbeSettings, "Print a text figure of the stream's latest spectrum."),
    "export": _Command(ExportSettings, "Write rows to a file that other programs open."),
    "sun": _Command(SunSettings, "Print where the Sun is: exit status 0 while it is up, 1 while it is down."),
    "summary": _Command(SummarySettings, "Print the summary of an observing day."),
    "bursts": _Command(BurstsSettings, "Find bursts in an archive or in recorded files."),
    "quicklook": _Command(QuicklookSettings, "Draw pictures of an archive's days or hours, or of recorded files."),
}
COMMANDS = ("stream", "view", *_BRIEF_COMMANDS)
"""Names of the subcommands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Without `arguments`, run as the program, which ends after the command.
    """
    if arguments is not None:
        return _status_of(list(arguments))
    hold_descriptors()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # Escape the characters that the terminal's encoding lacks, so that printing never fails.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a file of the interpreter's
    status = EXIT_FAILED
    try:
        status = _status_of(sys.argv[1:])
    finally:
        # Also after an unexpected error: a thread must not keep the process alive.
        leave_within(status)
        release()
    return status


def _status_of(words: list[str]) -> int:
    """Run a command; its errors become one line and a status."""
    try:
        check_open_files()
        return _run(words)
    except SunspecError as error:
        complain(printable(error))
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except EndRequested as ended:
        if ended.status != EXIT_INTERRUPTED:
            complain(str(ended))
        return ended.status
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        # A fault of the machine, such as no free file descriptors. A fault that the user can fix is a SunspecError.
        log.debug("where it failed", exc_info=True)
        complain(f"cannot continue: {printable(error)}")
        return EXIT_FAILED
    except Exception as error:
        if not resource_shortage(error):
            raise
        log.debug("where it failed", exc_info=True)
        complain(f"not enough memory or threads to continue: {printable(resource_shortage(error))}; {LIMITS_REMEDY}")
        forget_unstarted_threads()
        return EXIT_FAILED


def _run(words: list[str]) -> int:
    name = words[0] if words else ""
    if name == "stream":
        return _run_stream(words[1:])
    if name == "view":
        return _run_view(words[1:])
    return _run_brief(name, words[1:]) if name in _BRIEF_COMMANDS else _run_monitor(words)


def _run_monitor(words: list[str]) -> int:
    from sunspec_tui.cli import monitor

    return monitor.run(monitor_settings(words, COMMANDS))


def _run_stream(words: list[str]) -> int:
    from sunspec_tui.cli import stream

    return stream.run(_settings_of("stream", _STREAM, words))


def _run_view(words: list[str]) -> int:
    from sunspec_tui.cli import view

    return view.run(_settings_of("view", _VIEW, words))


def _run_brief(name: str, words: list[str]) -> int:
    """Run a command that reads a stream or files, and ends."""
    settings = _settings_of(name, _BRIEF_COMMANDS[name], words)
    output = DirectOutput()
    with ExitStack() as started:
        started.enter_context(Ending(raises=True))
        start_logging(started, "WARNING")
        command = import_module(f"sunspec_tui.cli.{name}")
        status = int(command.run(settings, lambda text: output.say(printable_lines(text, MAX_LINE))))
    output.check()
    return status


def _settings_of(name: str, command: _Command, words: list[str]) -> Any:
    parser = parser_for(command.settings, f"sunspec-tui {name}", command.description)
    return command.settings(**vars(parse(parser, words)))
