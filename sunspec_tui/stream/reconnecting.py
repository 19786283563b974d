"""Choose the connection to read, and replace an ended or silent one.

One connection is active. When it ends, a search finds a publisher again. When it is silent for long, it may be dead
although it is open: the search then opens a second connection, the candidate, and the active one stays open. If the
active connection receives a message, the candidate is closed, because it has the same messages and they must not be
counted twice. If only the candidate has messages, or neither has any for a while, the candidate becomes the active
connection, with its queued messages. So no message is lost or counted twice.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import zmq

from sunspec_tui.core.addresses import endpoint
from sunspec_tui.core.errors import RejectCause
from sunspec_tui.stream.backoff import Backoff
from sunspec_tui.stream.connection import (
    CANDIDATE_QUEUE_FRAMES,
    HANDSHAKE_S,
    MAX_MESSAGE_BYTES,
    RECEIVE_QUEUE_FRAMES,
    Connection,
    EndReason,
)
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.publisher_search import Search, SearchTimes
from sunspec_tui.stream.resolver import Resolver, SocketAddress

TICK_S = 0.3
"""Longest time between checks of an open connection without a socket event."""

BUSY_TICK_S = 0.1
"""Longest time between checks while a connection is opened or replaced."""

_SHORT_LIFE_S = 2.0
_EARLIEST_SHARE = 0.5
_TOO_LARGE = f"a message of more than {MAX_MESSAGE_BYTES // 2**20} MiB"


class Reader(Protocol):
    """Interface that receives the messages and the state of a connection."""

    def drain(self, connection: Connection) -> int:
        """Read all queued messages and return their number."""

    def report(self, link: LinkState, words: str, attempt: int) -> None:
        """Report the link's state, its description and the attempt's number."""

    def reject(self, cause: RejectCause, detail: str) -> None:
        """Count a message that could not be received."""

    def cadence_s(self) -> float:
        """Return the seconds of data from frame to frame; NaN while unknown."""


@dataclass(frozen=True, slots=True)
class ReconnectTimes:
    """Times after which a connection is replaced, in seconds.

    Attributes
    ----------
    silence_s, silence_cadences
        A candidate is opened after a silence of this time or of this many cadences of the data, whichever is longer.
    longest_s
        The interval between attempts doubles up to this.
    both_s
        Once the candidate has data, the active connection has this time to receive a message too.
    idle_s
        A candidate without data replaces the active connection after this time.
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
    """Owner of the connection to a publisher, which it replaces when needed.

    Parameters
    ----------
    context
        The ZeroMQ context.
    host, port
        Address of the producer: a name or an IP address, and a port.
    reader
        Receives the messages and the state of the link.
    times
        Times after which a connection is replaced.
    monotonic
        Monotonic clock that measures silence; network operations use `time.monotonic`.
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
        self._last_message_s, self._message_count = 0.0, 0
        self._was_ready = False
        self._early_s = self._tick_s = 0.0

    def begin(self) -> None:
        """Start the search for the publisher."""
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
        """Return all sockets to wait for, with the events of each."""
        sockets: list[tuple[Any, int]] = []
        if self.active is not None:
            sockets += [(self.active.socket, zmq.POLLIN), (self.active.monitor, zmq.POLLIN)]
        if self._candidate is not None:
            sockets.append((self._candidate.monitor, zmq.POLLIN))
        probe = self._search.probe
        if probe is not None and not probe.ended:
            sockets.append((probe.fileno(), zmq.POLLIN if probe.connected else zmq.POLLOUT))
        return tuple(sockets)

    def wait_s(self) -> float:
        """Return the longest time to wait before the next `advance`, in seconds."""
        now_s = time.monotonic()
        wait_s = self._search.wait_s(now_s)
        if self.active is None and self._candidate is None and self._search.probe is None:
            # No open connection has a deadline.
            return wait_s
        return min(wait_s, max(0.0, self._tick_s - now_s))

    @property
    def _check_interval_s(self) -> float:
        """Seconds until the next check of the connections."""
        is_settled = self.active is not None and self.active.is_ready and self._candidate is None
        return TICK_S if is_settled and not self._search.is_on else BUSY_TICK_S

    def check_connection(self, active: Connection) -> float:
        """Check the connections if it is nearly time.

        So the check needs no separate wake-up.

        Parameters
        ----------
        active
            The connection that has just been read.

        Returns
        -------
        float
            Time of the next check by `time.monotonic`; 0 if `advance` is due, as in a search or after a change.
        """
        now_s = time.monotonic()
        if now_s >= self._early_s:
            self._check_in_time(now_s)
        is_same = self.active is active and self._candidate is None and not self._search.is_on
        return self._tick_s if is_same else 0.0

    def advance(self, ready: Mapping[Any, int]) -> None:
        """Do the next step; call it after reading the active connection's messages.

        Parameters
        ----------
        ready
            The sockets that are ready.
        """
        now_s, has_events = time.monotonic(), False
        for connection in (self.active, self._candidate):
            if connection is not None and connection.monitor in ready:
                connection.read_events()
                has_events = True
        probe = self._search.probe
        address = self._search.advance(now_s, ready=probe is not None and probe.fileno() in ready)
        if address is not None:
            self._connect(address, now_s)
        # A connection with an abandoned message is not read any more.
        has_ended = self.active is not None and self.active.ended is not None
        if has_events or has_ended or now_s >= self._tick_s:
            self._check_in_time(now_s)

    # Checks

    def _check_in_time(self, now_s: float) -> None:
        """Check all connections, and set the time of the next check."""
        self._check_all(now_s)
        interval_s = self._check_interval_s
        self._early_s, self._tick_s = now_s + _EARLIEST_SHARE * interval_s, now_s + interval_s

    def _check_all(self, now_s: float) -> None:
        """Check each connection, and the time without messages."""
        if self.active is not None:
            self._check_active(self.active, now_s)
        if self._candidate is not None:
            self._check_candidate(self._candidate, now_s)
        if self.active is not None and self.active.is_ready:
            self._check_silence(now_s)

    def _check_active(self, active: Connection, now_s: float) -> None:
        self._check(active, now_s)
        if active.is_ready and not self._was_ready:
            self._was_ready = True
            self._last_message_s = self._monotonic()
            self._reader.report(LinkState.CONNECTED, str(LinkState.CONNECTED), 0)
        self._note_messages(active)
        if active.ended is not None:
            self._replace(active, active.ended, now_s)

    def _check(self, connection: Connection, now_s: float) -> None:
        """End a connection with a slow handshake or an endless message."""
        if connection.ended is not None:
            return
        if not connection.is_ready and now_s - connection.begun_s > HANDSHAKE_S:
            connection.ended = EndReason.FAILED
        elif connection.is_unfinished_too_large():
            connection.ended = EndReason.TOO_LARGE

    def _note_messages(self, active: Connection) -> None:
        """Note new messages: the connection works, so drop the candidate."""
        if active.messages == self._message_count:
            return
        self._message_count, self._last_message_s = active.messages, self._monotonic()
        self._search.backoff.reset()
        if self._silence.attempts:
            self._silence.reset()
            self._search.end()
            self._drop_candidate()
            self._reader.report(LinkState.CONNECTED, str(LinkState.CONNECTED), 0)

    def _check_silence(self, now_s: float) -> None:
        clock_s, cadence_s = self._monotonic(), self._reader.cadence_s()
        silence_s = clock_s - self._last_message_s
        longest_s = max(self._times.silence_s, self._times.silence_cadences * cadence_s if cadence_s > 0 else 0.0)
        if silence_s < longest_s or not self._silence.is_due(clock_s):
            return
        self._silence.attempt(clock_s)
        attempt = self._silence.attempts
        words = f"connected, but silent for {silence_s:.0f} s, reconnecting (attempt {attempt})"
        self._reader.report(LinkState.SILENT, words, attempt)
        self._drop_candidate()
        self._search.backoff.reset()
        self._search.begin(now_s)

    # The candidate

    def _check_candidate(self, candidate: Connection, now_s: float) -> None:
        self._check(candidate, now_s)
        if candidate.ended is not None or candidate.has_flooded():
            self._drop_candidate()
        elif candidate.is_ready:
            if candidate.socket.poll(0):
                self._candidate_data_s = min(self._candidate_data_s, now_s)
            has_data = now_s - self._candidate_data_s >= self._times.both_s
            if has_data or now_s - candidate.begun_s >= self._times.idle_s + self._times.both_s:
                self._promote(candidate)

    def _promote(self, candidate: Connection) -> None:
        """Make the candidate active, unless the active connection has a new message."""
        active = self.active
        if active is not None:
            if self._reader.drain(active):
                self._note_messages(active)
                return
            active.close()
        self._take_over(candidate)

    def _take_over(self, candidate: Connection) -> None:
        """Make the candidate active."""
        self.active, self._candidate = candidate, None
        self._message_count, self._was_ready, self._candidate_data_s = 0, True, math.inf

    def _drop_candidate(self) -> None:
        candidate, self._candidate = self._candidate, None
        self._candidate_data_s = math.inf
        if candidate is not None:
            candidate.close()

    # Replacing the active connection

    def _replace(self, active: Connection, why: EndReason, now_s: float) -> None:
        """Read the last messages of an ended connection, and start the search."""
        self._reader.drain(active)
        self.active, self._message_count = None, 0
        active.close()
        candidate = self._candidate
        if why is EndReason.LOST and candidate is not None and candidate.is_ready and candidate.ended is None:
            # It has queued messages.
            self._take_over(candidate)
            return
        self._drop_candidate()
        self._silence.reset()
        backoff = self._search.backoff
        if why is EndReason.TOO_LARGE or now_s - active.begun_s < _SHORT_LIFE_S:
            backoff.attempt(now_s)
        else:
            backoff.reset()
        if why is EndReason.TOO_LARGE:
            if active.is_whole:
                # Otherwise the message was already rejected for its number of parts.
                self._reader.reject(RejectCause.MESSAGE_SIZE, f"{_TOO_LARGE}, reconnecting")
            words = f"connection dropped after {_TOO_LARGE}, reconnecting (attempt {backoff.attempts})"
            self._reader.report(LinkState.LOST, words, backoff.attempts)
        elif why is EndReason.LOST:
            self._reader.report(LinkState.LOST, str(LinkState.LOST), backoff.attempts)
        self._search.begin(now_s)

    def _connect(self, address: SocketAddress, now_s: float) -> None:
        try:
            frames = RECEIVE_QUEUE_FRAMES if self.active is None else CANDIDATE_QUEUE_FRAMES
            connection = Connection(self._context, endpoint(address[0], address[1]), now_s, queue_frames=frames)
        except zmq.ZMQError as error:
            # For example, the process has no file descriptor left.
            self._search.postpone(now_s, f"no connection can be opened here ({error.strerror})")
            return
        if self.active is None:
            self.active, self._message_count, self._was_ready = connection, 0, False
        else:
            self._drop_candidate()
            self._candidate = connection

    def _on_search(self, link: LinkState, words: str) -> None:
        if self.active is None:
            self._reader.report(link, words, self._search.backoff.attempts)
