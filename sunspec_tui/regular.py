"""Regular files: a name may be that of a pipe that never ends, a device, a directory or somebody's link.

Whoever reads a file that a user named, or puts one in its place, asks here first. No other module of the project
is needed for that.
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
    """A name stands for something that is no regular file; ``strerror`` says what it is."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading; never waits for the other end of a pipe.

    Raises
    ------
    OSError
        If it cannot be opened; `NotRegularError` if it is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL character", None) from error
    except OSError as error:
        if error.errno == errno.ENXIO:
            # What is said of sockets.
            raise NotRegularError(path, "a socket") from error
        raise
    try:
        # Asked of what is open: a name may stand for something else by now.
        _check(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_replaceable(path: Path) -> None:
    """Make sure that a name is free, or that of a regular file.

    Raises
    ------
    OSError
        If it cannot be looked at; `NotRegularError` if it is a pipe, a device, a directory or a link.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    _check(path, mode)


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegularError(path, next((kind for is_kind, kind in _KINDS if is_kind(mode)), "something else"))
