"""Where a monitor's plots go: the directory it was given, or one of its own in it where another monitor writes.

Two monitors that write to one directory would share `latest.png` and number each other's plots. The second one
therefore writes to a subdirectory that is named after its stream, and says so.
"""

import errno
import re
from pathlib import Path

from sunspec_tui.writers.directory_lock import Claim, DirectoryLock

_MAX_NAME = 64
_MAX_PLACES = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


class PlotPlace:
    """The directory that this monitor alone writes plots to, as long as it runs.

    Parameters
    ----------
    wanted
        The directory that the user has named.
    source
        The stream's address: the name of the subdirectory.

    Attributes
    ----------
    note
        Why plots go elsewhere; empty while they go to `wanted`.
    """

    def __init__(self, wanted: Path, source: str) -> None:
        self._wanted, self._source = wanted, source
        self._lock: DirectoryLock | None = None
        self.note = ""

    def directory(self) -> Path:
        """The directory for the next plot; made when it is missing.

        Raises
        ------
        OSError
            If it cannot be made or looked at.
        """
        if self._lock is not None:
            self._lock.path.mkdir(parents=True, exist_ok=True)
            if self._lock.claim() is not Claim.TAKEN:
                return self._lock.path
        return self._found()

    def _found(self) -> Path:
        self.release()
        for n in range(_MAX_PLACES):
            path = self._candidate(n)
            path.mkdir(parents=True, exist_ok=True)
            lock = DirectoryLock(path)
            if lock.claim() is not Claim.TAKEN:
                self._lock = lock
                self.note = f"another monitor writes plots to {self._wanted}, so these go to {path}" if n else ""
                return path
        raise FileExistsError(errno.EEXIST, f"{_MAX_PLACES} monitors write there already", str(self._wanted))

    def _candidate(self, n: int) -> Path:
        if n == 0:
            return self._wanted
        name = _UNSAFE.sub("_", self._source).strip("._-")[:_MAX_NAME] or "monitor"
        return self._wanted / (name if n == 1 else f"{name}_{n}")

    def release(self) -> None:
        """Let other monitors write there; again without harm."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
