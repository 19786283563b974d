"""uvicorn as the web view needs it: no logs of visitors, no signals, bounds on all that comes."""

import asyncio
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sunspec_tui.serving import connections
from sunspec_tui.serving.connections import Connections
from sunspec_tui.serving.guard import Guard
from sunspec_tui.serving.live import MAX_MESSAGE_BYTES

MAX_HEADER_BYTES = 16 * 1024
KEEP_ALIVE_S = 5
PING_S, PONG_S = 10.0, 180.0
"""A ping waits behind a history of a megabyte, which takes two minutes on a link of 8 kB/s."""
_GRACE_S = 1


class _Viewed(WebSocketsSansIOProtocol):
    """A WebSocket whose opening and closing have their time; uvicorn waits for both as long as the visitor likes."""

    registry: Connections

    def on_dead(self) -> None:
        """Count a viewer that does not answer any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the whole of its first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(connections.REQUEST_TIMEOUT_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._deadline.cancel()
        self.registry.forget(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A request that is none ends the connection: nobody else would."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self.registry.too_slow(self.transport)
        elif self.transport.is_closing():
            self._end_soon()

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
            self.registry.too_slow(self.transport)

    def _end_soon(self) -> None:
        """What it has not taken would keep a connection that is only closed."""
        self._deadline.cancel()
        self._deadline = self.loop.call_later(connections.CLOSING_S, self.transport.abort)


class _Server(uvicorn.Server):
    """A server that leaves signals to the program that it is part of."""

    def install_signal_handlers(self) -> None:
        """Leave them."""


def server(app: Guard, open_: Connections, on_dead: Callable[[], None]) -> uvicorn.Server:
    """A server for `app`, not yet started; `on_dead` is told of each viewer that does not answer any more."""

    class Socket(_Viewed):
        registry = open_

        def on_dead(self) -> None:
            on_dead()

    config = uvicorn.Config(
        app,
        http=open_.protocol(),
        ws=Socket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        # Noise does not compress, and each viewer would cost the attempt anew.
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
    )
    return _Server(config)
