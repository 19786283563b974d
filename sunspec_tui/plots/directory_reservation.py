"""Lock the plot directory, or a subdirectory if it is already locked.

Two monitors in one directory would share `latest.png` and count each other's plots. The second monitor therefore
writes to a subdirectory named after its stream, and reports this.
"""

import errno
import re
from pathlib import Path

from sunspec_tui.plots.directory_lock import Claim, DirectoryLock

_MAX_NAME = 64
_MAX_PLACES = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


class DirectoryReservation:
    """Plot directory reserved for this monitor while it runs.

    Parameters
    ----------
    directory
        Directory given by the user.
    source
        The stream's address, which names the subdirectory.

    Attributes
    ----------
    note
        Reason why plots are written to a subdirectory; empty while they are written to `directory`.
    """

    def __init__(self, directory: Path, source: str) -> None:
        self._directory, self._source = directory, source
        self._lock: DirectoryLock | None = None
        self.note = ""

    def directory(self) -> Path:
        """Return the next plot's directory, created if it is missing.

        Raises
        ------
        OSError
            If it cannot be created or read.
        """
        if self._lock is not None:
            self._lock.path.mkdir(parents=True, exist_ok=True)
            if self._lock.claim() is not Claim.TAKEN:
                return self._lock.path
        return self._reserve()

    def _reserve(self) -> Path:
        self.release()
        for n in range(_MAX_PLACES):
            path = self._candidate(n)
            path.mkdir(parents=True, exist_ok=True)
            lock = DirectoryLock(path)
            if lock.claim() is not Claim.TAKEN:
                self._lock = lock
                self.note = (
                    f"another monitor writes plots to {self._directory}, so this one writes to {path}" if n else ""
                )
                return path
        raise FileExistsError(errno.EEXIST, f"{_MAX_PLACES} monitors already write there", str(self._directory))

    def _candidate(self, n: int) -> Path:
        if n == 0:
            return self._directory
        name = _UNSAFE.sub("_", self._source).strip("._-")[:_MAX_NAME] or "monitor"
        return self._directory / (name if n == 1 else f"{name}_{n}")

    def release(self) -> None:
        """Release the directory for other monitors; safe to call again."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
