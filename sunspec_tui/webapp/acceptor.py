"""Accept connections in small batches at a limited rate.

asyncio's own loop creates a protocol for each connection before the connection can be refused, and logs thousands of
errors at once when the process can open no more files.
"""

import asyncio
import errno
import socket
from collections.abc import Callable

from sunspec_tui.webapp.connection_limits import Connections, OpenConnection
from sunspec_tui.webapp.rate_limiter import RateLimiter
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

BATCH = 8
"""Connections accepted in one turn of the event loop."""
ACCEPTS_PER_S, ACCEPTS_BURST = 2000, 500
RETRY_S = 1.0
"""Pause before the next try when the process can open no more files."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Accept connections and give each one a protocol.

    Parameters
    ----------
    listening
        A listening, non-blocking socket.
    make
        Creates the protocol of a connection.
    registry
        The open connections.
    error_log
        Logs errors.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[OpenConnection], asyncio.Protocol],
        registry: Connections,
        error_log: VisitorErrorLog,
    ) -> None:
        self._listening, self._make, self._registry, self._error_log = listening, make, registry, error_log
        self._loop = asyncio.get_running_loop()
        self._pace = RateLimiter(ACCEPTS_PER_S, ACCEPTS_BURST, self._loop.time)
        self._retry: asyncio.TimerHandle | None = None
        self._making: set[asyncio.Task[None]] = set()
        self._ended = False

    def start(self) -> None:
        """Start accepting connections."""
        self._retry = None
        if not self._ended:
            self._loop.add_reader(self._listening.fileno(), self._accept_some)

    def stop(self) -> None:
        """Stop accepting; safe to call again."""
        self._ended = True
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening.fileno())
        if self._retry is not None:
            self._retry.cancel()

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(seconds, self.start)

    def _accept_some(self) -> None:
        for _ in range(BATCH):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._handle_error(error)
                return
            self._admit(accepted, address)
        wait_s = self._pace.reserve(None, BATCH)
        if wait_s:
            self._pause(wait_s)

    def _handle_error(self, error: OSError) -> None:
        """Pause accepting.

        If no more files can be opened, close one silent connection.
        """
        text = error.strerror or repr(error)
        if error.errno in _EXHAUSTED:
            self._registry.make_room()
            text += "; raise the limit with ulimit -n"
        self._error_log.log("the web view cannot accept a connection", text)
        self._pause(RETRY_S)

    def _admit(self, accepted: socket.socket, address: object) -> None:
        client = (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
        connection = self._registry.reserve(client, accepted.fileno())
        if connection is None:
            accepted.close()
            return
        accepted.setblocking(False)
        task = self._loop.create_task(self._connect(accepted, connection))
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    async def _connect(self, accepted: socket.socket, connection: OpenConnection) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self._make(connection), accepted)
        except (OSError, ValueError) as error:
            # The peer closed the connection before it was set up.
            accepted.close()
            self._registry.release(connection)
            self._error_log.log("a connection was lost during setup", error, 10)
        except asyncio.CancelledError:
            accepted.close()
            self._registry.release(connection)
            raise
