"""Connections of the web view: how many there may be, and how long a request may take to come.

uvicorn bounds neither a visitor who sends a header a byte at a time nor one who opens connections and says nothing.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

REQUEST_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
CLOSING_S = 5.0
SPARE_CONNECTIONS = 64
"""Beside the viewers: answers under way, and those who are told that there is no room."""


class Connections:
    """Those that are open, by their peers.

    Parameters
    ----------
    most
        More are closed as they come.
    on_refusal
        Told of each that is closed for its manners.
    """

    def __init__(self, most: int, on_refusal: Callable[[], None]) -> None:
        self.most, self._on_refusal = most, on_refusal
        self._open: dict[Any, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether there is room for one more; where there is none it is closed at once."""
        if len(self._open) >= self.most:
            self._on_refusal()
            transport.abort()
            return False
        self._open[_peer(transport)] = transport
        return True

    def forget(self, transport: asyncio.Transport) -> None:
        """It has closed."""
        self._open.pop(_peer(transport), None)

    def abort(self, peer: Any) -> None:
        """Close one at once, whatever it has not taken yet."""
        transport = self._open.get(peer)
        if transport is not None:
            transport.abort()

    def unsent(self, peer: Any) -> int:
        """Bytes that one has not sent yet."""
        transport = self._open.get(peer)
        return 0 if transport is None else transport.get_write_buffer_size()

    def abort_all(self) -> None:
        """Close all at once."""
        for transport in list(self._open.values()):
            transport.abort()

    def protocol(self) -> type[H11Protocol]:
        """The class that uvicorn is to make for each connection."""
        connections = self

        class Protocol(_Timed):
            registry = connections

        return Protocol

    def too_slow(self, transport: asyncio.Transport) -> None:
        """Close one that takes too long."""
        self._on_refusal()
        transport.abort()


def _peer(transport: asyncio.Transport) -> Any:
    """Address and port as a request's scope has them; of IPv6 there is more."""
    name = transport.get_extra_info("peername")
    return tuple(name[:2]) if isinstance(name, (tuple, list)) else name


class _Timed(H11Protocol):
    """A connection whose requests must come, and whose answers must be taken, within their time."""

    registry: Connections

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._admitted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._admitted = self.registry.admit(transport)
        if self._admitted:
            self._within(REQUEST_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._within(None)
        if self._admitted:
            self.registry.forget(self.transport)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """A request that is whole may take time to be answered; one that is not may not."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._within(ANSWER_TIMEOUT_S)

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn closes one who says nothing at all."""
        self._within(REQUEST_TIMEOUT_S)
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
            self._deadline = self.loop.call_later(seconds, self.registry.too_slow, self.transport)
