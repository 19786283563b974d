"""The subscriber's thread: messages come in here and nowhere else.

The thread waits on all its sockets at once: the stream, a monitor that tells what the connection does, the probe of a
search, and a wake-up by which `stop` ends it. It wakes ten times a second besides, to look at clocks. It hands on
messages and knows neither rings nor screens; `reconnecting` says which connection it reads.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import zmq

from sunspec_tui.connection import Connection
from sunspec_tui.errors import RejectCause, RejectedMessage
from sunspec_tui.health import LinkState
from sunspec_tui.reconnecting import Reconnector, ReconnectTimes

_BATCH = 64
_MOMENT_MS = 20
_WAKE_AGAIN_S = 0.005


class Handler(Protocol):
    """Who is told, from the subscriber's thread."""

    def on_message(self, parts: Sequence[bytes]) -> None:
        """Take one multipart message."""

    def on_reject(self, error: RejectedMessage) -> None:
        """Count a message that could not be received."""

    def receiving(self) -> AbstractContextManager[object]:
        """What the thread does all its work in."""

    def on_queue(self, taken: int) -> None:
        """Learn how many messages have been taken in a row since the queue was last empty."""

    def on_link(self, link: LinkState, words: str = "", attempt: int = 0) -> None:
        """Learn that the link's state has changed, in words for people, and the number of the attempt."""

    def cadence_s(self) -> float:
        """Seconds of data from frame to frame; NaN while unknown."""

    def on_failure(self, error: Exception) -> None:
        """Learn that the thread has ended on an error and nothing more will come."""


class Subscriber:
    """Receives a stream on a thread of its own, and connects again whatever happens.

    Parameters
    ----------
    host, port
        Where the producer publishes: a name or an IP address, and a port.
    handler
        Who is told of messages and changes, from the thread.
    times
        When a connection is replaced.
    monotonic
        Clock that never goes back, for silence.
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
        self._links = Reconnector(self._context, host, port, self, times or ReconnectTimes(), monotonic=monotonic)
        self._said = (LinkState.CONNECTING, "")
        self._taken = 0
        self._poller, self._polled = zmq.Poller(), tuple[Any, ...]()

    def start(self) -> None:
        """Begin to look for the publisher and to receive."""
        self._wake.bind("inproc://wake")
        self._thread = threading.Thread(target=self._run, name="sunspec-subscriber", daemon=True)
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
        self._links.stop_resolving()

    # The thread

    def _run(self) -> None:
        try:
            with self._handler.receiving(), self._context.socket(zmq.PAIR) as woken:
                woken.connect("inproc://wake")
                self._receive(woken)
        except Exception as error:  # noqa: BLE001 - the thread's last word: it must be shown, not lost
            self._handler.on_failure(error)
        finally:
            self._links.close()

    def _receive(self, woken: zmq.Socket[bytes]) -> None:
        """Wait for whatever comes first, until `stop` says so."""
        links = self._links
        links.begin()
        while True:
            ready = self._wait(woken)
            if woken in ready:
                return
            if links.active is not None and links.active.socket in ready:
                ready = self._read_on(links.active, ready)
                if woken in ready:
                    return
            links.step(ready)

    def _read_on(self, active: Connection, ready: dict[Any, int]) -> dict[Any, int]:
        """Read while nothing else is to be done, which must not cost anything for each frame; what is ready then."""
        self._read(active)
        while active.ended is None and time.monotonic() < self._links.due_s:
            ready = dict(self._poller.poll(_MOMENT_MS))
            if active.socket not in ready:
                return ready
            self._read(active)
            if len(ready) > 1:
                return ready
        return ready

    def _wait(self, woken: zmq.Socket[bytes]) -> dict[Any, int]:
        """Which sockets are ready, after a moment at the latest."""
        wanted = ((woken, zmq.POLLIN), *self._links.sockets())
        if wanted != self._polled:
            self._poller, self._polled = zmq.Poller(), wanted
            for each, events in wanted:
                self._poller.register(each, events)
        return dict(self._poller.poll(math.ceil(self._links.wait_s() * 1000)))

    def _read(self, connection: Connection) -> int:
        """Take what has queued up, but at most a batch: the other sockets are looked at now and then."""
        on_message, receive = self._handler.on_message, connection.receive
        count = 0
        try:
            while count < _BATCH:
                count += 1
                try:
                    parts = receive()
                except RejectedMessage as error:
                    self._handler.on_reject(error)
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

    # What the reconnector asks

    def drain(self, connection: Connection) -> int:
        """Read all messages that wait, and return their number."""
        total = 0
        while connection.is_whole and (count := self._read(connection)):
            total += count
        return total

    def report(self, link: LinkState, words: str, attempt: int) -> None:
        """Hand on the link's state if it is new."""
        if (link, words) != self._said:
            self._said = (link, words)
            self._handler.on_link(link, words, attempt)

    def reject(self, cause: RejectCause, detail: str) -> None:
        """Hand on that a message could not be received."""
        self._handler.on_reject(RejectedMessage(cause, detail))

    def cadence_s(self) -> float:
        """Seconds of data from frame to frame; NaN while unknown."""
        return self._handler.cadence_s()
