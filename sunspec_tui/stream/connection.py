"""Open, read and monitor one ZeroMQ connection to one publisher.

ZeroMQ's own reconnecting is off: after a protocol error it never reconnects, and on a port of the ephemeral range it
can connect to itself. A connection that has ended is closed, and a new one is made.

The memory of queued messages is bounded in bytes. The high-water mark bounds the number of whole messages, and is
lowered when messages are large. MAXMSGSIZE bounds each part. ZeroMQ does not bound a message of endless parts, and
delivers only complete messages. So this module asks the kernel how many bytes were received without a message.

ZeroMQ heartbeats stay off: with some libzmq versions they disconnect an idle publisher (libzmq issue 4767). TCP
keep-alive detects a dead peer instead.
"""

import contextlib
from enum import Enum

import zmq
from zmq.utils.monitor import recv_monitor_message

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.stream.queue_limit import QueueLimit
from sunspec_tui.stream.tcp import TcpConnection

RECEIVE_QUEUE_FRAMES = 2000
RECEIVE_QUEUE_BYTES = 128 * 2**20
MAX_MESSAGE_BYTES = 8 * 2**20
CANDIDATE_QUEUE_FRAMES = RECEIVE_QUEUE_BYTES // MAX_MESSAGE_BYTES
"""Queue limit of a connection whose messages are not read yet: their size is unknown."""

MAX_PARTS = 16
"""Largest number of parts kept of one message; a frame has three."""

_COPIED_PARTS = 2
"""Number of leading parts that are copied: they are short, and sharing memory costs as much as copying 10 kB."""

MAX_COUNTED_PARTS = 100_000
HANDSHAKE_S = 10.0
_UNFINISHED_BYTES = MAX_MESSAGE_BYTES + 2**20
# Memory that ZeroMQ and Python need for each part, even a short one.
_PART_BYTES = 128
_NEVER_MS = 2**31 - 1
_EVENTS = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_CLOSED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)


class EndReason(Enum):
    """Reason for the end of a connection."""

    FAILED = "it was never established"
    LOST = "the peer has closed it"
    TOO_LARGE = "a message was too large"


class Connection:
    """SUB socket that is connected once.

    Parameters
    ----------
    context
        The ZeroMQ context.
    endpoint
        ZeroMQ endpoint with an IP address.
    now_s
        Time of a monotonic clock, in seconds.
    queue_frames
        Largest number of messages in the receive queue.

    Attributes
    ----------
    is_ready
        True after the ZeroMQ handshake.
    ended
        Reason for the end of the connection; None while it is open.
    messages
        Number of messages read so far.
    is_whole
        True if the next part begins a message; False after a message was abandoned in the middle.

    Raises
    ------
    zmq.ZMQError
        If the endpoint cannot be used, or there are no file descriptors left.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        now_s: float,
        *,
        queue_frames: int = RECEIVE_QUEUE_FRAMES,
    ) -> None:
        self.begun_s = now_s
        self.is_ready = False
        self.ended: EndReason | None = None
        self.messages = 0
        self.is_whole = True
        self._tcp: TcpConnection | None = None
        self._largest = RECEIVE_QUEUE_BYTES // queue_frames
        self._limit, self._is_lowering = QueueLimit(queue_frames), False
        self._seen_messages, self._seen_bytes = 0, 0
        self.socket = context.socket(zmq.SUB)
        self._receive, self._get = self.socket.recv, self.socket.get
        try:
            _configure(self.socket, queue_frames, ipv6="[" in endpoint)
            self.monitor = self.socket.get_monitor_socket(_EVENTS)
            self.socket.connect(endpoint)
        except zmq.ZMQError:
            self.socket.disable_monitor()
            self.socket.close(linger=0)
            raise

    def close(self) -> None:
        """Close all sockets; a second call is harmless."""
        self._close_tcp()
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)

    # Messages

    def receive(self) -> list[bytes | memoryview]:
        """Read one message.

        The payload (the third part and any later ones) stays in ZeroMQ's memory.

        Raises
        ------
        zmq.Again
            If no message is queued.
        RejectedMessage
            If it has more than `MAX_PARTS` parts; the rest of them are dropped.
        """
        parts: list[bytes | memoryview] = [self._receive(zmq.NOBLOCK)]
        while self._get(zmq.RCVMORE):
            if len(parts) == MAX_PARTS:
                self._drop_parts()
            if len(parts) < _COPIED_PARTS:
                parts.append(self._receive(zmq.NOBLOCK))
            else:
                parts.append(self._receive(zmq.NOBLOCK, copy=False).buffer)
        self.messages += 1
        size = sum(map(len, parts))
        if size > self._largest or self._is_lowering:
            self._allow_for(size)
        return parts

    def _drop_parts(self) -> None:
        """Drop the rest of a message; end the connection if very long."""
        count = MAX_PARTS
        while self._get(zmq.RCVMORE):
            self._receive(zmq.NOBLOCK)
            count += 1
            if count == MAX_COUNTED_PARTS:
                self.ended, self.is_whole = EndReason.TOO_LARGE, False
                raise RejectedMessage(RejectCause.PARTS, f"{count} and more, 3 expected")
        self.messages += 1
        self._allow_for(count * _PART_BYTES)
        raise RejectedMessage(RejectCause.PARTS, f"{count} parts, 3 expected")

    def _allow_for(self, size: int) -> None:
        """Lower the queue limit to what the budget allows for this size.

        ZeroMQ can only lower the limit of a connected socket, and `QueueLimit` decides which step is safe.
        """
        self._largest = max(self._largest, size)
        before = self._limit.now
        limit = self._limit.lower_towards(max(1, RECEIVE_QUEUE_BYTES // self._largest), self.messages)
        self._is_lowering = not self._limit.is_reached
        if limit < before:
            self.socket.rcvhwm = limit

    def is_unfinished_too_large(self) -> bool:
        """Return True if an incomplete message is too large; call it regularly."""
        received = self._tcp.bytes_received() if self._tcp is not None else None
        if received is None:
            return False
        if self.messages != self._seen_messages or not self._seen_bytes:
            self._seen_messages, self._seen_bytes = self.messages, received
        if received - self._seen_bytes <= _UNFINISHED_BYTES:
            return False
        # A complete message has arrived since the last check, so it is not endless.
        return not self.socket.poll(0)

    def has_flooded(self) -> bool:
        """Return True if unread messages exceed the limit of the queue."""
        received = self._tcp.bytes_received() if self._tcp is not None else None
        return received is not None and received > RECEIVE_QUEUE_BYTES + _UNFINISHED_BYTES

    # Events

    def read_events(self) -> None:
        """Process the events of the socket monitor."""
        with contextlib.suppress(zmq.Again):
            while self.ended is None:
                event = recv_monitor_message(self.monitor, zmq.NOBLOCK)
                self._handle_event(int(event["event"]), int(event["value"]))

    def _handle_event(self, event: int, value: int) -> None:
        if event == zmq.EVENT_CONNECTED:
            self._watch_tcp(value)
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.is_ready = True
        elif event == zmq.EVENT_DISCONNECTED and self.is_ready:
            # If the peer has not closed the connection, ZeroMQ has, which it does only
            # after a message that is too large.
            was_open = self._tcp is not None and self._tcp.is_open()
            self._end(EndReason.TOO_LARGE if was_open else EndReason.LOST)
        else:
            self._end(EndReason.FAILED)

    def _watch_tcp(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):
            self._tcp = TcpConnection(descriptor)
            if self._tcp.is_own:
                self._end(EndReason.FAILED)

    def _end(self, why: EndReason) -> None:
        self.ended = why
        self._close_tcp()

    def _close_tcp(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
            self._tcp = None


def _configure(stream: zmq.Socket[bytes], queue_frames: int, *, ipv6: bool) -> None:
    stream.linger = 0
    stream.ipv6 = ipv6
    stream.rcvhwm = queue_frames
    stream.maxmsgsize = MAX_MESSAGE_BYTES
    stream.reconnect_ivl = _NEVER_MS
    stream.tcp_keepalive, stream.tcp_keepalive_idle = 1, 30
    stream.tcp_keepalive_intvl, stream.tcp_keepalive_cnt = 10, 3
    # Subscribe to all topics, so that a foreign topic is counted and does not look like silence.
    stream.subscribe(b"")
