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
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sunspec_tui.addresses import host_and_port
from sunspec_tui.config import (
    ExportSettings,
    LookSettings,
    QuicklookSettings,
    Settings,
    StreamSettings,
    option,
    plain_type,
    read_file,
)
from sunspec_tui.errors import SunspecError, UsageError
from sunspec_tui.printable import printable, printable_lines
from sunspec_tui.version import __version__

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
log = logging.getLogger("sunspec_tui")
_MAX_SAID = 100_000  # a line of JSON is of use in full length alone


class _Parser(argparse.ArgumentParser):
    """Wrong use is one line, with status 2."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal of another alphabet gets escapes; a letter must not end what prints.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    command, words = (_COMMANDS[words[0]], words[1:]) if words and words[0] in _COMMANDS else (_monitor, words)
    try:
        return command(words)
    except SunspecError as error:
        print(f"sunspec-tui: {printable(error)}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        return EXIT_OK


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
        if setting.metadata.get("positional"):
            parser.add_argument(setting.name, type=plain_type(setting), help=setting.metadata["help"])
            continue
        if plain_type(setting) is bool:
            words["action"] = "store_true"
        else:
            words |= {"type": plain_type(setting), "choices": setting.metadata.get("choices")}
            words["metavar"] = None if words["choices"] else setting.name.upper()
        group.add_argument(option(setting.name), **words)
    return parser


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


class _Formatter(logging.Formatter):
    """A record is one line that only shows; a traceback of ours keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return printable_lines(super().formatException(ei))


def _start_logging(
    started: ExitStack, level: str, file: Path | None = None, events: Path | None = None, *, terminal: bool = True
) -> None:
    """Log to standard error, or to nothing where a terminal interface draws, and to files, until `started` ends."""
    handlers: list[logging.Handler] = [logging.StreamHandler()] if terminal else [logging.NullHandler()]
    if file is not None:
        try:
            handlers.append(logging.FileHandler(file, encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise UsageError(f"cannot log to {file}: {error.strerror}; choose another --log-file") from error
    form = _Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(form)
        handler.setLevel(level)
    log.setLevel(level)
    log.propagate = False
    if events is not None:
        from sunspec_tui.events import EventLog

        handlers.append(EventLog(events))
        # Events are kept whatever the level of the other logs.
        log.setLevel(min(log.level, logging.INFO))
    for handler in handlers:
        log.addHandler(handler)
        started.callback(_end_logging, handler)


def _end_logging(handler: logging.Handler) -> None:
    log.removeHandler(handler)
    handler.close()


# sunspec-tui


def _monitor(arguments: Sequence[str]) -> int:
    settings = _settings(arguments)
    on_terminal = sys.stdout.isatty() and sys.stdin.isatty() and not settings.no_ui
    with ExitStack() as started:
        _start_logging(started, settings.log_level, settings.log_file, settings.event_log, terminal=not on_terminal)
        open_receiver = partial(_open_receiver, started, settings)
        if on_terminal:
            return _run_on_terminal(open_receiver, settings)
        from sunspec_tui import headless

        return headless.run(open_receiver(), settings, _say, show=_show)


def _open_receiver(started: ExitStack, settings: Settings) -> "StreamReceiver":
    """The receiver, and with ``--demo`` the producer that it listens to."""
    if settings.demo:
        return _receiver(settings, "127.0.0.1", _start_demo(started, settings))
    return _receiver(settings, settings.addr, settings.stream_port)


def _receiver(settings: Settings, addr: str, port: int) -> "StreamReceiver":
    from sunspec_tui.receiver import StreamReceiver

    return StreamReceiver(
        addr,
        port,
        settings.buffer_length,
        settings.gc_interval,
        settings.plot_interval,
        settings.plot_dir,
        settings.start_webshow,
        channel_average=settings.channel_average,
        product=settings.product or "XX",
        chan0=settings.chan0,
        delay_method=settings.delay_method,
        manual_delay=settings.delay or 0.0,
        station=settings.station,
        plot_keep=settings.plot_keep,
        plot_ratio=settings.plot_ratio,
        archive_dir=settings.archive,
        archive_elevation=settings.archive_elevation,
        web=settings.web,
    )


def _run_on_terminal(open_receiver: "Callable[[], StreamReceiver]", settings: Settings) -> int:
    # The first screen is all that counts until it is there: collections of young objects cost a tenth of it.
    gc.disable()
    from sunspec_tui import state, terminal
    from sunspec_tui.app import Monitor
    from sunspec_tui.colormaps import Depth

    depth = terminal.colour_depth(os.environ) if settings.colors == "auto" else Depth(settings.colors)
    # Textual would turn the colours that we choose into greys.
    os.environ.pop("NO_COLOR", None)
    ascii_only = settings.ascii or terminal.needs_ascii(sys.stdout.encoding)
    app = Monitor(open_receiver, settings, depth=depth, ascii_only=ascii_only, view_path=state.default_path())
    status = app.run()
    if app.failure is not None:
        raise app.failure
    return status if status is not None else app.return_code or EXIT_OK


def _start_demo(started: ExitStack, settings: Settings) -> int:
    """An embedded producer on a free loopback port."""
    from sunspec_tui.producing import producer
    from sunspec_tui.sources.simulate import SimulatedSun

    op, _ = producer(started, SimulatedSun(chan0=settings.chan0), StreamSettings(port=0))
    port = op.bind()
    thread = threading.Thread(target=op.main, name="sunspec-producer", daemon=True)
    thread.start()
    started.callback(thread.join)
    started.callback(op.shutdown)
    return port


def _say(text: str) -> None:
    print(printable_lines(text, _MAX_SAID), flush=True)


def _show(text: str) -> None:
    """Print a line that no file may hold: on a terminal alone."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(printable_lines(text, _MAX_SAID), file=sys.stderr, flush=True)


# sunspec-tui stream


def _stream(arguments: Sequence[str]) -> int:
    parser = _parser(StreamSettings, "sunspec-tui stream", "Publish a simulated Sun or a recorded file.")
    settings = StreamSettings(**vars(parser.parse_args(arguments)))
    with ExitStack() as started:
        _start_logging(started, settings.log_level)
        from sunspec_tui.producing import faults_of, producer, source_of

        faults = faults_of(settings)
        op, feed = producer(started, source_of(settings), settings, faults)
        port = op.bind()
        log.info("publishing %s on %s", settings.source, host_and_port(op.stream_addr, port))
        from sunspec_tui.headless import Ending

        with Ending() as ending, ThreadPoolExecutor(1, "sunspec-producer") as pool:
            publishing = pool.submit(op.main)
            while not publishing.done() and not ending.wait(0.1):
                pass
            if ending.status is not None:
                op.shutdown()
            publishing.result()
        _say(f"{op.frames_sent} frames sent")
        if faults is not None:
            whose = "a receiver that got them all counts" if settings.format == "today" else _UNCOUNTABLE
            _say(f"{whose} {json.dumps(faults.report())}")
        if feed.error is not None:
            raise feed.error
        return EXIT_OK if ending.status is None else ending.status


_UNCOUNTABLE = "faults made, of which headers of this form do not tell a receiver all:"


def _looked(name: str, kind: type[Any], description: str) -> Callable[[Sequence[str]], int]:
    """A command of `commands` with its own settings."""

    def run(arguments: Sequence[str]) -> int:
        settings = kind(**vars(_parser(kind, f"sunspec-tui {name}", description).parse_args(arguments)))
        from sunspec_tui import commands

        with ExitStack() as started:
            _start_logging(started, "WARNING")
            return int(getattr(commands, name)(settings, _say))

    return run


_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "stream": _stream,
    "doctor": _looked("doctor", LookSettings, "Say what the stream says of itself."),
    "snapshot": _looked("snapshot", LookSettings, "Print a text figure of the stream's latest spectrum."),
    "export": _looked("export", ExportSettings, "Write rows to a file that other programs open."),
    "quicklook": _looked("quicklook", QuicklookSettings, "Draw pictures of the days or hours of an archive."),
}
