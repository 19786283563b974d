"""Receive all messages of the stream in a thread.

The thread waits for all its sockets at once: the stream, the monitor of the connection, the probe of a search, and the
wake-up socket that `stop` uses. Without messages it sleeps until the next check of `reconnecting`, which chooses the
connection to read. The thread passes messages on; it does not use rings or screens.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol

import zmq

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.stream.connection import Connection
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.reconnecting import Reconnector, ReconnectTimes

_BATCH = 64
_WAKE_AGAIN_S = 0.005


class Handler(Protocol):
    """Interface for messages and changes, called from the subscriber's thread."""

    def on_message(self, parts: Sequence[bytes | memoryview]) -> None:
        """Handle one multipart message."""

    def on_reject(self, error: RejectedMessage) -> None:
        """Count a message that could not be received."""

    def receiving(self) -> AbstractContextManager[object]:
        """Return the context in which the thread does all its work."""

    def on_queue(self, taken: int) -> None:
        """Note the number of messages read since the queue was empty."""

    def on_link(self, link: LinkState, words: str = "", attempt: int = 0) -> None:
        """Handle the link's new state, its description and the attempt's number."""

    def cadence_s(self) -> float:
        """Return the seconds of data from frame to frame; NaN while unknown."""

    def on_failure(self, error: Exception) -> None:
        """Handle an error that has ended the thread; no more messages follow."""


class Subscriber:
    """Receiver of a stream in a separate thread, which reconnects after failures.

    Parameters
    ----------
    host, port
        Address of the producer: a name or an IP address, and a port.
    handler
        Handler of messages and changes, called from the thread.
    times
        Times after which a connection is replaced.
    monotonic
        Monotonic clock that measures silence.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handler: Handler,
        times: ReconnectTimes | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._context: zmq.Context[Any] = zmq.Context()
        self._wake = self._context.socket(zmq.PAIR)
        self._thread: threading.Thread | None = None
        # A signal may interrupt `Thread.start`. Then `stop` sees a thread that is not alive yet.
        self._start_lock, self._is_stopped = threading.Lock(), False
        self._reconnector = Reconnector(self._context, host, port, self, times or ReconnectTimes(), monotonic=monotonic)
        self._reported = (LinkState.CONNECTING, "")
        self._taken = 0
        self._poller, self._polled = zmq.Poller(), tuple[Any, ...]()

    def start(self) -> None:
        """Start the thread, which searches for the publisher and receives."""
        self._wake.bind("inproc://wake")
        self._thread = threading.Thread(target=self._run, name="sunspec-subscriber", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close all sockets; a second call is harmless."""
        with self._start_lock:
            self._is_stopped = True
        thread, self._thread = self._thread, None
        while thread is not None and thread.is_alive():
            try:
                self._wake.send(b"", zmq.NOBLOCK)
            except zmq.Again:
                # The thread has not opened its end of the pair yet, or has already closed it.
                thread.join(_WAKE_AGAIN_S)
            else:
                thread.join()
        self._context.destroy(linger=0)
        self._reconnector.stop_resolving()

    # The thread

    def _run(self) -> None:
        try:
            with self._handler.receiving(), ExitStack() as opened:
                wake_socket = self._open_wake_socket(opened)
                if wake_socket is not None:
                    self._receive(wake_socket)
        except Exception as error:  # noqa: BLE001 - the error that ends the thread must be shown
            self._handler.on_failure(error)
        finally:
            self._reconnector.close()

    def _open_wake_socket(self, opened: ExitStack) -> zmq.Socket[bytes] | None:
        """Open the thread's end of the wake-up pair; None after `stop`."""
        with self._start_lock:
            if self._is_stopped:
                return None
            wake_socket: zmq.Socket[bytes] = opened.enter_context(self._context.socket(zmq.PAIR))
            wake_socket.connect("inproc://wake")
            return wake_socket

    def _receive(self, wake_socket: zmq.Socket[bytes]) -> None:
        """Handle all sockets until `stop` is called."""
        reconnector = self._reconnector
        reconnector.begin()
        while True:
            ready = self._wait(wake_socket)
            if wake_socket in ready:
                return
            if reconnector.active is not None and reconnector.active.socket in ready:
                ready = self._read_until_due(reconnector.active, ready)
                if wake_socket in ready:
                    return
            reconnector.advance(ready)

    def _read_until_due(self, active: Connection, ready: dict[Any, int]) -> dict[Any, int]:
        """Read messages until something else is due; return the ready sockets.

        This short loop keeps the cost of other checks off each frame.
        """
        reconnector = self._reconnector
        self._read(active)
        while active.ended is None and (left_s := reconnector.check_connection(active) - time.monotonic()) > 0:
            ready = dict(self._poller.poll(math.ceil(left_s * 1000)))
            if active.socket not in ready:
                return ready
            self._read(active)
            if len(ready) > 1:
                return ready
        return ready

    def _wait(self, wake_socket: zmq.Socket[bytes]) -> dict[Any, int]:
        """Wait for the sockets until the next check is due.

        Return those that are ready.
        """
        sockets = ((wake_socket, zmq.POLLIN), *self._reconnector.sockets())
        if sockets != self._polled:
            self._poller, self._polled = zmq.Poller(), sockets
            for each, events in sockets:
                self._poller.register(each, events)
        wait_s = self._reconnector.wait_s()
        return dict(self._poller.poll(None if math.isinf(wait_s) else math.ceil(wait_s * 1000)))

    def _read(self, connection: Connection) -> int:
        """Read the queued messages, at most one batch, and return their number.

        The limit lets the other sockets be handled in between.
        """
        on_message, receive = self._handler.on_message, connection.receive
        count = 0
        try:
            while count < _BATCH:
                count += 1
                try:
                    parts = receive()
                except RejectedMessage as error:
                    self._handler.on_reject(error)
                    if not connection.is_whole:
                        # The rest belongs to the same message.
                        break
                else:
                    on_message(parts)
        except zmq.Again:
            count -= 1
            self._handler.on_queue(self._taken + count)
            self._taken = 0
        else:
            self._taken += count
            self._handler.on_queue(self._taken)
        return count

    # Calls of the reconnector

    def drain(self, connection: Connection) -> int:
        """Read all queued messages and return their number."""
        total = 0
        while connection.is_whole and (count := self._read(connection)):
            total += count
        return total

    def report(self, link: LinkState, words: str, attempt: int) -> None:
        """Pass the link's state on if it is new."""
        if (link, words) != self._reported:
            self._reported = (link, words)
            self._handler.on_link(link, words, attempt)

    def reject(self, cause: RejectCause, detail: str) -> None:
        """Report a message that could not be received."""
        self._handler.on_reject(RejectedMessage(cause, detail))

    def cadence_s(self) -> float:
        """Return the seconds of data from frame to frame; NaN while unknown."""
        return self._handler.cadence_s()
