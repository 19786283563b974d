"""Start and stop a receiver's archive, subscriber, plots and web view.

The parts are the archive, the subscriber with its thread, the plot service and the web view. They start in this order
and stop in reverse order.
"""

import logging
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sunspec_tui.core.argument_checks import parse_choice
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.flux_scale import ARBITRARY, load_flux_scale
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.memory_usage import Collector, MemoryReading
from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.core.sun import sun_elevation_deg
from sunspec_tui.core.unstarted_threads import check_threads
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.files.archive.backlog import ArchiveSource
from sunspec_tui.files.archive.layout import Precision
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.files.archive.writer import ArchiveWriter
from sunspec_tui.files.note_follower import NoteFollower
from sunspec_tui.files.notes import notes_path
from sunspec_tui.monitoring.day_count_files import DayCountFile
from sunspec_tui.monitoring.day_counter import DayCounter
from sunspec_tui.monitoring.event_reporter import EventReporter
from sunspec_tui.monitoring.gain_floor_files import FloorFiles
from sunspec_tui.monitoring.live_bursts import LiveBursts
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.monitoring.snapshot_builder import PartsStatus, SnapshotBuilder
from sunspec_tui.monitoring.sun_reading import SunReader
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotEvent, PlotJob
from sunspec_tui.plots.job_builder import PlotContext, live_job
from sunspec_tui.plots.plot_service import PlotService
from sunspec_tui.receiver_options import ReceiverOptions
from sunspec_tui.stream.delay_control import DelayControl
from sunspec_tui.stream.history import StreamHistory
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_handler import Clocks, MessageHandler
from sunspec_tui.stream.subscriber import Subscriber
from sunspec_tui.timeline.scaled_archive import ScaledArchive
from sunspec_tui.timeline.timeline import StoredTimeline, Timeline
from sunspec_tui.timeline.updater import TimelineUpdater, poll_s
from sunspec_tui.web import WebServer

if TYPE_CHECKING:
    from sunspec_tui.webapp.context import Source

log = logging.getLogger(__name__)

# Of ZeroMQ, the subscriber, the plots, the history, the notes, the bursts (3), and one to spare.
_THREADS = 10


class ReceiverParts:
    """Parts of a receiver, which start and stop together.

    Parameters
    ----------
    options
        Parameters of the receiver.
    web_source
        The receiver, for the web view.
    memory
        Function that returns the memory usage.
    on_plot_event
        Function called with each event of the plot service.
    on_header
        Function called with the header of the first frame; None for no call.

    Attributes
    ----------
    lock
        Lock that protects the state of the stream.
    lifecycle_lock
        Lock held while parts start or stop.
    history, delay, snapshots, handler
        Access to the stream: rows, message delay, snapshots, and the subscriber's callbacks.
    listeners
        Functions called after each batch of messages.
    reporter, collector
        Reporter of events, and garbage collector.
    archive, plots, web, notes, bursts
        The archive writer, the plot service, the web view, the observers' notes, and the bursts.
    timeline
        Rows and blocks of the day, from ring, memory and archive.
    web_wanted
        True if the web view is served while the parts run.
    palette
        Colour map of plots.

    Raises
    ------
    UsageError
        If a parameter cannot be used.
    """

    def __init__(
        self,
        options: ReceiverOptions,
        web_source: "Source",
        *,
        memory: Callable[[], MemoryReading],
        on_plot_event: Callable[[PlotEvent], None],
        on_header: Callable[[Mapping[str, Any]], None] | None,
    ) -> None:
        self._options = options
        self._clocks = Clocks(options.clock, options.monotonic)
        self._problems = options.problems or Problems(options.monotonic)
        self._plots_to_keep = RetentionPolicy.parse(options.plot_keep)
        self._floor_files = FloorFiles(_path(options.floor_dir), options.source)
        self._days = DayCounter(DayCountFile(_path(options.day_dir), options.source), options.source, log)
        self._running: ExitStack | None = None
        # Until when the archive may take its last rows at a stop.
        self._archive_deadline_s = math.inf
        self.lock, self.lifecycle_lock = threading.Lock(), threading.RLock()
        self.reporter, self.collector = EventReporter(log), Collector(options.gc_interval)
        self.web_wanted, self.palette = options.start_webshow, options.palette
        self.web = WebServer(
            web_source, options.web or WebOptions(), options.buffer_length, self.reporter.report_web_failure
        )
        self.listeners = Listeners(self.web.wake)
        self._ingester = self._frame_ingester()
        self.history = StreamHistory(self._ingester, self.lock, options.product, options.station, options.source)
        self.delay = DelayControl(self._ingester, self.lock)
        self.handler = self._message_handler(on_header)
        self.plots = self._plot_service(on_plot_event)
        self.archive = self._archive_writer()
        self.notes = NoteFollower(self._notes_path(), self.listeners.notify)
        self.timeline = Timeline(
            self.history.epochs, self.history.rows_within, self._stored_timeline(), options.monotonic
        )
        self.bursts = LiveBursts(
            options.burst_search, self.history.epochs, log, timeline=self.timeline, monotonic=options.monotonic
        )
        self._timeline_updater = TimelineUpdater(self.timeline.update, poll_s(options.buffer_length))
        self.snapshots = self._snapshot_builder(memory)

    def _frame_ingester(self) -> FrameIngester:
        options = self._options
        return FrameIngester(
            options.buffer_length,
            options.channel_average,
            options.chan0,
            options.beam_index,
            options.delay,
            load_flux_scale(options.flux_scale),
        )

    def _message_handler(self, on_header: Callable[[Mapping[str, Any]], None] | None) -> MessageHandler:
        return MessageHandler(
            self._ingester,
            self.lock,
            self.reporter,
            self._options.source,
            clocks=self._clocks,
            collector=self.collector,
            listeners=self.listeners,
            on_header=on_header,
        )

    def _snapshot_builder(self, memory: Callable[[], MemoryReading]) -> SnapshotBuilder:
        return SnapshotBuilder(
            self._ingester,
            self.lock,
            self.reporter,
            self._options.source,
            clocks=self._clocks,
            floor_files=self._floor_files,
            problems=self._problems,
            sun=SunReader(self._options.site),
            days=self._days,
            parts=self._status,
            memory=memory,
        )

    def _plot_service(self, on_event: Callable[[PlotEvent], None]) -> PlotService:
        options = self._options
        return PlotService(
            Path(options.plot_dir),
            options.plot_interval,
            self.plot_job,
            on_event=on_event,
            source=options.source,
            clock=options.clock,
            monotonic=options.monotonic,
        )

    def _archive_writer(self) -> ArchiveWriter:
        options = self._options
        return ArchiveWriter(
            _path(options.archive_dir),
            self._archive_source,
            on_event=self.reporter.report_archive,
            precision=parse_choice(Precision, "archive precision", options.archive_precision),
            min_elevation_deg=options.archive_elevation,
            elevation_deg=partial(sun_elevation_deg, site=options.site),
            monotonic=options.monotonic,
        )

    def _stored_timeline(self) -> StoredTimeline | None:
        """Return the archive in the unit of the rows; None without one."""
        if self._options.archive_dir is None:
            return None
        archive, scale = ArchiveBlocks(self._options.archive_dir), self._ingester.flux_scale
        return archive if scale is None else ScaledArchive(archive, scale)

    def _notes_path(self) -> Path | None:
        options = self._options
        return _path(options.notes_path) or notes_path(_path(options.archive_dir), None)

    # State

    @property
    def running(self) -> bool:
        """True between `start` and `stop`."""
        return self._running is not None

    @property
    def interval_s(self) -> float:
        """Seconds of a row for the delay method ``buffer``."""
        return self._ingester.interval_s

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Processes that the parts have started."""
        return (*self.plots.child_pids, *self.web.child_pids)

    def _status(self) -> PartsStatus:
        return PartsStatus(
            self.plots.status(), self.archive.status(), self.web.status(), self.notes.counts, self.bursts.status()
        )

    # Start and stop

    def start(self) -> None:
        """Start all parts; without effect while they run."""
        with self.lifecycle_lock:
            if self._running is None:
                self._running = self._start_all()

    def _start_all(self) -> ExitStack:
        """Start all parts in order."""
        with ExitStack() as started:
            started.enter_context(self._problems.watching_threads())
            # It reads what is archived while the other parts start, and adds the last rows after they have stopped.
            started.callback(self._timeline_updater.stop)
            self._timeline_updater.start()
            self._days.load()
            # Ended last, so that it takes the last rows too.
            started.callback(lambda: self.archive.stop(self._archive_deadline_s))
            self.archive.start()
            # ZeroMQ aborts the process if it cannot start its threads.
            check_threads(_THREADS)
            started.callback(self.notes.stop)
            self.notes.start()
            # They end after the subscriber, so that the last rows are searched too.
            started.callback(self.bursts.stop)
            self.bursts.start()
            self._start_subscriber(started)
            started.callback(self.plots.stop)
            self.plots.start()
            started.callback(self.web.stop)
            if self.web_wanted:
                self._start_web()
            return started.pop_all()

    def _start_subscriber(self, started: ExitStack) -> None:
        options = self._options
        subscriber = Subscriber(
            options.stream_addr, options.stream_port, self.handler, options.reconnect, monotonic=options.monotonic
        )
        started.callback(self.handler.close_iterators)
        started.callback(subscriber.stop)
        self.handler.mark_connecting()
        # If the start fails, nothing connects.
        started.callback(self.handler.mark_idle)
        subscriber.start()

    def stop(self, deadline_s: float) -> None:
        """Stop all parts in reverse order; without effect unless they run.

        Parameters
        ----------
        deadline_s
            Time on `time.monotonic` until which a slow disk may take the last rows of the archive.
        """
        with self.lifecycle_lock:
            running, self._running = self._running, None
            if running is None:
                return
            self._archive_deadline_s = deadline_s
            running.close()
            self._floor_files.finish()
            self._days.finish()
            self.reporter.flush()

    def set_web(self, on: bool) -> WebStatus:
        """Start or stop the web view; before `start`, only note the choice."""
        with self.lifecycle_lock:
            self.web_wanted = on
            if self._running is None:
                return self.web.status()
            if on:
                return self._start_web()
            self.web.stop()
            return self.web.status()

    def _start_web(self) -> WebStatus:
        status = self.web.start()
        if status.problem:
            self.reporter.report_web_failure(status.problem)
        else:
            log_event(log, logging.INFO, "web", status.announcement)
        return status

    # Data of the parts

    def plot_job(self) -> PlotJob | None:
        """Return all rows as a plot job; None before the first row."""
        with self.lock:
            ingester = self._ingester
            ring, axis, health, lag_s = ingester.ring, ingester.axis, ingester.health, ingester.delay.value_s
            cadence_s, missing = health.cadence_s, health.frames_missing
        if ring is None or axis is None:
            return None
        options, directory = self._options, str(self.plots.status().directory)
        now_s = self._clocks.wall()
        return live_job(
            ring,
            axis,
            PlotContext(now_s, self.history.source, cadence_s, missing, lag_s, directory, self.history.station),
            self.history.product,
            keep=self._plots_to_keep,
            ratio=options.plot_ratio,
            remove_background=options.plot_remove_background,
            palette=self.palette,
        )

    def _archive_source(self) -> ArchiveSource | None:
        """Return the ring that the archive reads; None before the first frame."""
        epoch = self.history.present_epoch()
        if epoch is None:
            return None
        # The archive keeps powers as received, so that another scale can be applied later.
        return ArchiveSource(epoch.ring, replace(self.history.template(epoch), unit=ARBITRARY))


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
