"""What one frame does to the state: reduced, placed in time, kept, its delay read.

The hot path between the socket and the ring. It starts nothing and asks no clock; its one caller at
a time is the receiver's thread, and everybody else reads what it keeps through the receiver.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.delay import DelayHistory, DelayMethod, DelayReading, buffer_delay_s, message_delay
from sunspec_tui.errors import RejectCause, RejectedMessage
from sunspec_tui.frame import Frame
from sunspec_tui.health import DEFAULT_INTERVAL_S, Placement, StreamHealth
from sunspec_tui.products import average_channels, bin_count
from sunspec_tui.ring import RingBuffer
from sunspec_tui.snapshot import Axis


@dataclass(slots=True)
class DelayChoice:
    """The user's choice of the delay method, and the value of ``manual``."""

    method: DelayMethod = DelayMethod.AUTO
    manual_s: float = 0.0


class Intake:
    """The state that frames leave behind.

    Parameters
    ----------
    buffer_length
        Rows that the ring keeps.
    channel_average
        Channels a bin.
    chan0
        First channel, where the header does not say.
    beam_index
        Which beam of a frame with several is kept.
    choice
        How the message delay is found.
    """

    def __init__(
        self, buffer_length: int, channel_average: int, chan0: int, beam_index: int, choice: DelayChoice
    ) -> None:
        self.buffer_length = buffer_length
        self.channel_average = channel_average
        self.chan0 = chan0
        self.beam_index = beam_index
        self.choice = choice
        self.health = StreamHealth()
        self.history = DelayHistory()
        self.delay = DelayReading(method=choice.method, used=choice.method)
        self.ring: RingBuffer | None = None
        self.axis: Axis | None = None
        self.epoch = 0
        self.block_time_s = math.nan
        self.last_frame: Frame | None = None
        self._row: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._last_arrived_s = math.nan
        self._last_now_s = math.nan

    def take(self, frame: Frame, now_s: float, arrived_s: float) -> Placement:
        """Keep one frame.

        Parameters
        ----------
        frame
            What arrived.
        now_s, arrived_s
            The arrival on the wall clock (since 1970) and on a clock that never goes back.

        Raises
        ------
        RejectedMessage
            If the frame has no such beam.
        """
        if self.beam_index >= frame.data.shape[0]:
            detail = f"beam {self.beam_index} asked for, {frame.data.shape[0]} in the frame"
            raise RejectedMessage(RejectCause.SHAPE, detail)
        spectrum = frame.data[self.beam_index]
        ring = self._ring_for(frame)
        average_channels(spectrum, self.channel_average, self._row)
        placement = self.health.place(frame, now_s, arrived_s)
        ring.append(self._row, placement.time_s, placement.slot, placement.mark)
        self.block_time_s = frame.block_time_s
        self.last_frame, self._last_now_s, self._last_arrived_s = frame, now_s, arrived_s
        self._read_delay()
        return placement

    def choose_delay(self, choice: DelayChoice) -> None:
        """Find the delay another way from now on, the last frame's included."""
        self.choice = choice
        self.history.clear()
        self.delay = DelayReading(method=choice.method, used=choice.method)
        if self.last_frame is not None:
            self._read_delay()
        elif choice.method is DelayMethod.MANUAL:
            self.delay = DelayReading(choice.manual_s, choice.method, choice.method)

    def _read_delay(self) -> None:
        frame, ring = self.last_frame, self.ring
        if frame is None or ring is None:
            return
        interval_s = self.health.cadence_s if self.health.cadence_s > 0 else DEFAULT_INTERVAL_S
        self.delay = message_delay(
            self.choice.method,
            now_s=self._last_now_s,
            sent_s=frame.sent_s,
            time_problem=frame.time_problem,
            buffer_s=buffer_delay_s(self.buffer_length, ring.index, interval_s),
            manual_s=self.choice.manual_s,
        )
        self.history.add(self._last_arrived_s, self.delay.value_s)

    def _ring_for(self, frame: Frame) -> RingBuffer:
        """The ring, or a new one where rows of this frame do not fit what it holds."""
        _, nchan, npol = frame.data.shape
        axis, ring = self.axis, self.ring
        chan0 = self.chan0 if frame.chan0 is None else frame.chan0
        if ring is not None and axis is not None and (axis.nchan, axis.npol, axis.chan0) == (nchan, npol, chan0):
            return ring
        self.axis = Axis(chan0, nchan, self.channel_average, npol, chan0_stated=frame.chan0 is not None)
        nbins = bin_count(nchan, self.channel_average)
        self._row = np.empty((nbins, npol), np.float32)
        self.epoch += ring is not None
        self.ring = RingBuffer(self.buffer_length, nbins, npol, first=ring.count if ring else 0)
        return self.ring
