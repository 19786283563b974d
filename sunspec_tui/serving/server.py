"""uvicorn as the web view needs it: no logs of visitors, no signals, bounds on all that comes."""

from collections.abc import Callable

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sunspec_tui.serving.connections import Connections
from sunspec_tui.serving.guard import Guard
from sunspec_tui.serving.live import MAX_MESSAGE_BYTES

MAX_HEADER_BYTES = 16 * 1024
KEEP_ALIVE_S = 5
PING_S = 10.0
_GRACE_S = 1


class _Server(uvicorn.Server):
    """A server that leaves signals to the program that it is part of."""

    def install_signal_handlers(self) -> None:
        """Leave them."""


def server(app: Guard, connections: Connections, on_dead: Callable[[], None]) -> uvicorn.Server:
    """A server for `app`, not yet started; `on_dead` is told of each viewer that does not answer any more."""

    class Socket(WebSocketsSansIOProtocol):
        """A viewer's connection, which is forgotten when it ends."""

        def connection_lost(self, exc: Exception | None) -> None:
            connections.forget(self.transport)
            super().connection_lost(exc)

        def keepalive_timeout(self) -> None:
            super().keepalive_timeout()
            on_dead()
            # What it has not taken would keep a connection that is only closed.
            self.transport.abort()

    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        ws=Socket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
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
