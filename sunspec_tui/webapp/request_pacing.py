"""ASGI layer that delays requests of peers that send too many.

It is the outermost layer of the web view. It delays requests instead of refusing them, because many users may share one
address.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from sunspec_tui.webapp.connection_limits import Client, Connections
from sunspec_tui.webapp.rate_limiter import RateLimiter

REQUESTS_PER_S, REQUESTS_BURST = 200, 400
ALL_REQUESTS_PER_S, ALL_REQUESTS_BURST = 400, 800


class Paced:
    """Layer that limits the rate of requests.

    The limits apply to each peer, and to all peers together.

    Parameters
    ----------
    app
        The application that answers.
    registry
        The open connections.
    """

    def __init__(self, app: ASGIApp, registry: Connections) -> None:
        self._app, self._registry = app, registry
        self._of_peer = RateLimiter(REQUESTS_PER_S, REQUESTS_BURST)
        self._of_all = RateLimiter(ALL_REQUESTS_PER_S, ALL_REQUESTS_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer after the wait, unless the client disconnects meanwhile."""
        if scope["type"] not in ("http", "websocket") or await self._has_turn(scope.get("client")):
            await self._app(scope, receive, send)

    async def _has_turn(self, client: Client) -> bool:
        connection = self._registry.find(client)
        if connection is None:
            return False
        wait_s = max(self._of_peer.reserve(connection.peer), self._of_all.reserve())
        if not wait_s:
            return True
        try:
            await asyncio.wait_for(connection.gone.wait(), wait_s)
        except TimeoutError:
            return True
        # The reserved time of a disconnected client becomes free for the other clients.
        self._of_peer.give_back(connection.peer)
        self._of_all.give_back()
        return False
