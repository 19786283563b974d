"""StreamReceiver: owns and orders all that runs, and hands out frozen snapshots.

It starts the archive, the subscriber's thread and the plot writer, keeps the one lock that their state stands
under, and stops everything in reverse order. It draws nothing, prints nothing and knows no front end;
what is worth telling goes to the log of this package. `received` is what it has, this module what it does.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sunspec_tui.core.addresses import host_and_port, parse_host, parse_port
from sunspec_tui.core.arguments import number, whole_number
from sunspec_tui.core.errors import RejectCause, RejectedMessage, UsageError, named_error
from sunspec_tui.core.event_log import tell
from sunspec_tui.core.frame import Frame, decode, quoted
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.memory_budgets import check_buffer_length, frame_nbytes
from sunspec_tui.core.memory_usage import NOT_READ, Collector, MemoryReading
from sunspec_tui.core.recording import STATION
from sunspec_tui.core.retention import DEFAULT_KEEP, Keep
from sunspec_tui.core.ring_copy import live_job
from sunspec_tui.core.settings import can_be_path
from sunspec_tui.core.times import lwa_time_tag_to_datetime as lwa_time_tag_to_datetime
from sunspec_tui.core.unstarted_threads import check_threads
from sunspec_tui.core.web_options import WebOptions, WebStatus
from sunspec_tui.files.archive.layout import Precision
from sunspec_tui.files.archive.writer import ArchiveWriter, Followed
from sunspec_tui.monitoring.event_reporter import Teller
from sunspec_tui.monitoring.gain_floor_files import FloorFiles
from sunspec_tui.monitoring.instrument_check import InstrumentCheck, Judgement
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.older_receiver import OlderReceiver
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.plot_service import PngWriter
from sunspec_tui.stream.frame_iterator import Follower, Followers, Item, Row
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.history import is_number, one_of
from sunspec_tui.stream.ingest import DelayChoice, Intake
from sunspec_tui.stream.message_delay import DelayMethod
from sunspec_tui.stream.reconnecting import ReconnectTimes
from sunspec_tui.stream.subscriber import Subscriber
from sunspec_tui.web import WebServer

log = logging.getLogger(__name__)

# Of ZeroMQ, the subscriber and the plots, and one to spare.
_THREADS = 5


class StreamReceiver(OlderReceiver):
    """Receives the stream, keeps the last minutes and writes plots.

    Parameters
    ----------
    stream_addr, stream_port
        Where the producer publishes.
    buffer_length
        Rows that are kept.
    gc_interval
        Frames from one garbage collection among new objects to the next; 0 is off.
    plot_interval
        Seconds from plot to plot; 0 is off.
    plot_dir
        Where plots go; made when it is missing.
    start_webshow
        Serve the web view from `start` on; what hinders it is logged, and receiving goes on.
    streaming_interval
        Seconds of a row for the delay method ``buffer``; the measured cadence by default.
    verbose
        Log the header of the first frame.
    channel_average
        Channels a bin.
    product
        Name of the product that plots and `get_latest_data` show, see `products.Product`.
    chan0
        First channel, where the header does not say.
    beam_index
        Which beam of a frame with several is kept.
    delay_method, manual_delay
        See `set_delay_calculation_method` and `set_delay`.
    station
        Whose data this is, for figures and files.
    plot_keep
        How many plots stay: by age and size (``7d,2G``), by number (``1000``), or ``all``.
    plot_ratio
        Write a second figure with V/I beside each plot.
    plot_remove_background
        Show the waterfall of plots, also of `create_plot`, without the quiet background.
    archive_dir
        Where every row is archived; None archives nothing.
    archive_precision
        What a new store keeps of each power: the bits that its noise leaves meaningful (``noise``), or all (``exact``).
    archive_elevation
        Archive only while the Sun stands at least so many degrees above the horizon.
    floor_dir
        Where the quiet floor of the stream is kept between runs; None begins it anew with each run.
    web
        Where and to whom the web view is served; this machine alone by default.
    reconnect
        When a connection that is silent, lost or foreign is replaced.
    problems
        Problems of the program itself, shared with the caller; None uses a new object.
    clock, monotonic
        Wall clock (seconds since 1970) and a clock that never goes back.

    Raises
    ------
    UsageError
        If a parameter cannot be used; `start` raises it where an archive needs a library that is not installed.

    Examples
    --------
    >>> with StreamReceiver(stream_port=9798, plot_interval=0) as receiver:
    ...     rows = receiver.get_latest_data(n_frames=10)
    """

    def __init__(
        self,
        stream_addr: str = "127.0.0.1",
        stream_port: int = 9798,
        buffer_length: int = 1200,
        gc_interval: int = 100,
        plot_interval: float = 10,
        plot_dir: str | Path = "figs",
        start_webshow: bool = False,
        streaming_interval: float | None = None,
        verbose: bool = False,
        *,
        channel_average: int = 4,
        product: str = "XX",
        chan0: int = 560,
        beam_index: int = 0,
        delay_method: str = "auto",
        manual_delay: float = 0.0,
        station: str = STATION,
        plot_keep: str = DEFAULT_KEEP,
        plot_ratio: bool = False,
        plot_remove_background: bool = False,
        archive_dir: str | Path | None = None,
        archive_elevation: float | None = None,
        archive_precision: str = "noise",
        floor_dir: str | Path | None = None,
        web: WebOptions | None = None,
        reconnect: ReconnectTimes | None = None,
        problems: Problems | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        stream_port = whole_number("stream_port", stream_port, 1)
        buffer_length = whole_number("buffer_length", buffer_length, 1)
        channel_average = whole_number("channel_average", channel_average, 1)
        chan0, beam_index = whole_number("chan0", chan0, 0), whole_number("beam_index", beam_index, 0)
        gc_interval = whole_number("gc_interval", gc_interval, 0)
        plot_interval = number("plot_interval", plot_interval, 0)
        if archive_elevation is not None and not -90 <= float(archive_elevation) <= 90:
            raise UsageError(f"archive_elevation is {archive_elevation}, it must lie between -90 and 90 degrees")
        for name, path in (("plot_dir", plot_dir), ("archive_dir", archive_dir)):
            if path is not None and not can_be_path(Path(path)):
                raise UsageError(f"{name} is {str(path)!r}, no file can have such a name; choose another")
        if streaming_interval is not None and not (is_number(streaming_interval) and 0 < streaming_interval < math.inf):
            text = f"streaming_interval is {quoted(streaming_interval)}, it must be a number of seconds above 0"
            raise UsageError(text)
        check_buffer_length("buffer_length", buffer_length, channel_average)
        choice = DelayChoice(one_of(DelayMethod, "delay method", delay_method), manual_delay, streaming_interval)
        intake = Intake(buffer_length, channel_average, chan0, beam_index, choice)
        self._host, self._port = parse_host(stream_addr, "stream_addr"), parse_port(stream_port, "stream_port")
        super().__init__(intake, threading.Lock(), product, station, host_and_port(self._host, self._port))
        self._clock, self._monotonic = clock, monotonic
        self._reconnect = reconnect
        self._collector = Collector(gc_interval)
        self._keep, self._plot_ratio = Keep.parse(plot_keep), plot_ratio
        self._remove_background = plot_remove_background
        self._arrived = threading.Condition(self._lock)
        # Waking a waiter costs as much as a frame, so it happens only when what it waits for is there.
        self._awaited = math.inf
        self._endings = 0
        self._running: ExitStack | None = None
        self._life = threading.RLock()
        self._frame_followers, self._row_followers = Followers[Frame](), Followers[Row]()
        self._teller = Teller(log)
        self._floor_files = FloorFiles(None if floor_dir is None else Path(floor_dir), self.source)
        self._check = InstrumentCheck(self._floor_files.load)
        self._verbose = verbose
        self._problems = problems or Problems(monotonic)
        self._plots = PngWriter(
            Path(plot_dir),
            plot_interval,
            self.plot_job,
            on_event=self._plotted,
            source=self.source,
            clock=clock,
            monotonic=monotonic,
        )
        # Until when the archive may take its last rows at a stop.
        self._archive_by_s = math.inf
        self._archive = ArchiveWriter(
            None if archive_dir is None else Path(archive_dir),
            self._followed,
            on_event=self._teller.archived,
            precision=one_of(Precision, "archive precision", archive_precision),
            least_elevation_deg=archive_elevation,
            monotonic=monotonic,
        )
        self._web_wanted = start_webshow
        self._web = WebServer(self, web or WebOptions(), buffer_length, self._teller.web_failed)
        self.listeners = Listeners(self._web.wake)

    # Life

    def start(self) -> None:
        """Begin to receive and to plot; without effect while it runs. After `stop` it goes on with what it has."""
        with self._life:
            if self._running is None:
                self._running = self._begun()

    def _begun(self) -> ExitStack:
        """All that runs, started in order."""
        with ExitStack() as started:
            started.enter_context(self._problems.watching_threads())
            # Ended last, so that it takes the last rows too.
            started.callback(lambda: self._archive.stop(self._archive_by_s))
            self._archive.start()
            # ZeroMQ aborts the process where it cannot start its threads.
            check_threads(_THREADS)
            subscriber = Subscriber(self._host, self._port, self, self._reconnect, monotonic=self._monotonic)
            started.callback(self._close_followers)
            started.callback(subscriber.stop)
            self._intake.health.linked(LinkState.CONNECTING)
            # Where the start fails, nothing is being connected to.
            started.callback(self._rest)
            subscriber.start()
            started.callback(self._plots.stop)
            self._plots.start()
            started.callback(self._web.stop)
            if self._web_wanted:
                self._begin_web()
            return started.pop_all()

    def stop(self, *, deadline_s: float = math.inf) -> None:
        """End everything that `start` began, in reverse order; what was received stays readable.

        Loops over `frames` and `rows` end. Again without harm, and before `start` without effect.

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
            self._teller.rest()

    def _close_followers(self) -> None:
        """End the loops over frames and rows, after they have taken what waits."""
        self._frame_followers.close()
        self._row_followers.close()

    def _rest(self) -> None:
        """Nothing runs any more: say so, and let go who waits for frames."""
        with self._arrived:
            self._intake.health.linked(LinkState.IDLE)
            self._endings += 1
            self._arrived.notify_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What the subscriber's thread tells

    def on_message(self, parts: Sequence[bytes | memoryview]) -> None:
        """Take one multipart message: kept as a row, or counted under the cause why not."""
        now_s, arrived_s = self._clock(), self._monotonic()
        frame = None
        try:
            frame = decode(parts, self._intake.chan0)
            with self._lock:
                epoch = self._intake.epoch
                placement = self._intake.take(frame, now_s, arrived_s)
                if self._intake.health.frames_received >= self._awaited:
                    self._awaited = math.inf
                    self._arrived.notify_all()
        except RejectedMessage as error:
            self._reject(error, arrived_s, frame)
            return
        except Exception as error:  # noqa: BLE001 - counted and told; the next message may be a frame
            self._reject(RejectedMessage(RejectCause.UNEXPECTED, named_error(error)), arrived_s, frame)
            return
        self._hand_on(frame, parts)
        if placement.mark or placement.silence_s or self._intake.epoch != epoch:
            self._teller.placed(placement, arrived_s, reshaped=self._intake.epoch != epoch)
        interval = self._collector.interval
        if interval and self._intake.health.frames_received % interval == 0:
            self._collector.collect_young()

    def _hand_on(self, frame: Frame, parts: Sequence[bytes | memoryview]) -> None:
        """Give a frame and its row to the loops that wait for them."""
        intake = self._intake
        if self._verbose and intake.health.frames_received == 1:
            self.debug_header_info(frame.header)
        if self._frame_followers:
            self._frame_followers.put(frame, frame_nbytes(parts))
        if self._row_followers and intake.ring is not None and intake.axis is not None:
            newest = intake.ring.latest(1), intake.axis, intake.epoch, intake.health.cadence_s
            self._row_followers.put(Row.newest(*newest))

    def on_queue(self, taken: int) -> None:
        """Learn how many messages have been taken in a row since the receive queue was last empty.

        The listeners are called here and not for each frame: they wake threads, which would compete with this one.
        """
        with self._lock:
            self._intake.health.queued(taken)
        if taken:
            self.listeners.notify()

    def receiving(self) -> AbstractContextManager[object]:
        """What the thread does all its work in: bad values are masked, not warned of."""
        return np.errstate(invalid="ignore", over="ignore")

    def on_link(self, link: LinkState, words: str = "", attempt: int = 0) -> None:
        """Take the link's state, its description and the attempt's number."""
        with self._lock:
            health = self._intake.health
            before = (health.link, health.link_detail)
            health.linked(link, words, attempt)
        if (link, words) != before:
            level = logging.INFO if link in (LinkState.CONNECTING, LinkState.CONNECTED) else logging.WARNING
            tried = {"attempt": attempt} if attempt else {}
            tell(log, level, "link", f"{self.source}: {words or link}", link=link.name.lower(), **tried)

    def on_reject(self, error: RejectedMessage) -> None:
        """Count a message that could not be received."""
        self._reject(error, self._monotonic())

    def cadence_s(self) -> float:
        """Return the seconds of data from frame to frame; NaN while unknown."""
        return self._intake.health.cadence_s

    def on_failure(self, error: Exception) -> None:
        """Learn that the subscriber's thread has ended on an error."""
        with self._arrived:
            self._intake.health.linked(LinkState.FAILED)
            self._endings += 1
            self._arrived.notify_all()
        self._close_followers()
        tell(log, logging.ERROR, "failure", f"receiving has ended on an error, restart the program: {error!r}")

    def _reject(self, error: RejectedMessage, arrived_s: float, frame: Frame | None = None) -> None:
        """Count a rejected message; the log gets one line a second at the most."""
        with self._lock:
            self._intake.health.reject(error.cause, error.detail, None if frame is None else frame.seq)
        self._teller.rejected(error, arrived_s)

    # What front ends ask

    def has_news(self) -> bool:
        """Return True if the next snapshot would log a change of the stream's state, or lines that wait."""
        now_s = self._monotonic()
        with self._lock:
            state, silence_s = self._intake.health.state(now_s), self._intake.health.silence_s(now_s)
        return self._teller.is_behind(state, silence_s)

    def snapshot(
        self, since: int = 0, *, epoch: int = 0, most: int | None = None, checks: bool = True, memory: bool = True
    ) -> Snapshot:
        """Everything at this moment, as one frozen value.

        Parameters
        ----------
        since
            `Rows.count` of the rows that the asker already has; 0 asks for all.
        epoch
            `Snapshot.epoch` that they belong to; rows of another epoch do not count as known.
        most
            At most so many rows, the newest.
        checks
            False takes the last findings about the instrument: enough for the stream's state.
        memory
            False leaves the memory out.
        """
        found = self._judgement() if checks else self._check.last
        snapshot, now_s = self._seen(found, self._memory() if memory else NOT_READ, since, epoch, most)
        self._teller.report(snapshot, now_s)
        return snapshot

    def _seen(
        self, judgement: Judgement, memory: MemoryReading, since: int, epoch: int = 0, most: int | None = None
    ) -> tuple[Snapshot, float]:
        """A snapshot, and when it was taken on the clock that never goes back."""
        plots, archive = self._plots.status(), self._archive.status()
        taken_s, now_s = self._clock(), self._monotonic()
        with self._lock:
            intake = self._intake
            health = intake.health.reading(now_s)
            known = since if epoch == intake.epoch else 0
            snapshot = Snapshot(
                taken_s=taken_s,
                source=self.source,
                health=health,
                delay=intake.delay,
                memory=memory,
                plots=plots,
                archive=archive,
                web=self._web.status(),
                problems=self._problems.current,
                lines_lost=self._problems.lines_lost,
                delay_history=intake.history.before(now_s),
                data_age_s=taken_s - intake.block_time_s,
                axis=intake.axis,
                epoch=intake.epoch,
                rows=intake.ring.since(known, most=most) if intake.ring else None,
                pipelines=judgement.pipelines,
                axis_check=judgement.axis_check,
                gain=judgement.gain,
                signal=judgement.signal,
                clock=judgement.clock,
                station=intake.station,
                check_failures=judgement.failures,
            )
        return snapshot, now_s

    def _judgement(self) -> Judgement:
        """How the instrument is; not under the lock that frames wait for."""
        with self._lock:
            intake = self._intake
            ring, axis, cadence_s, arrival = intake.ring, intake.axis, intake.health.cadence_s, intake.arrival()
        found = self._check.look(ring, axis, cadence_s, arrival)
        if axis is not None and arrival is not None and not arrival.recorded:
            self._floor_files.save(axis, self._check.floors, self._monotonic())
        return found

    def wait_for_frames(self, n: int, timeout_s: float) -> bool:
        """Wait until `n` frames have been received since the start; False when the time is up, or with `stop`."""
        with self._arrived:
            before = self._endings
            # A lock refuses a longer timeout.
            timeout_s = min(timeout_s, threading.TIMEOUT_MAX)
            self._arrived.wait_for(lambda: self._has_received(n) or self._endings != before, timeout_s)
            return self._intake.health.frames_received >= n

    def _has_received(self, n: int) -> bool:
        """Whether `n` frames are there; else the thread is to wake whoever asks when they are."""
        if self._intake.health.frames_received >= n:
            return True
        self._awaited = min(self._awaited, n)
        return False

    def frames(self, timeout_s: float | None = None, most: int = 1000) -> Follower[Frame]:
        """Frames as they come from now on: ``for frame in receiver.frames(): ...``.

        Parameters
        ----------
        timeout_s
            End after so many seconds without a frame; None waits until `stop`.
        most
            Largest number of frames queued for a slow loop, within 128 MiB in all; older frames are dropped and
            counted in ``frames_missed``.

        Returns
        -------
        Follower
            An iterator of `Frame`, for one thread; ends at once while nothing runs. A context manager too, which
            ends it.
        """
        return self._follow(self._frame_followers, Follower[Frame](most, timeout_s))

    def rows(self, timeout_s: float | None = None, most: int = 1000) -> Follower[Row]:
        """Averaged rows as they come from now on, each with its axis and products.

        Parameters
        ----------
        timeout_s, most
            As in `frames`.

        Returns
        -------
        Follower
            An iterator of `Row`, as `frames` returns one of `Frame`.
        """
        return self._follow(self._row_followers, Follower[Row](most, timeout_s))

    def _follow(self, followers: Followers[Item], follower: Follower[Item]) -> Follower[Item]:
        """Begin to feed a follower; it ends at once while nothing runs."""
        with self._life:
            if self._running is None:
                follower.close()
            else:
                followers.add(follower)
        return follower

    # Plots

    @property
    def plot_interval_s(self) -> float:
        """Seconds from plot to plot; 0 is off."""
        return self.plot_interval

    def set_plot_interval(self, seconds: float) -> None:
        """Plot every so many seconds from now on; 0 is off."""
        self._plots.set_interval(number("plot_interval", seconds, 0))

    def plot_now(self) -> None:
        """Ask for a plot at once; `snapshot().plots` tells what became of it."""
        self._plots.plot_now()

    def plot_job(self) -> PlotJob | None:
        """All rows for a figure, or None before the first."""
        with self._lock:
            ring, axis = self._intake.ring, self._intake.axis
        if ring is None or axis is None:
            return None
        # A figure says nothing of instrument and memory, and to look at them takes as long as a dozen frames.
        seen, _ = self._seen(Judgement(), NOT_READ, since=2**62)
        return live_job(
            ring,
            axis,
            seen,
            self._product,
            station=self.station,
            keep=self._keep,
            ratio=self._plot_ratio,
            remove_background=self._remove_background,
        )

    # The web view

    def set_web(self, on: bool) -> WebStatus:
        """Serve the web view, or no longer; where it cannot be served, the status that is returned says why.

        Before `start` it is noted only.
        """
        with self._life:
            self._web_wanted = on
            if self._running is None:
                return self._web.status()
            if on:
                return self._begin_web()
            self._web.stop()
            return self._web.status()

    def web_status(self) -> WebStatus:
        """How the web view is doing."""
        return self._web.status()

    def _begin_web(self) -> WebStatus:
        status = self._web.start()
        if status.problem:
            self._teller.web_failed(status.problem)
        else:
            tell(log, logging.INFO, "web", status.announcement)
        return status

    def _followed(self) -> Followed | None:
        """What the archive follows."""
        with self._lock:
            ring, axis, cadence_s = self._intake.ring, self._intake.axis, self._intake.health.cadence_s
        if ring is None or axis is None:
            return None
        return Followed(ring, self._as_recording(ring, axis, cadence_s, (0, 0)))
