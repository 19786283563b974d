"""The live stream: a WebSocket that sends history, rows and states, and takes two short sentences from its page.

`{"product": "YY"}` chooses what is sent; `{"seen": 1234}` says how far the page has come, so that a slow link is told
from a fast one. Anything else ends the connection: there is nothing else to say.
"""

import asyncio
import logging
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sunspec_tui.core.products import Product
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.broadcaster import serve
from sunspec_tui.webapp.context import AppContext
from sunspec_tui.webapp.pacing import Pace
from sunspec_tui.webapp.viewer_queue import ViewerQueue

log = logging.getLogger(__name__)

UNSUPPORTED, POLICY_VIOLATION, TRY_AGAIN_LATER = 1003, 1008, 1013
OTHER_VERSION = f"this page is not of the server's version, {row_messages.VERSION}: reload it"
MAX_MESSAGE_BYTES = 1024
CHOICES_PER_S, CHOICES_BURST = 1, 10
"""Rate and burst of a viewer's product choices: each choice sends all rows again."""


async def live(socket: WebSocket) -> None:
    """Serve one viewer until it goes."""
    site: AppContext = socket.app.state.site
    product = _product(socket.query_params.get("product", Product.XX))
    if product is None:
        await socket.close(POLICY_VIOLATION)
        return
    try:
        await socket.accept()
        if socket.query_params.get("version") != str(row_messages.VERSION):
            # Accepted first, so that the page receives the reason.
            await socket.close(POLICY_VIOLATION, OTHER_VERSION)
            return
        if site.hub.viewers >= site.max_viewers:
            site.refuse()
            await socket.close(TRY_AGAIN_LATER, "too many viewers")
            return
    except (WebSocketDisconnect, RuntimeError) as error:
        log.debug("a viewer disconnected before it started: %s", error)
        return
    site.connections.viewing(socket.scope["client"])
    viewer = ViewerQueue(product)
    # At once, so that its place is taken before another is looked for.
    site.hub.join(viewer)
    tasks = [asyncio.create_task(_send(viewer, site, socket)), asyncio.create_task(_listen(viewer, site, socket))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        site.hub.leave(viewer)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                site.complaints.say("a viewer was disconnected because of an error", repr(ended))


async def _send(viewer: ViewerQueue, site: AppContext, socket: WebSocket) -> None:
    peer = socket.scope["client"]

    async def send(message: bytes | str) -> None:
        await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))

    try:
        await serve(
            viewer, site.hub, send, lambda: site.connections.unsent(peer), lambda: site.connections.unsent_by_all
        )
    except TimeoutError:
        site.hub.lost()
        # What it has not taken would hold up a farewell too.
        site.connections.abort(peer)
    except WebSocketDisconnect as error:
        log.debug("a viewer has gone: %s", error)
    except RuntimeError as error:
        if WebSocketState.CONNECTED is socket.client_state is socket.application_state:
            raise
        log.debug("a viewer was gone before what was for it: %s", error)


async def _listen(viewer: ViewerQueue, site: AppContext, socket: WebSocket) -> None:
    try:
        await _handle_messages(viewer, site, socket)
    except WebSocketDisconnect as error:
        log.debug("a viewer has gone: %s", error.code)
    except RuntimeError as error:
        if WebSocketState.CONNECTED is socket.client_state is socket.application_state:
            raise
        log.debug("a viewer disconnected before its messages could be read: %s", error)


async def _handle_messages(viewer: ViewerQueue, site: AppContext, socket: WebSocket) -> None:
    """Handle a viewer's messages until it sends an invalid one."""
    choices = Pace(CHOICES_PER_S, CHOICES_BURST)
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await socket.close(UNSUPPORTED, "text only")
            return
        said = _understood(text)
        if said is None:
            await socket.close(POLICY_VIOLATION, "not understood")
            return
        if isinstance(said, Product):
            await asyncio.sleep(choices.reserve())
            site.hub.choose(viewer, said)
        else:
            viewer.acknowledge(said)


def _understood(text: str) -> Product | int | None:
    """A product or a row's number; None for anything else."""
    try:
        said: Any = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    if not isinstance(said, dict) or len(said) != 1:
        return None
    if "product" in said:
        return _product(said["product"])
    seen = said.get("seen")
    return seen if type(seen) is int and seen >= 0 else None


def _product(name: Any) -> Product | None:
    try:
        return Product(name)
    except (ValueError, TypeError):
        return None
