"""Serve a viewer over a WebSocket: history, rows and status.

The page sends two kinds of messages. `{"product": "YY"}` selects the product. `{"seen": 1234}` acknowledges the rows up
to a number, which shows how fast the link is. Any other message ends the connection.
"""

import asyncio
import logging
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sunspec_tui.core.products import Product
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.context import AppContext
from sunspec_tui.webapp.rate_limiter import RateLimiter
from sunspec_tui.webapp.viewer_queue import ViewerQueue
from sunspec_tui.webapp.viewer_sender import send_messages

log = logging.getLogger(__name__)

UNSUPPORTED, POLICY_VIOLATION, TRY_AGAIN_LATER = 1003, 1008, 1013
OTHER_VERSION = f"this page is not of the server's version, {row_messages.VERSION}: reload it"
MAX_MESSAGE_BYTES = 1024
CHOICES_PER_S, CHOICES_BURST = 1, 10
"""Rate and burst of a viewer's product choices: each choice sends all rows again."""


async def live(socket: WebSocket) -> None:
    """Serve one viewer until it disconnects."""
    context: AppContext = socket.app.state.context
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
        if context.broadcaster.viewers >= context.max_viewers:
            context.refuse()
            await socket.close(TRY_AGAIN_LATER, "too many viewers")
            return
    except (WebSocketDisconnect, RuntimeError) as error:
        log.debug("a viewer disconnected before it started: %s", error)
        return
    context.connections.viewing(socket.scope["client"])
    viewer = ViewerQueue(product)
    # Join at once, so that the viewer counts before another one is accepted.
    context.broadcaster.join(viewer)
    tasks = [asyncio.create_task(_send(viewer, context, socket)), asyncio.create_task(_listen(viewer, context, socket))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        context.broadcaster.leave(viewer)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                context.error_log.log("a viewer was disconnected because of an error", repr(ended))


async def _send(viewer: ViewerQueue, context: AppContext, socket: WebSocket) -> None:
    peer = socket.scope["client"]

    async def send(message: bytes | str) -> None:
        await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))

    try:
        await send_messages(
            viewer,
            context.broadcaster.counts,
            send,
            lambda: context.connections.unsent(peer),
            lambda: context.connections.unsent_by_all,
        )
    except TimeoutError:
        context.broadcaster.count_dropped()
        # Abort: unsent data would also block the closing handshake.
        context.connections.abort(peer)
    except WebSocketDisconnect as error:
        log.debug("a viewer has disconnected: %s", error)
    except RuntimeError as error:
        if WebSocketState.CONNECTED is socket.client_state is socket.application_state:
            raise
        log.debug("a viewer disconnected before its messages were sent: %s", error)


async def _listen(viewer: ViewerQueue, context: AppContext, socket: WebSocket) -> None:
    try:
        await _handle_messages(viewer, context, socket)
    except WebSocketDisconnect as error:
        log.debug("a viewer has disconnected: %s", error.code)
    except RuntimeError as error:
        if WebSocketState.CONNECTED is socket.client_state is socket.application_state:
            raise
        log.debug("a viewer disconnected before its messages could be read: %s", error)


async def _handle_messages(viewer: ViewerQueue, context: AppContext, socket: WebSocket) -> None:
    """Handle a viewer's messages until it sends an invalid one."""
    choices = RateLimiter(CHOICES_PER_S, CHOICES_BURST)
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await socket.close(UNSUPPORTED, "text only")
            return
        command = _parse_message(text)
        if command is None:
            await socket.close(POLICY_VIOLATION, "not understood")
            return
        if isinstance(command, Product):
            await asyncio.sleep(choices.reserve())
            context.broadcaster.choose(viewer, command)
        else:
            viewer.acknowledge(command)


def _parse_message(text: str) -> Product | int | None:
    """Return a product or a row number; None for any other message."""
    try:
        command: Any = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    if not isinstance(command, dict) or len(command) != 1:
        return None
    if "product" in command:
        return _product(command["product"])
    seen = command.get("seen")
    return seen if type(seen) is int and seen >= 0 else None


def _product(name: Any) -> Product | None:
    try:
        return Product(name)
    except (ValueError, TypeError):
        return None
