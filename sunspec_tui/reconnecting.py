"""Which connection is read, and when another one takes its place.

One connection is active. Where it ends, a search finds a publisher again. Where it is silent for long, the search
looks for another connection, the candidate, while the active one stays open, because an open connection may be dead.
Then both are waited for. If the active one brings a message, it stays and the candidate is closed: the candidate has
the same messages, and they must not be counted twice. If only the candidate has messages, or neither has any for a
while, the candidate becomes the active one, with all that waits in it. So no message is lost or doubled.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import zmq

from sunspec_tui.addresses import endpoint
from sunspec_tui.backoff import Backoff
from sunspec_tui.connection import HANDSHAKE_S, MAX_MESSAGE_BYTES, Connection, Ended
from sunspec_tui.errors import RejectCause
from sunspec_tui.health import LinkState
from sunspec_tui.resolver import Resolver, SocketAddress
from sunspec_tui.search import Search, SearchTimes

TICK_S = 0.1
_SHORT_LIFE_S = 2.0
_TOO_LARGE = f"a message of more than {MAX_MESSAGE_BYTES // 2**20} MiB"


class Reader(Protocol):
    """Reads a connection's messages and learns of its state."""

    def drain(self, connection: Connection) -> int:
        """Read all messages that wait, and return their number."""

    def report(self, link: LinkState, words: str, attempt: int) -> None:
        """Learn the link's state, in words for people, and the number of the attempt."""

    def reject(self, cause: RejectCause, detail: str) -> None:
        """Count a message that could not be received."""

    def cadence_s(self) -> float:
        """Seconds of data from frame to frame; NaN while unknown."""


@dataclass(frozen=True, slots=True)
class ReconnectTimes:
    """When a connection is replaced, in seconds.

    Attributes
    ----------
    silence_s, silence_cadences
        A connection is doubted after this silence, and after so many cadences of the data: whichever is longer.
    longest_s
        The interval between attempts doubles up to this.
    both_s
        How long the active connection has, once a candidate has data, to show that it is alive too.
    idle_s
        How long a candidate without data stays beside the active connection before it replaces it.
    search
        Intervals of the search for a publisher.
    """

    silence_s: float = 30.0
    silence_cadences: float = 10.0
    longest_s: float = 600.0
    both_s: float = 1.0
    idle_s: float = 5.0
    search: SearchTimes = field(default_factory=SearchTimes)


class Reconnector:
    """Keeps one connection to a publisher, and replaces it when it ends or is silent.

    Parameters
    ----------
    context
        Of ZeroMQ.
    host, port
        Where the producer publishes: a name or an IP address, and a port.
    reader
        Reads and learns.
    times
        When a connection is replaced.
    monotonic
        Clock that never goes back, for silence; network operations have the system's.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        host: str,
        port: int,
        reader: Reader,
        times: ReconnectTimes,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._port, self._reader, self._times = context, port, reader, times
        self._monotonic = monotonic
        self._resolver = Resolver(host, port)
        self._search = Search(host, self._resolver, times.search, self._on_search)
        self._silence = Backoff(times.silence_s, times.longest_s)
        self.active: Connection | None = None
        self._candidate: Connection | None = None
        self._candidate_data_s = math.inf
        self._heard_s, self._heard = 0.0, 0
        self._was_ready = False
        self._tick_s = 0.0

    def begin(self) -> None:
        """Start to look for the publisher."""
        self._search.begin(time.monotonic())

    def close(self) -> None:
        """Close all connections and end the search."""
        self._search.end()
        for connection in filter(None, (self.active, self._candidate)):
            connection.close()
        self.active = self._candidate = None

    def stop_resolving(self) -> None:
        """Wait a moment for the thread that resolves names."""
        self._resolver.stop()

    def sockets(self) -> tuple[tuple[Any, int], ...]:
        """Everything to wait for, with the events of each."""
        found: list[tuple[Any, int]] = []
        if self.active is not None:
            found += [(self.active.socket, zmq.POLLIN), (self.active.monitor, zmq.POLLIN)]
        if self._candidate is not None:
            found.append((self._candidate.monitor, zmq.POLLIN))
        probe = self._search.probe
        if probe is not None and not probe.ended:
            found.append((probe.fileno(), zmq.POLLIN if probe.connected else zmq.POLLOUT))
        return tuple(found)

    def wait_s(self) -> float:
        """Seconds to wait at most before the next `step`."""
        return min(TICK_S, self._search.wait_s(time.monotonic()))

    @property
    def due_s(self) -> float:
        """When something is due that no socket tells, on the clock of `time.monotonic`."""
        return 0.0 if self._search.is_on else self._tick_s

    def step(self, ready: Mapping[Any, int]) -> None:
        """Do what is due, after the active connection's messages have been read.

        Parameters
        ----------
        ready
            The sockets that are ready.
        """
        now_s, told = time.monotonic(), False
        for connection in (self.active, self._candidate):
            if connection is not None and connection.monitor in ready:
                connection.read_events()
                told = True
        probe = self._search.probe
        found = self._search.step(now_s, ready=probe is not None and probe.fileno() in ready)
        if found is not None:
            self._connect(found, now_s)
        if told or now_s >= self._tick_s:
            self._tick_s = now_s + TICK_S
            self._look(now_s)

    # What is due

    def _look(self, now_s: float) -> None:
        """Look at each connection, and at the silence."""
        if self.active is not None:
            self._look_at_active(self.active, now_s)
        if self._candidate is not None:
            self._look_at_candidate(self._candidate, now_s)
        if self.active is not None and self.active.is_ready:
            self._look_at_silence(now_s)

    def _look_at_active(self, active: Connection, now_s: float) -> None:
        self._check(active, now_s)
        if active.is_ready and not self._was_ready:
            self._was_ready = True
            self._heard_s = self._monotonic()
            self._reader.report(LinkState.CONNECTED, str(LinkState.CONNECTED), 0)
        self._note_messages(active)
        if active.ended is not None:
            self._replace(active, active.ended, now_s)

    def _check(self, connection: Connection, now_s: float) -> None:
        """End a connection whose handshake takes too long, or whose message does not end."""
        if connection.ended is not None:
            return
        if not connection.is_ready and now_s - connection.begun_s > HANDSHAKE_S:
            connection.ended = Ended.FAILED
        elif connection.is_unfinished_too_large():
            connection.ended = Ended.TOO_LARGE

    def _note_messages(self, active: Connection) -> None:
        """Messages have come: the connection is alive, and nothing else is needed."""
        if active.messages == self._heard:
            return
        self._heard, self._heard_s = active.messages, self._monotonic()
        self._search.backoff.reset()
        if self._silence.attempts:
            self._silence.reset()
            self._search.end()
            self._drop_candidate()
            self._reader.report(LinkState.CONNECTED, str(LinkState.CONNECTED), 0)

    def _look_at_silence(self, now_s: float) -> None:
        clock_s, cadence_s = self._monotonic(), self._reader.cadence_s()
        silence_s = clock_s - self._heard_s
        longest_s = max(self._times.silence_s, self._times.silence_cadences * cadence_s if cadence_s > 0 else 0.0)
        if silence_s < longest_s or not self._silence.is_due(clock_s):
            return
        self._silence.attempt(clock_s)
        attempt = self._silence.attempts
        words = f"connected, but silent for {silence_s:.0f} s, connecting anew (attempt {attempt})"
        self._reader.report(LinkState.SILENT, words, attempt)
        self._drop_candidate()
        self._search.backoff.reset()
        self._search.begin(now_s)

    # The candidate

    def _look_at_candidate(self, candidate: Connection, now_s: float) -> None:
        self._check(candidate, now_s)
        if candidate.ended is not None:
            self._drop_candidate()
        elif candidate.is_ready:
            if candidate.socket.poll(0):
                self._candidate_data_s = min(self._candidate_data_s, now_s)
            has_data = now_s - self._candidate_data_s >= self._times.both_s
            if has_data or now_s - candidate.begun_s >= self._times.idle_s + self._times.both_s:
                self._promote(candidate)

    def _promote(self, candidate: Connection) -> None:
        """Read the candidate instead of the active connection, unless that has brought a message at the last moment."""
        active = self.active
        if active is not None:
            if self._reader.drain(active):
                self._note_messages(active)
                return
            active.close()
        self.active, self._candidate = candidate, None
        self._heard, self._was_ready, self._candidate_data_s = 0, True, math.inf

    def _drop_candidate(self) -> None:
        candidate, self._candidate = self._candidate, None
        self._candidate_data_s = math.inf
        if candidate is not None:
            candidate.close()

    # The active connection ends, and another is made

    def _replace(self, active: Connection, why: Ended, now_s: float) -> None:
        """Read what is left in a connection that has ended, and look for the publisher again."""
        self._reader.drain(active)
        had_messages, self.active, self._heard = active.messages > 0, None, 0
        active.close()
        self._drop_candidate()
        self._silence.reset()
        backoff = self._search.backoff
        if why is Ended.TOO_LARGE or (not had_messages and now_s - active.begun_s < _SHORT_LIFE_S):
            backoff.attempt(now_s)
        else:
            backoff.reset()
        if why is Ended.TOO_LARGE:
            self._reader.reject(RejectCause.MESSAGE_SIZE, f"{_TOO_LARGE}, the connection is made anew")
            words = f"connection dropped after {_TOO_LARGE}, connecting anew (attempt {backoff.attempts})"
            self._reader.report(LinkState.LOST, words, backoff.attempts)
        elif why is Ended.LOST:
            self._reader.report(LinkState.LOST, str(LinkState.LOST), backoff.attempts)
        self._search.begin(now_s)

    def _connect(self, address: SocketAddress, now_s: float) -> None:
        try:
            made = Connection(self._context, endpoint(address[0], address[1]), now_s)
        except zmq.ZMQError as error:
            # Without file descriptors, for example.
            self._search.postpone(now_s, f"no connection can be opened here ({error.strerror})")
            return
        if self.active is None:
            self.active, self._heard, self._was_ready = made, 0, False
        else:
            self._drop_candidate()
            self._candidate = made

    def _on_search(self, link: LinkState, words: str) -> None:
        if self.active is None:
            self._reader.report(link, words, self._search.backoff.attempts)
