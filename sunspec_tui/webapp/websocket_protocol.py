"""uvicorn's WebSocket protocol, with deadlines and a limit for reading.

The page sends a few dozen bytes a second. Data above the limit are read later; if too many of them wait, the client
is not our page and the connection is closed.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from sunspec_tui.webapp import connection_limits
from sunspec_tui.webapp.connection_limits import Connections, OpenConnection
from sunspec_tui.webapp.rate_limiter import RateLimiter

READ_BYTES_PER_S, READ_BURST_BYTES = 16 * 1024, 16 * 1024
"""Rate and burst of a viewer's data: a hundred times what the page sends, or 400 acknowledged rows a second."""
MAX_UNREAD_BYTES = 64 * 1024
_PIECE_BYTES, _TAKEN_S = 512, 0.02
MAX_FRAGMENTS = 16
"""Fragments of a message of at most a kilobyte; without this limit, empty fragments could follow without end."""


class OpenTransport:
    """Transport that ignores writes once it is closing.

    asyncio would log each of these writes.

    Parameters
    ----------
    transport
        The transport of the connection.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, unless the connection is closing."""
        if not self._transport.is_closing():
            self._transport.write(data)


class ViewerSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with deadlines and a read budget."""

    registry: Connections

    def on_dead(self) -> None:
        """Count a viewer that stopped answering."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for the complete first request."""
        super().connection_made(OpenTransport(transport))  # type: ignore[arg-type]
        self._connection: OpenConnection | None = self.registry.connection_of(transport)
        self.client = None if self._connection is None else self._connection.client
        self._unread = bytearray()
        self._pace = RateLimiter(READ_BYTES_PER_S, READ_BURST_BYTES, self.loop.time)
        self._feeding: asyncio.TimerHandle | None = None
        self._deadline = self.loop.call_later(connection_limits.REQUEST_TIMEOUT_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers and drop unread data."""
        self._deadline.cancel()
        if self._feeding is not None:
            self._feeding.cancel()
        self._unread.clear()
        if self._connection is not None:
            self.registry.release(self._connection)
        super().connection_lost(exc)

    # Received data

    def data_received(self, data: bytes) -> None:
        """Read the first request at once, and later data within the budget."""
        if self.transport.is_closing():
            return
        if not self.handshake_initiated:
            super().data_received(data)
            self._check_state()
            return
        self._unread += data
        if len(self._unread) > MAX_UNREAD_BYTES:
            self._refuse()
        elif self._feeding is None:
            self._feed()

    def _feed(self) -> None:
        """Read a piece of the received data, and schedule the next one.

        The next piece is read when the budget allows it.
        """
        self._feeding = None
        if self.transport.is_closing() or not self._unread:
            return
        wait_s = _TAKEN_S
        # While a message waits to be handled, no further data are read.
        if not self.read_paused:
            piece = bytes(self._unread[:_PIECE_BYTES])
            del self._unread[: len(piece)]
            wait_s = self._pace.reserve(None, len(piece))
            super().data_received(piece)
            self._check_state()
        self._feeding = self.loop.call_later(wait_s, self._feed)

    def handle_cont(self, event: Frame) -> None:
        """Accept a fragment of a message, up to `MAX_FRAGMENTS`."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._refuse()
        else:
            super().handle_cont(event)

    def _check_state(self) -> None:
        """Close a connection whose handshake is invalid: uvicorn would leave it open."""
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self._refuse()
        elif self.transport.is_closing():
            self._end_soon()

    # Closing

    def keepalive_timeout(self) -> None:
        """Close a viewer that does not answer and discard unsent data."""
        if not self.transport.is_closing():
            self.on_dead()
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Close the connection at server shutdown, in any state."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            super().shutdown()
            self._end_soon()
        else:
            self.stop_keepalive()
            self.transport.abort()

    def _too_slow(self) -> None:
        if not self.handshake_complete:
            self._refuse()

    def _refuse(self) -> None:
        if self._connection is not None and not self.transport.is_closing():
            self.registry.refuse(self._connection)
        self.transport.abort()

    def _end_soon(self) -> None:
        """Abort after a delay: unsent data would keep the closing connection open."""
        self._deadline.cancel()
        self._deadline = self.loop.call_later(connection_limits.CLOSING_S, self.transport.abort)
