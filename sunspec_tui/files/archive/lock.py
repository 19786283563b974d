"""The right to write to an archive: one monitor has it, on the disk that it was given.

Two writers in one store would spoil it, and an archive whose disk has been taken away must not be begun anew on the
disk below.
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
    """A lock in an archive's directory, asked for again before each commit.

    Parameters
    ----------
    directory
        The archive; made when it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: FileIO | None = None
        self._device: int | None = None

    def hold(self) -> bool:
        """Have the lock; whether it had to be taken, so that what was known of the archive may be out of date.

        Raises
        ------
        ArchiveError
            If another has it, or the directory is on another disk than before.
        OSError
            If the disk does not take it.
        """
        path = self._directory / _NAME
        if self._file is not None and _is_same(self._file, path):
            return False
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        device = self._directory.stat().st_dev
        if self._device not in (None, device):
            raise ArchiveError("its disk has been taken away; mount it again, or restart the monitor to begin anew")
        try:
            self._file = _locked(path)
        except BlockingIOError as error:
            raise ArchiveError("another monitor writes there; choose another --archive") from error
        self._device = device
        return True

    def close(self) -> None:
        """Let others write there; again without harm."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _is_same(file: FileIO, path: Path) -> bool:
    """Whether the file that is locked is the one that others would lock."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _locked(path: Path) -> FileIO:
    """A file that is locked until it is closed.

    Raises
    ------
    BlockingIOError
        If another process has locked it.
    """
    _create_lock_file(path)
    # Open for reading it holds up nobody who makes the disk read-only; network disks lock only what can be written.
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
    """Create the lock file if it is missing; an existing one must be a regular file.

    Raises
    ------
    ArchiveError
        If it is a link, a pipe, a device or a directory.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ArchiveError(f"{path} is not a regular file, so it does not belong to the archive; move it away")
