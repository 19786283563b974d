"""Main program of the plot process: read jobs, write PNGs, answer.

The parent starts it as ``python -m sunspec_tui.plots.plot_worker`` and is the only process that sends it jobs, so jobs
can be pickles. It ends when its standard input ends, so it never outlives the parent. The parent handles Ctrl-C and a
hang-up of the terminal.

Each picture is drawn by a fork (`forked_renderer`), which is announced by a line ``{"drawing": process id}`` and ends
with its picture. This process writes the file, deletes expired plots, and sends the line that ends the job.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, TextIO

from sunspec_tui.files.atomic_write import atomic_write, write_new_file
from sunspec_tui.plots.forked_renderer import DrawingEnded, DrawingError, ForkedRenderer
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_pipe import read_job
from sunspec_tui.plots.plot_directory import PlotDirectory, publish_latest

_NICENESS = 5
_MAX_NAMES = 1000
_MAX_TIME_S = 253_402_300_800.0
_OUT_OF_MEMORY_SCORE = Path("/proc/self/oom_score_adj")


def plot_names(job: PlotJob) -> Iterator[str]:
    """Yield file names for a job, without extension.

    The first is its UTC time, followed by numbered names of the same second.
    """
    moment_s = job.now_s if 0 <= job.now_s < _MAX_TIME_S else 0.0
    stem = f"spectrum_{datetime.fromtimestamp(moment_s, UTC):%Y%m%d_%H%M%S}"
    yield stem
    yield from (f"{stem}_{number}" for number in range(2, _MAX_NAMES))


class PlotWriter:
    """Writer of jobs as files.

    Parameters
    ----------
    renderer
        Object that draws the jobs.
    """

    def __init__(self, renderer: ForkedRenderer) -> None:
        self._renderer = renderer
        self._directories: dict[str, PlotDirectory] = {}

    def draw_job(self, job: PlotJob) -> dict[str, Any]:
        """Draw and write a job, and return the answer."""
        started_s = time.perf_counter()
        try:
            if job.stem:
                path, nbytes = self._draw_named(job)
                seconds = time.perf_counter() - started_s
                return {"ok": True, "path": str(path), "seconds": seconds, "bytes": nbytes, "note": ""}
            paths, nbytes, note = self._draw(job)
            directory, written = self._directories[str(Path(job.directory))], [path.name for path in paths]
            counts = directory.tidy(job.keep, job.now_s, written, clock_agrees=job.clock_agrees)
        except DrawingEnded as ended:
            return {"ended": ended.status}
        except Exception as error:  # noqa: BLE001 - reported; the next plot is tried
            return {"ok": False, "error": _failure_text(error, job)}
        seconds = time.perf_counter() - started_s
        return {"ok": True, "path": str(paths[0]), "seconds": seconds, "bytes": nbytes, "note": note} | counts

    def _draw(self, job: PlotJob) -> tuple[list[Path], int, str]:
        directory = self._prepared(Path(job.directory))
        picture = self._renderer.render(job)
        path = write_new_file((directory / f"{name}.png" for name in plot_names(job)), picture)
        note = publish_latest(path)
        paths, nbytes = [path], len(picture)
        if job.second is not None:
            picture = self._renderer.render(job.second)
            names = (path.stem, *plot_names(job))
            paths.append(write_new_file((directory / f"{name}_VI.png" for name in names), picture))
            nbytes += len(picture)
        return paths, nbytes, note

    def _draw_named(self, job: PlotJob) -> tuple[Path, int]:
        """Draw a picture whose name is given."""
        picture = self._renderer.render(job)
        path = Path(job.directory) / f"{job.stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(picture)
        return path, len(picture)

    def _prepared(self, directory: Path) -> Path:
        if not directory.is_dir():
            # The directory is new, or was removed by others, so its known state is invalid.
            self._directories.pop(str(directory), None)
            directory.mkdir(parents=True, exist_ok=True)
        if str(directory) not in self._directories:
            self._directories[str(directory)] = PlotDirectory(directory)
        return directory


def main() -> None:
    """Draw until the parent closes the standard input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # If the parent ignores this signal, the exit status of a fork would be lost.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.nice(_NICENESS)
    _prefer_out_of_memory_kill()
    # Output of a library must not be read as an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    jobs = FileIO(0, closefd=False)

    def announce(process: int) -> None:
        _write_answer({"drawing": process}, answers)

    writer = PlotWriter(ForkedRenderer(announce, jobs.fileno(), (answers.fileno(),)))
    while (answer := _next_answer(jobs, writer)) is not None:
        _write_answer(answer, answers)


def _next_answer(jobs: FileIO, writer: PlotWriter) -> dict[str, Any] | None:
    """Do the next job without keeping its data.

    Return None at the end of the input.
    """
    job = read_job(jobs)
    return None if job is None else writer.draw_job(job)


def _write_answer(answer: dict[str, Any], answers: TextIO) -> None:
    answers.write(json.dumps(answer) + "\n")


def _prefer_out_of_memory_kill() -> None:
    """Let the kernel kill this process first without memory.

    The receiver then stays alive.
    """
    with suppress(OSError):
        _OUT_OF_MEMORY_SCORE.write_text("500")


def _failure_text(error: Exception, job: PlotJob) -> str:
    if isinstance(error, DrawingError):
        return str(error)
    if isinstance(error, OSError):
        remedy = "" if job.stem else "; choose another with --plot-dir"
        return f"cannot write a plot to {job.directory}: {error.strerror or error}{remedy}"
    return f"the plot failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
