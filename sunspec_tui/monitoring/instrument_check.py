"""What the last rows say of the instrument: its signal, its pipelines, its frequency axis, its gain and its clock.

Arithmetic on rows of a ring; whoever asks does so outside the lock that frames wait for.
"""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import error_text
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.instrument import CHANNELS_PER_PIPELINE
from sunspec_tui.core.ring_buffer import RingBuffer, Rows
from sunspec_tui.monitoring import axis_check, pipeline_check, pipeline_edges
from sunspec_tui.monitoring.axis_check import AxisCheck, check_axis
from sunspec_tui.monitoring.data_clock import ClockReading, DataClock
from sunspec_tui.monitoring.gain_check import GainCheck
from sunspec_tui.monitoring.gain_history import CONTEXT_ROWS, GainHistory, QuietFloor
from sunspec_tui.monitoring.pipeline_check import (
    BadChannels,
    PipelineMap,
    bad_channels,
    mean_bad_channels,
    pipeline_map,
)
from sunspec_tui.monitoring.pipeline_edges import PartialLosses
from sunspec_tui.monitoring.signal_loss import (
    MAX_ROWS,
    NO_LOSS,
    NPOWERS,
    SignalLoss,
    dead_products,
    rows_needed,
    signal_loss,
)
from sunspec_tui.stream.newest_frame import NewestFrame

Found = TypeVar("Found")

_LOOKS = 8
_MAX_NEW_ROWS = 1200


@dataclass(frozen=True, slots=True)
class InstrumentCheck:
    """Findings of the checks; None or empty if unknown.

    A finding is unknown before the first row, and if its check has failed.

    Attributes
    ----------
    signal, pipelines, axis_check, gain, clock
        Findings of the checks.
    failures
        Reasons why checks have failed, by the check's name.
    """

    signal: SignalLoss = NO_LOSS
    pipelines: PipelineMap | None = None
    axis_check: AxisCheck | None = None
    gain: GainCheck = field(default_factory=GainCheck)
    clock: ClockReading = field(default_factory=ClockReading)
    failures: dict[str, str] = field(default_factory=dict)


class InstrumentChecker:
    """The checks of one stream, with what they remember of it.

    Parameters
    ----------
    floors
        Called with an axis when rows of a new axis begin: quiet floors of an earlier run, by product.
    """

    def __init__(self, floors: Callable[[Axis], Iterable[QuietFloor]] = lambda _: ()) -> None:
        self._floors = floors
        # Whoever asks for a snapshot looks, from any thread.
        self._looking = threading.Lock()
        self._clock = DataClock()
        self._lived: set[int] = set()
        self._axis: Axis | None = None
        self.last = InstrumentCheck()
        """Findings of the last look."""
        self._last_for: tuple[object, ...] = ()
        self._begin(None)

    def _begin(self, axis: Axis | None) -> None:
        """Forget what rows of another axis have said."""
        if self._axis is None or axis is None or axis.npol != self._axis.npol:
            self._lived = set()
        self._axis, self._checked_count = axis, 0
        self._partial = PartialLosses()
        self._channels: deque[BadChannels] = deque(maxlen=_LOOKS)
        self._gain = GainHistory(self._floors(axis) if axis is not None else ())

    @property
    def axis(self) -> Axis | None:
        """Axis of the rows that were looked at last."""
        return self._axis

    @property
    def floors(self) -> tuple[QuietFloor, ...]:
        """Quiet floors to be kept for the next run, by product."""
        with self._looking:
            return self._gain.floors

    def look(
        self, ring: RingBuffer | None, axis: Axis | None, cadence_s: float, arrival: NewestFrame | None
    ) -> InstrumentCheck:
        """Check the last rows; note the reason of a check that fails.

        Parameters
        ----------
        ring, axis
            What is kept, and its axis; None before the first frame.
        cadence_s
            Data time from row to row; NaN while it is not known.
        arrival
            The newest frame; None before the first.
        """
        with self._looking:
            if ring is None or axis is None or arrival is None:
                return InstrumentCheck()
            # Without a new row nothing can have changed.
            looked_for = (ring, ring.count, axis, cadence_s)
            if looked_for != self._last_for:
                self.last, self._last_for = self._found(ring, axis, cadence_s, arrival), looked_for
            return self.last

    def _found(self, ring: RingBuffer, axis: Axis, cadence_s: float, arrival: NewestFrame) -> InstrumentCheck:
        if axis is not self._axis:
            self._begin(axis)
        failures: dict[str, str] = {}
        rows = _checked("rows", lambda: self._rows(ring), failures)
        if rows is None or not len(rows):
            return InstrumentCheck(failures=failures)
        return self._judged(rows, axis, cadence_s, arrival, failures)

    def _rows(self, ring: RingBuffer) -> Rows:
        """Rows that are new, and as many before them as the checks need."""
        least = max(pipeline_check.ROWS, pipeline_edges.ROWS, axis_check.ROWS, MAX_ROWS)
        new = min(_MAX_NEW_ROWS, max(0, ring.count - self._checked_count))
        return ring.latest(max(least, new + CONTEXT_ROWS))

    def _judged(
        self, rows: Rows, axis: Axis, cadence_s: float, arrival: NewestFrame, failures: dict[str, str]
    ) -> InstrumentCheck:
        is_new, self._checked_count = rows.count != self._checked_count, rows.count
        clock = _checked("data's clock", lambda: self._read_clock(arrival), failures)
        return InstrumentCheck(
            _checked("signal", lambda: self._signal(rows.data, cadence_s, arrival), failures) or NO_LOSS,
            _checked("pipelines", lambda: self._pipelines(rows.data, axis, arrival, is_new=is_new), failures),
            _checked("frequency axis", lambda: _axis(rows.data, axis, arrival), failures),
            _checked("gain", lambda: self._gain.add(rows.data, rows.times_s, rows.count, cadence_s), failures)
            or GainCheck(),
            clock or ClockReading(),
            failures,
        )

    def _read_clock(self, arrival: NewestFrame) -> ClockReading:
        return self._clock.read(
            arrived_s=arrival.arrived_s,
            now_s=arrival.now_s,
            data_s=arrival.data_s,
            sequence=arrival.sequence,
            recorded=arrival.recorded,
        )

    def _signal(self, data: NDArray[np.float32], cadence_s: float, arrival: NewestFrame) -> SignalLoss:
        needed = rows_needed(cadence_s)
        self._lived.update(set(range(data.shape[2])) - set(dead_products(data[-needed:])))
        # A recording may have one product. A live stream always has XX and YY, even if they are dead from the start.
        expected = self._lived if arrival.recorded else self._lived | set(range(NPOWERS))
        return signal_loss(data[-needed:], tuple(expected)) if len(data) >= needed else NO_LOSS

    def _pipelines(
        self, data: NDArray[np.float32], axis: Axis, arrival: NewestFrame, *, is_new: bool
    ) -> PipelineMap | None:
        # A bin that is wider than a pipeline contains several pipelines.
        if axis.channel_average > CHANNELS_PER_PIPELINE:
            return None
        if is_new and len(arrival.spectrum) == axis.nchan:
            self._channels.append(bad_channels(arrival.spectrum))
        return pipeline_map(
            data[-pipeline_check.ROWS :],
            axis.channel_average,
            partial=self._partial.find(data, axis.channel_average),
            channels=mean_bad_channels(self._channels),
            recorded=arrival.recorded,
            foreign=arrival.foreign,
        )


def _checked(name: str, check: Callable[[], Found], failures: dict[str, str]) -> Found | None:
    """Run a check; on an error, note the reason and return None.

    No value of a stream may end a front end.
    """
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - shown as unknown, and logged once with the snapshot
        places = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
        failures[name] = f"{error_text(error)}{place}"
        return None


def _axis(data: NDArray[np.float32], axis: Axis, arrival: NewestFrame) -> AxisCheck | None:
    # Other carriers are heard elsewhere.
    if arrival.foreign:
        return None
    # Search for lines in YY if XX is dead.
    heard = 1 if axis.npol > 1 and not (data[-1, :, 0] > 0).any() else 0
    return check_axis(data[-axis_check.ROWS :, :, heard], axis.frequencies_mhz, axis.channel_average)
