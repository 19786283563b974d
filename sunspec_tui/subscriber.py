"""The socket and its thread: messages come in here and nowhere else.

The thread waits on three sockets at once: the stream, a monitor that tells what the connection
does, and a wake-up by which `stop` ends it without any sleeping loop. It hands on what it gets
and knows neither rings nor screens. Only this module and `streaming` may use zmq.

ZeroMQ heartbeats stay off: with them an idle publisher of some libzmq versions is cut off
(libzmq issue 4767). TCP keep-alive finds a dead peer instead.
"""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import zmq
from zmq.utils.monitor import recv_monitor_message

from sunspec_tui.errors import UsageError
from sunspec_tui.health import LinkState

RECEIVE_QUEUE_FRAMES = 2000
MAX_MESSAGE_BYTES = 64 * 2**20
_RECONNECT_MS = 100
_BATCH = 64
_WAKE_AGAIN_S = 0.005


class Handler(Protocol):
    """Who is told, from the subscriber's thread."""

    def on_message(self, parts: Sequence[bytes]) -> None:
        """Take one multipart message."""

    def receiving(self) -> AbstractContextManager[object]:
        """What the thread does all its work in."""

    def on_queue(self, taken: int) -> None:
        """Learn how many messages have been taken in a row since the queue was last empty."""

    def on_link(self, link: LinkState) -> None:
        """Learn that the connection's state has changed."""

    def on_failure(self, error: Exception) -> None:
        """Learn that the thread has ended on an error and nothing more will come."""


class Subscriber:
    """A SUB socket on a thread of its own.

    Parameters
    ----------
    endpoint
        Such as ``tcp://127.0.0.1:9798``.
    handler
        Who is told of messages and changes, from the thread.
    """

    def __init__(self, endpoint: str, handler: Handler) -> None:
        self._endpoint = endpoint
        self._handler = handler
        self._context = zmq.Context()
        self._wake = self._context.socket(zmq.PAIR)
        self._thread: threading.Thread | None = None
        self._link = LinkState.CONNECTING
        self._taken = 0

    def start(self) -> None:
        """Connect and begin to receive.

        Raises
        ------
        UsageError
            If the endpoint is no address.
        """
        self._wake.bind("inproc://wake")
        stream = self._open_stream()
        self._thread = threading.Thread(target=self._run, args=(stream,), name="sunspec-subscriber", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, wait for it and close all sockets; at once, and again without harm."""
        thread, self._thread = self._thread, None
        while thread is not None and thread.is_alive():
            try:
                self._wake.send(b"", zmq.NOBLOCK)
            except zmq.Again:
                # It has not opened its end yet, or has closed it already.
                thread.join(_WAKE_AGAIN_S)
            else:
                thread.join()
        self._context.destroy(linger=0)

    def _open_stream(self) -> zmq.Socket[bytes]:
        stream = self._context.socket(zmq.SUB)
        stream.linger = 0
        stream.rcvhwm = RECEIVE_QUEUE_FRAMES
        stream.maxmsgsize = MAX_MESSAGE_BYTES
        stream.reconnect_ivl = _RECONNECT_MS
        stream.tcp_keepalive, stream.tcp_keepalive_idle = 1, 30
        stream.tcp_keepalive_intvl, stream.tcp_keepalive_cnt = 10, 3
        # All topics, so that a foreign one is counted instead of looking like silence.
        stream.subscribe(b"")
        self._monitor = stream.get_monitor_socket()
        try:
            stream.connect(self._endpoint)
        except zmq.ZMQError as error:
            self.stop()
            raise UsageError(f"cannot connect to {self._endpoint}: {error}; check --addr and --port") from error
        return stream

    def _run(self, stream: zmq.Socket[bytes]) -> None:
        woken = self._context.socket(zmq.PAIR)
        woken.connect("inproc://wake")
        try:
            with self._handler.receiving():
                self._receive(stream, woken)
        except Exception as error:  # noqa: BLE001 - the thread's last word: it must be shown, not lost
            self._handler.on_failure(error)
        finally:
            stream.disable_monitor()
            for socket in (self._monitor, woken, stream):
                socket.close(linger=0)

    def _receive(self, stream: zmq.Socket[bytes], woken: zmq.Socket[bytes]) -> None:
        """Wait for whatever comes first, until `stop` says so."""
        poller = zmq.Poller()
        for socket in (stream, self._monitor, woken):
            poller.register(socket, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if woken in ready:
                return
            if self._monitor in ready:
                self._read_monitor()
            if stream in ready:
                self._read_messages(stream)

    def _read_messages(self, stream: zmq.Socket[bytes]) -> None:
        """Take what has queued up, but look at the other sockets now and then."""
        on_message = self._handler.on_message
        try:
            for _ in range(_BATCH):
                on_message(stream.recv_multipart(zmq.NOBLOCK))
                self._taken += 1
        except zmq.Again:
            self._handler.on_queue(self._taken)
            self._taken = 0
        else:
            self._handler.on_queue(self._taken)

    def _read_monitor(self) -> None:
        event = recv_monitor_message(self._monitor)["event"]
        link = _LINKS.get(zmq.Event(event))
        # Who did not speak ZeroMQ is cut off after it.
        if link is not None and (link, self._link) != (LinkState.LOST, LinkState.FOREIGN):
            self._link = link
            self._handler.on_link(link)


_LINKS = {
    zmq.Event.HANDSHAKE_SUCCEEDED: LinkState.CONNECTED,
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL: LinkState.FOREIGN,
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL: LinkState.FOREIGN,
    zmq.Event.DISCONNECTED: LinkState.LOST,
    # An attempt that came to nothing; a mere retry is also what follows a lost connection.
    zmq.Event.CLOSED: LinkState.REFUSED,
}
