"""Write the index of quick-looks, and keep it up to date."""

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sunspec_tui.cli.probe import Say
from sunspec_tui.cli.progress_line import ProgressLine
from sunspec_tui.cli.signals import EndRequested
from sunspec_tui.core.errors import ArchiveError, SunspecError, UsageError
from sunspec_tui.core.exit_status import EXIT_OK, STATUSES
from sunspec_tui.core.flux_scale import load_flux_scale
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.quicklook_settings import PANELS, QuicklookSettings, parse_panels
from sunspec_tui.core.times import parse_time_range
from sunspec_tui.plots.archive_quicklook import run_tasks
from sunspec_tui.plots.index_tasks import PictureOptions
from sunspec_tui.plots.index_update import IndexUpdater, RunTasks, locked_index
from sunspec_tui.plots.process_pool import run_here


def run_index(settings: QuicklookSettings, say: Say) -> int:
    """Update the index once, or with ``--follow`` until a signal.

    The paths of written files are printed.
    """
    archive = _archive(settings)
    for library in ("xarray", "zarr", "dask"):
        require_extra(library, "reading an archive")
    options = PictureOptions(
        settings.product,
        PANELS if settings.panels is None else parse_panels(settings.panels),
        not settings.keep_background,
        load_flux_scale(settings.flux_scale),
    )
    periods = (settings.per,) if settings.per in ("day", "hour") else ("day", "hour")
    progress = ProgressLine(say, "pictures and files")
    with locked_index(settings.out):
        updater = IndexUpdater(archive, settings.out, options, periods)
        update = partial(_update, updater, settings, progress, set[Path]())
        try:
            if settings.follow:
                return follow(update, settings, progress)
            failures = update(partial(run_tasks, scheduler=settings.scheduler, workers=settings.workers))
        finally:
            progress.clear()
    if failures:
        raise ArchiveError(f"{len(failures)} pictures or files could not be made, the first of {failures[0]}")
    return EXIT_OK


def _archive(settings: QuicklookSettings) -> Path:
    """Return the archive of the settings.

    Raises
    ------
    UsageError
        If it is not one directory. With ``--follow`` it need not exist yet.
    """
    archive = settings.paths[0]
    if len(settings.paths) > 1 or not (archive.is_dir() or (settings.follow and not archive.exists())):
        raise UsageError("an index is of one archive, a directory of stores such as 2026-11-25.zarr; give its name")
    if (settings.observation, settings.tuning, settings.chan0) != (None, None, None):
        raise UsageError("an archive has one axis; leave out --observation, --tuning and --chan0")
    return archive


def _update(
    updater: IndexUpdater,
    settings: QuicklookSettings,
    progress: ProgressLine,
    printed: set[Path],
    run: RunTasks,
    *,
    summary: bool = True,
) -> list[str]:
    """Update the index, print new paths, and return the failures.

    With `summary`, show the progress and the number of files.
    """
    start_s, end_s = parse_time_range(settings.start, settings.end)
    limits = -math.inf if start_s is None else start_s, math.inf if end_s is None else end_s
    progress.begin()
    count = 0
    for path in updater.update(run, progress.update if summary else _silent, *limits):
        if path not in printed:
            progress.say(printable(path))
        printed.add(path)
        count += 1
    progress.clear()
    if not updater.days:
        raise ArchiveError(f"{printable_name(settings.paths[0])} has no stores in that time; choose another")
    if summary:
        unchanged = f", {updater.unchanged} of {updater.days} days unchanged" if updater.unchanged else ""
        files = "1 file" if count == 1 else f"{count} files"
        progress.tell(f"{files} written in {printable_name(settings.out)}{unchanged}")
    return updater.failures


def follow(
    update: Callable[..., list[str]],
    settings: QuicklookSettings,
    progress: ProgressLine,
    wait: Callable[[float], object] = lambda seconds: threading.Event().wait(seconds),
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Update the index again and again, until a signal.

    A problem with the archive or the disk does not end it: it is reported once, and the update is tried again.

    Parameters
    ----------
    update
        Updates the index with a function that runs tasks, and returns the failures.
    settings
        Settings of the command.
    progress
        Where problems are reported.
    wait
        Waits for some seconds.
    monotonic
        Monotonic clock, in seconds.

    Returns
    -------
    int
        Exit status of the signal.
    """
    # At first there may be many days. Later there are few pictures, for which new processes would take longer.
    run: RunTasks = partial(run_tasks, scheduler=settings.scheduler, workers=settings.workers)
    problem, is_first = "", True
    try:
        while True:
            begin_s = monotonic()
            problem = _report(_problem_of(partial(update, run, summary=is_first)), problem, progress)
            run, is_first = run_here, False
            left_s = settings.update_interval - (monotonic() - begin_s)
            wait(max(left_s, settings.update_interval / 2))
    except EndRequested as ended:
        return STATUSES[ended.number]


def _silent(done: int, total: int) -> None:
    """Show no progress."""


def _problem_of(update: Callable[[], list[str]]) -> str:
    """Update the index; return the problem, or an empty text."""
    try:
        failures = update()
    except (SunspecError, OSError, MemoryError) as error:
        return printable(error) or type(error).__name__
    if not failures:
        return ""
    more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
    return f"cannot make {printable(failures[0])}{more}"


def _report(problem: str, earlier: str, progress: ProgressLine) -> str:
    """Report a new problem, and the end of the last one."""
    if problem and problem != earlier:
        progress.tell(f"{problem}; trying again")
    if earlier and not problem:
        progress.tell("the index is up to date again")
    return problem
