"""Takes connections from the listening socket: a few at a time, at a bounded rate, and only those there is room for.

asyncio's own loop makes a protocol for each connection before it can be refused, and where the process can open no more
files it logs thousands of errors at once.
"""

import asyncio
import errno
import socket
from collections.abc import Callable

from sunspec_tui.serving.complaints import Complaints
from sunspec_tui.serving.connections import Connections, Place
from sunspec_tui.serving.pacing import Pace

BATCH = 8
"""Connections taken before anything else has its turn."""
ACCEPTS_PER_S, ACCEPTS_BURST = 2000, 500
RETRY_S = 1.0
"""Until the next try where the process can open no more files."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Hands connections on to protocols.

    Parameters
    ----------
    listening
        A socket that listens and does not block.
    make
        Makes the protocol of a connection.
    registry
        The connections that are open.
    complaints
        Where errors are logged.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[Place], asyncio.Protocol],
        registry: Connections,
        complaints: Complaints,
    ) -> None:
        self._listening, self._make, self._registry, self._complaints = listening, make, registry, complaints
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(ACCEPTS_PER_S, ACCEPTS_BURST, self._loop.time)
        self._retry: asyncio.TimerHandle | None = None
        self._making: set[asyncio.Task[None]] = set()
        self._ended = False

    def start(self) -> None:
        """Begin to accept."""
        self._retry = None
        if not self._ended:
            self._loop.add_reader(self._listening.fileno(), self._accept_some)

    def stop(self) -> None:
        """Accept no more; again without harm."""
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
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._fail(error)
                return
            self._take(connection, address)
        wait_s = self._pace.reserve(None, BATCH)
        if wait_s:
            self._pause(wait_s)

    def _fail(self, error: OSError) -> None:
        """Wait a while; where files have run out, a connection that says nothing is closed."""
        text = error.strerror or repr(error)
        if error.errno in _EXHAUSTED:
            self._registry.make_room()
            text += "; ulimit -n allows more"
        self._complaints.say("the web view cannot take a connection", text)
        self._pause(RETRY_S)

    def _take(self, connection: socket.socket, address: object) -> None:
        client = (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
        place = self._registry.reserve(client, connection.fileno())
        if place is None:
            connection.close()
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._connect(connection, place))
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    async def _connect(self, connection: socket.socket, place: Place) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self._make(place), connection)
        except (OSError, ValueError) as error:
            # Gone before it could be asked anything.
            connection.close()
            self._registry.release(place)
            self._complaints.say("a connection was lost at once", error, 10)
        except asyncio.CancelledError:
            connection.close()
            self._registry.release(place)
            raise
