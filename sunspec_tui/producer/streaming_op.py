"""AvgStreamingOp: reads the recorder's ring, averages spectra, publishes them.

This replaces the class of the same name in the recorder's ``dr_beam.py``. It reads a ring with the recorder's
interface, averages over the data's time and sends each average as one message. It never makes the recorder wait:
frames that a slow subscriber does not read in time are dropped for that subscriber. Each such event is counted and
logged; the subscriber finds the number of lost frames by ``seq``.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.addresses import parse_bind_host
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import Encode, encode
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.settings import MAX_INTERVAL_S
from sunspec_tui.core.times import format_block_time, tag_to_unix
from sunspec_tui.producer.averaging import PartAverager, RingSequence, WindowAverager
from sunspec_tui.producer.bifrost_tools import ProcessLog, pin
from sunspec_tui.producer.publisher import Publisher
from sunspec_tui.producer.stop_flag import StopSignal

SEND_QUEUE_FRAMES = 1000


class AvgStreamingOp:
    """Operation that reads a ring, averages its spectra and publishes them.

    Parameters
    ----------
    log
        The recorder's logger; None for this module's logger.
    iring
        Ring with the recorder's reading interface.
    ntime_gulp
        Number of spectra that are read at once.
    guarantee
        True if the ring must not overwrite data that are not read yet.
    core
        Processor that `main` is pinned to; None or a negative number for no pinning.
    stream_addr, stream_port
        Address to publish on; port 0 selects a free port, see `port`.
    stream_interval
        Seconds of data in a frame; with `npack_per_gulp`, the pause in seconds between the frames of a gulp (0: none).
    npack_per_gulp
        Number of frames per gulp, which are equal parts and have one ``timestamp``. None cuts the data at
        `stream_interval`.
    streaming_addr, streaming_port
        Newer names of `stream_addr` and `stream_port`.
    wait
        True to start reading with the first subscriber.
    lossless
        True to wait for slow subscribers instead of dropping frames: for a replayed file, never for a recorder.
    max_frames
        Number of frames after which `main` ends; None for the end of the ring.
    burst_gap_s
        If positive, frames of one gulp have one ``timestamp`` and are sent with this interval in seconds, as by the
        deployed recorder.
    send_queue_frames
        Number of frames that may wait for a subscriber before frames are dropped for it.
    encode
        Encoder of a frame to one or several messages.
    clock, monotonic
        Wall clock for ``timestamp``, and a monotonic clock.

    Attributes
    ----------
    frames_made
        Number of averaged frames, and the ``seq`` of the next one.

    Raises
    ------
    UsageError
        If a gulp would have no spectrum, or a frame no duration, or the address is not a host name or IP address.
    """

    def __init__(
        self,
        log: logging.Logger | None,
        iring: Any,
        ntime_gulp: int = 250,
        guarantee: bool = True,
        core: int | None = None,
        stream_addr: str = "127.0.0.1",
        stream_port: int = 9798,
        stream_interval: float = 0.25,
        npack_per_gulp: int | None = None,
        *,
        streaming_addr: str | None = None,
        streaming_port: int | None = None,
        wait: bool = False,
        lossless: bool = False,
        max_frames: int | None = None,
        burst_gap_s: float = 0.0,
        send_queue_frames: int = SEND_QUEUE_FRAMES,
        encode: Encode = encode,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_gulps(ntime_gulp, stream_interval, npack_per_gulp)
        stream_addr = stream_addr if streaming_addr is None else streaming_addr
        self.npack_per_gulp = npack_per_gulp
        self.log = log or logging.getLogger(__name__)
        self.iring = iring
        self.ntime_gulp = ntime_gulp
        self.guarantee = guarantee
        self.core = core
        self.stream_addr = parse_bind_host(stream_addr, "stream_addr")
        self.stream_interval = stream_interval
        self.frames_made = 0
        self._wait, self._max_frames = wait, max_frames
        self._burst_gap_s = stream_interval if npack_per_gulp is not None else burst_gap_s
        self._encode = encode
        self._clock, self._monotonic = clock, monotonic
        self._process_log = ProcessLog(type(self).__name__)
        self._stop = StopSignal()
        self._publisher = Publisher(
            self.stream_addr,
            stream_port if streaming_port is None else streaming_port,
            self._stop,
            self.log,
            lossless=lossless,
            queue_messages=send_queue_frames,
            monotonic=monotonic,
        )

    @property
    def port(self) -> int:
        """Port to publish on; after `bind`, the port of the socket."""
        return self._publisher.port

    @property
    def shutdown_event(self) -> threading.Event | None:
        """Event that ends `main`; None until one is assigned."""
        return self._stop.recorder_event

    @shutdown_event.setter
    def shutdown_event(self, event: threading.Event | None) -> None:
        self._stop.recorder_event = event

    @property
    def frames_sent(self) -> int:
        """Number of messages passed to ZeroMQ."""
        return self._publisher.sent

    @property
    def subscribers(self) -> int:
        """Number of active subscriptions to frames."""
        return self._publisher.subscribers

    @property
    def times_behind(self) -> int:
        """How often a subscriber's queue was full.

        From then on, frames are dropped for it until it reads again.
        """
        return self._publisher.times_behind

    @property
    def peers_cut_off(self) -> int:
        """Connections closed because of too many topics that are not published."""
        return self._publisher.peers_cut_off

    def bind(self) -> int:
        """Open the socket and return its port.

        A second call only returns the port.

        `main` calls this if it was not called before.

        Raises
        ------
        UsageError
            If the address is in use, or is not an address of this machine.
        """
        return self._publisher.bind()

    def main(self) -> None:
        """Publish until the ring ends or `shutdown`, then close the socket.

        Raises
        ------
        UsageError
            If the socket cannot be bound.
        SourceError
            If a sequence's header cannot be used.
        """
        self.bind()
        try:
            self._pin()
            if not self._wait or self._publisher.wait_for_subscriber():
                self._publish_ring()
        finally:
            self._publisher.close()
            behind = f", subscribers fell behind {self.times_behind} times" if self.times_behind else ""
            self.log.info("AvgStreamingOp - Done, %d frames sent%s", self.frames_sent, behind)

    def shutdown(self) -> None:
        """End `main` from another thread.

        A ring that has ``close`` is closed, to end a waiting read.

        bifrost's rings have no ``close``: a waiting read ends when the ring's writer ends, as for all readers of a
        recorder.
        """
        self._stop.set()
        close = getattr(self.iring, "close", None)
        if close is not None:
            close()

    def _pin(self) -> None:
        self._process_log.update("in", nring=1, ring0=getattr(self.iring, "name", type(self.iring).__name__))
        if self.core is not None and self.core >= 0:
            pin(self.core, self.log)
        self._process_log.update("bind", ncore=1, core0=-1 if self.core is None else self.core)

    def _publish_ring(self) -> None:
        for iseq in self.iring.read(guarantee=self.guarantee):
            sequence = RingSequence.from_header(iseq.header)
            self.log.info("a new sequence: %s", sequence)
            self._process_log.update("sequence0", **sequence.fields())
            averager = self._averager(sequence)
            self._publish(iseq, sequence, averager)
            if averager.pending:
                self.log.info("the last %d spectra do not fill an interval and are not sent", averager.pending)
            if self._is_done():
                return

    def _averager(self, sequence: RingSequence) -> WindowAverager | PartAverager:
        if self.npack_per_gulp is None:
            return WindowAverager(sequence, self.stream_interval)
        return PartAverager(sequence, self.ntime_gulp, self.npack_per_gulp)

    def _publish(self, iseq: Any, sequence: RingSequence, averager: WindowAverager | PartAverager) -> None:
        requested_s = self._monotonic()
        for spectra in self._gulps(iseq, sequence):
            received_s, sent_s = self._monotonic(), self._clock()
            for n, (mean, end_ticks) in enumerate(averager.add(spectra)):
                if n and self._burst_gap_s:
                    self._stop.wait(self._burst_gap_s)
                begun_s = sent_s if self._burst_gap_s or self.npack_per_gulp else self._clock()
                self._send_frame(sequence, mean, end_ticks, begun_s, averager.interval_ticks / CLOCK_HZ)
                if self._is_done():
                    return
            begun_s, requested_s = requested_s, self._monotonic()
            times = {"acquire_time": received_s - begun_s, "reserve_time": -1, "process_time": requested_s - received_s}
            self._process_log.update("perf", **times)

    def _is_done(self) -> bool:
        return self._stop.is_set() or self.frames_made == self._max_frames

    def _gulps(self, iseq: Any, sequence: RingSequence) -> Iterator[NDArray[np.float32]]:
        """Yield the spectra of each span; the last one may have fewer."""
        for ispan in iseq.read(self.ntime_gulp * sequence.spectrum_nbytes):
            ntime = ispan.size // sequence.spectrum_nbytes
            values = ispan.data_view(np.float32).reshape(-1)[: ntime * math.prod(sequence.shape)]
            yield values.reshape(ntime, *sequence.shape)

    def _send_frame(
        self, sequence: RingSequence, mean: NDArray[np.float32], end_ticks: int, sent_s: float, interval_s: float
    ) -> None:
        header = self._header(sequence, end_ticks, sent_s, interval_s)
        self.frames_made += 1
        for message in self._encode(header, mean):
            self._publisher.send(message)

    def _header(self, sequence: RingSequence, end_ticks: int, sent_s: float, interval_s: float) -> dict[str, Any]:
        header: dict[str, Any] = {
            "time_tag": sequence.time_tag,
            "nbeam": sequence.nbeam,
            "nchan": sequence.nchan,
            "npol": sequence.npol,
            "timestamp": f"{sent_s:.6f}",
            "last_block_time": format_block_time(tag_to_unix(sequence.time_tag + end_ticks)),
            "data_shape": list(sequence.shape),
            "data_type": "<f4",
            "seq": self.frames_made,
            "interval": interval_s,
        }
        if sequence.chan0 is not None:
            header["chan0"] = sequence.chan0
        header |= sequence.origin
        return header


def _check_gulps(ntime_gulp: int, stream_interval: float, npack_per_gulp: int | None) -> None:
    """Raise `UsageError` if frames cannot be made of such gulps."""
    if ntime_gulp < 1:
        raise UsageError(f"a gulp of {ntime_gulp} spectra is empty; choose an ntime_gulp of 1 or more")
    # The parts of a gulp may be sent without a pause.
    is_pause = npack_per_gulp is not None and stream_interval == 0
    if not is_pause and not 0 < stream_interval <= MAX_INTERVAL_S:
        raise UsageError(
            f"an interval of {stream_interval} s cannot be averaged over; choose one above 0, "
            f"of {MAX_INTERVAL_S:.0f} s at most"
        )
    if npack_per_gulp is not None and not 1 <= npack_per_gulp <= ntime_gulp:
        raise UsageError(f"a gulp of {ntime_gulp} spectra cannot be cut into {npack_per_gulp} parts")
