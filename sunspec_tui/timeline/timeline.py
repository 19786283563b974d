"""Join ring, memory and archive as one timeline.

Rows come from the ring, and older ones from the archive. Blocks come from memory since the first received row, and from
the archive before it. Where the archive lacks rows that memory has counted, the blocks of memory are used.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sunspec_tui.core.bin_folding import fold_factor, folded_frequencies_hz
from sunspec_tui.core.bin_mapping import bin_width_hz
from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.products import Product, available
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks
from sunspec_tui.core.timeline_source import AxisBlocks, TimelineAxis, TimelineExtent
from sunspec_tui.timeline.axis_blocks import on_axis
from sunspec_tui.timeline.better_blocks import finer_where_complete, seconds_us, within
from sunspec_tui.timeline.memory_blocks import MAX_BINS, MemoryBlocks
from sunspec_tui.timeline.ring_follower import SETTLED_S, RingFollower, of_ring
from sunspec_tui.timeline.row_joining import joined_recordings
from sunspec_tui.timeline.step_store import stored_products

log = logging.getLogger(__name__)


class StoredTimeline(Protocol):
    """Archive, as a part of a timeline."""

    def extent(self) -> TimelineExtent | None:
        """Return the times of its rows; None without rows."""
        ...

    def axis(self) -> TimelineAxis | None:
        """Return bins and products of its newest rows; None without rows."""
        ...

    def parts(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[AxisBlocks]:
        """Return blocks as `TimelineSource.blocks` does, each with its own axis."""
        ...

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times; None if there are none."""
        ...


class Timeline:
    """Rows and blocks of ring, memory and archive; a `TimelineSource`.

    Parameters
    ----------
    epochs
        Returns the epochs of the ring, oldest first.
    ring_recording
        Returns the rows of the ring that end between two times.
    archive
        The archive; None without one.
    monotonic
        Monotonic clock, in seconds.
    """

    def __init__(
        self,
        epochs: Callable[[], tuple[Epoch, ...]],
        ring_recording: Callable[[float, float], Recording | None],
        archive: StoredTimeline | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._epochs, self._ring_recording, self._archive = epochs, ring_recording, archive
        self._follower = RingFollower(epochs, self._seed if archive is not None else None, monotonic)
        self._archive_lock = threading.Lock()
        self._stored: tuple[TimelineExtent | None, TimelineAxis | None] = None, None
        self._archive_problem = ""
        self._archive_revision = 0
        # True if the first received row has a finished time of the archive; None before it.
        self._begins_in_archive: bool | None = None

    @property
    def nbytes(self) -> int:
        """Memory of all blocks in bytes; 0 before the first row."""
        memory = self._follower.memory
        return 0 if memory is None else memory.nbytes

    def update(self) -> None:
        """Add new rows to memory, and read the archive's extent.

        It must be called before rows leave the ring. It may read the disk.
        """
        self._follower.update()
        stored, first_us = self._stored[0], self._memory_first_us()
        if self._begins_in_archive is None and first_us is not None:
            self._begins_in_archive = stored is not None and first_us / SECOND_US < stored.end_s - SETTLED_S
        self._read_extent()

    # What is known; these never read a disk

    def extent(self) -> TimelineExtent | None:
        """Return the times of all rows; None without rows.

        The archive may have later rows: of a clock that was ahead, or of another stream. They must not take the
        place of the newest rows that were received.
        """
        received, stored = self._received_extent(), self._stored[0]
        if received is None:
            found = None if stored is None else stored._replace(finished_s=stored.end_s - SETTLED_S)
        else:
            found = received if stored is None else received._replace(begin_s=min(received.begin_s, stored.begin_s))
        revision = self._follower.revision + self._archive_revision + bool(self._begins_in_archive)
        return None if found is None else found._replace(revision=revision)

    def _received_extent(self) -> TimelineExtent | None:
        epochs = [each for each in self._epochs() if each.ring.filled]
        if not epochs:
            return None
        newest = epochs[-1]
        oldest_s, newest_s = epochs[0].times_s[0], newest.times_s[1]
        first_us = self._memory_first_us()
        first_s = oldest_s if first_us is None else min(oldest_s, first_us / SECOND_US)
        begin_s = first_s - (newest.cadence_s if newest.cadence_s > 0 else 0.0)
        latest_us = self._follower.latest_us
        latest_s = newest_s if latest_us is None else min(newest_s, latest_us / SECOND_US)
        return TimelineExtent(begin_s, newest_s, latest_s - SETTLED_S, newest.cadence_s)

    def _memory_begin_us(self) -> int | None:
        memory = self._follower.memory
        return None if memory is None else memory.oldest_us(STEPS_S[-1])

    def _memory_first_us(self) -> int | None:
        """Return the end of the oldest row in memory; None without rows."""
        with self._follower.lock:
            memory = self._follower.memory
            return None if memory is None else memory.first_us(STEPS_S[-1])

    def axis(self) -> TimelineAxis | None:
        """Return bins and products of the stream, or else of the archive."""
        epochs = [each for each in self._epochs() if each.ring.filled]
        if not epochs:
            return self._stored[1]
        axis = epochs[-1].axis
        factor = fold_factor(len(axis.frequencies_mhz), MAX_BINS)
        frequencies_hz = folded_frequencies_hz(axis.frequencies_mhz * 1e6, factor)
        return TimelineAxis(frequencies_hz, axis.bin_mhz * 1e6 * factor, available(axis.npol))

    # Blocks

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return blocks or rows between two times; see `TimelineSource.blocks`."""
        self.update()
        axis = self.axis()
        if axis is None or product not in axis.products:
            return []
        begin_us, end_us, longest_us = seconds_us(begin_s), seconds_us(end_s), STEPS_S[-1] * SECOND_US
        # Whether shorter blocks have all rows of a longer one is known only for whole blocks.
        whole_us = begin_us // longest_us * longest_us, -(-end_us // longest_us) * longest_us
        parts = [within(part, begin_us, end_us) for part in self._joined_blocks(step_s, *whole_us, product, axis)]
        return [part for part in parts if len(part.rows)]

    def _joined_blocks(
        self, step_s: int, begin_us: int, end_us: int, product: Product, axis: TimelineAxis
    ) -> list[TimeBlocks]:
        """Return blocks or rows of whole blocks of the longest step."""
        memory_us = self._memory_begin_us()
        edge_us = end_us if memory_us is None else min(max(memory_us, begin_us), end_us)
        older = self._archive_blocks(step_s, begin_us, edge_us, product, axis)
        read = self._rows if step_s == 0 else self._received_blocks
        newer = read(step_s, edge_us, end_us, product, axis) if edge_us < end_us else []
        return [*older, *newer]

    def _received_blocks(
        self, step_s: int, begin_us: int, end_us: int, product: Product, axis: TimelineAxis
    ) -> list[TimeBlocks]:
        """Return blocks of a time in which rows were received."""
        with self._follower.lock:
            memory = self._follower.memory
            if memory is None or len(memory.frequencies_hz) != len(axis.frequencies_hz):
                return []
            oldest_us = memory.oldest_us(step_s)
            kept_us = min(end_us, max(begin_us, end_us if oldest_us is None else oldest_us))
            newer = memory.blocks(step_s, kept_us, end_us, product)
            longer = self._longer_blocks(memory, step_s, begin_us, kept_us, product)
        if kept_us <= begin_us:
            return [newer] if len(newer.rows) else []
        found = [*self._finer_blocks(step_s, begin_us, kept_us, product, axis), newer]
        for coarser in longer:
            found = finer_where_complete(found, coarser)
        return found

    def _longer_blocks(
        self, memory: MemoryBlocks, step_s: int, begin_us: int, end_us: int, product: Product
    ) -> list[TimeBlocks]:
        """Return the blocks of memory with longer steps, the shortest step first."""
        steps = [longer_s for longer_s in STEPS_S if longer_s > step_s]
        return [
            memory.blocks(each, begin_us // (each * SECOND_US) * (each * SECOND_US), end_us, product) for each in steps
        ]

    def _rows(self, _: int, begin_us: int, end_us: int, product: Product, axis: TimelineAxis) -> list[TimeBlocks]:
        """Return rows of a time in which rows were received.

        They are those of the ring and of the archive, or else the shortest known blocks.
        """
        oldest_us = self._ring_begin_us()
        ring_us = min(end_us, max(begin_us, end_us if oldest_us is None else oldest_us))
        found = self._ring_rows(ring_us, end_us, product, axis)
        if ring_us > begin_us:
            found = [*self._finer_blocks(0, begin_us, ring_us, product, axis), *found]
        with self._follower.lock:
            memory = self._follower.memory
            if memory is None or len(memory.frequencies_hz) != len(axis.frequencies_hz):
                return found
            # Where the clock went back, rows that have left the ring have times between those of the ring.
            longer = self._longer_blocks(memory, 0, begin_us, end_us, product)
        for coarser in longer:
            found = finer_where_complete(found, coarser)
        return found

    # Ring

    def _ring_begin_us(self) -> int | None:
        """Return the end of the ring's earliest row; None without rows."""
        times_s = [each.ring.times_s() for each in self._epochs()]
        found = [seconds_us(float(each.min())) for each in times_s if len(each)]
        return min(found, default=None)

    def _ring_rows(self, begin_us: int, end_us: int, product: Product, axis: TimelineAxis) -> list[TimeBlocks]:
        parts = []
        for epoch in self._epochs():
            # A microsecond more on both sides: ends are rounded to microseconds.
            begin_s, end_s = (begin_us - 1) / SECOND_US, (end_us + 1) / SECOND_US
            rows = epoch.ring.between(*epoch.ring.numbers_within(begin_s, end_s), product)
            if len(rows):
                blocks = of_ring(rows, epoch.cadence_s).between(begin_us, end_us)
                parts.append(AxisBlocks(epoch.axis.frequencies_mhz * 1e6, blocks))
        return on_axis(parts, axis)

    # Archive

    def _archive_blocks(
        self, step_s: int, begin_us: int, end_us: int, product: Product, axis: TimelineAxis
    ) -> list[TimeBlocks]:
        if self._archive is None or end_us <= begin_us:
            return []
        with self._archive_lock:
            parts = self._archive.parts(step_s, begin_us / SECOND_US, end_us / SECOND_US, product)
        return on_axis(parts, axis)

    def _finer_blocks(
        self, step_s: int, begin_us: int, end_us: int, product: Product, axis: TimelineAxis
    ) -> list[TimeBlocks]:
        """Return the archive's blocks, where memory has longer ones.

        Without a readable archive, the longer ones are shown.
        """
        try:
            return self._archive_blocks(step_s, begin_us, end_us, product, axis)
        except SunspecError as error:
            self._report_archive(error)
            return []

    def _report_archive(self, error: SunspecError) -> None:
        """Report a problem of the archive once."""
        if str(error) != self._archive_problem:
            self._archive_problem = str(error)
            log.warning("the archive cannot be shown: %s", error)

    def _read_extent(self) -> None:
        """Read how far the archive goes; report a problem once."""
        if self._archive is None:
            return
        try:
            with self._archive_lock:
                before, self._stored = self._stored[0], (self._archive.extent(), self._archive.axis())
            self._note_revision(before, self._stored[0])
            self._archive_problem = ""
        except SunspecError as error:
            self._report_archive(error)

    def _note_revision(self, before: TimelineExtent | None, now: TimelineExtent | None) -> None:
        """Note if finished rows of the archive have changed or are lost."""
        if before is not None and (now is None or now.revision != before.revision):
            self._archive_revision += 1

    def _seed(self, memory: MemoryBlocks, first_us: int) -> None:
        """Add the archived rows of the first row's longest block.

        So no block of memory lacks rows that were archived before this program began.
        """
        begin_us = first_us // (STEPS_S[-1] * SECOND_US) * (STEPS_S[-1] * SECOND_US)
        axis = TimelineAxis(memory.frequencies_hz, bin_width_hz(memory.frequencies_hz), available(memory.npol))
        try:
            parts = [self._archive_blocks(0, begin_us, first_us, each, axis) for each in stored_products(memory.npol)]
        except SunspecError as error:
            log.warning("rows from before the start are not shown until %d s have passed: %s", STEPS_S[-1], error)
            return
        memory.add_parts(parts)

    # Rows

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times, from archive and ring."""
        edge_s = self._ring_edge_s(begin_s, end_s)
        return self._joined_rows(self._archived_rows(begin_s, edge_s), edge_s, end_s)

    def known_rows(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times that can be read.

        A problem of the archive is reported once.
        """
        edge_s = self._ring_edge_s(begin_s, end_s)
        try:
            older = self._archived_rows(begin_s, edge_s)
        except SunspecError as error:
            self._report_archive(error)
            older = None
        return self._joined_rows(older, edge_s, end_s)

    def _ring_edge_s(self, begin_s: float, end_s: float) -> float:
        """Return the time from which on the ring has the rows."""
        oldest_us = self._ring_begin_us()
        return end_s if oldest_us is None else min(max(begin_s, oldest_us / SECOND_US), end_s)

    def _archived_rows(self, begin_s: float, end_s: float) -> Recording | None:
        if self._archive is None or begin_s >= end_s:
            return None
        with self._archive_lock:
            return self._archive.recording(begin_s, end_s)

    def _joined_rows(self, older: Recording | None, edge_s: float, end_s: float) -> Recording | None:
        newer = self._ring_recording(edge_s, end_s) if edge_s < end_s else None
        return joined_recordings([each for each in (older, newer) if each is not None and len(each)])
