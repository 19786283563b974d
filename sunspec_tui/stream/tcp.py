"""Query a ZeroMQ socket's TCP connection: bytes received, closed by peer.

ZeroMQ reports only the file descriptor of a connection. This module keeps a duplicate, to query the kernel after ZeroMQ
has closed its own descriptor. The duplicate must be closed as soon as the connection has ended.
"""

import contextlib
import os
import socket
import stat
import struct
import sys

_TCP_INFO_BYTES, _BYTES_RECEIVED_AT = 256, 128


class TcpConnection:
    """Duplicate of a connected TCP socket.

    Parameters
    ----------
    descriptor
        File descriptor of the socket. The number may meanwhile belong to another file.

    Raises
    ------
    OSError
        If the descriptor is not a connected socket.
    """

    def __init__(self, descriptor: int) -> None:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise OSError(f"file descriptor {descriptor} is not a socket")
        self._socket = socket.socket(fileno=os.dup(descriptor))
        try:
            self._own, self._peer = self._socket.getsockname(), self._socket.getpeername()
        except OSError:
            self._socket.close()
            raise

    @property
    def is_own(self) -> bool:
        """True if the socket is connected to itself.

        This can happen to a connection attempt to a port of the ephemeral range.
        """
        return bool(self._own == self._peer)

    def bytes_received(self) -> int | None:
        """Return the bytes received so far; None if unknown (not Linux)."""
        if sys.platform != "linux":
            return None
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED_AT)[0])
        except (OSError, struct.error):
            # An old kernel returns fewer fields.
            return None

    def is_open(self) -> bool:
        """Return True if the peer has not closed the connection."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the duplicate; a second call is harmless."""
        self._socket.close()


def connects_to_itself(connected: socket.socket) -> bool:
    """Return True if a connected socket is its own peer."""
    with contextlib.suppress(OSError):
        return bool(connected.getsockname() == connected.getpeername())
    return False
