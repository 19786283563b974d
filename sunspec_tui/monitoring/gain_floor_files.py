"""Save a stream's quiet levels of recent hours between runs.

There is one file for each source and frequency axis. Files are read and written in threads, because a home directory on
a network may hang. If it hangs, the floor begins anew.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sunspec_tui.core import state_files
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.monitoring.gain_history import QuietFloor

log = logging.getLogger(__name__)

SAVE_EVERY_S = 300.0
MAX_FILES = 32
_READ_S = 1.0
_MAX_MINUTES = 240
_NAME = "quiet-floor-"


class FloorFiles:
    """Files of the quiet floors of one stream.

    Parameters
    ----------
    directory
        Directory of the files; None for no files.
    source
        Address of the stream.
    """

    def __init__(self, directory: Path | None, source: str) -> None:
        self._directory, self._source = directory, source
        self._saver: state_files.Saver | None = None
        self._path: Path | None = None
        self._saved_s = -math.inf

    def path(self, axis: Axis) -> Path | None:
        """Return the file for rows of an axis; None without a directory."""
        if self._directory is None:
            return None
        key = f"{self._source} {axis.chan0} {axis.nchan} {axis.channel_average}"
        return self._directory / f"{_NAME}{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    def load(self, axis: Axis) -> tuple[QuietFloor, ...]:
        """Return the floors of an earlier run, by product.

        Empty if there are none, or if the disk hangs.
        """
        path = self.path(axis)
        if path is None:
            return ()
        found = state_files.load_within(path, "the quiet floor begins anew", _READ_S)
        return () if found is None else _floors(found)

    def save(self, axis: Axis, floors: tuple[QuietFloor, ...], now_s: float) -> None:
        """Write the floors, unless they were written a short time ago.

        Parameters
        ----------
        axis, floors
            Frequency axis, and floors of its products.
        now_s
            Time of a monotonic clock.
        """
        path = self.path(axis)
        if path is None or now_s - self._saved_s < SAVE_EVERY_S or not any(floor.minutes for floor in floors):
            return
        if self._saver is None or path != self._path:
            self._saver, self._path = state_files.Saver(path, "the quiet floor"), path
            _remove_oldest(path.parent)
        if self._saver.save({"minutes": [floor.minutes for floor in floors]}):
            self._saved_s = now_s

    def finish(self) -> None:
        """Wait until the last file is written, for a limited time."""
        if self._saver is not None:
            self._saver.finish()


def _floors(record: Mapping[str, Any]) -> tuple[QuietFloor, ...]:
    """Return the floors of a file.

    Invalid values of a foreign or damaged file are ignored.
    """
    products = record.get("minutes")
    if not isinstance(products, list):
        return ()
    return tuple(QuietFloor(_minutes(product)) for product in products[:2])


def _minutes(values: Any) -> list[tuple[float, float]]:
    pairs = values[-_MAX_MINUTES:] if isinstance(values, list) else []
    known = [tuple(map(float, pair)) for pair in pairs if _is_pair(pair)]
    return sorted((time_s, level_db) for time_s, level_db in known if math.isfinite(time_s) and math.isfinite(level_db))


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(value) in (int, float) for value in pair)


def _remove_oldest(directory: Path) -> None:
    """Delete all but the newest files, because sources and axes change."""
    with suppress(OSError):
        files = sorted(directory.glob(f"{_NAME}*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[: -MAX_FILES + 1]:
            file.unlink()
