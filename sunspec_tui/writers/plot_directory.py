"""The directory of the plots: what of it is ours, what is to go, and the newest under a name that stays.

Only files that this program wrote are ever removed or replaced; plots that another program has left there, under
whatever name, are none of its business.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from sunspec_tui.retention import LATEST, SOFTWARE, Keep, PlotFile, expired, plot_time_s
from sunspec_tui.writers.whole import whole_file, writer_of

_MARK = b"tEXtSoftware\0" + SOFTWARE.encode()
# The text stands right behind the first chunk of a PNG, before any colour.
_HEAD_BYTES = 96
# A directory with years of plots, perhaps over a network, is got to know by and by.
_MOST_LOOKS = 1000


class PlotDirectory:
    """A directory of plots, looked through after each plot: other monitors, and people, put and take away files too.

    Parameters
    ----------
    path
        The directory; it must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours: dict[str, PlotFile] = {}
        self._foreign: set[str] = set()
        for each in path.iterdir():
            if _left_behind(each.name):
                with suppress(OSError):
                    each.unlink()

    def tidy(self, keep: Keep, now_s: float, written: frozenset[str]) -> dict[str, Any]:
        """Remove what is not to be kept; what is kept, its size, and how many were removed.

        Parameters
        ----------
        keep, now_s, written
            As `retention.expired` takes them.
        """
        self._look()
        removed = 0
        for file in expired(self._ours.values(), keep, now_s, written):
            # What cannot be removed stays in the count, and is tried again after the next plot.
            with suppress(OSError):
                (self._path / file.name).unlink(missing_ok=True)
                del self._ours[file.name]
                removed += 1
        size = sum(file.nbytes for file in self._ours.values())
        return {"kept": len(self._ours), "kept_bytes": size, "removed": removed}

    def _look(self) -> None:
        """Learn what has come and gone, a limited number of new files at a time."""
        names = set(os.listdir(self._path))  # noqa: PTH208 - a hundred thousand names, without a Path for each
        self._foreign &= names
        self._ours = {name: file for name, file in self._ours.items() if name in names}
        looks = 0
        # The newest first: what has just been written counts at once.
        for name in sorted(names - self._foreign - self._ours.keys(), reverse=True):
            time_s = plot_time_s(name)
            if time_s is None:
                continue
            looks += 1
            if looks > _MOST_LOOKS:
                return
            path = self._path / name
            with suppress(OSError):
                if is_ours(path):
                    self._ours[name] = PlotFile(time_s, name, path.stat().st_size)
                else:
                    self._foreign.add(name)


def publish_latest(path: Path) -> None:
    """Make `latest.png` the plot at `path`, in one step: whoever reads it sees the old one or the new one, whole.

    One that another program has put there stays.
    """
    latest = path.with_name(LATEST)
    if latest.exists() and not is_ours(latest):
        return
    with whole_file(latest) as temporary:
        try:
            os.link(path, temporary)
        except OSError:
            # Some file systems have no second names for a file.
            shutil.copyfile(path, temporary)


def is_ours(path: Path) -> bool:
    """Whether a PNG says that this program wrote it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return _MARK in file.read(_HEAD_BYTES)


def _left_behind(name: str) -> bool:
    """Whether a process that is gone has left this file half written."""
    writer = writer_of(name)
    if writer is None:
        return False
    try:
        os.kill(writer, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
