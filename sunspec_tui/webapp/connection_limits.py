"""Limit the connections of the web view, in total and per peer.

A full server closes a silent or stuck connection to make room for a new one. uvicorn limits neither visitors that send
a header one byte at a time nor those that open connections and send nothing.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sunspec_tui.webapp import limits
from sunspec_tui.webapp.peers import is_this_machine, peer_of

REQUEST_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
CLOSING_S = 5.0
SPARE_CONNECTIONS = 64
"""Connections in addition to the viewers: answers in progress, and refusals."""
STUCK_ANSWER_S = 5.0
"""An answer that its visitor has not received after this time may be closed to make room for another visitor."""

Client = tuple[str, int] | None


class Phase(Enum):
    """State of a connection."""

    SILENT = auto()
    """It has sent no complete request, or none since its last answer."""
    ANSWERING = auto()
    VIEWING = auto()


@dataclass(eq=False, slots=True)
class OpenConnection:
    """One open connection.

    Attributes
    ----------
    client
        Address and port of the client.
    peer
        The peer in whose share it counts.
    phase, since_s
        Phase of the connection, and the monotonic time when the phase began.
    transport
        None until the connection is set up.
    postpone
        Starts the deadline of the answer again; None until the connection is set up.
    gone
        Set when the connection has closed.
    """

    client: Client
    peer: str
    phase: Phase
    since_s: float
    transport: asyncio.Transport | None = None
    postpone: Callable[[], None] | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def unsent(self) -> int:
        """Bytes waiting to be sent."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.gone.set()
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """The open connections and their limits.

    Parameters
    ----------
    max_connections
        Maximum number of connections. One peer may have half of them. This machine, which may be a proxy for many
        users, may have seven eighths, or all if only this machine can connect.
    on_refusal
        Called for each connection that is refused or closed for bad behaviour.
    is_local
        True if only this machine can connect.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        max_connections: int,
        on_refusal: Callable[[], None],
        *,
        is_local: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_connections, self._on_refusal, self._is_local, self._monotonic = (
            max_connections,
            on_refusal,
            is_local,
            monotonic,
        )
        # Ordered by the start of the current phase: the first connection in a phase has been in it longest.
        self._open: dict[Client, OpenConnection] = {}
        self._of_peer: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def share(self, peer: str) -> int:
        """Return the maximum number of connections of a peer."""
        if is_this_machine(peer):
            return self.max_connections if self._is_local else self.max_connections - self.max_connections // 8
        return max(1, self.max_connections // 2)

    def reserve(self, client: Client, fileno: int) -> OpenConnection | None:
        """Reserve a place for a new connection.

        If no place is free, the oldest silent connection is closed. If there is none, the connection whose answer has
        been stuck for the longest time is closed.

        Parameters
        ----------
        client
            Address and port of the client.
        fileno
            File descriptor of the connection. The system gives the lowest free number, so it shows how many files
            are open.

        Returns
        -------
        OpenConnection or None
            None if no place became free: the caller must close the connection.
        """
        before = self._open.get(client)
        if before is not None:
            # A client can reuse its address and port only after its old connection ended; we have not noticed the end.
            self.release(before)
            before.abort()
        peer = peer_of(client[0]) if client else ""
        full = len(self._open) >= self.max_connections or fileno >= limits.file_limit() - limits.RESERVED_FILES
        if self._of_peer[peer] >= self.share(peer):
            has_room = self._make_room(peer)
        else:
            has_room = not full or self._make_room(None)
        if not has_room:
            self._on_refusal()
            return None
        connection = self._open[client] = OpenConnection(client, peer, Phase.SILENT, self._monotonic())
        self._of_peer[peer] += 1
        return connection

    def _make_room(self, peer: str | None) -> bool:
        """Close the oldest silent connection, else one whose answer is stuck.

        Only connections of `peer` are closed, if it is given. Return False if no connection could be closed.
        """
        candidates = [
            connection
            for connection in self._open.values()
            if peer in (None, connection.peer) and connection.transport is not None
        ]
        silent = (connection for connection in candidates if connection.phase is Phase.SILENT)
        late_s = self._monotonic() - STUCK_ANSWER_S
        stuck = (
            connection
            for connection in candidates
            if connection.phase is Phase.ANSWERING and connection.since_s < late_s and connection.unsent > 0
        )
        closed_connection = next(silent, None) or next(stuck, None)
        if closed_connection is None:
            return False
        self.refuse(closed_connection)
        return True

    def make_room(self) -> bool:
        """Close a silent or stuck connection when files run out."""
        return self._make_room(None)

    def enter(self, connection: OpenConnection, phase: Phase) -> None:
        """Set the phase of a connection."""
        if self._open.get(connection.client) is connection:
            connection.phase, connection.since_s = phase, self._monotonic()
            # Move it to the end: its phase began last.
            self._open[connection.client] = self._open.pop(connection.client)

    def release(self, connection: OpenConnection) -> None:
        """Remove a closed connection."""
        connection.gone.set()
        if self._open.get(connection.client) is connection:
            del self._open[connection.client]
            self._of_peer[connection.peer] -= 1
            if not self._of_peer[connection.peer]:
                del self._of_peer[connection.peer]

    def refuse(self, connection: OpenConnection) -> None:
        """Close a connection for bad behaviour and count it."""
        self._on_refusal()
        self.release(connection)
        connection.abort()

    def connection_of(self, transport: object) -> OpenConnection | None:
        """Return the connection of a transport."""
        return next((connection for connection in self._open.values() if connection.transport is transport), None)

    def find(self, client: Client) -> OpenConnection | None:
        """Return the connection of an address and port."""
        return self._open.get(client)

    def abort(self, client: Any) -> None:
        """Close a client's connection at once and discard unsent data."""
        connection = self._open.get(client)
        if connection is not None:
            connection.abort()

    def unsent(self, client: Any) -> int:
        """Return the bytes waiting to be sent to a client."""
        connection = self._open.get(client)
        return 0 if connection is None else connection.unsent

    def postpone(self, client: Any) -> None:
        """Start the deadline of an endless answer again.

        Not if its reader has not received all of it so far.
        """
        connection = self._open.get(client)
        if connection is not None and connection.postpone is not None and not connection.unsent:
            connection.postpone()

    @property
    def unsent_by_all(self) -> int:
        """Bytes waiting to be sent on all connections."""
        return sum(connection.unsent for connection in self._open.values())

    def viewing(self, client: Any) -> None:
        """Mark a client's connection as a viewer of the live stream."""
        connection = self._open.get(client)
        if connection is not None:
            self.enter(connection, Phase.VIEWING)

    def abort_all(self) -> None:
        """Close all connections at once."""
        for connection in list(self._open.values()):
            connection.abort()
