"""Command ``sunspec-tui``: run the monitor on a terminal, or as a service."""

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.logging_setup import check_not_on_screen, start_logging
from sunspec_tui.cli.signals import Ending
from sunspec_tui.cli.status_lines import show_secret, status_output
from sunspec_tui.core.exit_status import EXIT_FAILED
from sunspec_tui.core.settings import Settings, StreamSettings
from sunspec_tui.core.sun import ObservingSite
from sunspec_tui.core.view_options import PALETTE_NAMES
from sunspec_tui.monitoring.problems import Problems

if TYPE_CHECKING:
    from sunspec_tui.app import Monitor
    from sunspec_tui.core.flux_scale import FluxScale
    from sunspec_tui.core.playback_settings import PlaybackSettings
    from sunspec_tui.playback import Playback
    from sunspec_tui.receiver import StreamReceiver
    from sunspec_tui.timeline.archive_preview import ArchivePreview

log = logging.getLogger("sunspec_tui")


def run(settings: Settings) -> int:
    """Run the monitor and return its exit status."""
    flux_scale = load_scale(settings.flux_scale)
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
        open_receiver = partial(_open_receiver, started, settings, problems, flux_scale)
        if on_terminal:
            from sunspec_tui.core import state_files

            open_preview = partial(_open_preview, settings.archive, flux_scale)
            return run_on_terminal(
                open_receiver, settings, view_path=state_files.default_path, open_preview=open_preview
            )
        from sunspec_tui.cli import headless

        say = status_output(started, problems)
        return headless.run(open_receiver(), settings, say, show=show_secret, ending=ending)


def load_scale(text: str | None) -> "FluxScale | None":
    """Return the flux scale of an option.

    It is read once, before the first screen, because a pipe cannot be read again.
    """
    if text is None:
        return None
    from sunspec_tui.core.flux_scale import load_flux_scale

    return load_flux_scale(text)


def _open_receiver(
    started: ExitStack, settings: Settings, problems: Problems, flux_scale: "FluxScale | None"
) -> "StreamReceiver":
    """Return the receiver; with ``--demo``, also start its producer."""
    if settings.demo:
        return _receiver(settings, "127.0.0.1", _start_demo(started, settings), problems, flux_scale)
    return _receiver(settings, settings.addr, settings.stream_port, problems, flux_scale)


def _open_preview(directory: Path | None, flux_scale: "FluxScale | None") -> "ArchivePreview | None":
    """Return the archive for the first picture; None without an archive."""
    if directory is None:
        return None
    from sunspec_tui.timeline.archive_preview import ArchivePreview

    return ArchivePreview(directory, flux_scale)


def _receiver(
    settings: Settings, addr: str, port: int, problems: Problems, flux_scale: "FluxScale | None"
) -> "StreamReceiver":
    from sunspec_tui.core.state_files import state_directory
    from sunspec_tui.files.notes import notes_path
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
        palette=settings.palette or PALETTE_NAMES[0],
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
        site=ObservingSite(settings.latitude, settings.longitude),
        floor_dir=state_directory(),
        flux_scale=flux_scale,
        notes_path=notes_path(settings.archive, state_directory()),
        bursts=not settings.no_bursts,
        burst_files_db=settings.burst_files_db,
        report_rules=settings.report_rules,
        on_event=settings.on_event,
        # The days of a demo are no observing days.
        day_dir=None if settings.demo else state_directory(),
        web=settings.web,
        problems=problems,
    )


def run_on_terminal(
    open_receiver: "Callable[[], StreamReceiver | Playback]",
    settings: Settings,
    *,
    view_path: Callable[[], Path | None],
    open_preview: "Callable[[], ArchivePreview | None]" = lambda: None,
    recorded: "PlaybackSettings | None" = None,
    opening: Callable[[], str] = lambda: "",
    end_opening: Callable[[], None] = lambda: None,
) -> int:
    """Run the monitor's screen; return the exit status.

    Parameters
    ----------
    open_receiver
        Makes the receiver, or opens recorded rows.
    settings
        Settings of the screen.
    view_path
        Returns the file of the saved view; None saves nothing. It is called when the screen shows the log.
    open_preview
        Makes the rows of the first picture, which is shown before there is a receiver; None for no such rows.
    recorded, opening, end_opening
        Settings of recorded rows (None for a stream), and functions that say how far they are opened, and stop that.

    Raises
    ------
    SunspecError
        If there is nothing to receive or to show.
    """
    # Garbage collections would take a tenth of the time to the first screen, so they start after it.
    gc.disable()
    return _run_app(_make_app(open_receiver, settings, view_path, open_preview, recorded, opening, end_opening))


def _make_app(
    open_receiver: "Callable[[], StreamReceiver | Playback]",
    settings: Settings,
    view_path: Callable[[], Path | None],
    open_preview: "Callable[[], ArchivePreview | None]",
    recorded: "PlaybackSettings | None",
    opening: Callable[[], str],
    end_opening: Callable[[], None],
) -> "Monitor":
    """Return the app, whose screen has the log from now on.

    The parameters are those of `run_on_terminal`.
    """
    from sunspec_tui.tui.terminal import capabilities

    # Textual reads its environment variables once, when it is imported.
    capabilities.drop_library_settings(os.environ)
    from sunspec_tui.app import Monitor
    from sunspec_tui.tui.log_lines import LogLines
    from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
    from sunspec_tui.tui.terminal.ability_rules import named_choices

    finder = AbilityFinder(os.environ, named_choices(settings.colors, settings.graphics))
    # Textual would turn the colours that we choose into greys.
    os.environ.pop("NO_COLOR", None)
    lines = LogLines()
    log.addHandler(lines)
    return Monitor(
        open_receiver,
        settings,
        finder=finder,
        ascii_only=settings.ascii or capabilities.needs_ascii(sys.stdout.encoding),
        view_path=view_path(),
        log_lines=lines,
        open_preview=open_preview,
        recorded=recorded,
        opening=opening,
        end_opening=end_opening,
    )


def _run_app(app: "Monitor") -> int:
    """Run the app until it ends; return the exit status."""
    try:
        status = app.run()
    finally:
        # Restore the signals only now: a second signal must not interrupt the archive's last commit.
        app.signals.restore()
    if app.failure is not None:
        raise app.failure
    if status is not None:
        return status
    # Without a status, the program has not ended the app: report a failed screen as a failure.
    return EXIT_FAILED if app.return_code is None else app.return_code


def _start_demo(started: ExitStack, settings: Settings) -> int:
    """Start a producer on a free loopback port, and return the port.

    The producer runs in a thread of this process.
    """
    from sunspec_tui.cli.producer_setup import make_producer, make_source

    source = "flare" if settings.demo == "flare" else "simulate"
    embedded = StreamSettings(source, port=0, chan0=settings.chan0)
    op, _ = make_producer(started, make_source(embedded), embedded)
    port = op.bind()
    thread = threading.Thread(target=op.main, name="sunspec-producer", daemon=True)
    thread.start()
    started.callback(thread.join)
    started.callback(op.shutdown)
    return port
