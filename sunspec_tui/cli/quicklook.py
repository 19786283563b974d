"""Command ``sunspec-tui quicklook``: draw overview pictures of an archive or files."""

import math
from collections.abc import Iterator
from pathlib import Path

from sunspec_tui.cli.probe import Say
from sunspec_tui.core.errors import ArchiveError, UsageError
from sunspec_tui.core.exit_status import EXIT_OK
from sunspec_tui.core.printable import printable
from sunspec_tui.core.settings import QuicklookSettings
from sunspec_tui.core.times import parse_time_range


def run(settings: QuicklookSettings, say: Say) -> int:
    """Draw an archive or files; print the path of each picture.

    There is one picture for each day or hour of an archive.
    """
    from sunspec_tui.files.archive.reader import is_archive
    from sunspec_tui.files.input_paths import input_paths

    # Check the times before reading.
    parse_time_range(settings.start, settings.end)
    paths = input_paths(settings.paths)
    archive = paths[0] if len(paths) == 1 and is_archive(paths[0]) else None
    count = 0
    for path in _pictures_of_files(settings, paths) if archive is None else _pictures_of_archive(settings, archive):
        say(printable(path))
        count += 1
    if not count:
        raise ArchiveError(f"{paths[0]} has no rows in that time, so there is nothing to draw")
    return EXIT_OK


def _pictures_of_archive(settings: QuicklookSettings, archive: Path) -> Iterator[Path]:
    from sunspec_tui.core.flux_scale import load_flux_scale
    from sunspec_tui.plots.archive_quicklook import quicklook as pictures

    if (settings.observation, settings.tuning, settings.chan0) != (None, None, None):
        raise UsageError("an archive has one axis; leave out --observation, --tuning and --chan0")
    start_s, end_s = parse_time_range(settings.start, settings.end)
    return pictures(
        archive,
        settings.out,
        product=settings.product or "XX",
        per=settings.per or "day",
        show=settings.show,
        remove_background=settings.remove_background,
        flux_scale=load_flux_scale(settings.flux_scale),
        start_s=-math.inf if start_s is None else start_s,
        end_s=math.inf if end_s is None else end_s,
        scheduler=settings.scheduler,
        workers=settings.workers,
    )


def _pictures_of_files(settings: QuicklookSettings, paths: list[Path]) -> Iterator[Path]:
    from sunspec_tui.core.flux_scale import load_flux_scale
    from sunspec_tui.files.read_limits import RowSelection
    from sunspec_tui.plots.file_quicklook import file_quicklook

    if (settings.scheduler, settings.workers) != (None, None):
        raise UsageError("--scheduler and --workers are for an archive; leave them out with files")
    selection = RowSelection(
        *parse_time_range(settings.start, settings.end), settings.observation, settings.tuning, settings.chan0
    )
    return file_quicklook(
        paths,
        settings.out,
        selection,
        product=settings.product,
        per=settings.per,
        show=settings.show,
        remove_background=settings.remove_background,
        flux_scale=load_flux_scale(settings.flux_scale),
    )
