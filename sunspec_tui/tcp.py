"""A look at the TCP connection beneath a ZeroMQ socket: who ended it, and how much has come over it.

ZeroMQ tells of a connection only its file descriptor. A copy of that is kept here, so that the kernel can still be
asked when ZeroMQ has closed its own; the copy must be closed as soon as the connection has ended.
"""

import contextlib
import os
import socket
import stat
import struct
import sys

_TCP_INFO_BYTES, _BYTES_RECEIVED_AT = 256, 128


class TcpConnection:
    """A copy of a connected TCP socket.

    Parameters
    ----------
    descriptor
        File descriptor of the socket. It may have been closed, and opened again as something else.

    Raises
    ------
    OSError
        If it is no connected socket.
    """

    def __init__(self, descriptor: int) -> None:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise OSError(f"file descriptor {descriptor} is no socket")
        self._socket = socket.socket(fileno=os.dup(descriptor))
        try:
            self._own, self._peer = self._socket.getsockname(), self._socket.getpeername()
        except OSError:
            self._socket.close()
            raise

    @property
    def is_own(self) -> bool:
        """Whether the connection leads to itself, as a retry on a port of the ephemeral range can."""
        return bool(self._own == self._peer)

    def bytes_received(self) -> int | None:
        """Bytes that have come since the connection was made; None where the system does not tell (not Linux)."""
        if sys.platform != "linux":
            return None
        try:
            told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            return int(struct.unpack_from("=Q", told, _BYTES_RECEIVED_AT)[0])
        except (OSError, struct.error):
            # An old kernel tells less.
            return None

    def is_open(self) -> bool:
        """Whether the peer has not ended the connection: then it was ended on this side."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the copy; again without harm."""
        self._socket.close()


def connects_to_itself(connected: socket.socket) -> bool:
    """Tell whether a connected socket is its own peer."""
    with contextlib.suppress(OSError):
        return bool(connected.getsockname() == connected.getpeername())
    return False
