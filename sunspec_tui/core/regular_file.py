"""Check that a path is a regular file before it is opened.

A user may give the path of an endless pipe, a device, a directory or another user's link. This module imports no other
module of the project.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISLNK, "a symbolic link"),
)


class NotRegularError(OSError):
    """A path is not a regular file; ``strerror`` says what it is."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    The function never waits for the other end of a pipe.

    Raises
    ------
    OSError
        If the file cannot be opened; `NotRegularError` if it is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL character", None) from error
    except OSError as error:
        if error.errno == errno.ENXIO:
            # The kernel reports ENXIO for sockets.
            raise NotRegularError(path, "a socket") from error
        raise
    try:
        # Check the open file: the path may refer to another file by now.
        _check(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_replaceable(path: Path) -> None:
    """Check that a path is free or a regular file.

    Raises
    ------
    OSError
        If the path cannot be examined; `NotRegularError` if it is a pipe, a device, a directory or a link.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    _check(path, mode)


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError(path, next((kind for is_kind, kind in _KINDS if is_kind(mode)), "something else"))
