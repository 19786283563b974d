"""Average the recorder's spectra over time and publish them (AvgStreamingOp).

This replaces the class of the same name in the recorder's ``dr_beam.py``. It reads a ring with the recorder's
interface, averages over the data's time and sends each average as one message. It never makes the recorder wait: frames
that a slow subscriber does not read in time are dropped for that subscriber. Each such event is counted and logged; the
subscriber finds the number of lost frames by ``seq``.

Subscribers are not trusted. ZeroMQ delivers one subscription per peer at a time, and the others wait. With each frame,
a bounded number is read, each of bounded length. A peer with too many topics that are not published is disconnected.
"""

import logging
import math
import os
import socket as sockets
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from sunspec_tui.core.addresses import endpoint, host_and_port, is_ipv6, parse_bind_host
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import Encode, Message, encode
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.settings import MAX_INTERVAL_S
from sunspec_tui.core.times import format_block_time, tag_to_unix
from sunspec_tui.producer.averaging import PartAverager, RingSequence, WindowAverager
from sunspec_tui.producer.bifrost_log import ProcessLog, pin
from sunspec_tui.producer.subscriptions import MAX_TOPIC_BYTES, Subscriptions

SEND_QUEUE_FRAMES = 1000
_LINGER_MS, _LOSSLESS_LINGER_MS = 1000, 20_000
_DISCARD_S, _CALM_MS = 0.5, 50
_BEHIND_LOG_S = _CUT_OFF_LOG_S = 1.0
_MAX_MESSAGES_READ = 500
_RECEIVE_BUFFER_BYTES = 4096
# Field of struct tcp_info: all bytes received from the peer.
_BYTES_RECEIVED = slice(128, 136)


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
    shutdown_event
        Event that ends `main` when it is set; None until one is assigned.
    frames_made
        Number of averaged frames, and the ``seq`` of the next one.
    frames_sent
        Number of messages passed to ZeroMQ.
    times_behind
        How often a subscriber's queue was full; from then on, frames are dropped for it until it reads again.
    peers_cut_off
        Connections closed because the peer subscribed to too many topics that are not published.

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
        stream_addr = stream_addr if streaming_addr is None else streaming_addr
        self.shutdown_event: threading.Event | None = None
        self.npack_per_gulp = npack_per_gulp
        self.log = log or logging.getLogger(__name__)
        self.iring = iring
        self.ntime_gulp = ntime_gulp
        self.guarantee = guarantee
        self.core = core
        self.stream_addr = parse_bind_host(stream_addr, "stream_addr")
        self.port = stream_port if streaming_port is None else streaming_port
        self.stream_interval = stream_interval
        self.frames_made = self.frames_sent = self.times_behind = 0
        self.peers_cut_off = 0
        self._subscriptions = Subscriptions()
        self._wait, self._lossless, self._max_frames = wait, lossless, max_frames
        self._burst_gap_s = stream_interval if npack_per_gulp is not None else burst_gap_s
        self._send_queue_frames = send_queue_frames
        self._encode = encode
        self._clock, self._monotonic = clock, monotonic
        self._behind_logged_s = self._cut_off_logged_s = -math.inf
        self._process_log = ProcessLog(type(self).__name__)
        self._stopping = threading.Event()
        self._context: zmq.Context[Any] | None = None
        self._socket: zmq.Socket[bytes]

    @property
    def subscribers(self) -> int:
        """Number of active subscriptions to frames."""
        return self._subscriptions.count

    def bind(self) -> int:
        """Open the socket and return its port.

        A second call only returns the port.

        `main` calls this if it was not called before.

        Raises
        ------
        UsageError
            If the address is in use, or is not an address of this machine.
        """
        if self._context is not None:
            return self.port
        self._context = zmq.Context()
        self._socket = socket = self._context.socket(zmq.XPUB)
        socket.sndhwm = self._send_queue_frames
        socket.linger = _LINGER_MS
        # Accept one message per peer at a time: unread messages wait at the peer, not in this process.
        socket.rcvhwm = 1
        socket.rcvbuf = _RECEIVE_BUFFER_BYTES
        socket.maxmsgsize = MAX_TOPIC_BYTES
        # VERBOSE alone would deliver every subscription, but only the last unsubscription.
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        # A full queue raises an error, which `_send` handles.
        socket.setsockopt(zmq.XPUB_NODROP, 1)
        try:
            socket.ipv6 = is_ipv6(self.stream_addr)
            socket.bind(endpoint(self.stream_addr, self.port or "*"))
        except zmq.ZMQError as error:
            self._close()
            raise UsageError(
                f"cannot publish on {host_and_port(self.stream_addr, self.port)}: {error}; "
                "choose another --addr or --port"
            ) from error
        self.port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        return self.port

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
            if not self._wait or self._wait_for_subscriber():
                self._publish_ring()
        finally:
            self._close()
            behind = f", subscribers fell behind {self.times_behind} times" if self.times_behind else ""
            self.log.info("AvgStreamingOp - Done, %d frames sent%s", self.frames_sent, behind)

    def shutdown(self) -> None:
        """End `main` from another thread.

        A ring that has ``close`` is closed, to end a waiting read.

        bifrost's rings have no ``close``: a waiting read ends when the ring's writer ends, as for all readers of a
        recorder.
        """
        self._stopping.set()
        close = getattr(self.iring, "close", None)
        if close is not None:
            close()

    def _pin(self) -> None:
        self._process_log.update("in", nring=1, ring0=getattr(self.iring, "name", type(self.iring).__name__))
        if self.core is not None and self.core >= 0:
            pin(self.core, self.log)
        self._process_log.update("bind", ncore=1, core0=-1 if self.core is None else self.core)

    def _close(self) -> None:
        """Send queued frames for a limited time, then close.

        The time is longer if no frame may be lost.
        """
        context, self._context = self._context, None
        if context is not None:
            self._discard_subscriptions()
            linger_ms = _LOSSLESS_LINGER_MS if self._lossless else _LINGER_MS
            context.destroy(linger=0 if self._stopping.is_set() else linger_ms)

    def _discard_subscriptions(self) -> None:
        """Discard the messages of peers, in bounded time.

        libzmq notices that a connection was closed when its last message is read; until then the socket would linger.
        """
        deadline_s = self._monotonic() + _DISCARD_S
        calm_ms = _CALM_MS if self.peers_cut_off else 0
        while not self._stopping.is_set() and self._monotonic() < deadline_s and self._socket.poll(calm_ms):
            # A connection may end between the two calls; the socket must still be closed.
            with suppress(zmq.Again):
                self._socket.recv(zmq.NOBLOCK)

    def _wait_for_subscriber(self) -> bool:
        """Wait for a subscriber; return False if stopped before."""
        self.log.info("waiting for a subscriber on %s", host_and_port(self.stream_addr, self.port))
        while not self._is_stopping():
            if self._socket.poll(100):
                self._read_subscriptions()
            if self.subscribers:
                return True
        return False

    def _read_subscriptions(self) -> None:
        """Read subscriptions in bounded time; disconnect peers over budget."""
        if not int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            return
        for _ in range(_MAX_MESSAGES_READ):
            try:
                message = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            peer = _descriptor(message)
            if self._subscriptions.update(bytes(message.buffer), peer) and peer is not None:
                self._cut_off(peer)

    def _cut_off(self, peer: int) -> None:
        """Close the connection of a peer that is over its budget.

        Its descriptor may meanwhile belong to another peer; then nothing is closed.
        """
        closed = _shut_down_connection(peer, self._subscriptions.wire_bytes(peer))
        self._subscriptions.forget(peer)
        if not closed:
            return
        self.peers_cut_off += 1
        now_s = self._monotonic()
        if now_s - self._cut_off_logged_s >= _CUT_OFF_LOG_S:
            text = "a subscriber asks for too many topics that are not published: disconnected (%d times so far)"
            self.log.warning(text, self.peers_cut_off)
            self._cut_off_logged_s = now_s

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
                    self._stopping.wait(self._burst_gap_s)
                begun_s = sent_s if self._burst_gap_s or self.npack_per_gulp else self._clock()
                self._send_frame(sequence, mean, end_ticks, begun_s, averager.interval_ticks / CLOCK_HZ)
                if self._is_done():
                    return
            begun_s, requested_s = requested_s, self._monotonic()
            times = {"acquire_time": received_s - begun_s, "reserve_time": -1, "process_time": requested_s - received_s}
            self._process_log.update("perf", **times)

    def _is_done(self) -> bool:
        return self._is_stopping() or self.frames_made == self._max_frames

    def _is_stopping(self) -> bool:
        """Return True once `shutdown` was called or the recorder's event was set."""
        if self.shutdown_event is not None and self.shutdown_event.is_set():
            self._stopping.set()
        return self._stopping.is_set()

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
            self._send(message)

    def _send(self, message: Message) -> None:
        self._read_subscriptions()
        while not self._is_stopping():
            try:
                self._socket.send_multipart(message, zmq.NOBLOCK)
            except zmq.Again:
                if not self._lossless:
                    self._send_dropping(message)
                    return
                # Polling is useless: XPUB is writable while any subscriber is.
                self._stopping.wait(0.002)
                continue
            self.frames_sent += 1
            return

    def _send_dropping(self, message: Message) -> None:
        """Send a message without the subscribers whose queue is full.

        Count and log this.

        From now on libzmq silently skips a full queue, until its subscriber has read half of it. So only the number of
        such events is known here. The subscriber finds the number of lost frames by ``seq``.
        """
        self._socket.setsockopt(zmq.XPUB_NODROP, 0)
        self._socket.send_multipart(message, zmq.NOBLOCK)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        self.frames_sent += 1
        self.times_behind += 1
        now_s = self._monotonic()
        if now_s - self._behind_logged_s >= _BEHIND_LOG_S:
            text = "a subscriber is too slow: frames are dropped for it until it reads again (%d times so far)"
            self.log.warning(text, self.times_behind)
            self._behind_logged_s = now_s

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


def _descriptor(message: zmq.Frame) -> int | None:
    """Return the descriptor of a message's connection; None if it has ended."""
    try:
        return int(message.get(zmq.SRCFD))
    except zmq.ZMQError:
        return None


def _shut_down_connection(descriptor: int, min_bytes: int) -> bool:
    """Shut down a connection with at least so many bytes; return success.

    ZeroMQ has no call for this. It may close the descriptor at any moment, and the number may then belong to the
    connection of a new peer, which has received fewer bytes.
    """
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with sockets.socket(fileno=os.dup(descriptor)) as connection:
            if sys.platform == "linux":
                info = connection.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, _BYTES_RECEIVED.stop)
                if int.from_bytes(info[_BYTES_RECEIVED], sys.byteorder) < min_bytes:
                    return False
            connection.shutdown(sockets.SHUT_RDWR)
    except OSError:
        # The connection is already closed.
        return False
    return True
