"""Identify the program on a port with a short TCP connection.

After a connection to a peer that is not a publisher, ZeroMQ never reconnects (libzmq issue 4196) and does not report
what the peer was. So the subscriber connects only to a port where a probe has found a publisher. A probe never blocks:
the caller waits for its socket and calls `Probe.advance`.
"""

import contextlib
import errno
import math
import os
import socket
import struct
from dataclasses import dataclass
from enum import Enum

from sunspec_tui.stream.resolver import SocketAddress
from sunspec_tui.stream.tcp import connects_to_itself
from sunspec_tui.stream.zmtp import GREETING, MAX_ANSWER_BYTES, READY, UNKNOWN, Answer, SenderKind, read_answer

CONNECT_S, ANSWER_S = 5.0, 2.0
# Sent after half the time for an answer: servers of line protocols reply to it, and can then be identified.
_NUDGE = b"\r\n\r\n"
_MAX_IGNORED_BYTES = 64 * 1024


class PeerKind(Enum):
    """Kind of the peer that a probe has identified."""

    REFUSED = "the port is closed"
    UNREACHABLE = "no answer"
    PUBLISHER = "a ZeroMQ publisher"
    OTHER_SOCKET = "a ZeroMQ socket of another type"
    FOREIGN = "something else"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Result of a probe: peer's kind, and a description for users."""

    kind: PeerKind
    words: str


REFUSED = ProbeResult(PeerKind.REFUSED, "nobody answers there")
_TIMED_OUT = ProbeResult(PeerKind.UNREACHABLE, "no answer from there (timed out)")
_MUTE = ProbeResult(PeerKind.FOREIGN, "something accepts connections there and sends nothing")
_CLOSING = ProbeResult(PeerKind.FOREIGN, "something there closes each connection at once")


class Probe:
    """Connection to one address that identifies the peer.

    The connection stays open after the result is known, until the peer closes it.

    Parameters
    ----------
    address
        Socket address, as `socket.getaddrinfo` returns it.
    now_s
        Time of a monotonic clock, in seconds.
    connect_s, answer_s
        Longest time to wait for the connection, and for an answer.

    Attributes
    ----------
    result
        Result of the probe; None until it is known. A later answer may replace it.
    ended
        True if the connection is closed.
    """

    def __init__(
        self, address: SocketAddress, now_s: float, *, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S
    ) -> None:
        self.address, self.begun_s = address, now_s
        self.result: ProbeResult | None = None
        self.ended = False
        self.connected = False
        self._answer_s, self._nudge_s = answer_s, math.inf
        self._deadline_s = now_s + connect_s
        self._received, self._ignored = b"", 0
        self._socket = socket.socket(socket.AF_INET6 if len(address) > 2 else socket.AF_INET)
        self._socket.setblocking(False)
        code = self._socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS, errno.EINTR, errno.EALREADY):
            self._fail(code)
        elif connects_to_itself(self._socket):
            self._release_port()

    def fileno(self) -> int:
        """Return the file descriptor to wait for; -1 when it is closed."""
        return self._socket.fileno()

    def advance(self, now_s: float, *, ready: bool) -> None:
        """Do the next step without blocking.

        Parameters
        ----------
        now_s
            Time of the same clock as at the start.
        ready
            True if the socket is writable while it connects, or readable afterwards.
        """
        if self.ended:
            return
        if ready and not self.connected:
            self._finish_connecting(now_s)
        elif ready:
            self._read()
        if not self.ended and self.result is None:
            self._check_clock(now_s)

    def hold(self) -> None:
        """Complete the handshake with a publisher, without a subscription.

        The publisher then keeps the connection open while it runs.
        """
        self._send(READY)

    def close(self) -> None:
        """Close the connection; a second call is harmless."""
        self.ended = True
        self._socket.close()

    def _release_port(self) -> None:
        """Close a connection to itself, which would block the producer's port."""
        self.result = REFUSED
        # Close with a reset, so that the kernel frees the port at once.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _finish_connecting(self, now_s: float) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail(code)
        elif connects_to_itself(self._socket):
            self._release_port()
        else:
            self.connected, self._deadline_s = True, now_s + self._answer_s
            self._nudge_s = now_s + self._answer_s / 2
            self._send(GREETING)

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(MAX_ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            if self.result is None:
                self._set_result(_closed(self._received))
            self.close()
        elif len(self._received) < MAX_ANSWER_BYTES and self._is_open_question():
            self._received += chunk
            self._set_result(read_answer(self._received))
        else:
            self._ignored += len(chunk)
            if self._ignored > _MAX_IGNORED_BYTES:
                self.close()

    def _is_open_question(self) -> bool:
        return self.result is None or self.result is _MUTE

    def _set_result(self, answer: Answer) -> None:
        if answer.kind is SenderKind.PUBLISHER:
            self.result = ProbeResult(PeerKind.PUBLISHER, f"{answer.name} answers there")
        elif answer.kind is SenderKind.OTHER_SOCKET:
            self.result = ProbeResult(PeerKind.OTHER_SOCKET, f"{answer.name} answers there, not a publisher")
        elif answer.kind is SenderKind.OTHER_PROTOCOL:
            self.result = ProbeResult(PeerKind.FOREIGN, f"{answer.name} answers there, no ZeroMQ publisher")
        elif answer is not UNKNOWN:
            self.result = _CLOSING

    def _check_clock(self, now_s: float) -> None:
        if now_s >= self._nudge_s:
            self._nudge_s = math.inf
            if not self._received:
                self._send(_NUDGE)
        if now_s < self._deadline_s:
            return
        self.result = _MUTE if self.connected else _TIMED_OUT
        if not self.connected:
            self.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.send(data)
        except OSError:
            # The next read reports that the connection is closed.
            return

    def _fail(self, code: int) -> None:
        text = os.strerror(code)
        refused = code == errno.ECONNREFUSED
        self.result = REFUSED if refused else ProbeResult(PeerKind.UNREACHABLE, f"no answer from there ({text})")
        self.close()


def _closed(received: bytes) -> Answer:
    """Identify a peer that has closed the connection after `received`."""
    answer = read_answer(received)
    return Answer(SenderKind.UNKNOWN, "closed") if answer is UNKNOWN else answer
