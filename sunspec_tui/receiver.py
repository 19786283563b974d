"""StreamReceiver: receives a stream, and returns its rows and snapshots.

It starts the archive, the subscriber's thread, the plot service and the web view, and stops them in reverse order.
It draws nothing, prints nothing and knows no front end; events go to the log of this package.
"""

import inspect
import logging
import math
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.arguments import number, parse_choice
from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Position
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.memory_usage import Collector
from sunspec_tui.core.products import Product
from sunspec_tui.core.rebinning import rebinned
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.times import lwa_time_tag_to_datetime as lwa_time_tag_to_datetime
from sunspec_tui.core.unstarted_threads import check_threads
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.files.archive.backlog import ArchiveSource
from sunspec_tui.files.archive.layout import Precision
from sunspec_tui.files.archive.writer import ArchiveWriter
from sunspec_tui.files.write import export
from sunspec_tui.monitoring.event_reporter import EventReporter
from sunspec_tui.monitoring.gain_floor_files import FloorFiles
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.snapshot_builder import PartsStatus, SnapshotBuilder
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.older_receiver import OlderReceiver
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_builder import PlotContext, live_job
from sunspec_tui.plots.plot_service import PlotService
from sunspec_tui.receiver_options import ReceiverOptions
from sunspec_tui.stream.delay_control import DelayControl
from sunspec_tui.stream.frame_iterator import FrameIterator, FrameIterators, Item, Row
from sunspec_tui.stream.history import StreamHistory
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_delay import DelayMethod
from sunspec_tui.stream.message_handler import Clocks, MessageHandler
from sunspec_tui.stream.subscriber import Subscriber
from sunspec_tui.web import WebServer

log = logging.getLogger(__name__)

# Of ZeroMQ, the subscriber and the plots, and one to spare.
_THREADS = 5
_P = ParamSpec("_P")


def _with_parameters_of(
    options: Callable[_P, object],
) -> Callable[[Callable[..., None]], Callable[Concatenate["StreamReceiver", _P], None]]:
    """Give an initialiser the parameters of an options class.

    Help, editors and type checkers then show them.
    """

    def decorated(initialiser: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(options).parameters.values()
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        initialiser.__signature__ = inspect.Signature([own, *parameters])  # type: ignore[attr-defined]
        return initialiser

    return decorated


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


class StreamReceiver(OlderReceiver):
    """Receiver of a stream, with its history, plots, archive and web view.

    It has many methods because it hands on what its parts do, so that a script needs one object.

    Parameters
    ----------
    *arguments, **options
        Those of `ReceiverOptions`.

    Attributes
    ----------
    options
        The parameters.
    listeners
        Functions that are called when messages have come.

    Raises
    ------
    UsageError
        If a parameter cannot be used; `start` raises it if an archive needs a library that is not installed.

    Examples
    --------
    >>> with StreamReceiver(stream_port=9798, plot_interval=0) as receiver:
    ...     rows = receiver.get_latest_data(n_frames=10)
    """

    @_with_parameters_of(ReceiverOptions)
    def __init__(self, *arguments: object, **options: object) -> None:
        chosen = ReceiverOptions(*arguments, **options)  # type: ignore[arg-type]
        super().__init__()
        self.options, self.source = chosen, chosen.source
        self._clocks = Clocks(chosen.clock, chosen.monotonic)
        self._running: ExitStack | None = None
        self._life = threading.RLock()
        self._problems = chosen.problems or Problems(chosen.monotonic)
        self._keep = RetentionPolicy.parse(chosen.plot_keep)
        self._collector = Collector(chosen.gc_interval)
        self._teller = EventReporter(log)
        self._floor_files = FloorFiles(_path(chosen.floor_dir), self.source)
        self._plots = self._plot_service()
        self._archive = self._archive_writer()
        # Until when the archive may take its last rows at a stop.
        self._archive_by_s = math.inf
        self._web_wanted = chosen.start_webshow
        self._web = WebServer(self, chosen.web or WebOptions(), chosen.buffer_length, self._teller.report_web_failure)
        self.listeners = Listeners(self._web.wake)
        self._receive_into(chosen)

    def _receive_into(self, chosen: ReceiverOptions) -> None:
        """Make the parts that frames pass through."""
        self._lock = threading.Lock()
        self._ingester = FrameIngester(
            chosen.buffer_length, chosen.channel_average, chosen.chan0, chosen.beam_index, chosen.delay
        )
        self.history = StreamHistory(self._ingester, self._lock, chosen.product, chosen.station, self.source)
        self._delay = DelayControl(self._ingester, self._lock)
        self.handler = MessageHandler(
            self._ingester,
            self._lock,
            self._teller,
            self.source,
            clocks=self._clocks,
            collector=self._collector,
            listeners=self.listeners,
            on_header=self.debug_header_info if chosen.verbose else None,
        )
        self._snapshots = SnapshotBuilder(
            self._ingester,
            self._lock,
            self._teller,
            self.source,
            clocks=self._clocks,
            floor_files=self._floor_files,
            problems=self._problems,
            parts=self._parts_status,
            memory=self._memory,
        )

    def _plot_service(self) -> PlotService:
        chosen = self.options
        return PlotService(
            Path(chosen.plot_dir),
            chosen.plot_interval,
            self.plot_job,
            on_event=self._plotted,
            source=self.source,
            clock=chosen.clock,
            monotonic=chosen.monotonic,
        )

    def _archive_writer(self) -> ArchiveWriter:
        chosen = self.options
        return ArchiveWriter(
            _path(chosen.archive_dir),
            self._archive_source,
            on_event=self._teller.report_archive,
            precision=parse_choice(Precision, "archive precision", chosen.archive_precision),
            min_elevation_deg=chosen.archive_elevation,
            monotonic=chosen.monotonic,
        )

    def __repr__(self) -> str:
        position = self.position()
        rows = 0 if position is None else min(position.count, position.length)
        state = "running" if self._running is not None else "stopped"
        return f"<StreamReceiver of {self.source}: {state}, {rows} rows>"

    # Start and stop

    def start(self) -> None:
        """Start to receive and to plot.

        Without effect while the receiver runs. After `stop`, the rows that were received are kept.
        """
        with self._life:
            if self._running is None:
                self._running = self._start_all()

    def _start_all(self) -> ExitStack:
        """Start all parts in order."""
        with ExitStack() as started:
            started.enter_context(self._problems.watching_threads())
            # Ended last, so that it takes the last rows too.
            started.callback(lambda: self._archive.stop(self._archive_by_s))
            self._archive.start()
            # ZeroMQ aborts the process where it cannot start its threads.
            check_threads(_THREADS)
            chosen = self.options
            subscriber = Subscriber(
                chosen.stream_addr, chosen.stream_port, self.handler, chosen.reconnect, monotonic=chosen.monotonic
            )
            started.callback(self.handler.close_iterators)
            started.callback(subscriber.stop)
            self.handler.mark_connecting()
            # If the start fails, nothing connects.
            started.callback(self.handler.mark_idle)
            subscriber.start()
            started.callback(self._plots.stop)
            self._plots.start()
            started.callback(self._web.stop)
            if self._web_wanted:
                self._start_web()
            return started.pop_all()

    def stop(self, *, deadline_s: float = math.inf) -> None:
        """Stop all parts in reverse order; what was received stays readable.

        Loops over `frames` and `rows` end. A second call is harmless; before `start` it has no effect.

        Parameters
        ----------
        deadline_s
            Time on `time.monotonic` until which a slow disk may take the last rows of the archive.
        """
        with self._life:
            running, self._running = self._running, None
            if running is None:
                return
            self._archive_by_s = deadline_s
            running.close()
            self._floor_files.finish()
            self._teller.flush()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Snapshots

    def has_news(self) -> bool:
        """Return True if the next snapshot would log something."""
        return self._snapshots.has_news()

    def snapshot(
        self, since: int = 0, *, epoch: int = 0, most: int | None = None, checks: bool = True, memory: bool = True
    ) -> Snapshot:
        """Return everything at this moment, as one frozen value; see `SnapshotBuilder.build`."""
        return self._snapshots.build(since, epoch=epoch, most=most, checks=checks, memory=memory)

    def _parts_status(self) -> PartsStatus:
        return PartsStatus(self._plots.status(), self._archive.status(), self._web.status())

    # Loops over what comes

    def wait_for_frames(self, n: int, timeout_s: float) -> bool:
        """Wait for `n` frames since the start; False after the timeout or `stop`."""
        return self.handler.wait_for_frames(n, timeout_s)

    def frames(self, timeout_s: float | None = None, most: int = 1000) -> FrameIterator[Frame]:
        """Iterate over frames from now on: ``for frame in receiver.frames(): ...``.

        Parameters
        ----------
        timeout_s
            End after so many seconds without a frame; None waits until `stop`.
        most
            Largest number of frames queued for a slow loop, within 128 MiB in all; older frames are dropped and
            counted in ``frames_missed``.

        Returns
        -------
        FrameIterator
            An iterator of `Frame` for one thread, and a context manager that ends it. It ends at once while nothing
            runs.
        """
        return self._follow(self.handler.frame_iterators, FrameIterator[Frame](most, timeout_s))

    def rows(self, timeout_s: float | None = None, most: int = 1000) -> FrameIterator[Row]:
        """Iterate over averaged rows from now on.

        Parameters
        ----------
        timeout_s, most
            As in `frames`.

        Returns
        -------
        FrameIterator
            An iterator of `Row`, as `frames` returns one of `Frame`.
        """
        return self._follow(self.handler.row_iterators, FrameIterator[Row](most, timeout_s))

    def _follow(self, followers: FrameIterators[Item], follower: FrameIterator[Item]) -> FrameIterator[Item]:
        with self._life:
            if self._running is None:
                follower.close()
            else:
                followers.add(follower)
        return follower

    # Rows and recordings

    @property
    def station(self) -> str:
        """Origin of the data; see `StreamHistory.station`."""
        return self.history.station

    def set_product(self, product: str) -> None:
        """Show another product in plots and in `get_latest_data`."""
        self.history.set_product(product)

    def get_latest_data(
        self, n_frames: int = 1, product: str | None = None, *, pol: str | None = None
    ) -> NDArray[np.float32]:
        """Return the last rows of one product, (n, nbins); see `StreamHistory.get_latest_data`."""
        return self.history.get_latest_data(n_frames, product, pol=pol)

    def get_rows(self, n_frames: int | None = None, *, epoch: int | None = None) -> Rows | None:
        """Return the last rows with all products; see `StreamHistory.get_rows`."""
        return self.history.get_rows(n_frames, epoch=epoch)

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> Rows | None:
        """Return rows by their numbers; see `StreamHistory.rows_between`."""
        return self.history.rows_between(start, stop, product)

    def epochs(self) -> tuple[Epoch, ...]:
        """Return the epochs, the oldest first; see `StreamHistory.epochs`."""
        return self.history.epochs()

    def position(self) -> Position | None:
        """Return how far the stream has come; None before the first frame."""
        return self.history.position()

    def number_at(self, slot: int) -> int:
        """Return the number of the first kept row at or after a slot."""
        return self.history.number_at(slot)

    def last_frame(self) -> Frame | None:
        """Return the newest frame; None before the first."""
        return self.history.last_frame()

    def recording(
        self,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        *,
        epoch: int | None = None,
    ) -> Recording | None:
        """Return rows of the ring as a recording; see `StreamHistory.recording`."""
        return self.history.recording(start, end, epoch=epoch)

    def rows_recording(self, start: int, stop: int) -> Recording | None:
        """Return rows by their numbers as a recording; see `StreamHistory.rows_recording`."""
        return self.history.rows_recording(start, stop)

    def export(
        self,
        path: str | Path,
        product: str | None = None,
        *,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        epoch: int | None = None,
        average_time: float | None = None,
        average_channels: int | None = None,
        digits: bool = False,
    ) -> int:
        """Write rows of the ring to a file; return its size in bytes.

        Parameters
        ----------
        path
            The ending chooses the format: FITS (e-CALLISTO), HDF5 (the recorder's), NPZ or CSV.
        product
            What a FITS file holds; the receiver's own by default. The other forms hold all.
        start, end, epoch
            As in `recording`.
        average_time, average_channels
            Seconds of data and neighbouring bins to average, as in `rebinning.rebinned`.
        digits
            Write a FITS file with 8-bit digits, as in `files.write.export`.

        Raises
        ------
        UsageError
            If there is no such ending, product or epoch.
        ExportError
            If there are no rows, or the disk does not take them.
        """
        wanted = self.history.product if product is None else parse_choice(Product, "product", product)
        rows = self.recording(start, end, epoch=epoch)
        if rows is not None:
            rows = rebinned(rows, average_time, average_channels)
        return self._written(rows, Path(path), wanted, digits=digits)

    def export_rows(self, path: Path, start: int, stop: int) -> str:
        """Write rows by their numbers; return a sentence about the file."""
        rows = self.rows_recording(start, stop)
        nbytes = self._written(rows, path, self.history.product)
        count = 0 if rows is None else len(rows)
        of = "" if count == stop - start else f" of {stop - start}, the others have left the ring"
        return f"{path}: {count} rows{of}, {nbytes / 1e6:.2f} MB"

    def _written(self, rows: Recording | None, path: Path, product: Product, *, digits: bool = False) -> int:
        if rows is None:
            raise ExportError("nothing has been received yet, there is nothing to export")
        nbytes = export(rows, path, product, digits=digits)
        log_event(log, logging.INFO, "export", f"{len(rows)} rows written to {path}", rows=len(rows), bytes=nbytes)
        return nbytes

    # Delay

    def get_current_delay(self) -> float:
        """Return the message delay of the last frame in seconds; NaN before it."""
        return self._delay.value_s

    @property
    def delay_method(self) -> DelayMethod:
        """Method of the message delay."""
        return self._delay.method

    def set_delay_calculation_method(self, method: str = "auto") -> None:
        """Measure the delay by ``auto``, ``buffer`` or ``manual`` from now on.

        Raises
        ------
        UsageError
            If there is no such method.
        """
        self._delay.set_method(method)

    def set_delay(self, delay_seconds: float) -> None:
        """Set the value of ``manual`` and use it.

        Raises
        ------
        UsageError
            If it is no finite number.
        """
        self._delay.set_manual(delay_seconds)

    # Plots

    @property
    def plot_interval_s(self) -> float:
        """Seconds from plot to plot; 0 is off."""
        return self.plot_interval

    def set_plot_interval(self, seconds: float) -> None:
        """Plot every so many seconds from now on; 0 is off."""
        self._plots.set_interval(number("plot_interval", seconds, 0))

    def plot_now(self) -> None:
        """Ask for a plot at once; `snapshot().plots` has the result."""
        self._plots.plot_now()

    def plot_job(self) -> PlotJob | None:
        """Return all rows as a plot job; None before the first row."""
        with self._lock:
            ingester = self._ingester
            ring, axis, health, lag_s = ingester.ring, ingester.axis, ingester.health, ingester.delay.value_s
            cadence_s, missing = health.cadence_s, health.frames_missing
        if ring is None or axis is None:
            return None
        directory = str(self._plots.status().directory)
        now_s = self._clocks.wall()
        return live_job(
            ring,
            axis,
            PlotContext(now_s, self.source, cadence_s, missing, lag_s, directory, self.station),
            self.history.product,
            keep=self._keep,
            ratio=self.options.plot_ratio,
            remove_background=self.options.plot_remove_background,
        )

    # The web view

    def set_web(self, on: bool) -> WebStatus:
        """Serve the web view, or stop it.

        The status that is returned says why it cannot be served. Before `start` the choice is only noted.
        """
        with self._life:
            self._web_wanted = on
            if self._running is None:
                return self._web.status()
            if on:
                return self._start_web()
            self._web.stop()
            return self._web.status()

    def web_status(self) -> WebStatus:
        """Return the state of the web view."""
        return self._web.status()

    def _start_web(self) -> WebStatus:
        status = self._web.start()
        if status.problem:
            self._teller.report_web_failure(status.problem)
        else:
            log_event(log, logging.INFO, "web", status.announcement)
        return status

    # The archive

    def _archive_source(self) -> ArchiveSource | None:
        """Return the ring that the archive reads; None before the first frame."""
        epoch = self.history.present_epoch()
        return None if epoch is None else ArchiveSource(epoch.ring, self.history.template(epoch))
