"""Command ``sunspec-tui bursts``: find the bursts of an archive or of files."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say
from sunspec_tui.cli.progress_line import ProgressLine
from sunspec_tui.core.burst_settings import BurstsSettings
from sunspec_tui.core.errors import SourceError, UsageError
from sunspec_tui.core.exit_status import EXIT_OK
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import parse_time_range

if TYPE_CHECKING:
    from sunspec_tui.monitoring.burst_search import SearchResult
    from sunspec_tui.monitoring.burst_series import Covered

log = logging.getLogger(__name__)

_MAX_FAILURE = 150


def run(settings: BurstsSettings, say: Say) -> int:
    """Print the bursts of an archive or of files.

    Write their table, and compare them with a list, if the settings ask for it.

    Raises
    ------
    SourceError
        If rows cannot be read; parts that can be read are printed first.
    """
    from sunspec_tui.cli.burst_text import burst_lines, comparison_lines, counts_text
    from sunspec_tui.files.burst_table import check_table_path, write_burst_table
    from sunspec_tui.files.radio_reports import read_radio_reports

    # Check the options before the search, which may take minutes.
    if settings.out is not None:
        check_table_path(settings.out)
    reports = None if settings.against is None else read_radio_reports(settings.against)
    found = _found(settings, say)
    _warn_of_other_bands(found.covered)
    bursts = found.bursts
    for line in burst_lines(bursts) if bursts else ():
        say(line)
    if reports is not None:
        from sunspec_tui.monitoring.burst_comparison import compare

        for line in comparison_lines(compare(reports, found.series), printable_name(settings.against)):
            say(line)
    if settings.out is not None:
        write_burst_table(bursts, settings.out)
    written = "" if settings.out is None else f"; written to {printable(settings.out)}"
    say(f"{counts_text(bursts)}{written}")
    if found.failures:
        first = printable(found.failures[0], _MAX_FAILURE)
        count = len(found.failures)
        raise SourceError(f"{count} part{'s' * (count != 1)} could not be searched, the first: {first}")
    return EXIT_OK


def _found(settings: BurstsSettings, say: Say) -> "SearchResult":
    """Search the inputs, with progress on standard error."""
    from sunspec_tui.files.input_paths import input_paths, is_archive_of_stores
    from sunspec_tui.files.read_limits import RowSelection
    from sunspec_tui.monitoring import burst_finder
    from sunspec_tui.monitoring.burst_search import search

    start_s, end_s = parse_time_range(settings.start, settings.end)
    paths = input_paths(settings.paths)
    chosen = (settings.observation, settings.tuning, settings.chan0)
    if chosen != (None, None, None) and is_archive_of_stores(paths[0]):
        raise UsageError("an archive has one axis; leave out --observation, --tuning and --chan0")
    opening, progress = ProgressLine(say, "files opened"), ProgressLine(say, "parts searched")
    try:
        return search(
            paths,
            burst_finder.usual_finder(),
            RowSelection(start_s, end_s, *chosen),
            scheduler=settings.scheduler,
            workers=settings.workers,
            opening=opening.update,
            report=progress.update,
        )
    finally:
        opening.clear()
        progress.clear()


def _warn_of_other_bands(covered: Iterable["Covered"]) -> None:
    """Log a warning about rows that have no frequency of the search."""
    from sunspec_tui.bursts.cells import MAX_MHZ, MIN_MHZ

    names = sorted({each.name for each in covered if each.high_mhz < MIN_MHZ or each.low_mhz > MAX_MHZ})
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        words = "%s%s: no frequency lies between %g and %g MHz, so there is nothing to search"
        log.warning(words, printable_name(names[0]), more, MIN_MHZ, MAX_MHZ)
