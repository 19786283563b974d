"""One WebSocket connection of the web view: its opening and closing have their time, and what it says its bounds.

A page says a few dozen bytes a second. Much more than that is read later, and where that grows too long the connection
ends: it is no page.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from sunspec_tui.serving import connections
from sunspec_tui.serving.connections import Connections, Place
from sunspec_tui.serving.pacing import Pace

READ_BYTES_PER_S, READ_BURST_BYTES = 16 * 1024, 16 * 1024
"""What a viewer may say: a hundred times what the page does, and an answer to each of 400 rows a second."""
MAX_UNREAD_BYTES = 64 * 1024
_PIECE_BYTES, _TAKEN_S = 512, 0.02
MAX_FRAGMENTS = 16
"""Pieces of a message of at most a kilobyte; empty ones would never end."""


class OpenTransport:
    """A transport that does nothing more once it is closing: asyncio would log each attempt.

    Parameters
    ----------
    transport
        The connection's own.
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
    """uvicorn's WebSocket protocol with deadlines and a budget of what it reads."""

    registry: Connections

    def on_dead(self) -> None:
        """Count a viewer that does not answer any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the whole of its first request."""
        super().connection_made(OpenTransport(transport))  # type: ignore[arg-type]
        self._place: Place | None = self.registry.place_of(transport)
        self.client = None if self._place is None else self._place.client
        self._unread = bytearray()
        self._pace = Pace(READ_BYTES_PER_S, READ_BURST_BYTES, self.loop.time)
        self._feeding: asyncio.TimerHandle | None = None
        self._deadline = self.loop.call_later(connections.REQUEST_TIMEOUT_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._deadline.cancel()
        if self._feeding is not None:
            self._feeding.cancel()
        self._unread.clear()
        if self._place is not None:
            self.registry.release(self._place)
        super().connection_lost(exc)

    # What it says

    def data_received(self, data: bytes) -> None:
        """Take the first request at once, and what is said later within its budget."""
        if self.transport.is_closing():
            return
        if not self.handshake_initiated:
            super().data_received(data)
            self._look_at_state()
            return
        self._unread += data
        if len(self._unread) > MAX_UNREAD_BYTES:
            self._refuse()
        elif self._feeding is None:
            self._feed()

    def _feed(self) -> None:
        """Read a piece of what has come, and the next one when the budget allows it."""
        self._feeding = None
        if self.transport.is_closing() or not self._unread:
            return
        wait_s = _TAKEN_S
        # A message is taken before the next one is read.
        if not self.read_paused:
            piece = bytes(self._unread[:_PIECE_BYTES])
            del self._unread[: len(piece)]
            wait_s = self._pace.reserve(None, len(piece))
            super().data_received(piece)
            self._look_at_state()
        self._feeding = self.loop.call_later(wait_s, self._feed)

    def handle_cont(self, event: Frame) -> None:
        """Take a piece of a message, of which there may be a few."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._refuse()
        else:
            super().handle_cont(event)

    def _look_at_state(self) -> None:
        """End what cannot go on: a request that is none, for which nobody else would."""
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self._refuse()
        elif self.transport.is_closing():
            self._end_soon()

    # Its end

    def keepalive_timeout(self) -> None:
        """End a viewer that does not answer, with what it has not taken."""
        if not self.transport.is_closing():
            self.on_dead()
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """End with the server, whatever state it is in."""
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
        if self._place is not None and not self.transport.is_closing():
            self.registry.refuse(self._place)
        self.transport.abort()

    def _end_soon(self) -> None:
        """What it has not taken would keep a connection that is only closed."""
        self._deadline.cancel()
        self._deadline = self.loop.call_later(connections.CLOSING_S, self.transport.abort)
