"""Make blocks of time from the rows of the ring.

The owner must call `update` before rows leave the ring. Any thread may call it.
"""

import math
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import bin_width_hz, is_same_axis, source_bins
from sunspec_tui.core.ring_buffer import Mark, Rows
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks
from sunspec_tui.timeline.memory_blocks import MemoryBlocks, RowTimes

SETTLED_S = 256.0
"""Data older than this, counted from the newest row, are taken as finished."""

REMAP_S = 10.0
"""Shortest time between two changes of the bins, because each one copies all blocks."""

_BATCH_ROWS = 256
_MAX_TIME_S = 253_402_300_799.0  # the end of the year 9999

Seed = Callable[[MemoryBlocks, int], None]
"""Adds earlier rows of the first row's block; gets the blocks and the end of the first row in microseconds."""


class RingFollower:
    """Blocks of time of all rows that were received.

    Parameters
    ----------
    epochs
        Returns the epochs of the ring, oldest first.
    seed
        Called once, before the first row is added; see `Seed`.
    monotonic
        Monotonic clock, in seconds.

    Attributes
    ----------
    lock
        Lock that protects `memory`.
    memory
        The blocks; None before the first row.
    revision
        Number of times that rows have come for a time that was finished.
    latest_us
        End of the latest row since then, in microseconds; None before the first row.
    """

    def __init__(
        self,
        epochs: Callable[[], tuple[Epoch, ...]],
        seed: Seed | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._epochs, self._seed, self._monotonic = epochs, seed, monotonic
        self.lock = threading.RLock()
        self.memory: MemoryBlocks | None = None
        self.revision = 0
        self.latest_us: int | None = None
        self._axis_hz: NDArray[np.float64] = np.empty(0)
        self._epoch = self._next_row = -1
        self._last_slot = 0
        self._remapped_s = -math.inf

    def update(self) -> None:
        """Add the rows that have been received since the last call."""
        with self.lock:
            for epoch in self._epochs():
                if epoch.number >= self._epoch and not self._follow(epoch):
                    return

    def _follow(self, epoch: Epoch) -> bool:
        """Add new rows of an epoch; return False if they must wait."""
        if epoch.number != self._epoch and not self._begin_epoch(epoch):
            return False
        while len(rows := epoch.ring.between(self._next_row, self._next_row + _BATCH_ROWS)):
            self._add(rows, epoch.cadence_s)
            self._next_row = rows.count
        # Rows that have left the ring are skipped.
        self._next_row = max(self._next_row, epoch.ring.count - epoch.ring.filled)
        return True

    def _begin_epoch(self, epoch: Epoch) -> bool:
        """Use the bins of an epoch.

        Return False if the epoch has no rows, or the last change was just now.
        """
        if not epoch.ring.filled:
            return False
        frequencies_hz, npol = epoch.axis.frequencies_mhz * 1e6, epoch.ring.npol
        if self.memory is None:
            self.memory = MemoryBlocks(frequencies_hz, npol)
        elif npol != self.memory.npol or not is_same_axis(frequencies_hz, self._axis_hz):
            if self._monotonic() - self._remapped_s < REMAP_S:
                return False
            self._remapped_s = self._monotonic()
            self.memory = _mapped(self.memory, frequencies_hz, npol)
        self._axis_hz, self._epoch = frequencies_hz, epoch.number
        self._next_row = epoch.ring.count - epoch.ring.filled
        first = epoch.ring.between(self._next_row, self._next_row + 1)
        self._last_slot = int(first.slots[0]) - 1 if len(first) else 0
        return True

    def _add(self, rows: Rows, cadence_s: float) -> None:
        assert self.memory is not None  # noqa: S101 - made by _begin_epoch
        usable = np.isfinite(rows.times_s) & (rows.times_s >= 0) & (rows.times_s < _MAX_TIME_S)
        times, data = row_times(rows, cadence_s, self._last_slot), rows.data
        self._last_slot = int(rows.slots[-1])
        if not usable.all():
            times, data = times.only(usable), data[usable]
        if len(data):
            if self._seed is not None and self.memory.newest_us is None:
                self._seed(self.memory, int(times.times_us[0]))
            self.memory.add(data, times)
            self._note_latest(times.times_us)

    def _note_latest(self, times_us: Integers) -> None:
        """Note the latest time, and whether it went far back."""
        before_us = int(times_us[0]) if self.latest_us is None else self.latest_us
        latest_us = np.maximum.accumulate(np.append(before_us, times_us))
        if (times_us < latest_us[:-1] - round(SETTLED_S * SECOND_US)).any():
            self.revision += 1
            self.latest_us = int(times_us[-1])
        else:
            self.latest_us = int(latest_us[-1])


def row_times(rows: Rows, cadence_s: float, last_slot: int) -> RowTimes:
    """Return the times of rows of the ring.

    Parameters
    ----------
    rows
        The rows.
    cadence_s
        Data time from row to row; NaN while unknown.
    last_slot
        Slot of the row before the first one.
    """
    times_us = np.rint(np.nan_to_num(rows.times_s, nan=-1.0, posinf=-1.0, neginf=-1.0).clip(-1, _MAX_TIME_S) * 1e6)
    restarts = (rows.marks & np.uint8(Mark.RESTART)) != 0
    missing = np.where(restarts, 0, np.diff(rows.slots, prepend=last_slot) - 1)
    length_us = round(cadence_s * SECOND_US) if cadence_s > 0 else 0
    ends_us = times_us.astype(np.int64)
    return RowTimes(ends_us, ends_us - length_us, missing.astype(np.int64), restarts)


def of_ring(rows: Rows, cadence_s: float) -> TimeBlocks:
    """Return rows of one product as blocks, in the order of time."""
    last_slot = int(rows.slots[0]) - 1 if len(rows) else 0
    blocks = TimeBlocks.of_rows(*row_times(rows, cadence_s, last_slot), rows.data)
    return blocks.only(np.argsort(blocks.last_us, kind="stable"))


def _mapped(memory: MemoryBlocks, frequencies_hz: NDArray[np.float64], npol: int) -> MemoryBlocks:
    """Return the blocks with the bins of another axis."""
    target_hz = MemoryBlocks(frequencies_hz, npol).frequencies_hz
    width_hz = np.nanmax([bin_width_hz(memory.frequencies_hz), bin_width_hz(target_hz), 1.0])
    bins = source_bins(memory.frequencies_hz, target_hz, float(width_hz))
    same = np.arange(len(target_hz))
    return memory.mapped(same if bins is None else bins.astype(np.int64), frequencies_hz, npol)
