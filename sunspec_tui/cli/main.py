"""The command line: arguments become settings, errors become one sentence and an exit status.

The only place that prints, exits and reads the user's arguments. Front ends load when it is known which
one is wanted, so that a headless run never loads the terminal interface.
"""

import argparse
import gc
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sunspec_tui.cli.argument_order import with_output_first
from sunspec_tui.cli.logging_setup import check_not_on_screen, start_logging
from sunspec_tui.cli.outputs import DirectOutput, hold_descriptors, release
from sunspec_tui.cli.signals import EndAsked, Ending, complain, leave_within, print_soon
from sunspec_tui.core.addresses import host_and_port
from sunspec_tui.core.errors import LIMITS, SunspecError, UsageError, lacking
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, tell_signal
from sunspec_tui.core.line_writer import LineWriter, standard_sink
from sunspec_tui.core.memory_budgets import check_open_files
from sunspec_tui.core.printable import printable, printable_lines
from sunspec_tui.core.settings import (
    ExportSettings,
    LookSettings,
    QuicklookSettings,
    Settings,
    StreamSettings,
    option,
    plain_type,
    read_file,
)
from sunspec_tui.core.unstarted_threads import forget_unstarted_threads
from sunspec_tui.core.version import __version__
from sunspec_tui.monitoring.problems import Problems

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver

log = logging.getLogger("sunspec_tui")
_MAX_STATUS_LINES = 8
_MAX_LINE = 100_000  # long, because a line of JSON must not be cut


class _Parser(argparse.ArgumentParser):
    """Wrong use is one line, with status 2."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        del file
        output = DirectOutput()
        output.say(message.rstrip("\n"))
        output.check()


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
        # Also after an error that is not expected here: a thread must not keep the process.
        leave_within(status)
        release()
    return status


def _status_of(words: list[str]) -> int:
    """Run a command; its errors become one line and a status."""
    command, words = (_COMMANDS[words[0]], words[1:]) if words and words[0] in _COMMANDS else (_monitor, words)
    try:
        check_open_files()
        return command(words)
    except SunspecError as error:
        complain(printable(error))
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except EndAsked as asked:
        if asked.status != EXIT_INTERRUPTED:
            complain(str(asked))
        return asked.status
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        # A fault of the machine, such as no free file descriptors. A fault that the user can fix is a SunspecError.
        log.debug("where it failed", exc_info=True)
        complain(f"cannot continue: {printable(error)}")
        return EXIT_FAILED
    except Exception as error:
        if not lacking(error):
            raise
        log.debug("where it failed", exc_info=True)
        complain(f"not enough memory or threads to go on: {printable(lacking(error))}; {LIMITS}")
        forget_unstarted_threads()
        return EXIT_FAILED


# Arguments


def _parser(kind: type[Any], prog: str, description: str) -> _Parser:
    """Options of a command, one for each field of its settings."""
    parser = _Parser(prog=prog, description=description, allow_abbrev=False)
    groups: dict[str, Any] = {}
    for setting in fields(kind):
        name = setting.metadata["group"]
        group = groups.get(name)
        if group is None:
            group = groups[name] = parser.add_argument_group(name)
        text = setting.metadata["help"] + ("" if setting.default in (None, False) else " (default: %(default)s)")
        words: dict[str, Any] = {"default": setting.default, "help": text, "dest": setting.name}
        many: dict[str, Any] = {"nargs": "+"} if setting.metadata.get("many") else {}
        if setting.metadata.get("positional"):
            many["metavar"] = setting.metadata.get("metavar")
            parser.add_argument(setting.name, type=plain_type(setting), help=setting.metadata["help"], **many)
            continue
        if plain_type(setting) is bool:
            words["action"] = "store_true"
        else:
            words |= {"type": plain_type(setting), "choices": setting.metadata.get("choices")}
            words |= many | {"metavar": None if words["choices"] else setting.name.upper()}
        group.add_argument(option(setting.name), **words)
    return parser


def _parsed(parser: _Parser, words: list[str]) -> argparse.Namespace:
    """Parse the arguments of a command, where the output may follow the inputs, as in ``--input A B OUT``."""
    try:
        return parser.parse_args(words)
    except UsageError as error:
        moved = with_output_first(words) if "required: output" in str(error) else None
        if moved is None:
            raise
    return parser.parse_args(moved)


def _settings(arguments: Sequence[str]) -> Settings:
    """Settings of the monitor: the file's, and the command line's over them."""
    commands = ", ".join(name for name in _COMMANDS)
    parser = _parser(
        Settings, "sunspec-tui", f"The live solar beam in a terminal. Other commands: sunspec-tui {commands}."
    )
    parser.add_argument("--config", type=Path, help="read settings from this TOML file")
    parser.add_argument("--version", action="version", version=f"sunspec-tui {__version__}")
    given = vars(parser.parse_args(arguments))
    config = given.pop("config")
    if config is not None:
        parser.set_defaults(**read_file(config))
        given = vars(parser.parse_args(arguments))
        given.pop("config")
    if given["delay"] is not None:
        given["delay_method"] = "manual"
    return Settings(**given)


# sunspec-tui


def _monitor(arguments: Sequence[str]) -> int:
    settings = _settings(arguments)
    streams, problems = (sys.stdout, sys.stdin), Problems()
    on_terminal = all(stream is not None and stream.isatty() for stream in streams) and not settings.no_ui
    if on_terminal:
        check_not_on_screen("--log-file", settings.log_file)
        check_not_on_screen("--event-log", settings.event_log)
    with ExitStack() as started:
        ending = None if on_terminal else started.enter_context(Ending())
        start_logging(
            started,
            settings.log_level,
            settings.log_file,
            settings.event_log,
            terminal=not on_terminal,
            problems=problems,
        )
        # The producer of the demo starts threads before the receiver runs.
        started.enter_context(problems.watching_threads())
        open_receiver = partial(_open_receiver, started, settings, problems)
        if on_terminal:
            return _run_on_terminal(open_receiver, settings)
        from sunspec_tui.cli import headless

        say = _status_output(started, problems)
        return headless.run(open_receiver(), settings, say, show=_show, ending=ending)


def _status_output(started: ExitStack, problems: Problems) -> Callable[[str], None]:
    """Return a print function for a service, which never waits.

    When standard output blocks, older lines are dropped for newer ones.
    """
    sink = standard_sink(sys.stdout)
    writer = LineWriter("standard output", sink, problems.report, max_lines=_MAX_STATUS_LINES)
    started.callback(writer.close)
    return lambda text: writer.write(printable_lines(text, _MAX_LINE))


def _open_receiver(started: ExitStack, settings: Settings, problems: Problems) -> "StreamReceiver":
    """The receiver, and with ``--demo`` the producer that it listens to."""
    if settings.demo:
        return _receiver(settings, "127.0.0.1", _start_demo(started, settings), problems)
    return _receiver(settings, settings.addr, settings.stream_port, problems)


def _receiver(settings: Settings, addr: str, port: int, problems: Problems) -> "StreamReceiver":
    from sunspec_tui.core.state_files import state_directory
    from sunspec_tui.receiver import StreamReceiver

    return StreamReceiver(
        addr,
        port,
        settings.buffer_length,
        settings.gc_interval,
        settings.plot_interval,
        settings.plot_dir,
        settings.start_webshow,
        settings.streaming_interval,
        settings.verbose,
        channel_average=settings.channel_average,
        product=settings.product or "XX",
        chan0=settings.chan0,
        delay_method=settings.delay_method,
        manual_delay=settings.delay or 0.0,
        station=settings.station,
        plot_keep=settings.plot_keep,
        plot_ratio=settings.plot_ratio,
        plot_remove_background=settings.plot_remove_background,
        archive_dir=settings.archive,
        archive_elevation=settings.archive_elevation,
        archive_precision=settings.archive_precision,
        floor_dir=state_directory(),
        web=settings.web,
        problems=problems,
    )


def _run_on_terminal(open_receiver: "Callable[[], StreamReceiver]", settings: Settings) -> int:
    # The first screen is all that counts until it is there: collections of young objects cost a tenth of it.
    gc.disable()
    from sunspec_tui.core import state_files
    from sunspec_tui.tui.terminal import capabilities

    # Textual looks at them once, when it is imported.
    capabilities.drop_library_settings(os.environ)
    from sunspec_tui.app import Monitor
    from sunspec_tui.tui.log_lines import LogLines
    from sunspec_tui.tui.terminal.colours import Depth

    depth = capabilities.colour_depth(os.environ) if settings.colors == "auto" else Depth(settings.colors)
    # Textual would turn the colours that we choose into greys.
    os.environ.pop("NO_COLOR", None)
    ascii_only = settings.ascii or capabilities.needs_ascii(sys.stdout.encoding)
    lines = LogLines()
    log.addHandler(lines)
    view_path = state_files.default_path()
    app = Monitor(open_receiver, settings, depth=depth, ascii_only=ascii_only, view_path=view_path, log_lines=lines)
    try:
        status = app.run()
    finally:
        # Not sooner: a second signal must not cut off the archive's last commit.
        app.signals.restore()
    if app.failure is not None:
        raise app.failure
    if status is not None:
        return status
    # Without a status, the program has not ended the app: report a failed screen as a failure.
    return EXIT_FAILED if app.return_code is None else app.return_code


def _start_demo(started: ExitStack, settings: Settings) -> int:
    """An embedded producer on a free loopback port."""
    from sunspec_tui.cli.producer_setup import producer
    from sunspec_tui.producer.simulated_sun import SimulatedSun

    op, _ = producer(started, SimulatedSun(chan0=settings.chan0), StreamSettings(port=0))
    port = op.bind()
    thread = threading.Thread(target=op.main, name="sunspec-producer", daemon=True)
    thread.start()
    started.callback(thread.join)
    started.callback(op.shutdown)
    return port


def _show(text: str) -> None:
    """Print a secret line, on a terminal only, never to a file."""
    if sys.stderr is not None and sys.stderr.isatty():
        print_soon(printable_lines(text, _MAX_LINE))


# sunspec-tui stream


def _stream(arguments: Sequence[str]) -> int:
    parser = _parser(StreamSettings, "sunspec-tui stream", "Publish a simulated Sun or a recorded file.")
    settings, problems = StreamSettings(**vars(parser.parse_args(arguments))), Problems()
    with ExitStack() as started:
        ending = started.enter_context(Ending())
        start_logging(started, settings.log_level, problems=problems)
        started.enter_context(problems.watching_threads())
        from sunspec_tui.cli.producer_setup import faults_of, producer, source_of

        say, faults = _status_output(started, problems), faults_of(settings)
        op, feed = producer(started, source_of(settings), settings, faults)
        port = op.bind()
        log.info("publishing %s on %s", settings.source_text, host_and_port(op.stream_addr, port))
        with ThreadPoolExecutor(1, "sunspec-producer") as pool:
            publishing = pool.submit(op.main)
            while not publishing.done() and not ending.wait(0.1):
                pass
            if ending.asked is not None:
                tell_signal(ending.asked_by)
                op.shutdown()
            publishing.result()
        say(f"{op.frames_sent} frames sent")
        if faults is not None:
            whose = "a receiver that got them all counts" if settings.format == "today" else _UNCOUNTABLE
            say(f"{whose} {json.dumps(faults.report())}")
        if feed.error is not None:
            raise feed.error
        if problems.threads_ended:
            return EXIT_FAILED
        return EXIT_OK if ending.asked is None else ending.asked


_UNCOUNTABLE = "faults made, of which headers of this form do not tell a receiver all:"


def _looked(name: str, kind: type[Any], description: str) -> Callable[[Sequence[str]], int]:
    """A command of `commands` with its own settings."""

    def run(arguments: Sequence[str]) -> int:
        settings = kind(**vars(_parsed(_parser(kind, f"sunspec-tui {name}", description), list(arguments))))
        output = DirectOutput()
        with ExitStack() as started:
            started.enter_context(Ending(raises=True))
            start_logging(started, "WARNING")
            from sunspec_tui.cli import probe

            status = int(getattr(probe, name)(settings, lambda text: output.say(printable_lines(text, _MAX_LINE))))
        output.check()
        return status

    return run


_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "stream": _stream,
    "doctor": _looked("doctor", LookSettings, "Say what the stream says of itself."),
    "snapshot": _looked("snapshot", LookSettings, "Print a text figure of the stream's latest spectrum."),
    "export": _looked("export", ExportSettings, "Write rows to a file that other programs open."),
    "quicklook": _looked("quicklook", QuicklookSettings, "Draw pictures of an archive's days or hours, or of files."),
}
