"""Build snapshots from the stream's state and the program's parts, and report what they show."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from sunspec_tui.core.memory_usage import NOT_READ, MemoryReading
from sunspec_tui.files.archive.status import ArchiveStatus
from sunspec_tui.monitoring.event_reporter import EventReporter
from sunspec_tui.monitoring.gain_floor_files import FloorFiles
from sunspec_tui.monitoring.instrument_check import InstrumentCheck, InstrumentChecker
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_handler import Clocks


class PartsStatus(NamedTuple):
    """State of the parts that take rows."""

    plots: PlotStatus
    archive: ArchiveStatus
    web: WebStatus


class SnapshotBuilder:
    """Builder of snapshots, for any thread.

    Parameters
    ----------
    ingester, lock
        The state of the stream, and the lock that protects it.
    reporter
        Reports what a snapshot shows.
    source
        Address of the stream.
    clocks
        Times of the snapshots.
    floor_files
        The quiet floors of earlier runs.
    problems
        Problems of the program itself.
    parts, memory
        Return the state of the parts, and the memory.
    """

    def __init__(
        self,
        ingester: FrameIngester,
        lock: threading.Lock,
        reporter: EventReporter,
        source: str,
        *,
        clocks: Clocks,
        floor_files: FloorFiles,
        problems: Problems,
        parts: Callable[[], PartsStatus],
        memory: Callable[[], MemoryReading],
    ) -> None:
        self._ingester, self._lock, self._reporter, self._source = ingester, lock, reporter, source
        self._clocks, self._floor_files, self._problems = clocks, floor_files, problems
        self._parts, self._memory = parts, memory
        self._check = InstrumentChecker(floor_files.load)

    def has_news(self) -> bool:
        """Return True if the next snapshot would log a change of the stream's state, or lines that wait."""
        now_s = self._clocks.monotonic()
        with self._lock:
            state, silence_s = self._ingester.health.state(now_s), self._ingester.health.silence_s(now_s)
        return self._reporter.is_behind(state, silence_s)

    def build(
        self, since: int = 0, *, epoch: int = 0, most: int | None = None, checks: bool = True, memory: bool = True
    ) -> Snapshot:
        """Return everything at this moment, as one frozen value, and report what is new in it.

        Parameters
        ----------
        since
            `Rows.count` of the rows that the caller already has; 0 asks for all, `NO_ROWS` for none.
        epoch
            `Snapshot.epoch` of those rows; rows of another epoch do not count as known.
        most
            At most so many rows, the newest.
        checks
            False takes the last findings about the instrument, which is enough for the stream's state.
        memory
            False leaves the memory out.
        """
        found = self._check_instrument() if checks else self._check.last
        reading = self._memory() if memory else NOT_READ
        snapshot, now_s = self._build(found, reading, since, epoch, most)
        self._reporter.report(snapshot, now_s)
        return snapshot

    def _build(
        self, found: InstrumentCheck, memory: MemoryReading, since: int, epoch: int, most: int | None
    ) -> tuple[Snapshot, float]:
        """Return a snapshot, and its time on the monotonic clock."""
        parts = self._parts()
        taken_s, now_s = self._clocks.wall(), self._clocks.monotonic()
        with self._lock:
            ingester = self._ingester
            known = since if epoch == ingester.epoch else 0
            snapshot = Snapshot(
                taken_s=taken_s,
                source=self._source,
                health=ingester.health.reading(now_s),
                delay=ingester.delay,
                memory=memory,
                plots=parts.plots,
                archive=parts.archive,
                web=parts.web,
                problems=self._problems.current,
                lines_lost=self._problems.lines_lost,
                delay_history=ingester.history.before(now_s),
                data_age_s=taken_s - ingester.block_time_s,
                axis=ingester.axis,
                epoch=ingester.epoch,
                rows=ingester.ring.since(known, most=most) if ingester.ring else None,
                pipelines=found.pipelines,
                axis_check=found.axis_check,
                gain=found.gain,
                signal=found.signal,
                clock=found.clock,
                station=ingester.station,
                check_failures=found.failures,
            )
        return snapshot, now_s

    def _check_instrument(self) -> InstrumentCheck:
        """Check the instrument, without holding the lock that frames wait for."""
        with self._lock:
            ingester = self._ingester
            ring, axis, cadence_s, arrival = (
                ingester.ring,
                ingester.axis,
                ingester.health.cadence_s,
                ingester.newest_frame(),
            )
        found = self._check.look(ring, axis, cadence_s, arrival)
        if axis is not None and arrival is not None and not arrival.recorded:
            self._floor_files.save(axis, self._check.floors, self._clocks.monotonic())
        return found
