"""Manage the plot directory: find own plots, delete expired ones, update `latest.png`.

Only regular files that this program wrote are opened, deleted or replaced. Files of other programs, links, pipes and
devices are never touched.
"""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from sunspec_tui.core.retention import LATEST, SOFTWARE, PlotFile, RetentionPolicy, expired, plot_time_s
from sunspec_tui.files.atomic_write import atomic_write, temporary_file_owner

_MARK = b"tEXtSoftware\0" + SOFTWARE.encode()
# In a PNG of this program, the text follows directly after the first chunk.
_HEAD_BYTES = 96
# A directory with years of plots, perhaps on a network, is read over several calls.
_MAX_CHECKS = 1000


class PlotDirectory:
    """Plot directory, listed again after each plot.

    Other programs may change it.

    Parameters
    ----------
    path
        The directory; it must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours: dict[str, PlotFile] = {}
        self._foreign: set[str] = set()
        self._sequence: dict[str, int] = {}
        self._written = 0
        for name in os.listdir(path):  # noqa: PTH208 - there may be 100 000 names; no Path for each
            if _is_unfinished(path, name):
                with suppress(OSError):
                    (path / name).unlink()

    def tidy(self, keep: RetentionPolicy, now_s: float, written: list[str], *, clock_agrees: bool) -> dict[str, Any]:
        """Delete expired plots.

        Return the number and size of kept plots and the number deleted.

        Parameters
        ----------
        keep, now_s, clock_agrees
            Arguments of `retention.expired`.
        written
            Names of the plots that were just written; they are kept.
        """
        self._written += 1
        self._sequence |= dict.fromkeys(written, self._written)
        self._update()
        removed = 0
        for file in expired(self._ours.values(), keep, now_s, frozenset(written), clock_agrees=clock_agrees):
            # A plot that cannot be removed stays in the count, and is tried again after the next plot.
            with suppress(OSError):
                (self._path / file.name).unlink(missing_ok=True)
                del self._ours[file.name]
                removed += 1
        size = sum(file.nbytes for file in self._ours.values())
        return {"kept": len(self._ours), "kept_bytes": size, "removed": removed}

    def _update(self) -> None:
        """Update the list of own plots, by limited steps."""
        names = set(os.listdir(self._path))  # noqa: PTH208 - as above
        self._foreign &= names
        self._ours = {name: file for name, file in self._ours.items() if name in names}
        self._sequence = {name: n for name, n in self._sequence.items() if name in names}
        checked = 0
        # The newest first, so that plots that were just written are counted at once.
        for name in sorted(names - self._foreign - self._ours.keys(), key=self._rank, reverse=True):
            time_s = plot_time_s(name)
            if time_s is None:
                continue
            checked += 1
            if checked > _MAX_CHECKS:
                return
            self._classify(name, time_s)

    def _rank(self, name: str) -> tuple[int, str]:
        return self._sequence.get(name, 0), name

    def _classify(self, name: str, time_s: float) -> None:
        path = self._path / name
        with suppress(OSError):
            if is_ours(path):
                self._ours[name] = PlotFile(time_s, name, path.lstat().st_size, self._sequence.get(name, 0))
            else:
                self._foreign.add(name)


def publish_latest(path: Path) -> str:
    """Replace `latest.png` by the plot at `path` in one atomic step.

    Returns
    -------
    str
        Empty, or the reason why `latest.png` was not replaced: this program did not write it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    latest = path.with_name(LATEST)
    if os.path.lexists(latest) and not _has_our_tag(latest):
        return (
            f"{latest} was not written by this program and is not replaced; move it away to get the newest plot there"
        )
    with atomic_write(latest) as temporary:
        try:
            os.link(path, temporary)
        except OSError:
            # Some file systems have no second names for a file.
            shutil.copyfile(path, temporary)
    return ""


def _has_our_tag(path: Path) -> bool:
    try:
        return is_ours(path)
    except OSError:
        # An unreadable file is not treated as ours.
        return False


def is_ours(path: Path) -> bool:
    """Return True if a regular file has this program's Software tag.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    # The type is checked before opening: opening a pipe or a device can block or have side effects.
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and _MARK in os.read(descriptor, _HEAD_BYTES)
    finally:
        os.close(descriptor)


def _is_unfinished(directory: Path, name: str) -> bool:
    """Return True if an ended plot process left this unfinished file.

    The process was one of this user and machine.
    """
    origin = temporary_file_owner(name)
    if origin is None or not (origin[1] == LATEST or plot_time_s(origin[1]) is not None):
        return False
    try:
        status = (directory / name).lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not _is_alive(origin[0])


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
