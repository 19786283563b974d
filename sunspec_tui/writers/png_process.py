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

LENGTH = struct.Struct(">Q")
_NICENESS = 5


def plot_path(job: PlotJob) -> Path:
    """The file of a job: named by its moment in UTC, never one that exists."""
    stem = f"spectrum_{datetime.fromtimestamp(job.now_s, UTC):%Y%m%d_%H%M%S}"
    path = Path(job.directory) / f"{stem}.png"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}_{number}.png")
        number += 1
    return path


def read_jobs(stream: BinaryIO) -> Iterator[PlotJob]:
    """Jobs until the input ends."""
    while len(prefix := stream.read(LENGTH.size)) == LENGTH.size:
        raw = stream.read(LENGTH.unpack(prefix)[0])
        yield pickle.loads(raw)  # noqa: S301 - from our own parent


def main() -> None:
    """Draw until the parent closes our input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    # What a library prints must not look like an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    figure: Any = None
    for job in read_jobs(sys.stdin.buffer):
        begun_s = time.perf_counter()
        try:
            if figure is None:
                from sunspec_tui.writers.figure import SpectrumFigure

                figure = SpectrumFigure()
            path = plot_path(job)
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.draw(job)
            nbytes = figure.save(path)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told, and the next plot is tried
            answers.write(json.dumps({"ok": False, "error": _sentence(error, job)}) + "\n")
            figure = None
        else:
            seconds = time.perf_counter() - begun_s
            answers.write(json.dumps({"ok": True, "path": str(path), "seconds": seconds, "bytes": nbytes}) + "\n")


def _sentence(error: Exception, job: PlotJob) -> str:
    if isinstance(error, OSError):
        return f"cannot write a plot to {job.directory}: {error.strerror}; choose another with --plot-dir"
    return f"the plot failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
