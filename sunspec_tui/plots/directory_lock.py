"""Lock a directory for one process.

The kernel releases the lock when the process ends.

The directory itself is locked, so no lock file remains in it. Network disks can only lock writable files, so a lock
file is used there. If this fails too, other processes cannot be detected.
"""

import errno
import fcntl
import os
import stat
from contextlib import suppress
from enum import Enum
from pathlib import Path

_FILE = ".sunspec-tui.lock"


class Claim(Enum):
    """Result of claiming a directory."""

    HELD = "held"
    TAKEN = "taken"
    UNKNOWN = "unknown"


class DirectoryLock:
    """Lock on a directory, claimed again before each use.

    The directory may have been replaced.

    Parameters
    ----------
    path
        The directory; it must exist when it is claimed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptors: list[int] = []

    def claim(self) -> Claim:
        """Take the lock if it is free.

        Return `Claim.UNKNOWN` if the disk has no locks.

        Raises
        ------
        OSError
            If the directory does not exist.
        """
        status = self.path.stat()
        if self._descriptors:
            if os.path.samestat(os.fstat(self._descriptors[0]), status):
                return Claim.HELD
            self.release()
        try:
            self._descriptors.append(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except PermissionError:
            return Claim.UNKNOWN
        claim = try_lock(self._descriptors[0])
        if claim is Claim.UNKNOWN:
            claim = self._claim_file()
        if claim is not Claim.HELD:
            self.release()
        return claim

    def _claim_file(self) -> Claim:
        try:
            descriptor = open_lock_file(self.path / _FILE)
        except OSError:
            return Claim.UNKNOWN
        self._descriptors.append(descriptor)
        return try_lock(descriptor)

    def release(self) -> None:
        """Release the lock; safe to call again."""
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)


def open_lock_file(path: Path) -> int:
    """Open a lock file for writing, created if it is missing.

    Links, pipes and devices are never opened.

    Raises
    ------
    OSError
        If it exists and is not a regular file, or cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EEXIST, "it is not a regular file; move it away", str(path))


def try_lock(descriptor: int) -> Claim:
    """Lock an open file or directory, without waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Claim.TAKEN
    except OSError:
        return Claim.UNKNOWN
    return Claim.HELD
