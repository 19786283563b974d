"""The directory of the plots: what of it is ours, what is to go, and the newest under a name that stays.

Only files that this program wrote are ever removed; plots that another program has left there, under whatever name,
are none of its business.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from sunspec_tui.retention import LATEST, SOFTWARE, Keep, PlotFile, expired, plot_time_s

_MARK = b"tEXtSoftware\0" + SOFTWARE.encode()
# The text stands right behind the first chunk of a PNG, before any colour.
_HEAD_BYTES = 96
_TEMPORARY = re.compile(r"\.(?:spectrum_.*|latest\.png)\.(\d+)\.tmp")


class PlotDirectory:
    """A directory of plots, looked through once and then followed.

    Parameters
    ----------
    path
        The directory; it must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, PlotFile] = {}
        for each in path.iterdir():
            if _left_behind(each):
                with suppress(OSError):
                    each.unlink()
            elif plot_time_s(each.name) is not None and _is_ours(each):
                self.add(each)

    def add(self, path: Path) -> None:
        """Learn of a plot that was written."""
        time_s = plot_time_s(path.name)
        if time_s is not None:
            self._files[path.name] = PlotFile(time_s, path.name, path.stat().st_size)

    def tidy(self, keep: Keep, now_s: float) -> dict[str, Any]:
        """Remove what is not to be kept; what is kept, its size, and how many were removed."""
        removed = 0
        for file in expired(self._files.values(), keep, now_s):
            try:
                (self._path / file.name).unlink()
                removed += 1
            except FileNotFoundError:
                # Somebody else has tidied up.
                pass
            except OSError:
                # It stays in the count, and is tried again after the next plot.
                continue
            del self._files[file.name]
        size = sum(file.nbytes for file in self._files.values())
        return {"kept": len(self._files), "kept_bytes": size, "removed": removed}


def publish_latest(path: Path) -> None:
    """Make `latest.png` the plot at `path`, in one step: whoever reads it sees the old one or the new one, whole."""
    temporary = path.with_name(f".{LATEST}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        try:
            os.link(path, temporary)
        except OSError:
            # Some file systems have no second names for a file.
            shutil.copyfile(path, temporary)
        temporary.replace(path.with_name(LATEST))
    finally:
        temporary.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _left_behind(path: Path) -> bool:
    """Whether a process that is gone has left this file half written."""
    match = _TEMPORARY.fullmatch(path.name)
    if match is None:
        return False
    try:
        os.kill(int(match[1]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
