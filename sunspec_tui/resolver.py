"""Host names become IP addresses, in a thread of their own: a name server that does not answer blocks for long.

The thread cannot be interrupted. It is a daemon, and a `Resolver` that is stopped leaves it to its answer.
"""

import socket
import threading
from typing import Any

from sunspec_tui.addresses import is_ip

SocketAddress = tuple[Any, ...]
_JOIN_S = 0.05


class Resolver:
    """Asks for the IP addresses of one host, again and again.

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
        """Begin to ask, unless a question is still open. An IP address needs no thread."""
        if self.is_asking:
            return
        if is_ip(self._host):
            self._answer(socket.AI_NUMERICHOST)
            return
        self._thread = threading.Thread(target=self._answer, name="sunspec-resolver", daemon=True)
        self._thread.start()

    @property
    def is_asking(self) -> bool:
        """Whether an answer is still awaited."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def addresses(self) -> tuple[SocketAddress, ...]:
        """Socket addresses of the last answer, in its order, each once; empty where the name does not resolve."""
        return self._addresses

    def stop(self) -> None:
        """End the thread if it can be ended at once."""
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _answer(self, flags: int = 0) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=flags)
        except (OSError, UnicodeError) as error:
            self.problem = getattr(error, "strerror", None) or "that is no host name"
            self._addresses = ()
            return
        self.problem = ""
        self._addresses = tuple(dict.fromkeys(address for *_, address in found))
