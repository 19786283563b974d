"""One ZeroMQ connection to one publisher: its socket, what the socket's monitor tells, and what waits in it.

ZeroMQ's own reconnecting is off: after an error of the protocol it would never happen, and on a port of the ephemeral
range it can connect to itself. A connection that has ended is closed, and another one is made.

What may wait here is bounded in bytes. Whole messages are: the number that may wait (the high-water mark) goes down
where messages are large. A part is: MAXMSGSIZE. A message of endless parts is not, by ZeroMQ, which shows a message
only when it is whole; so the kernel is asked how many bytes have come without a message.

ZeroMQ heartbeats stay off: with them an idle publisher of some libzmq versions is cut off (libzmq issue 4767). TCP
keep-alive finds a dead peer instead.
"""

import contextlib
from enum import Enum

import zmq
from zmq.utils.monitor import recv_monitor_message

from sunspec_tui.errors import RejectCause, RejectedMessage
from sunspec_tui.tcp import TcpConnection

RECEIVE_QUEUE_FRAMES = 2000
RECEIVE_QUEUE_BYTES = 128 * 2**20
MAX_MESSAGE_BYTES = 8 * 2**20
MAX_PARTS = 16
"""Parts of a message that are kept to be looked at; a frame has three."""

MAX_COUNTED_PARTS = 100_000
HANDSHAKE_S = 10.0
_UNFINISHED_BYTES = MAX_MESSAGE_BYTES + 2**20
# Memory that ZeroMQ and Python take for a part, however short.
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


class Ended(Enum):
    """Why a connection has ended."""

    FAILED = "it was never made"
    LOST = "the peer has ended it"
    TOO_LARGE = "a message was too large"


class Connection:
    """A SUB socket that is connected once.

    Parameters
    ----------
    context
        Of ZeroMQ.
    endpoint
        Of an IP address.
    now_s
        A clock that never goes back.

    Attributes
    ----------
    is_ready
        Whether publisher and subscriber have greeted each other.
    ended
        Why the connection is over; None while it is not.
    messages
        Number of messages read so far.
    is_whole
        Whether the next part that is read begins a message; what follows one that was given up is no message.

    Raises
    ------
    zmq.ZMQError
        If the endpoint cannot be used, or there are no file descriptors left.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, now_s: float) -> None:
        self.begun_s = now_s
        self.is_ready = False
        self.ended: Ended | None = None
        self.messages = 0
        self.is_whole = True
        self._tcp: TcpConnection | None = None
        self._largest = RECEIVE_QUEUE_BYTES // RECEIVE_QUEUE_FRAMES
        self._seen_messages, self._seen_bytes = 0, 0
        self.socket = context.socket(zmq.SUB)
        self._receive, self._get = self.socket.recv, self.socket.get
        try:
            _configure(self.socket, ipv6="[" in endpoint)
            self.monitor = self.socket.get_monitor_socket(_EVENTS)
            self.socket.connect(endpoint)
        except zmq.ZMQError:
            self.socket.disable_monitor()
            self.socket.close(linger=0)
            raise

    def close(self) -> None:
        """Close everything; again without harm."""
        self._close_tcp()
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)

    # Messages

    def receive(self) -> list[bytes]:
        """Read one message.

        Raises
        ------
        zmq.Again
            If none waits.
        RejectedMessage
            If it has more than `MAX_PARTS` parts; the rest of them are dropped.
        """
        parts = [self._receive(zmq.NOBLOCK)]
        while self._get(zmq.RCVMORE):
            if len(parts) == MAX_PARTS:
                self._drop_parts()
            parts.append(self._receive(zmq.NOBLOCK))
        self.messages += 1
        size = sum(map(len, parts))
        if size > self._largest:
            self._allow_for(size)
        return parts

    def _drop_parts(self) -> None:
        """Read the rest of a message without keeping it; where it is very long, end the connection."""
        count = MAX_PARTS
        while self._get(zmq.RCVMORE):
            self._receive(zmq.NOBLOCK)
            count += 1
            if count == MAX_COUNTED_PARTS:
                self.ended, self.is_whole = Ended.TOO_LARGE, False
                raise RejectedMessage(RejectCause.PARTS, f"{count} and more, 3 expected")
        self.messages += 1
        self._allow_for(count * _PART_BYTES)
        raise RejectedMessage(RejectCause.PARTS, f"{count} parts, 3 expected")

    def _allow_for(self, size: int) -> None:
        """Let so many messages wait as the budget has room for. ZeroMQ can only lower the number, not raise it."""
        if size > self._largest:
            self._largest = size
            self.socket.rcvhwm = max(1, RECEIVE_QUEUE_BYTES // size)

    def is_unfinished_too_large(self) -> bool:
        """Tell whether more bytes have come without a message than any message may have; to be asked now and then."""
        received = self._tcp.bytes_received() if self._tcp is not None else None
        if received is None:
            return False
        if self.messages != self._seen_messages or not self._seen_bytes:
            self._seen_messages, self._seen_bytes = self.messages, received
        if received - self._seen_bytes <= _UNFINISHED_BYTES:
            return False
        # A whole message that has come since the last look is not endless.
        return not self.socket.poll(0)

    # Events

    def read_events(self) -> None:
        """Take what the monitor has told."""
        with contextlib.suppress(zmq.Again):
            while self.ended is None:
                event = recv_monitor_message(self.monitor, zmq.NOBLOCK)
                self._take_event(int(event["event"]), int(event["value"]))

    def _take_event(self, event: int, value: int) -> None:
        if event == zmq.EVENT_CONNECTED:
            self._watch_tcp(value)
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.is_ready = True
        elif event == zmq.EVENT_DISCONNECTED and self.is_ready:
            # ZeroMQ hangs up on a peer that keeps the connection only where it must not read on.
            was_open = self._tcp is not None and self._tcp.is_open()
            self._end(Ended.TOO_LARGE if was_open else Ended.LOST)
        else:
            self._end(Ended.FAILED)

    def _watch_tcp(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):
            self._tcp = TcpConnection(descriptor)
            if self._tcp.is_own:
                self._end(Ended.FAILED)

    def _end(self, why: Ended) -> None:
        self.ended = why
        self._close_tcp()

    def _close_tcp(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
            self._tcp = None


def _configure(stream: zmq.Socket[bytes], *, ipv6: bool) -> None:
    stream.linger = 0
    stream.ipv6 = ipv6
    stream.rcvhwm = RECEIVE_QUEUE_FRAMES
    stream.maxmsgsize = MAX_MESSAGE_BYTES
    stream.reconnect_ivl = _NEVER_MS
    stream.tcp_keepalive, stream.tcp_keepalive_idle = 1, 30
    stream.tcp_keepalive_intvl, stream.tcp_keepalive_cnt = 10, 3
    # All topics, so that a foreign one is counted instead of looking like silence.
    stream.subscribe(b"")
