"""Build snapshots of the stream and the program, and report changes."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from sunspec_tui.core.errors import error_text
from sunspec_tui.core.flux_scale import ARBITRARY, SFU
from sunspec_tui.core.memory_usage import NOT_READ, MemoryReading
from sunspec_tui.core.notes import NoteCounts
from sunspec_tui.files.archive.status import ArchiveStatus
from sunspec_tui.monitoring.burst_status import BurstStatus
from sunspec_tui.monitoring.day_counter import DayCounter
from sunspec_tui.monitoring.event_reporter import EventReporter
from sunspec_tui.monitoring.gain_floor_files import FloorFiles
from sunspec_tui.monitoring.instrument_check import InstrumentCheck, InstrumentChecker
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.sun_reading import SunReader
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_handler import Clocks


class PartsStatus(NamedTuple):
    """State of the parts of the program that process rows.

    These parts write plots, write the archive, serve the web view, follow the observers' notes, and
    search for bursts.
    """

    plots: PlotStatus
    archive: ArchiveStatus
    web: WebStatus
    observer_notes: NoteCounts
    bursts: BurstStatus


class SnapshotBuilder:
    """Builder of snapshots, for any thread.

    Parameters
    ----------
    ingester, lock
        State of the stream, and the lock that protects it.
    reporter
        Reporter of changes in a snapshot.
    source
        Address of the stream.
    clocks
        Clocks for the times of snapshots.
    floor_files
        Quiet floors of earlier runs.
    problems
        Problems of the program itself.
    sun, days
        Reader of the Sun's position, and counter of the observing days.
    parts, memory
        Functions that return the state of the parts, and the memory usage.
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
        sun: SunReader,
        days: DayCounter,
        parts: Callable[[], PartsStatus],
        memory: Callable[[], MemoryReading],
    ) -> None:
        self._ingester, self._lock, self._reporter, self._source = ingester, lock, reporter, source
        self._clocks, self._floor_files, self._problems, self._sun = clocks, floor_files, problems, sun
        self._parts, self._memory, self._days = parts, memory, days
        self._checker = InstrumentChecker(floor_files.load)

    def has_news(self) -> bool:
        """Return True if the next snapshot would log a state or events."""
        now_s = self._clocks.monotonic()
        with self._lock:
            state, silence_s = self._ingester.health.state(now_s), self._ingester.health.silence_s(now_s)
        return self._reporter.has_unreported(state, silence_s)

    def build(
        self, since: int = 0, *, epoch: int = 0, most: int | None = None, checks: bool = True, memory: bool = True
    ) -> Snapshot:
        """Return the current state as one immutable value, and report its changes.

        Parameters
        ----------
        since
            `Rows.count` of the rows that the caller already has; 0 gives all rows, `NO_ROWS` none.
        epoch
            `Snapshot.epoch` of those rows; for another epoch, all rows are new.
        most
            Largest number of rows; the newest are returned.
        checks
            False returns the last findings about the instrument, which suffices for the stream's state.
        memory
            False omits the memory usage.
        """
        check = self._check_instrument() if checks else self._checker.last
        reading = self._memory() if memory else NOT_READ
        snapshot, now_s = self._build(check, reading, since, epoch, most)
        self._reporter.report(snapshot, now_s)
        self._count_day(snapshot)
        return snapshot

    def _count_day(self, snapshot: Snapshot) -> None:
        """Add a snapshot to the counts of its day.

        An error in the counts must not stop the caller.
        """
        try:
            self._days.update(snapshot)
        except Exception as error:  # noqa: BLE001 - as above
            self._reporter.report_check_failure("day's counts", error_text(error))

    def _build(
        self, check: InstrumentCheck, memory: MemoryReading, since: int, epoch: int, most: int | None
    ) -> tuple[Snapshot, float]:
        """Return a snapshot, and its time on the monotonic clock."""
        parts = self._parts()
        taken_s, now_s = self._clocks.wall(), self._clocks.monotonic()
        sun = self._sun.read(taken_s)
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
                observer_notes=parts.observer_notes,
                bursts=parts.bursts,
                problems=self._problems.current,
                lines_lost=self._problems.lines_lost,
                delay_history=ingester.history.before(now_s),
                data_age_s=taken_s - ingester.block_time_s,
                axis=ingester.axis,
                epoch=ingester.epoch,
                rows=ingester.ring.since(known, most=most) if ingester.ring else None,
                check=check,
                station=ingester.station,
                recorded_s=ingester.recorded_s,
                unit=ARBITRARY if ingester.flux_scale is None else SFU,
                flux_scale="" if ingester.flux_scale is None else ingester.flux_scale.name,
                bins_without_flux=ingester.ring.bins_without_flux if ingester.ring else 0,
                sun=sun,
            )
        return snapshot, now_s

    def _check_instrument(self) -> InstrumentCheck:
        """Check the instrument without holding the lock, which frames need."""
        with self._lock:
            ingester = self._ingester
            ring, axis, cadence_s, newest = (
                ingester.ring,
                ingester.axis,
                ingester.health.cadence_s,
                ingester.newest_frame(),
            )
        check = self._checker.check(ring, axis, cadence_s, newest)
        if axis is not None and newest is not None and not newest.recorded:
            self._floor_files.save(axis, self._checker.floors, self._clocks.monotonic())
        return check
