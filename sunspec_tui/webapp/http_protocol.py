"""uvicorn's HTTP protocol, with deadlines for requests and answers."""

import asyncio
from typing import TYPE_CHECKING, Any

from h11 import LocalProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

from sunspec_tui.webapp import connection_limits
from sunspec_tui.webapp.connection_limits import Connections, OpenConnection, Phase

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class TimedRequests(H11Protocol):
    """uvicorn's HTTP protocol with deadlines.

    Parameters
    ----------
    config, server_state, app_state, _loop
        As for uvicorn's protocol.
    registry
        The open connections.
    connection
        This connection among them.
    """

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: Connections,
        connection: OpenConnection,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._registry, self._connection = registry, connection
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for a request."""
        super().connection_made(transport)
        # A connection that was reset has no peer address any more.
        self.client = self._connection.client
        self._connection.transport = transport
        self._connection.postpone = self._postpone
        if self._connection.gone.is_set():
            transport.abort()
            return
        self._within(connection_limits.REQUEST_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._within(None)
        self._registry.release(self._connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read data unless the connection is closing: no answer could be sent."""
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        """Start the deadline of the answer once a request is complete.

        Until then the deadline of the request applies.
        """
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._registry.enter(self._connection, Phase.ANSWERING)
            self._within(connection_limits.ANSWER_TIMEOUT_S)

    def send_400_response(self, msg: str) -> None:
        """Answer that the request is invalid.

        If another answer is in progress, close the connection instead.
        """
        try:
            super().send_400_response(msg)
        except LocalProtocolError:
            self._registry.refuse(self._connection)

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn closes a connection that stays silent."""
        self._registry.enter(self._connection, Phase.SILENT)
        self._within(connection_limits.REQUEST_TIMEOUT_S)
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection to the WebSocket protocol, which has its own limits."""
        self._within(None)
        super().handle_websocket_upgrade(event)

    def _postpone(self) -> None:
        # Only the deadline of an answer in progress: after the answer, that of the next request applies.
        if self._connection.phase is Phase.ANSWERING:
            self._within(connection_limits.ANSWER_TIMEOUT_S)

    def _within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._registry.refuse, self._connection)
