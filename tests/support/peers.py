"""Servers on a port where a publisher is expected.

They use other protocols, or are silent or broken.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import zmq

GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serving(port: int, talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[list[socket.socket]]:
    """Run a TCP server with a thread for each connection.

    The thread calls `talk`.
    """
    over, taken, threads = threading.Event(), list[socket.socket](), list[threading.Thread]()
    server = socket.create_server(("127.0.0.1", port), reuse_port=False)
    server.settimeout(0.05)

    def conversation(one: socket.socket) -> None:
        with suppress(OSError):
            talk(one, over)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                one, _ = server.accept()
                one.settimeout(10)
                taken.append(one)
                threads.append(threading.Thread(target=conversation, args=(one,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield taken
    finally:
        over.set()
        accepting.join()
        server.close()
        for each in taken:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in threads:
            thread.join()


def http(one: socket.socket, over: threading.Event) -> None:
    """Answer any first line, and close the connection."""
    received = b""
    while b"\n" not in received and (chunk := one.recv(1000)):
        received += chunk
    one.sendall(b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n")
    one.shutdown(socket.SHUT_RDWR)


def garbage(one: socket.socket, over: threading.Event) -> None:
    """Send garbage and close."""
    one.sendall(b"\x00\x01rubbish" * 50)
    one.shutdown(socket.SHUT_RDWR)


def greet_garbage(one: socket.socket, over: threading.Event) -> None:
    """Send a ZeroMQ greeting, then garbage."""
    one.sendall(GREETING + b"\x04\xffxxxxx" * 20)
    over.wait()


def ssh(one: socket.socket, over: threading.Event) -> None:
    """Send an SSH banner and wait."""
    one.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    over.wait()


def silent(one: socket.socket, over: threading.Event) -> None:
    """Stay silent."""
    over.wait()


def closes(one: socket.socket, over: threading.Event) -> None:
    """Close at once."""
    one.shutdown(socket.SHUT_RDWR)


def publishes(one: socket.socket) -> None:
    """Greet a subscriber as a publisher does, until it has subscribed."""
    one.sendall(GREETING + command(b"\x05READY\x0bSocket-Type\0\0\0\x03PUB"))
    received = b""
    # A probe greets and hangs up; a subscriber says READY and subscribes.
    while b"\x01" not in received[64 + 26 :]:
        chunk = one.recv(1000)
        if not chunk:
            raise ConnectionResetError
        received += chunk


def command(body: bytes) -> bytes:
    """Return a short ZMTP command."""
    return bytes((4, len(body))) + body


class EndlessPublisher:
    """Send a message with endless parts.

    Stop when `limit` bytes are received or the peer closes the connection.
    """

    def __init__(self, part: bytes, limit: int) -> None:
        self._part, self._limit = part, limit
        self.sent = 0
        self.over = threading.Event()

    def __call__(self, one: socket.socket, over: threading.Event) -> None:
        publishes(one)
        if self.over.is_set():
            return
        size = len(self._part)
        head = bytes((1, size)) if size < 256 else b"\x03" + size.to_bytes(8, "big")
        chunk = (head + self._part) * max(1, 65536 // (size + 2))
        try:
            while self.sent < self._limit and not over.is_set():
                one.sendall(chunk)
                self.sent += len(chunk)
        finally:
            self.over.set()


TALKS = {
    "HTTP": http,
    "garbage": garbage,
    "greeting and garbage": greet_garbage,
    "SSH": ssh,
    "silent": silent,
    "closes": closes,
}


@contextmanager
def foreign(port: int, kind: str) -> Iterator[None]:
    """Start a peer of a kind.

    The kind is a name in `TALKS`, or a type of ZeroMQ socket.
    """
    if kind in TALKS:
        with serving(port, TALKS[kind]):
            yield
        return
    with zmq.Context() as context, context.socket(getattr(zmq, kind)) as one:
        one.linger = 0
        one.bind(f"tcp://127.0.0.1:{port}")
        yield


class Relay:
    """TCP relay whose connections can be made dead.

    They stay open but carry no more data.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._dead: set[int] = set()
        self._manager = serving(0, self._talk)

    def __enter__(self) -> "Relay":
        self._server_port = free_port()
        self._manager = serving(self._server_port, self._talk)
        self.taken = self._manager.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.__exit__(None, None, None)

    @property
    def port(self) -> int:
        """Address on which it listens."""
        return self._server_port

    def kill(self) -> None:
        """Stop the data of all present connections.

        Both directions stop, and the connections stay open.
        """
        self._dead |= {id(each) for each in self.taken}

    def _talk(self, one: socket.socket, over: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", self._to)) as other:
            back = threading.Thread(target=self._copy, args=(one, other, one, over))
            back.start()
            self._copy(other, one, one, over)
            back.join()

    def _copy(self, source: socket.socket, target: socket.socket, key: socket.socket, over: threading.Event) -> None:
        source.settimeout(0.05)
        with suppress(OSError):
            while not over.is_set():
                with suppress(TimeoutError):
                    data = source.recv(65536)
                    if id(key) in self._dead:
                        continue
                    if not data:
                        break
                    target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
