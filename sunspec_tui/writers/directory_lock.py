"""The right to write to a directory: one process has it, and the kernel takes it back when that process ends.

The directory itself is locked, so nothing is left in it. Network disks lock files that can be written only; where
even these cannot be locked, nobody can know of others.
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
    """What came of asking for a directory."""

    HELD = "held"
    TAKEN = "taken"
    UNKNOWN = "unknown"


class DirectoryLock:
    """A lock on a directory, asked for again before each use: the directory may have been removed and made anew.

    Parameters
    ----------
    path
        The directory; it must exist when it is claimed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptors: list[int] = []

    def claim(self) -> Claim:
        """Have the lock if nobody else has it; `Claim.UNKNOWN` where the disk has no locks.

        Raises
        ------
        OSError
            If there is no such directory.
        """
        seen = self.path.stat()
        if self._descriptors:
            if os.path.samestat(os.fstat(self._descriptors[0]), seen):
                return Claim.HELD
            self.release()
        try:
            self._descriptors.append(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except PermissionError:
            return Claim.UNKNOWN
        found = _locked(self._descriptors[0])
        if found is Claim.UNKNOWN:
            found = self._claim_file()
        if found is not Claim.HELD:
            self.release()
        return found

    def _claim_file(self) -> Claim:
        try:
            descriptor = open_lock_file(self.path / _FILE)
        except OSError:
            return Claim.UNKNOWN
        self._descriptors.append(descriptor)
        return _locked(descriptor)

    def release(self) -> None:
        """Let others have it; again without harm."""
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)


def open_lock_file(path: Path) -> int:
    """Open a lock file for writing, made when it is missing: never a pipe, a device or what a link leads to.

    Raises
    ------
    OSError
        If it is there and is no regular file, or cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EEXIST, "it is no regular file, move it away", str(path))


def _locked(descriptor: int) -> Claim:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Claim.TAKEN
    except OSError:
        return Claim.UNKNOWN
    return Claim.HELD
