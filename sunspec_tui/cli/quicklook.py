"""Command ``sunspec-tui quicklook``: draw overview pictures of an archive or files."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say
from sunspec_tui.cli.progress_line import ProgressLine
from sunspec_tui.core.errors import ArchiveError, UsageError
from sunspec_tui.core.exit_status import EXIT_OK
from sunspec_tui.core.printable import printable
from sunspec_tui.core.quicklook_settings import QuicklookSettings, parse_panels
from sunspec_tui.core.times import parse_time_range

if TYPE_CHECKING:
    from sunspec_tui.plots.quicklook_figure import FigureChoices


def run(settings: QuicklookSettings, say: Say) -> int:
    """Draw an archive or files; print the path of each picture.

    There is one picture for each day or hour of an archive. An index has both, and a page.
    """
    from sunspec_tui.files.archive.reader import is_archive
    from sunspec_tui.files.input_paths import input_paths

    _check_panel_options(settings)
    # Check the times before reading.
    parse_time_range(settings.start, settings.end)
    if settings.index or settings.follow:
        from sunspec_tui.cli.quicklook_index import run_index

        return run_index(settings, say)
    paths = input_paths(settings.paths)
    archive = paths[0] if len(paths) == 1 and is_archive(paths[0]) else None
    progress, count = ProgressLine(say, "pictures"), 0
    if archive is None:
        pictures = _pictures_of_files(settings, paths, progress)
    else:
        pictures = _pictures_of_archive(settings, archive, progress)
    try:
        for path in pictures:
            progress.say(printable(path))
            count += 1
    finally:
        progress.clear()
    if not count:
        raise ArchiveError(f"{paths[0]} has no rows in that time, so there is nothing to draw")
    return EXIT_OK


def _check_panel_options(settings: QuicklookSettings) -> None:
    """Check options that only one kind of figure has.

    Raises
    ------
    UsageError
        If they do not fit.
    """
    has_panels = settings.panels is not None or settings.index or settings.follow
    if has_panels and settings.show is not None:
        raise UsageError("--show is for a figure with one waterfall; leave it out, or leave out --panels and --index")
    if settings.keep_background and (settings.remove_background or not has_panels):
        raise UsageError("--keep-background is for a figure for publishing, without --remove-background; leave it out")


def _periods(settings: QuicklookSettings) -> list[str]:
    return ["day", "hour"] if settings.per == "both" else [settings.per or "day"]


def _figure_choices(settings: QuicklookSettings) -> "FigureChoices":
    """Return the content of the figures, of no period yet."""
    from sunspec_tui.core.flux_scale import load_flux_scale
    from sunspec_tui.plots.quicklook_figure import FigureChoices

    panels = None if settings.panels is None else parse_panels(settings.panels)
    removes = settings.remove_background or (panels is not None and not settings.keep_background)
    return FigureChoices(
        show=settings.show or "highest",
        remove_background=removes,
        flux_scale=load_flux_scale(settings.flux_scale),
        panels=panels,
    )


def _pictures_of_archive(settings: QuicklookSettings, archive: Path, progress: ProgressLine) -> Iterator[Path]:
    from sunspec_tui.plots.archive_quicklook import default_product
    from sunspec_tui.plots.archive_quicklook import quicklook as pictures

    if (settings.observation, settings.tuning, settings.chan0) != (None, None, None):
        raise UsageError("an archive has one axis; leave out --observation, --tuning and --chan0")
    start_s, end_s = parse_time_range(settings.start, settings.end)
    choices = _figure_choices(settings)
    for per in _periods(settings):
        yield from pictures(
            archive,
            settings.out,
            settings.product or ("XX" if choices.panels is None else default_product(archive)),
            replace(choices, per=per),
            start_s=-math.inf if start_s is None else start_s,
            end_s=math.inf if end_s is None else end_s,
            scheduler=settings.scheduler,
            workers=settings.workers,
            report=progress.update,
        )


def _pictures_of_files(settings: QuicklookSettings, paths: list[Path], progress: ProgressLine) -> Iterator[Path]:
    from sunspec_tui.files.read_limits import RowSelection
    from sunspec_tui.plots.file_quicklook import file_quicklook

    if (settings.scheduler, settings.workers) != (None, None):
        raise UsageError("--scheduler and --workers are for an archive; leave them out with files")
    selection = RowSelection(
        *parse_time_range(settings.start, settings.end), settings.observation, settings.tuning, settings.chan0
    )
    choices = _figure_choices(settings)
    for per in _periods(settings) if settings.per else [None]:
        figures = replace(choices, per=per)
        yield from file_quicklook(paths, settings.out, selection, settings.product, figures, report=progress.update)
