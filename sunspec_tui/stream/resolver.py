"""Resolve host names in a thread; a slow name server blocks nothing.

The thread cannot be interrupted. It is a daemon thread, and `Resolver.stop` does not wait for a late answer.
"""

import socket
import threading
from typing import Any

from sunspec_tui.core.addresses import is_ip

SocketAddress = tuple[Any, ...]
_JOIN_S = 0.05


class Resolver:
    """Resolver of one host name, for repeated queries.

    Parameters
    ----------
    host, port
        A name or an IP address, and a port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None
        self._addresses: tuple[SocketAddress, ...] = ()
        self.problem = ""

    def ask(self) -> None:
        """Start a query unless one is pending; IP addresses need no thread."""
        if self.is_asking:
            return
        if is_ip(self._host):
            self._answer(socket.AI_NUMERICHOST)
            return
        thread = threading.Thread(target=self._answer, name="sunspec-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The limit of threads or of memory is reached; the next query may succeed.
            self.problem = "no thread can be started here"
            return
        self._thread = thread

    @property
    def is_asking(self) -> bool:
        """True while a query is pending."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def addresses(self) -> tuple[SocketAddress, ...]:
        """Distinct socket addresses of the last answer, in its order.

        Empty if the name does not resolve.
        """
        return self._addresses

    def stop(self) -> None:
        """Wait briefly for the thread to end."""
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _answer(self, flags: int = 0) -> None:
        try:
            infos = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=flags)
        except (OSError, UnicodeError) as error:
            self.problem = getattr(error, "strerror", None) or "that is no host name"
            self._addresses = ()
            return
        self.problem = ""
        self._addresses = tuple(dict.fromkeys(address for *_, address in infos))
