"""Read whole files of any kind within limits of size and time."""

import errno
import os
import select
import time
from pathlib import Path

READ_S = 5.0


def read_bounded(path: Path, max_bytes: int, timeout_s: float = READ_S) -> bytes:
    """Read a file to its end.

    A FIFO or a terminal is read until its writer closes it.

    Parameters
    ----------
    path
        Path of the file.
    max_bytes
        Largest allowed size.
    timeout_s
        Longest time for the whole file, in seconds.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    OSError
        If the file cannot be read, is larger, or does not end in time.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        return _read_all(descriptor, max_bytes, time.monotonic() + timeout_s)
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, max_bytes: int, end_s: float) -> bytes:
    poller, read = select.poll(), bytearray()
    poller.register(descriptor, select.POLLIN)
    while len(read) <= max_bytes:
        left_s = end_s - time.monotonic()
        if left_s <= 0 or not poller.poll(left_s * 1000):
            raise TimeoutError(errno.ETIMEDOUT, "no data comes from it")
        try:
            part = os.read(descriptor, max_bytes + 1 - len(read))
        except BlockingIOError:
            continue
        if not part:
            return bytes(read)
        read += part
    raise OSError(errno.EFBIG, f"it holds more than {max_bytes // 1024} KiB")
