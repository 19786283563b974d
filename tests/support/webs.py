"""The web view in tests.

A receiver serves it on a free port, and viewers read its live stream.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.monitoring.web_status import WebState
from sunspec_tui.receiver import StreamReceiver
from sunspec_tui.webapp.row_messages import HISTORY, VERSION, Decoder, Message


@contextmanager
def served(port: int = 1, *, web: dict[str, Any] | None = None, **options: Any) -> Iterator[tuple[StreamReceiver, str]]:
    """Start a receiver with its web view; yield both.

    It receives the stream at `port`. The second value is the address of the web view.
    """
    chosen = WebOptions(**{"port": 0, **(web or {})})
    given = {"plot_interval": 0, "gc_interval": 0, **options}
    with StreamReceiver(stream_port=port, start_webshow=True, web=chosen, **given) as receiver:
        status = receiver.web_status()
        assert status.state is WebState.SERVING, status.problem
        yield receiver, status.url


def live_address(url: str, product: str = "XX") -> str:
    return f"{url.replace('http', 'ws', 1)}live?product={product}&version={VERSION}"


class Watcher:
    """A viewer that keeps all it gets."""

    def __init__(self, url: str, product: str = "XX", **options: Any) -> None:
        self._opened = ExitStack()
        connection = connect(live_address(url, product), max_size=2**24, proxy=None, **options)
        self.socket: ClientConnection = self._opened.enter_context(connection)
        self.said: list[dict[str, Any]] = []
        self.messages: list[Message] = []
        self._decoder = Decoder()
        self.bytes: list[int] = []

    def take(self, timeout_s: float = 10) -> None:
        """Wait for one message."""
        data = self.socket.recv(timeout=timeout_s)
        if isinstance(data, str):
            self.said.append(json.loads(data))
        else:
            self.messages.append(self._decoder.decode(data))
            self.bytes.append(len(data))

    def rows(self, count: int) -> list[Message]:
        """Wait until so many rows have come after the last history; these."""
        while len(found := self.after_history()) < count:
            self.take()
        return found

    def after_history(self) -> list[Message]:
        """Rows that came after the last history."""
        begins = [n for n, message in enumerate(self.messages) if message.kind == HISTORY]
        return self.messages[begins[-1] + 1 :] if begins else []

    def history(self) -> Message:
        """Wait for a history; the newest."""
        while not (found := [message for message in self.messages if message.kind == HISTORY]):
            self.take()
        return found[-1]

    def told(self, kind: str) -> dict[str, Any]:
        """Wait for a record of a kind; the newest."""
        while not (found := [record for record in self.said if record["type"] == kind]):
            self.take()
        return found[-1]

    def end(self) -> int | None:
        """Receive until the server closes the connection; return its code."""
        try:
            while True:
                self.take()
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else None

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def address_of(url: str) -> tuple[str, int]:
    """Return the host and port of a local web view."""
    return "127.0.0.1", int(url.rpartition(":")[2].strip("/"))


def raw(url: str, request: bytes, timeout_s: float = 10) -> bytes:
    """Send bytes, and return the whole answer."""
    with socket.create_connection(address_of(url), timeout=timeout_s) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            return answer
    return answer
