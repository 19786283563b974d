"""The command line: arguments become settings, errors become one sentence and an exit status.

The only place that prints, exits and reads the user's arguments. Front ends load when it is known which
one is wanted, so that a headless run never loads the terminal interface.
"""

import argparse
import gc
import json
import logging
import math
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
from sunspec_tui.errors import ExportError, SunspecError, UsageError
from sunspec_tui.times import moment_s
from sunspec_tui.version import __version__

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver
    from sunspec_tui.recording import Recording
    from sunspec_tui.sources.faults import Faults
    from sunspec_tui.sources.feed import Feed, Source
    from sunspec_tui.streaming import AvgStreamingOp

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
# As deployed: gulps of 1.0272 s, each sent as two frames 0.15 s apart.
BURST_NAVG, BURST_SPECTRA, BURST_GAP_S = 1536, 16, 0.15
DEFAULT_INTERVAL_S, LEAST_FRAME_S = 0.25, 0.1
log = logging.getLogger("sunspec_tui")


class _Parser(argparse.ArgumentParser):
    """Wrong use is one line, with status 2."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command, words = (_COMMANDS[words[0]], words[1:]) if words and words[0] in _COMMANDS else (_monitor, words)
    try:
        return command(words)
    except UsageError as error:
        print(f"sunspec-tui: {error}", file=sys.stderr)
        return EXIT_USAGE
    except SunspecError as error:
        print(f"sunspec-tui: {error}", file=sys.stderr)
        return EXIT_FAILED
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


def _start_logging(
    started: ExitStack, level: str, file: Path | None = None, events: Path | None = None, *, terminal: bool = True
) -> None:
    """Log to standard error, or to nothing where a terminal interface draws, and to files, until `started` ends."""
    handlers: list[logging.Handler] = [logging.StreamHandler()] if terminal else [logging.NullHandler()]
    if file is not None:
        try:
            handlers.append(logging.FileHandler(file))
        except OSError as error:
            raise UsageError(f"cannot log to {file}: {error.strerror}; choose another --log-file") from error
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
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

        return headless.run(open_receiver(), settings, _say)


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
    from sunspec_tui.sources.simulate import SimulatedSun

    op, _ = _producer(started, SimulatedSun(chan0=settings.chan0), StreamSettings(port=0))
    port = op.bind()
    thread = threading.Thread(target=op.main, name="sunspec-producer", daemon=True)
    thread.start()
    started.callback(thread.join)
    started.callback(op.shutdown)
    return port


def _say(text: str) -> None:
    print(text, flush=True)


# sunspec-tui stream


def _stream(arguments: Sequence[str]) -> int:
    parser = _parser(StreamSettings, "sunspec-tui stream", "Publish a simulated Sun or a recorded file.")
    settings = StreamSettings(**vars(parser.parse_args(arguments)))
    with ExitStack() as started:
        _start_logging(started, settings.log_level)
        faults = _faults(settings)
        source = _source(settings)
        op, feed = _producer(started, source, settings, faults)
        log.info("publishing %s on %s:%d", settings.source, settings.addr, op.bind())
        from sunspec_tui.headless import Ending

        with Ending() as ending, ThreadPoolExecutor(1, "sunspec-producer") as pool:
            publishing = pool.submit(op.main)
            while not publishing.done() and not ending.wait(0.1):
                pass
            if ending.status is not None:
                op.shutdown()
            publishing.result()
        print(f"{op.frames_sent} frames sent", flush=True)
        if faults is not None:
            whose = "a receiver that got them all counts" if settings.format == "today" else _UNCOUNTABLE
            print(f"{whose} {json.dumps(faults.report())}", flush=True)
        if feed.error is not None:
            raise feed.error
        return EXIT_OK if ending.status is None else ending.status


_UNCOUNTABLE = "faults made, of which headers of this form do not tell a receiver all:"


def _source(settings: StreamSettings) -> "Source":
    if settings.source == "simulate":
        from sunspec_tui.sources.simulate import SimulatedSun

        if settings.burst:
            return SimulatedSun(settings.seed, settings.chan0, navg=BURST_NAVG, ntime_gulp=BURST_SPECTRA)
        return SimulatedSun(settings.seed, settings.chan0)
    if settings.burst:
        raise UsageError("--burst is a pattern of the simulated Sun's: leave it out with a file")
    from sunspec_tui.sources.replay import open_replay

    return open_replay(Path(settings.source), settings.chan0, time.time if settings.now else None)


def _faults(settings: StreamSettings) -> "Faults | None":
    if not settings.fault:
        return None
    from sunspec_tui.sources.faults import FaultPlan, Faults
    from sunspec_tui.sources.formats import encode_as

    return Faults(FaultPlan.parse(settings.fault), encode_as(settings.format), settings.seed)


def _producer(
    started: ExitStack, source: "Source", settings: StreamSettings, faults: "Faults | None" = None
) -> "tuple[AvgStreamingOp, Feed]":
    """A producer on a ring that a feed fills; the feed ends with `started`."""
    from sunspec_tui.sources.feed import Feed
    from sunspec_tui.sources.formats import encode_as
    from sunspec_tui.sources.memory_ring import MemoryRing
    from sunspec_tui.streaming import AvgStreamingOp

    ring = MemoryRing()
    feed = Feed(ring, source, speed=settings.speed, loop=settings.loop)
    feed.start()
    started.callback(feed.stop)
    op = AvgStreamingOp(
        log,
        ring,
        ntime_gulp=source.ntime_gulp,
        stream_addr=settings.addr,
        stream_port=settings.port,
        stream_interval=_interval_s(source, settings),
        burst_gap_s=BURST_GAP_S / settings.speed if settings.burst and settings.speed else 0.0,
        encode=faults or encode_as(settings.format),
        wait=settings.wait,
        lossless=settings.wait,
        max_frames=settings.frames,
    )
    return op, feed


def _interval_s(source: "Source", settings: StreamSettings) -> float:
    """Data time of a frame; rows of a file leave as they are where they are long enough to be frames."""
    if settings.burst:
        return source.ntime_gulp * source.spectrum_s / 2
    if settings.interval is None:
        return source.spectrum_s if source.spectrum_s >= LEAST_FRAME_S else DEFAULT_INTERVAL_S
    return settings.interval


# sunspec-tui snapshot, sunspec-tui doctor


def _look(
    started: ExitStack, arguments: Sequence[str], name: str, description: str
) -> "tuple[LookSettings, StreamReceiver]":
    """Settings, and a receiver that has waited for frames; it runs until `started` ends."""
    parser = _parser(LookSettings, f"sunspec-tui {name}", description)
    settings = LookSettings(**vars(parser.parse_args(arguments)))
    _start_logging(started, "WARNING")
    from sunspec_tui.receiver import StreamReceiver

    rows = max(2, settings.frames)
    receiver = StreamReceiver(settings.addr, settings.port, rows, plot_interval=0, chan0=settings.chan0)
    started.enter_context(receiver)
    return settings, receiver


def _snapshot(arguments: Sequence[str]) -> int:
    with ExitStack() as started:
        settings, receiver = _look(
            started, arguments, "snapshot", "Print a text figure of the stream's latest spectrum."
        )
        from sunspec_tui import headless
        from sunspec_tui.products import Product

        receiver.wait_for_frames(settings.frames, settings.timeout)
        seen = receiver.snapshot()
        if settings.png is not None and seen.axis is not None:
            _write_png(receiver, settings.png)
    print(headless.figure(seen, Product.XX))
    print(headless.text_line(seen))
    return EXIT_OK if seen.axis is not None else EXIT_FAILED


def _write_png(receiver: "StreamReceiver", path: Path) -> None:
    from sunspec_tui.writers.figure import SpectrumFigure

    job = receiver.plot_job()
    if job is None:
        return
    figure = SpectrumFigure()
    figure.draw(job)
    try:
        figure.save(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --png") from error


def _doctor(arguments: Sequence[str]) -> int:
    with ExitStack() as started:
        settings, receiver = _look(started, arguments, "doctor", "Say what the stream says of itself.")
        from sunspec_tui.doctor import findings, report

        arrivals_s = _arrivals(receiver, settings.frames, settings.timeout)
        seen, frame = receiver.snapshot(), receiver.last_frame()
        found = findings(seen, frame, arrivals_s, _delays(receiver))
    for line in [json.dumps(found)] if settings.json else report(found):
        print(line)
    return EXIT_OK if seen.health.frames_received else EXIT_FAILED


def _arrivals(receiver: "StreamReceiver", count: int, timeout_s: float) -> list[float]:
    """When frames came, until there are enough of them or the time is up."""
    end_s, arrivals_s = time.monotonic() + timeout_s, list[float]()
    while len(arrivals_s) < count and (left_s := end_s - time.monotonic()) > 0:
        if not receiver.wait_for_frames(len(arrivals_s) + 1, left_s):
            break
        arrivals_s.append(time.monotonic())
    return arrivals_s


def _delays(receiver: "StreamReceiver") -> dict[str, float]:
    """The message delay by each method that needs nothing from the user."""
    found = {}
    for method in ("buffer", "auto"):
        receiver.set_delay_calculation_method(method)
        found[method] = receiver.get_current_delay()
    return found


# sunspec-tui export, sunspec-tui quicklook


def _export(arguments: Sequence[str]) -> int:
    parser = _parser(ExportSettings, "sunspec-tui export", "Write rows to a file that other programs open.")
    settings = ExportSettings(**vars(parser.parse_args(arguments)))
    from sunspec_tui.products import Product
    from sunspec_tui.recording import file_form
    from sunspec_tui.writers.export import export

    # Before anything is waited for.
    file_form(settings.output)
    start_s, end_s = (None if each is None else moment_s(each) for each in (settings.start, settings.end))
    if settings.input is not None:
        from sunspec_tui.sources.files import read_recording

        rows = read_recording(settings.input, start_s, end_s)
    else:
        rows = _received(settings).between(start_s, end_s)
    nbytes = export(rows, settings.output, Product(settings.product))
    print(f"{settings.output}: {len(rows)} rows, {nbytes / 1e6:.2f} MB")
    return EXIT_OK


def _received(settings: ExportSettings) -> "Recording":
    """Rows of a stream that was listened to for a while."""
    from sunspec_tui.receiver import StreamReceiver

    with ExitStack() as started:
        _start_logging(started, "WARNING")
        receiver = StreamReceiver(
            settings.addr, settings.port, max(2, settings.frames), plot_interval=0, chan0=settings.chan0,
            channel_average=settings.channel_average, station=settings.station,
        )  # fmt: skip
        started.enter_context(receiver)
        receiver.wait_for_frames(settings.frames, settings.timeout)
        rows = receiver.recording()
    if rows is None:
        raise ExportError(
            f"nothing came from {settings.addr}:{settings.port} in {settings.timeout:g} s, there is nothing to export"
        )
    return rows


def _quicklook(arguments: Sequence[str]) -> int:
    parser = _parser(QuicklookSettings, "sunspec-tui quicklook", "Draw pictures of the days or hours of an archive.")
    settings = QuicklookSettings(**vars(parser.parse_args(arguments)))
    from sunspec_tui.quicklook import quicklook

    start_s = -math.inf if settings.start is None else moment_s(settings.start)
    end_s = math.inf if settings.end is None else moment_s(settings.end)
    count = 0
    for path in quicklook(
        settings.archive, settings.out, product=settings.product, per=settings.per, start_s=start_s, end_s=end_s,
        scheduler=settings.scheduler, workers=settings.workers,
    ):  # fmt: skip
        print(path, flush=True)
        count += 1
    return EXIT_OK if count else EXIT_FAILED


_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "stream": _stream,
    "doctor": _doctor,
    "snapshot": _snapshot,
    "export": _export,
    "quicklook": _quicklook,
}
