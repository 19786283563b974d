"""Check the instrument: signal, pipelines, frequency axis, gain and clock.

The checks read rows of the ring buffer. They run outside the lock that frames need.
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
from sunspec_tui.monitoring.axis_check import AxisCheck, axis_finding, check_axis
from sunspec_tui.monitoring.data_clock import ClockReading, DataClock, clock_finding
from sunspec_tui.monitoring.finding import Finding
from sunspec_tui.monitoring.gain_check import GainCheck, gain_finding
from sunspec_tui.monitoring.gain_history import CONTEXT_ROWS, GainHistory, QuietFloor
from sunspec_tui.monitoring.pipeline_check import (
    BadChannels,
    PipelineMap,
    bad_channels,
    mean_bad_channels,
    pipeline_map,
    pipelines_finding,
)
from sunspec_tui.monitoring.pipeline_edges import PartialLosses
from sunspec_tui.monitoring.signal_loss import (
    MAX_ROWS,
    NO_LOSS,
    NPOWERS,
    SignalLoss,
    dead_products,
    rows_needed,
    signal_finding,
    signal_loss,
)
from sunspec_tui.stream.newest_frame import NewestFrame

Result = TypeVar("Result")

_CHANNEL_FRAMES = 8
_MAX_NEW_ROWS = 1200


@dataclass(frozen=True, slots=True)
class InstrumentCheck:
    """Results of the checks; None or empty if unknown.

    A result is unknown before the first row, and if its check has failed.

    Attributes
    ----------
    signal
        Products without a signal.
    pipelines
        State of the pipelines over the last rows.
    axis_check
        Comparison of the frequency axis with known carriers.
    gain
        Quiet level relative to its floor, and losses of gain.
    clock
        Comparison of the data's clock with the local clock.
    failures
        Reasons why checks have failed, by the check's name.
    """

    signal: SignalLoss = NO_LOSS
    pipelines: PipelineMap | None = None
    axis_check: AxisCheck | None = None
    gain: GainCheck = field(default_factory=GainCheck)
    clock: ClockReading = field(default_factory=ClockReading)
    failures: dict[str, str] = field(default_factory=dict)

    def findings(self, axis: Axis | None) -> tuple[Finding, ...]:
        """Return all findings on an axis, in the order shown."""
        return (
            signal_finding(self.signal),
            pipelines_finding(self.pipelines),
            axis_finding(self.axis_check, axis),
            gain_finding(self.gain),
            clock_finding(self.clock),
        )


class InstrumentChecker:
    """Checks of one stream, with their state.

    Parameters
    ----------
    floors
        Function called with each new axis; returns the quiet floors of an earlier run, by product.
    """

    def __init__(self, floors: Callable[[Axis], Iterable[QuietFloor]] = lambda _: ()) -> None:
        self._floors = floors
        # Snapshots are taken from any thread.
        self._lock = threading.Lock()
        self._clock = DataClock()
        self._seen_alive: set[int] = set()
        self._axis: Axis | None = None
        self.last = InstrumentCheck()
        """Findings of the last check."""
        self._last_inputs: tuple[object, ...] = ()
        self._reset(None)

    def _reset(self, axis: Axis | None) -> None:
        """Reset all state that depends on the axis."""
        if self._axis is None or axis is None or axis.npol != self._axis.npol:
            self._seen_alive = set()
        self._axis, self._checked_count = axis, 0
        self._partial = PartialLosses()
        self._channels: deque[BadChannels] = deque(maxlen=_CHANNEL_FRAMES)
        self._gain = GainHistory(self._floors(axis) if axis is not None else ())

    @property
    def axis(self) -> Axis | None:
        """Axis of the rows that were checked last."""
        return self._axis

    @property
    def floors(self) -> tuple[QuietFloor, ...]:
        """Quiet floors to be stored for the next run, by product."""
        with self._lock:
            return self._gain.floors

    def check(
        self, ring: RingBuffer | None, axis: Axis | None, cadence_s: float, newest: NewestFrame | None
    ) -> InstrumentCheck:
        """Check the last rows; store the reason if a check fails.

        Parameters
        ----------
        ring, axis
            Ring buffer of the rows, and their axis; None before the first frame.
        cadence_s
            Data time from row to row; NaN while unknown.
        newest
            The newest frame; None before the first.
        """
        with self._lock:
            if ring is None or axis is None or newest is None:
                return InstrumentCheck()
            # Without a new row, the findings have not changed.
            inputs = (ring, ring.count, axis, cadence_s)
            if inputs != self._last_inputs:
                self.last, self._last_inputs = self._check_rows(ring, axis, cadence_s, newest), inputs
            return self.last

    def _check_rows(self, ring: RingBuffer, axis: Axis, cadence_s: float, newest: NewestFrame) -> InstrumentCheck:
        if axis is not self._axis:
            self._reset(axis)
        failures: dict[str, str] = {}
        rows = _run_check("rows", lambda: self._rows(ring), failures)
        if rows is None or not len(rows):
            return InstrumentCheck(failures=failures)
        return self._run_checks(rows, axis, cadence_s, newest, failures)

    def _rows(self, ring: RingBuffer) -> Rows:
        """Return the new rows, and the older rows that checks need."""
        count = max(pipeline_check.ROWS, pipeline_edges.ROWS, axis_check.ROWS, MAX_ROWS)
        new = min(_MAX_NEW_ROWS, max(0, ring.count - self._checked_count))
        return ring.latest(max(count, new + CONTEXT_ROWS), scaled=False)

    def _run_checks(
        self, rows: Rows, axis: Axis, cadence_s: float, newest: NewestFrame, failures: dict[str, str]
    ) -> InstrumentCheck:
        is_new, self._checked_count = rows.count != self._checked_count, rows.count
        clock = _run_check("data's clock", lambda: self._read_clock(newest), failures)
        return InstrumentCheck(
            _run_check("signal", lambda: self._signal(rows.data, cadence_s, newest), failures) or NO_LOSS,
            _run_check("pipelines", lambda: self._pipelines(rows.data, axis, newest, is_new=is_new), failures),
            _run_check("frequency axis", lambda: _axis(rows.data, axis, newest), failures),
            _run_check("gain", lambda: self._gain.add(rows.data, rows.times_s, rows.count, cadence_s), failures)
            or GainCheck(),
            clock or ClockReading(),
            failures,
        )

    def _read_clock(self, newest: NewestFrame) -> ClockReading:
        return self._clock.read(
            arrived_s=newest.arrived_s,
            now_s=newest.now_s,
            data_s=newest.data_s,
            sequence=newest.sequence,
            recorded=newest.recorded,
        )

    def _signal(self, data: NDArray[np.float32], cadence_s: float, newest: NewestFrame) -> SignalLoss:
        needed = rows_needed(cadence_s)
        self._seen_alive.update(set(range(data.shape[2])) - set(dead_products(data[-needed:])))
        # A recording may have one product. A live stream always has XX and YY, even if one is dead from the start.
        expected = self._seen_alive if newest.recorded else self._seen_alive | set(range(NPOWERS))
        return signal_loss(data[-needed:], tuple(expected)) if len(data) >= needed else NO_LOSS

    def _pipelines(
        self, data: NDArray[np.float32], axis: Axis, newest: NewestFrame, *, is_new: bool
    ) -> PipelineMap | None:
        # A bin that is wider than a pipeline contains several pipelines.
        if axis.channel_average > CHANNELS_PER_PIPELINE:
            return None
        if is_new and len(newest.spectrum) == axis.nchan:
            self._channels.append(bad_channels(newest.spectrum))
        return pipeline_map(
            data[-pipeline_check.ROWS :],
            axis.channel_average,
            partial=self._partial.find(data, axis.channel_average),
            channels=mean_bad_channels(self._channels),
            recorded=newest.recorded,
            foreign=newest.foreign,
        )


def _run_check(name: str, check: Callable[[], Result], failures: dict[str, str]) -> Result | None:
    """Run a check; on an error, store the reason and return None.

    No value in a stream may stop a front end.
    """
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - shown as unknown, and logged once with the snapshot
        places = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
        failures[name] = f"{error_text(error)}{place}"
        return None


def _axis(data: NDArray[np.float32], axis: Axis, newest: NewestFrame) -> AxisCheck | None:
    # An instrument at another place receives other carriers.
    if newest.foreign:
        return None
    # Search for lines in YY if XX is dead.
    product = 1 if axis.npol > 1 and not (data[-1, :, 0] > 0).any() else 0
    return check_axis(data[-axis_check.ROWS :, :, product], axis.frequencies_mhz, axis.channel_average)
