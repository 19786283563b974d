"""The outermost layer of the web view: a peer that asks too often waits for its turn.

Only a slow answer tells a flood that it is one; nobody is refused for it, since many users may come by one address.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from sunspec_tui.serving.connections import Client, Connections
from sunspec_tui.serving.pacing import Pace

REQUESTS_PER_S, REQUESTS_BURST = 200, 400
ALL_REQUESTS_PER_S, ALL_REQUESTS_BURST = 400, 800


class Paced:
    """Answers through `app` as fast as the pace of each peer, and of all together, allows.

    Parameters
    ----------
    app
        What answers.
    registry
        The connections that are open.
    """

    def __init__(self, app: ASGIApp, registry: Connections) -> None:
        self._app, self._registry = app, registry
        self._of_peer = Pace(REQUESTS_PER_S, REQUESTS_BURST)
        self._of_all = Pace(ALL_REQUESTS_PER_S, ALL_REQUESTS_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in turn; one that has gone while it waited gets no answer."""
        if scope["type"] not in ("http", "websocket") or await self._has_turn(scope.get("client")):
            await self._app(scope, receive, send)

    async def _has_turn(self, client: Client) -> bool:
        place = self._registry.find(client)
        if place is None:
            return False
        wait_s = max(self._of_peer.reserve(place.peer), self._of_all.reserve())
        if not wait_s:
            return True
        try:
            await asyncio.wait_for(place.gone.wait(), wait_s)
        except TimeoutError:
            return True
        # Its turn goes to those who are still there.
        self._of_peer.give_back(place.peer)
        self._of_all.give_back()
        return False
