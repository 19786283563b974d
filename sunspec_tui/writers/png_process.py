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
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sunspec_tui.plots import PlotJob
from sunspec_tui.writers.matplotlib_loader import load_matplotlib
from sunspec_tui.writers.plot_directory import PlotDirectory, publish_latest
from sunspec_tui.writers.whole import write_new_file

LENGTH = struct.Struct(">Q")
_NICENESS = 5
_MAX_NAMES = 1000
_MAX_TIME_S = 253_402_300_800.0
_OUT_OF_MEMORY_SCORE = Path("/proc/self/oom_score_adj")


def plot_names(job: PlotJob) -> Iterator[str]:
    """Yield file names for a job without extension: its UTC time, then numbered ones of the same second."""
    moment_s = job.now_s if 0 <= job.now_s < _MAX_TIME_S else 0.0
    stem = f"spectrum_{datetime.fromtimestamp(moment_s, UTC):%Y%m%d_%H%M%S}"
    yield stem
    yield from (f"{stem}_{number}" for number in range(2, _MAX_NAMES))


def job_parts(job: PlotJob) -> list[memoryview]:
    """Serialise a job as its pickle and its raw arrays, without copying the arrays."""
    arrays: list[pickle.PickleBuffer] = []
    parts = [memoryview(pickle.dumps(job, protocol=5, buffer_callback=arrays.append)), *(each.raw() for each in arrays)]
    lengths = [memoryview(LENGTH.pack(len(parts))), *(memoryview(LENGTH.pack(part.nbytes)) for part in parts)]
    sent = [lengths[0]]
    for length, part in zip(lengths[1:], parts, strict=True):
        sent += [length, part]
    return sent


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
            paths, nbytes, note = self._draw(job)
            directory, written = self._directories[str(Path(job.directory))], [path.name for path in paths]
            kept = directory.tidy(job.keep, job.now_s, written, clock_agrees=job.clock_agrees)
        except Exception as error:  # noqa: BLE001 - reported; the next plot is tried
            self._figure = None
            return {"ok": False, "error": _sentence(error, job)}
        seconds = time.perf_counter() - begun_s
        return {"ok": True, "path": str(paths[0]), "seconds": seconds, "bytes": nbytes, "note": note} | kept

    def _draw(self, job: PlotJob) -> tuple[list[Path], int, str]:
        if self._figure is None:
            load_matplotlib()
            from sunspec_tui.writers.figure import SpectrumFigure

            self._figure = SpectrumFigure()
        directory = self._known(Path(job.directory))
        picture = self._picture(job)
        path = write_new_file((directory / f"{name}.png" for name in plot_names(job)), picture)
        note = publish_latest(path)
        paths, nbytes = [path], len(picture)
        if job.second is not None:
            picture = self._picture(job.second)
            names = (path.stem, *plot_names(job))
            paths.append(write_new_file((directory / f"{name}_VI.png" for name in names), picture))
            nbytes += len(picture)
        return paths, nbytes, note

    def _known(self, directory: Path) -> Path:
        if not directory.is_dir():
            # Made for the first time, or removed under us: nothing of what was known of it is there.
            self._directories.pop(str(directory), None)
            directory.mkdir(parents=True, exist_ok=True)
        if str(directory) not in self._directories:
            self._directories[str(directory)] = PlotDirectory(directory)
        return directory

    def _picture(self, job: PlotJob) -> bytes:
        self._figure.draw(job)
        return bytes(self._figure.png())


def main() -> None:
    """Draw until the parent closes our input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    _end_before_the_monitor()
    # What a library prints must not look like an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    draughtsman = Draughtsman()
    for job in read_jobs(sys.stdin.buffer):
        answers.write(json.dumps(draughtsman.work(job)) + "\n")


def _end_before_the_monitor() -> None:
    """Ask the kernel to kill this process before the receiver if memory runs out."""
    with suppress(OSError):
        _OUT_OF_MEMORY_SCORE.write_text("500")


def _sentence(error: Exception, job: PlotJob) -> str:
    if isinstance(error, OSError):
        return f"cannot write a plot to {job.directory}: {error.strerror or error}; choose another with --plot-dir"
    return f"the plot failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
