"""Publish messages on a ZeroMQ socket, and protect it from its subscribers.

It never waits for a subscriber, unless no message may be lost: messages that a slow subscriber does not read in time
are dropped for that subscriber.

Subscribers are not trusted. ZeroMQ delivers one subscription per peer at a time, and the others wait. With each message
that is sent, a bounded number is read, each of bounded length. A peer with too many topics that are not published is
disconnected.
"""

import logging
import math
import os
import socket as sockets
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import zmq

from sunspec_tui.core.addresses import endpoint, host_and_port, is_ipv6
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import Message
from sunspec_tui.producer.stop_flag import StopSignal
from sunspec_tui.producer.subscriptions import MAX_TOPIC_BYTES, Subscriptions

_LINGER_MS, _LOSSLESS_LINGER_MS = 1000, 20_000
_DISCARD_S, _CALM_MS = 0.5, 50
_BEHIND_LOG_S = _CUT_OFF_LOG_S = 1.0
_MAX_MESSAGES_READ = 500
_RECEIVE_BUFFER_BYTES = 4096
# Field of struct tcp_info: all bytes received from the peer.
_BYTES_RECEIVED = slice(128, 136)


class Publisher:
    """XPUB socket with its subscribers.

    Parameters
    ----------
    host, port
        Address to publish on; port 0 selects a free port.
    stop
        Signal that ends waiting and closes the socket without delay.
    log
        Logger of events.
    lossless
        True to wait for slow subscribers instead of dropping messages.
    queue_messages
        Number of messages that may wait for a subscriber before messages are dropped for it.
    monotonic
        Monotonic clock.

    Attributes
    ----------
    port
        Port of the socket, once it is bound.
    sent
        Number of messages passed to ZeroMQ.
    times_behind
        How often a subscriber's queue was full; from then on, messages are dropped for it until it reads again.
    peers_cut_off
        Connections closed because the peer subscribed to too many topics that are not published.
    """

    def __init__(
        self,
        host: str,
        port: int,
        stop: StopSignal,
        log: logging.Logger,
        *,
        lossless: bool,
        queue_messages: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._host, self.port = host, port
        self._stop, self._log, self._monotonic = stop, log, monotonic
        self._lossless, self._queue_messages = lossless, queue_messages
        self.sent = self.times_behind = self.peers_cut_off = 0
        self._subscriptions = Subscriptions()
        self._behind_logged_s = self._cut_off_logged_s = -math.inf
        self._context: zmq.Context[Any] | None = None
        self._socket: zmq.Socket[bytes]

    @property
    def subscribers(self) -> int:
        """Number of active subscriptions to frames."""
        return self._subscriptions.count

    def bind(self) -> int:
        """Open the socket and return its port.

        A second call only returns the port.

        Raises
        ------
        UsageError
            If the address is in use, or is not an address of this machine.
        """
        if self._context is not None:
            return self.port
        self._context = zmq.Context()
        self._socket = socket = self._context.socket(zmq.XPUB)
        self._configure(socket)
        try:
            socket.ipv6 = is_ipv6(self._host)
            socket.bind(endpoint(self._host, self.port or "*"))
        except zmq.ZMQError as error:
            self.close()
            raise UsageError(
                f"cannot publish on {host_and_port(self._host, self.port)}: {error}; choose another --addr or --port"
            ) from error
        self.port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        return self.port

    def _configure(self, socket: zmq.Socket[bytes]) -> None:
        socket.sndhwm = self._queue_messages
        socket.linger = _LINGER_MS
        # Accept one message per peer at a time: unread messages wait at the peer, not in this process.
        socket.rcvhwm = 1
        socket.rcvbuf = _RECEIVE_BUFFER_BYTES
        socket.maxmsgsize = MAX_TOPIC_BYTES
        # VERBOSE alone would deliver every subscription, but only the last unsubscription.
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        # A full queue raises an error, which `send` handles.
        socket.setsockopt(zmq.XPUB_NODROP, 1)

    def close(self) -> None:
        """Send queued messages for a limited time, then close.

        The time is longer if no message may be lost.
        """
        context, self._context = self._context, None
        if context is not None:
            self._discard_subscriptions()
            linger_ms = _LOSSLESS_LINGER_MS if self._lossless else _LINGER_MS
            context.destroy(linger=0 if self._stop.is_set() else linger_ms)

    def _discard_subscriptions(self) -> None:
        """Discard the messages of peers, in bounded time.

        libzmq notices that a connection was closed when its last message is read; until then the socket would linger.
        """
        deadline_s = self._monotonic() + _DISCARD_S
        calm_ms = _CALM_MS if self.peers_cut_off else 0
        while not self._stop.is_set() and self._monotonic() < deadline_s and self._socket.poll(calm_ms):
            # A connection may end between the two calls; the socket must still be closed.
            with suppress(zmq.Again):
                self._socket.recv(zmq.NOBLOCK)

    def wait_for_subscriber(self) -> bool:
        """Wait for a subscriber; return False if stopped before."""
        self._log.info("waiting for a subscriber on %s", host_and_port(self._host, self.port))
        while not self._stop.is_set():
            if self._socket.poll(100):
                self.read_subscriptions()
            if self.subscribers:
                return True
        return False

    def read_subscriptions(self) -> None:
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
            self._log.warning(text, self.peers_cut_off)
            self._cut_off_logged_s = now_s

    def send(self, message: Message) -> None:
        """Read waiting subscriptions, and send a message."""
        self.read_subscriptions()
        while not self._stop.is_set():
            try:
                self._socket.send_multipart(message, zmq.NOBLOCK)
            except zmq.Again:
                if not self._lossless:
                    self._send_dropping(message)
                    return
                # Polling is useless: XPUB is writable while any subscriber is.
                self._stop.wait(0.002)
                continue
            self.sent += 1
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
        self.sent += 1
        self.times_behind += 1
        now_s = self._monotonic()
        if now_s - self._behind_logged_s >= _BEHIND_LOG_S:
            text = "a subscriber is too slow: frames are dropped for it until it reads again (%d times so far)"
            self._log.warning(text, self.times_behind)
            self._behind_logged_s = now_s


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
