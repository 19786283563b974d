"""Lock an archive for one writer; refuse a changed disk.

Two writers would damage a store. If the archive's disk is unmounted, no new archive may be started in its mount point.
"""

import errno
import fcntl
import os
import stat
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

from sunspec_tui.core.errors import ArchiveError

_NAME = ".lock"


class ArchiveLock:
    """Lock file in an archive's directory, checked before each commit.

    Parameters
    ----------
    directory
        The archive; created if it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: FileIO | None = None
        self._device: int | None = None

    def acquire(self) -> bool:
        """Acquire or confirm the lock.

        Returns
        -------
        bool
            True if the lock was newly acquired. Another process may have changed the archive before.

        Raises
        ------
        ArchiveError
            If another process has it, or the directory is on another disk than before.
        OSError
            If the lock file cannot be written.
        """
        path = self._directory / _NAME
        if self._file is not None and _is_same(self._file, path):
            return False
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        device = self._directory.stat().st_dev
        if self._device not in (None, device):
            raise ArchiveError("its disk is not mounted; mount it, or restart the monitor to start a new archive")
        try:
            self._file = _locked(path)
        except BlockingIOError as error:
            raise ArchiveError("another monitor writes there; choose another --archive") from error
        self._device = device
        return True

    def close(self) -> None:
        """Release the lock; a second call is harmless."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _is_same(file: FileIO, path: Path) -> bool:
    """Return True if the path still refers to the locked file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _locked(path: Path) -> FileIO:
    """Open the lock file and lock it until it is closed.

    Raises
    ------
    BlockingIOError
        If another process has locked it.
    """
    _create_lock_file(path)
    # A file open for reading does not prevent a read-only remount; network disks lock only files open for writing.
    for mode, flags in (("rb", os.O_RDONLY), ("r+b", os.O_RDWR)):
        with ExitStack() as opened:
            descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            file = opened.enter_context(FileIO(descriptor, mode))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if mode == "rb" and error.errno == errno.EBADF:
                    continue
                raise
            opened.pop_all()
            return file
    raise AssertionError("the last mode locks or raises")


def _create_lock_file(path: Path) -> None:
    """Create the lock file, or check that it is a regular file.

    Raises
    ------
    ArchiveError
        If it is a link, a pipe, a device or a directory.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ArchiveError(f"{path} is not a regular file, so it does not belong to the archive; move it away")
