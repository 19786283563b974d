"""The plot process: takes jobs on standard input, writes PNGs, answers one JSON line each.

The parent starts it as ``python -m sunspec_tui.writers.png_process`` and is the only one that talks to it, so
jobs come as pickles. It ends when its input does, so it never outlives the parent. A Ctrl-C or a hang-up
of the terminal is the parent's to handle.
"""

import json
import os
import pickle
import signal
import struct
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sunspec_tui.plots import PlotJob
from sunspec_tui.writers.plot_directory import PlotDirectory, publish_latest

LENGTH = struct.Struct(">Q")
_NICENESS = 5


def plot_path(job: PlotJob, suffix: str = "") -> Path:
    """The file of a job: named by its moment in UTC, never one that exists."""
    stem = f"spectrum_{datetime.fromtimestamp(job.now_s, UTC):%Y%m%d_%H%M%S}"
    path = Path(job.directory) / f"{stem}{suffix}.png"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}_{number}{suffix}.png")
        number += 1
    return path


def write_job(stream: BinaryIO, job: PlotJob) -> None:
    """Send a job: its pickle, and the arrays behind it as they lie in memory, so that none is copied."""
    arrays: list[pickle.PickleBuffer] = []
    parts = [memoryview(pickle.dumps(job, protocol=5, buffer_callback=arrays.append)), *(each.raw() for each in arrays)]
    stream.write(LENGTH.pack(len(parts)))
    for part in parts:
        stream.write(LENGTH.pack(part.nbytes))
        stream.write(part)
    stream.flush()


def read_jobs(stream: BinaryIO) -> Iterator[PlotJob]:
    """Jobs until the input ends."""
    while len(prefix := stream.read(LENGTH.size)) == LENGTH.size:
        # A bytearray can be written to, as the arrays of a job can.
        raw, *arrays = (bytearray(stream.read(_length(stream))) for _ in range(LENGTH.unpack(prefix)[0]))
        yield pickle.loads(raw, buffers=arrays)  # noqa: S301 - from our own parent


def _length(stream: BinaryIO) -> int:
    return int(LENGTH.unpack(stream.read(LENGTH.size))[0])


class Draughtsman:
    """Draws jobs into files; the one figure is made with the first of them."""

    def __init__(self) -> None:
        self._figure: Any = None
        self._directories: dict[str, PlotDirectory] = {}

    def work(self, job: PlotJob) -> dict[str, Any]:
        """Do a job and say what came of it."""
        begun_s = time.perf_counter()
        try:
            paths, nbytes = self._draw(job)
            kept = self._directories[job.directory].tidy(job.keep, job.now_s, frozenset(path.name for path in paths))
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told, and the next plot is tried
            self._figure = None
            return {"ok": False, "error": _sentence(error, job)}
        seconds = time.perf_counter() - begun_s
        return {"ok": True, "path": str(paths[0]), "seconds": seconds, "bytes": nbytes} | kept

    def _draw(self, job: PlotJob) -> tuple[list[Path], int]:
        if self._figure is None:
            from sunspec_tui.writers.figure import SpectrumFigure

            self._figure = SpectrumFigure()
        path = plot_path(job)
        if not path.parent.is_dir():
            # Made for the first time, or removed under us: nothing of what was known of it is there.
            self._directories.pop(job.directory, None)
            path.parent.mkdir(parents=True, exist_ok=True)
        if job.directory not in self._directories:
            self._directories[job.directory] = PlotDirectory(path.parent)
        self._figure.draw(job)
        nbytes = int(self._figure.save(path))
        publish_latest(path)
        paths = [path]
        if job.second is not None:
            beside = path.with_name(f"{path.stem}_VI.png")
            self._figure.draw(job.second)
            nbytes += int(self._figure.save(beside))
            paths.append(beside)
        return paths, nbytes


def main() -> None:
    """Draw until the parent closes our input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    # What a library prints must not look like an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    draughtsman = Draughtsman()
    for job in read_jobs(sys.stdin.buffer):
        answers.write(json.dumps(draughtsman.work(job)) + "\n")


def _sentence(error: Exception, job: PlotJob) -> str:
    if isinstance(error, OSError):
        return f"cannot write a plot to {job.directory}: {error.strerror}; choose another with --plot-dir"
    return f"the plot failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
