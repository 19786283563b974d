"""One HTTP connection of the web view: requests that come, and answers that are taken, within their time."""

import asyncio
from typing import TYPE_CHECKING, Any

from h11 import LocalProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

from sunspec_tui.serving import connections
from sunspec_tui.serving.connections import Connections, Phase, Place

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState


class TimedRequests(H11Protocol):
    """uvicorn's HTTP protocol with deadlines.

    Parameters
    ----------
    config, server_state, app_state, _loop
        As uvicorn's protocol has them.
    registry
        The connections that it belongs to.
    place
        Its own among them.
    """

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: Connections,
        place: Place,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._registry, self._place = registry, place
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # A peer that has reset its connection has no address any more.
        self.client = self._place.client
        self._place.transport = transport
        if self._place.gone.is_set():
            transport.abort()
            return
        self._within(connections.REQUEST_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._within(None)
        self._registry.release(self._place)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes, unless the connection is closing: there is nobody to answer."""
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        """Allow a request that is whole the time of an answer; one that is not has a deadline already."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._registry.enter(self._place, Phase.ANSWERING)
            self._within(connections.ANSWER_TIMEOUT_S)

    def send_400_response(self, msg: str) -> None:
        """Say that it was no request; where an answer is under way there is no place to say so."""
        try:
            super().send_400_response(msg)
        except LocalProtocolError:
            self._registry.refuse(self._place)

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn closes one who says nothing at all."""
        self._registry.enter(self._place, Phase.SILENT)
        self._within(connections.REQUEST_TIMEOUT_S)
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Leave the connection to the viewer's own limits."""
        self._within(None)
        super().handle_websocket_upgrade(event)

    def _within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._registry.refuse, self._place)
