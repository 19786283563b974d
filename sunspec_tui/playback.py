"""Recorded files or an archive, in place of a receiver.

The monitor reads it as it reads a receiver, but it has no ring: all pictures are those of the timeline. While it plays,
the timeline ends at a play head, which moves on at a multiple of real time.
"""

import logging
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.flux_scale import FluxScale
from sunspec_tui.core.frequency_axis import Position, RecordedAxis
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.memory_usage import NOT_READ, Collector
from sunspec_tui.core.products import Product
from sunspec_tui.core.timeline_export import check_export_size, unknown_rows_text
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.files.burst_tables import BurstTables
from sunspec_tui.files.note_follower import NoteFollower
from sunspec_tui.files.playhead import PlayedTimeline, PlayHead
from sunspec_tui.files.write import export
from sunspec_tui.monitoring.recorded_bursts import RecordedBursts
from sunspec_tui.monitoring.snapshot import Snapshot, ViewedRows
from sunspec_tui.timeline.recorded import RecordedSection, RecordedTimeline

if TYPE_CHECKING:
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch
    from sunspec_tui.core.timeline_source import TimelineSource

log = logging.getLogger(__name__)

PLAY_TICK_S, REFRESH_S = 0.1, 2.0
"""Seconds between steps of the play head, and between checks for new rows."""

_MAX_SILENT_GAP_S = 30.0


class Playback:
    """Timeline of recorded rows that the monitor shows.

    Parameters
    ----------
    recorded
        The timeline.
    speed
        Speed of playing, in multiples of real time.
    clock
        Monotonic clock in seconds.
    notes_path
        File of the observers' notes; None for no notes.
    burst_tables
        Tables of bursts beside the rows; None for no bursts.
    scale
        Flux scale of the timeline; None without one.

    Attributes
    ----------
    notes, bursts, unit
        The observers' notes, the bursts, and the unit of the powers.
    station
        Station of the rows at the end of the timeline; empty if it is not known.
    listeners
        Called from its thread when there is something new to show.
    is_paused
        Returns True while the picture is paused: then the play head waits.
    """

    def __init__(
        self,
        recorded: RecordedTimeline,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        notes_path: Path | None = None,
        burst_tables: BurstTables | None = None,
        scale: FluxScale | None = None,
    ) -> None:
        self._recorded, self._clock, self._scale = recorded, clock, scale
        self.head = PlayHead(speed)
        self._played = PlayedTimeline(recorded.source, lambda: self.head.time_s)
        self.listeners = Listeners()
        self.notes, self.unit = NoteFollower(notes_path, self.listeners.notify), recorded.unit
        self.bursts = RecordedBursts(burst_tables, self._interval_s)
        self.is_paused: Callable[[], bool] = lambda: False
        self._collector = Collector(0)
        self._ticks = self._jumps = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._product = Product.XX
        self._axis: RecordedAxis | None = None
        # Read here and by the thread, because the screen must not wait for a disk.
        self.station = ""
        self.read_station()

    # Start and end

    def start(self) -> None:
        """Start the thread that plays, and looks for new rows."""
        self.notes.start()
        self.bursts.start()
        self._thread = threading.Thread(target=self._run, name="sunspec-playback", daemon=True)
        self._thread.start()

    def stop(self, *, deadline_s: float = float("inf")) -> None:
        """End the thread.

        A disk that does not answer does not delay the end of the program.
        """
        self._ending.set()
        self.notes.stop()
        self.bursts.stop()
        if self._thread is not None:
            self._thread.join(max(0.0, min(1.0, deadline_s - time.monotonic())))

    def _run(self) -> None:
        last_s = refreshed_s = self._clock()
        while not self._ending.wait(PLAY_TICK_S):
            now_s = self._clock()
            if self.head.is_playing:
                self.play_on(now_s - last_s)
            last_s = now_s
            if now_s - refreshed_s >= REFRESH_S:
                refreshed_s = now_s
                self._refresh()

    def _refresh(self) -> None:
        try:
            has_news = self._recorded.refresh()
            self.read_station()
        except Exception as error:  # noqa: BLE001 - a library of a file's format may raise any error; the picture stays
            log_event(log, logging.ERROR, "refresh_failed", f"new rows cannot be read: {error!r}")
            return
        if has_news:
            self._notify()

    def read_station(self) -> None:
        """Read the station of the rows at the end of the timeline."""
        extent = self._played.extent()
        self.station = "" if extent is None else self._recorded.station_at(extent.end_s)

    def _notify(self) -> None:
        self._ticks += 1
        self.listeners.notify()

    # Playing

    def play_on(self, seconds: float) -> None:
        """Move the play head, unless the picture is paused."""
        extent = self._recorded.source.extent()
        if self.is_paused() or extent is None:
            return
        if self.head.move(seconds, extent.end_s):
            self.head.skip(self._gaps(), _MAX_SILENT_GAP_S)
        self._notify()

    def play_from(self, time_s: float) -> None:
        """Play from a time on."""
        self.head.play_from(time_s)
        self._jump()

    def stop_playing(self) -> None:
        """Show all rows again."""
        self.head.stop()
        self._jump()

    def _jump(self) -> None:
        """Make the picture load again, because its end has moved."""
        self._jumps += 1
        self._notify()

    def _gaps(self) -> list[tuple[float, float]]:
        """Return the times between sections that have no rows."""
        sections = self.sections()
        return [(a.end_s, b.begin_s) for a, b in pairwise(sections) if b.begin_s > a.end_s]

    def sections(self) -> tuple[RecordedSection, ...]:
        """Return the files, or the days of an archive."""
        return self._recorded.sections()

    # What the screen reads

    @property
    def speed(self) -> float:
        """Speed of playing, in multiples of real time."""
        return self.head.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.head.speed = speed

    @property
    def is_playing(self) -> bool:
        """True while the play head moves."""
        return self.head.is_playing

    def timeline(self) -> "TimelineSource":
        """Return the rows up to the play head."""
        return self._played

    def position(self) -> Position | None:
        """Return the axis of the rows; the ring has no rows."""
        extent, axis = self._played.extent(), self._played.axis()
        if extent is None or axis is None:
            return None
        if self._axis is None or self._axis.timeline_axis is not axis:
            self._axis = RecordedAxis(axis)
        return Position(self._ticks, 0, 0, 0, extent.cadence_s, self._axis, self._jumps)

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> "Rows | None":  # noqa: ARG002
        """Return None: there is no ring."""
        return None

    def number_at(self, slot: int) -> int:  # noqa: ARG002
        """Return 0: there is no ring."""
        return 0

    def epochs(self) -> "tuple[Epoch, ...]":
        """Return no earlier axes: all rows are on one axis."""
        return ()

    def snapshot(self, since: int = 0, *, memory: bool = True) -> Snapshot:  # noqa: ARG002
        """Return what is viewed, and the memory usage."""
        reading = self._collector.reading(0, ()) if memory else NOT_READ
        position, scale = self.position(), self._scale
        mhz = position.axis.frequencies_mhz if position is not None else np.empty(0)
        return Snapshot(
            taken_s=time.time(),
            source=self._recorded.name,
            memory=reading,
            axis=position.axis if position else None,
            epoch=self._jumps,
            station=self.station,
            unit=self.unit,
            flux_scale="" if scale is None else scale.name,
            bins_without_flux=0 if scale is None else scale.bins_outside(mhz),
            viewed=ViewedRows(self._state(), self._interval_text()),
        )

    def _state(self) -> str:
        return f"PLAY {self.head.speed:g}x" if self.head.is_playing else "VIEW"

    def _interval_s(self) -> tuple[float, float] | None:
        extent = self._recorded.source.extent()
        return None if extent is None else (extent.begin_s, extent.end_s)

    def _interval_text(self) -> str:
        extent = self._recorded.source.extent()
        if extent is None:
            return self._recorded.name
        return f"{interval_text(extent.begin_s, extent.end_s)}, {self._recorded.name}"

    # What keys call

    def set_product(self, product: str) -> None:
        """Use another product in FITS files."""
        self._product = Product(product)

    def set_palette(self, palette: str) -> None:
        """Do nothing: there are no plots."""

    def export_times(self, path: Path, begin_s: float, end_s: float) -> str:
        """Write the rows of an interval; return a sentence about it.

        Raises
        ------
        ExportError
            If there are no rows, too many for one file, or the file cannot be written.
        """
        extent, axis = self._played.extent(), self._played.axis()
        if extent is not None and axis is not None:
            check_export_size(axis, extent.cadence_s, begin_s, end_s)
        rows = self._recorded.source.recording(begin_s, end_s)
        if rows is None or not len(rows):
            raise ExportError("there are no rows in that interval, so there is nothing to export")
        if self.notes.path is not None:
            rows = rows.with_notes(self.notes.notes)
        carried = rows.carries()
        product = self._product if self._product in carried else rows.default_product()
        nbytes = export(rows, path, product)
        log_event(log, logging.INFO, "export", f"{len(rows)} rows written to {path}", rows=len(rows), bytes=nbytes)
        return f"{path}: {len(rows)} rows{unknown_rows_text(rows, begin_s, end_s)}, {nbytes / 1e6:.2f} MB"

    def force_garbage_collection(self) -> int:
        """Collect garbage; return the number of freed objects."""
        return self._collector.collect()

    def optimize_memory(self) -> dict[str, float]:
        """Free memory; return the resident memory before and after."""
        return self._collector.optimise(())


def interval_text(begin_s: float, end_s: float) -> str:
    """Return an interval to the minute, such as ``2012-07-04 16:00 to 17:00``."""
    begin, end = (format_date_and_clock(each)[:16] for each in (begin_s, end_s))
    return f"{begin} to {end[11:] if end[:10] == begin[:10] else end}"
