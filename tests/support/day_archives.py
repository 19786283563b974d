"""Archives of days, and an updater of their index that draws nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from recordings import recording

from sunspec_tui.files.archive.store import open_store
from sunspec_tui.plots.index_record import is_interval
from sunspec_tui.plots.index_tasks import Drawn
from sunspec_tui.plots.process_pool import run_here

DAY_S = 1_755_475_200.0  # 2025-08-18


def add_rows(directory: Path, begin_s: float, nrows: int = 60, cadence_s: float = 10.0, **keys: Any) -> None:
    """Append rows to an archive; by default ten minutes."""
    times_s = begin_s + cadence_s * np.arange(1, nrows + 1)
    rows = recording(nrows, nchan=64, times_s=times_s, cadence_s=cadence_s, **keys)
    open_store(directory, rows).append(rows)


class FakeRunner:
    """Runs the tasks of intervals, but only records those of pictures.

    Attributes
    ----------
    keys
        Keys of the tasks since the last call of `taken`.
    errors
        Exceptions by key.
    """

    def __init__(self) -> None:
        self.keys: list[tuple[str, str]] = []
        self.errors: dict[tuple[str, str], Exception] = {}

    def __call__(self, tasks: Any) -> Any:
        """Yield a result of each task."""
        for task in tasks:
            self.keys.append(task.key)
            if task.key in self.errors:
                yield task.key, self.errors[task.key]
            elif is_interval(task.key[1]):
                yield from run_here([task])
            else:
                thumbnail = b"thumbnail" if task.key[1] == "day" else b""
                yield task.key, Drawn([f"picture of {task.key}".encode()], thumbnail, 1, 0.0, 15.0, 85.0)

    def taken(self) -> list[tuple[str, str]]:
        """Return the recorded keys in their order, and forget them."""
        keys, self.keys = self.keys, []
        return keys
