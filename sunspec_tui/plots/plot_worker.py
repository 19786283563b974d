"""The plot process: takes jobs on standard input, writes PNGs, answers with JSON lines.

The parent starts it as ``python -m sunspec_tui.plots.plot_worker`` and is the only one that talks to it, so
jobs come as pickles. It ends when its input does, so it never outlives the parent. A Ctrl-C or a hang-up
of the terminal is the parent's to handle.

Each picture is drawn by a fork (`picture_fork`), which is announced by a line ``{"drawing": process id}`` and ends
with its picture. This process writes the file, keeps the directory tidy, and sends the line that ends the job.
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

from sunspec_tui.files.atomic_write import write_new_file
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_pipe import read_job
from sunspec_tui.plots.picture_fork import DrawingEnded, DrawingError, PictureFork
from sunspec_tui.plots.plot_directory import PlotDirectory, publish_latest

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


class Draughtsman:
    """Draws jobs into files.

    Parameters
    ----------
    pictures
        Draws them.
    """

    def __init__(self, pictures: PictureFork) -> None:
        self._pictures = pictures
        self._directories: dict[str, PlotDirectory] = {}

    def work(self, job: PlotJob) -> dict[str, Any]:
        """Do a job and say what came of it."""
        begun_s = time.perf_counter()
        try:
            paths, nbytes, note = self._draw(job)
            directory, written = self._directories[str(Path(job.directory))], [path.name for path in paths]
            kept = directory.tidy(job.keep, job.now_s, written, clock_agrees=job.clock_agrees)
        except DrawingEnded as ended:
            return {"ended": ended.status}
        except Exception as error:  # noqa: BLE001 - reported; the next plot is tried
            return {"ok": False, "error": _sentence(error, job)}
        seconds = time.perf_counter() - begun_s
        return {"ok": True, "path": str(paths[0]), "seconds": seconds, "bytes": nbytes, "note": note} | kept

    def _draw(self, job: PlotJob) -> tuple[list[Path], int, str]:
        directory = self._known(Path(job.directory))
        picture = self._pictures.picture(job)
        path = write_new_file((directory / f"{name}.png" for name in plot_names(job)), picture)
        note = publish_latest(path)
        paths, nbytes = [path], len(picture)
        if job.second is not None:
            picture = self._pictures.picture(job.second)
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


def main() -> None:
    """Draw until the parent closes our input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # A parent that ignores it would keep the end of a fork from being seen.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.nice(_NICENESS)
    _end_before_the_monitor()
    # What a library prints must not look like an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    jobs = FileIO(0, closefd=False)

    def announce(process: int) -> None:
        _say({"drawing": process}, answers)

    draughtsman = Draughtsman(PictureFork(announce, jobs.fileno(), (answers.fileno(),)))
    while (answer := _next_answer(jobs, draughtsman)) is not None:
        _say(answer, answers)


def _next_answer(jobs: FileIO, draughtsman: Draughtsman) -> dict[str, Any] | None:
    """Do the next job and keep nothing of it; return None when there is none."""
    job = read_job(jobs)
    return None if job is None else draughtsman.work(job)


def _say(answer: dict[str, Any], answers: TextIO) -> None:
    answers.write(json.dumps(answer) + "\n")


def _end_before_the_monitor() -> None:
    """Ask the kernel to kill this process before the receiver if memory runs out."""
    with suppress(OSError):
        _OUT_OF_MEMORY_SCORE.write_text("500")


def _sentence(error: Exception, job: PlotJob) -> str:
    if isinstance(error, DrawingError):
        return str(error)
    if isinstance(error, OSError):
        return f"cannot write a plot to {job.directory}: {error.strerror or error}; choose another with --plot-dir"
    return f"the plot failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
