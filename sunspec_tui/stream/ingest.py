"""Ingest one frame: average channels, assign slot, store row, measure delay.

This is the hot path between the socket and the ring buffer. It starts no thread and reads no clock. Only the
receiver's thread calls it; other threads read its state through the receiver.
"""

import math
from dataclasses import dataclass

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.flux_scale import FluxScale
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.memory_budgets import max_past_nbytes, max_ring_nbytes, ring_nbytes, size_text
from sunspec_tui.core.products import average_channels, bin_count
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_epochs import Epoch, PastEpochs
from sunspec_tui.stream.frame_placer import FramePlacement
from sunspec_tui.stream.health_reading import DEFAULT_INTERVAL_S
from sunspec_tui.stream.message_delay import DelayHistory, DelayMethod, DelayReading, buffer_delay_s, message_delay
from sunspec_tui.stream.newest_frame import NewestFrame
from sunspec_tui.stream.stream_health import StreamHealth

MIN_AGREEING_FRAMES = 3
"""Consecutive frames after which a new shape or axis is accepted; a single frame may be a stray one."""


@dataclass(slots=True)
class DelayChoice:
    """Chosen delay method, and the values that the methods use.

    Attributes
    ----------
    method
        Method of the delay.
    manual_s
        Value of ``manual``.
    interval_s
        Seconds per row for ``buffer``; None uses the measured cadence.
    """

    method: DelayMethod = DelayMethod.AUTO
    manual_s: float = 0.0
    interval_s: float | None = None


class FrameIngester:
    """Rows, axis, health and delay of the stream, updated per frame.

    Parameters
    ----------
    buffer_length
        Rows in the ring buffer.
    channel_average
        Channels per bin.
    chan0
        First channel, if the header does not give it.
    beam_index
        Index of the beam that is stored, if a frame has several.
    choice
        Method of the message delay.
    flux_scale
        Scale of the rows that are read from the ring; None to read them as received.
    """

    def __init__(
        self,
        buffer_length: int,
        channel_average: int,
        chan0: int,
        beam_index: int,
        choice: DelayChoice,
        flux_scale: FluxScale | None = None,
    ) -> None:
        self.buffer_length = buffer_length
        self.channel_average = channel_average
        self.chan0 = chan0
        self.beam_index = beam_index
        self.choice = choice
        self.flux_scale = flux_scale
        self.health = StreamHealth()
        self.history = DelayHistory()
        self.ring: RingBuffer | None = None
        self.axis: Axis | None = None
        self.epoch = 0
        self.past = PastEpochs(max_past_nbytes(buffer_length, channel_average))
        self._max_ring_nbytes = max_ring_nbytes(buffer_length, channel_average)
        self._claimed: tuple[int, int, int] | None = None
        self._agreeing = 0
        self.block_time_s = math.nan
        self.last_frame: Frame | None = None
        self._last_arrived_s = math.nan
        self._last_now_s = math.nan

    def ingest(self, frame: Frame, now_s: float, arrived_s: float) -> FramePlacement:
        """Store one frame as a row, and return its placement.

        Parameters
        ----------
        frame
            The received frame.
        now_s, arrived_s
            Time of the arrival by the wall clock (since 1970) and by a monotonic clock.

        Raises
        ------
        RejectedMessage
            If the frame does not have the beam, has a new shape or axis that is not accepted yet, or needs more
            memory than its budget. The state does not change.
        """
        if self.beam_index >= frame.data.shape[0]:
            detail = f"beam {self.beam_index} asked for, {frame.data.shape[0]} in the frame"
            raise RejectedMessage(RejectCause.SHAPE, detail)
        spectrum = frame.data[self.beam_index]
        axis = self._accepted_axis(frame)
        ring = self.ring
        if ring is None or axis is not self.axis:
            ring = self._allocate_ring(axis)
        average_channels(spectrum, self.channel_average, ring.next_row)
        # Nothing below can raise, so the state stays consistent.
        if ring is not self.ring:
            self._start_epoch(axis, ring)
        placement = self.health.assign_slot(frame, now_s, arrived_s)
        ring.commit(placement.time_s, placement.slot, placement.mark)
        self.block_time_s = frame.block_time_s
        self.last_frame, self._last_now_s, self._last_arrived_s = frame, now_s, arrived_s
        self.history.add(arrived_s, self._delay_s(frame, now_s))
        return placement

    def set_delay_choice(self, choice: DelayChoice) -> None:
        """Change the method of the delay, also for the newest frame."""
        self.choice = choice
        self.history.clear()
        if self.last_frame is not None:
            self.history.add(self._last_arrived_s, self.delay.value_s)

    @property
    def delay(self) -> DelayReading:
        """Delay of the newest frame by the chosen method."""
        frame, choice = self.last_frame, self.choice
        if frame is None or self.ring is None:
            manual = choice.method is DelayMethod.MANUAL
            return DelayReading(choice.manual_s if manual else math.nan, choice.method, choice.method)
        return message_delay(
            choice.method,
            now_s=self._last_now_s,
            sent_s=frame.sent_s,
            time_problem=frame.time_problem,
            buffer_s=buffer_delay_s(self.buffer_length, self.ring.index, self.interval_s),
            manual_s=choice.manual_s,
        )

    def _delay_s(self, frame: Frame, now_s: float) -> float:
        """Return the delay of the newest frame.

        The usual case needs no `DelayReading`.
        """
        delay_s = now_s - frame.sent_s
        return delay_s if self.choice.method is DelayMethod.AUTO and delay_s >= 0 else self.delay.value_s

    @property
    def station(self) -> str:
        """Station in the header of the newest frame.

        Empty if there is none.
        """
        return "" if self.last_frame is None else self.last_frame.station

    @property
    def recorded_s(self) -> float:
        """Time at which the newest frame of a replay was recorded.

        NaN if the times of the data are not shifted.
        """
        return math.nan if self.last_frame is None else self.last_frame.recorded_s

    def newest_frame(self) -> NewestFrame | None:
        """Return the newest frame for the checks; None before the first."""
        frame, health = self.last_frame, self.health
        if frame is None:
            return None
        return NewestFrame(
            frame.data[self.beam_index],
            self._last_arrived_s,
            self._last_now_s,
            self.block_time_s,
            (self.epoch, health.restarts, health.reversals, health.stalls_over),
            frame.recorded,
            frame.station,
        )

    @property
    def interval_s(self) -> float:
        """Seconds per row for ``buffer``: chosen, else measured, else the default."""
        if self.choice.interval_s is not None:
            return self.choice.interval_s
        return self.health.cadence_s if self.health.cadence_s > 0 else DEFAULT_INTERVAL_S

    def _accepted_axis(self, frame: Frame) -> Axis:
        """Return the frame's axis, either the current or an accepted one."""
        _, nchan, npol = frame.data.shape
        axis = self.axis
        chan0 = self.chan0 if frame.chan0 is None else frame.chan0
        if axis is not None and axis.nchan == nchan and axis.npol == npol and axis.chan0 == chan0:
            self._claimed = None
            return axis
        if axis is not None:
            self._check_claim((nchan, npol, chan0), frame, axis)
        return Axis(chan0, nchan, self.channel_average, npol, chan0_stated=frame.chan0 is not None)

    def _check_claim(self, claimed: tuple[int, int, int], frame: Frame, axis: Axis) -> None:
        """Reject a new shape or axis until enough frames claim it.

        The first frame of a new sequence is accepted at once, unless each frame begins a new sequence.
        """
        self._agreeing = self._agreeing + 1 if claimed == self._claimed else 1
        self._claimed = claimed
        if self.health.begins_sequence(frame) or self._agreeing >= MIN_AGREEING_FRAMES:
            return
        nchan, npol, chan0 = claimed
        detail = (
            f"{nchan} channels x {npol} products from channel {chan0}, but the stream has {axis.nchan} x {axis.npol} "
            f"from {axis.chan0}; accepted after {MIN_AGREEING_FRAMES} frames in a row"
        )
        raise RejectedMessage(RejectCause.AXIS, detail)

    def _allocate_ring(self, axis: Axis) -> RingBuffer:
        """Allocate a ring for rows of an axis."""
        nbins, npol = bin_count(axis.nchan, self.channel_average), axis.npol
        needed = ring_nbytes(self.buffer_length, nbins, npol)
        if needed > self._max_ring_nbytes:
            raise self._too_large(axis, f"more than the {size_text(self._max_ring_nbytes)} that a stream may ask for")
        first = self.ring.count if self.ring else 0
        factors = None if self.flux_scale is None else self.flux_scale.at(axis.frequencies_mhz)
        try:
            return RingBuffer(self.buffer_length, nbins, npol, first=first, factors=factors)
        except MemoryError:
            # Rows of the current axis are more important than those of earlier axes.
            self.past.clear()
        try:
            return RingBuffer(self.buffer_length, nbins, npol, first=first, factors=factors)
        except MemoryError as error:
            raise self._too_large(axis, "which this machine does not have left") from error

    def _too_large(self, axis: Axis, why: str) -> RejectedMessage:
        nbins = bin_count(axis.nchan, self.channel_average)
        size = size_text(ring_nbytes(self.buffer_length, nbins, axis.npol))
        detail = (
            f"{self.buffer_length} rows of {nbins} bins x {axis.npol} products need {size}, {why}; "
            "start with a smaller --buffer-length or a larger --channel-average"
        )
        return RejectedMessage(RejectCause.TOO_LARGE, detail)

    def _start_epoch(self, axis: Axis, ring: RingBuffer) -> None:
        """Start an epoch with a new axis; earlier rows stay readable."""
        if self.ring is not None and self.axis is not None:
            self.past.add(Epoch(self.epoch, self.axis, self.ring, self.health.cadence_s))
            self.epoch += 1
        self.axis, self.ring = axis, ring
        self._claimed = None
