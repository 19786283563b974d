"""Create a uvicorn server with limits, without access logs and signal handlers."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from sunspec_tui.webapp.acceptor import Acceptor
from sunspec_tui.webapp.connection_limits import Connections, OpenConnection
from sunspec_tui.webapp.http_protocol import TimedRequests
from sunspec_tui.webapp.live_socket import MAX_MESSAGE_BYTES
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog
from sunspec_tui.webapp.websocket_protocol import ViewerSocket

MAX_HEADER_BYTES = 16 * 1024
KEEP_ALIVE_S = 5
PING_S, PONG_S = 10.0, 180.0
"""Interval and timeout: a ping may wait behind a history of a megabyte, two minutes on a link of 8 kB/s."""
HANDSHAKE_S, CANCEL_S = 0.3, 0.3
"""Time for visitors to complete the closing handshake, and for answers in progress to end."""


class _Server(uvicorn.Server):
    """uvicorn server with bounded accepting and shutdown.

    uvicorn handles signals only in the main thread, and this server runs in another.
    """

    def __init__(self, config: uvicorn.Config, registry: Connections, error_log: VisitorErrorLog) -> None:
        super().__init__(config)
        self._registry, self._error_log = registry, error_log

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting on the listening socket."""
        assert sockets is not None  # noqa: S101 - the socket is bound before the server is created
        self.servers = []
        self._acceptor = Acceptor(sockets[0], self._protocol, self._registry, self._error_log)
        self._acceptor.start()
        self.started = True

    def _protocol(self, open_connection: OpenConnection) -> asyncio.Protocol:
        return TimedRequests(self.config, self.server_state, {}, registry=self._registry, connection=open_connection)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down within a second, whatever connections and answers are open."""
        self._acceptor.stop()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            self._begin_close(connection)
        end_s = asyncio.get_running_loop().time() + HANDSHAKE_S
        while self.server_state.connections and asyncio.get_running_loop().time() < end_s:
            await asyncio.sleep(0.02)
        self._registry.abort_all()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_S)

    def _begin_close(self, connection: object) -> None:
        try:
            connection.shutdown()  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - logged; the connection is aborted soon after
            self._error_log.log("a connection could not be closed regularly at shutdown", error)


def server(
    app: ASGIApp, registry: Connections, error_log: VisitorErrorLog, on_dead: Callable[[], None]
) -> uvicorn.Server:
    """Create a server for `app` without starting it.

    Parameters
    ----------
    app
        The application that answers.
    registry
        The open connections.
    error_log
        Logs errors.
    on_dead
        Called for each viewer that stops answering.
    """

    class Socket(ViewerSocket):
        def on_dead(self) -> None:
            on_dead()

    Socket.registry = registry
    config = uvicorn.Config(
        app,
        http=TimedRequests,
        ws=Socket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        # Messages are compressed already; compressing them again would take time for each viewer.
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
    )
    return _Server(config, registry, error_log)
