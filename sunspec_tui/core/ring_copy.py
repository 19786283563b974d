"""Copy rows of the ring in blocks without blocking the receiver.

This module reads no clock and starts no thread.
"""

import time
from collections.abc import Iterator

import numpy as np

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.instrument import STATION
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.recording import Recording, measured_cadence_s
from sunspec_tui.core.ring_buffer import Mark, RingBuffer, Rows

BLOCK_ROWS = 16


def iter_blocks(ring: RingBuffer, start: int, stop: int, size: int = BLOCK_ROWS) -> Iterator[Rows]:
    """Yield rows in blocks, the oldest first.

    Rows that the ring has overwritten are left out.
    """
    while start < stop:
        found = ring.between(start, min(start + size, stop))
        if len(found):
            yield found
        # Release the interpreter: a thread that holds it lets others run only after 5 ms, and a frame may be waiting.
        time.sleep(0)
        start = max(min(start + size, stop), ring.count - ring.filled)


def ring_recording(
    ring: RingBuffer,
    axis: Axis,
    cadence_s: float,
    *,
    numbers: tuple[int, int] | None = None,
    station: str = STATION,
    source: str = "",
    software: str = "",
) -> Recording:
    """Copy rows of a ring to a recording.

    Parameters
    ----------
    ring, axis, cadence_s
        The rows, their frequency axis, and the data time from row to row.
    numbers
        Numbers of the first row and of the one after the last; all rows by default.
    station, source, software
        As in `Recording`.
    """
    start, stop = numbers or (ring.count - ring.filled, ring.count)
    found = list(iter_blocks(ring, start, stop))
    data = [rows.data for rows in found] or [np.empty((0, ring.nbins, ring.npol), np.float32)]
    times_s = np.concatenate([rows.times_s for rows in found] or [np.empty(0)])
    marks = np.concatenate([rows.marks for rows in found] or [np.empty(0, np.uint8)])
    # Use the mean of the steps. The receiver's cadence is their median; if steps are uneven, its sum differs from the
    # duration of the recording.
    measured_s = measured_cadence_s(times_s)
    return Recording(
        np.concatenate(data),
        WIRE_PRODUCTS[: ring.npol],
        times_s,
        axis.frequencies_mhz * 1e6,
        measured_s if measured_s > 0 else cadence_s,
        station=station,
        source=source,
        software=software,
        restart_ends_s=times_s[(marks & Mark.RESTART).astype(np.bool_)],
        unit=ring.unit,
    )
