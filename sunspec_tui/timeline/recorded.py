"""Open recorded files or an archive as a timeline to show."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.errors import SourceError, SunspecError
from sunspec_tui.core.flux_scale import ARBITRARY, SFU, FluxScale
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.timeline_source import TimelineSource
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.files.file_index import IndexedFile, Progress
from sunspec_tui.files.file_timeline import FileTimeline
from sunspec_tui.files.input_paths import is_archive_of_stores
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.timeline.scaled_archive import ScaledArchive
from sunspec_tui.timeline.timeline import StoredTimeline, Timeline

DAY_S = 86_400.0


class RecordedSection(NamedTuple):
    """A file, or a day of an archive.

    Attributes
    ----------
    name, station
        Its name, and its station if the file has one.
    begin_s, end_s
        Begin and end of its rows, seconds since 1970 UTC.
    """

    name: str
    station: str
    begin_s: float
    end_s: float


class RecordedTimeline(NamedTuple):
    """Timeline of files or of an archive.

    Attributes
    ----------
    source
        The timeline.
    name
        What it is made of, such as ``4 files``.
    sections
        Returns its files or days, in the order of time.
    refresh
        Reads new rows; returns True if there are some. It may read a disk.
    unit
        Unit of the powers.
    station_at
        Returns the station of the rows at a time; empty if it is not known. It may read a disk.
    """

    source: TimelineSource
    name: str
    sections: Callable[[], tuple[RecordedSection, ...]]
    refresh: Callable[[], bool]
    unit: str
    station_at: Callable[[float], str]


def open_timeline(
    paths: Sequence[Path],
    selection: RowSelection,
    progress: Progress | None = None,
    scale: FluxScale | None = None,
) -> RecordedTimeline:
    """Open files, or one archive.

    Parameters
    ----------
    paths
        As `input_paths` returns them.
    selection
        The parts of each file.
    progress
        Called with the number of indexed files, and of all.
    scale
        Flux scale for the powers; None for powers as they are.

    Raises
    ------
    SourceError
        If nothing can be read.
    UsageError
        If powers in sfu would be scaled again.
    """
    if len(paths) == 1 and is_archive_of_stores(paths[0]):
        return _archive_timeline(paths[0], scale)
    files = FileTimeline(paths, selection, progress, scale)
    count = len(files.files)
    name = printable_name(files.files[0].path.name) if count == 1 else f"{count} files"

    def sections() -> tuple[RecordedSection, ...]:
        return tuple(map(_section_of_file, files.files))

    def station_at(time_s: float) -> str:
        return next((each.station for each in reversed(sections()) if each.begin_s <= time_s), "")

    return RecordedTimeline(files, name, sections, files.refresh, files.unit, station_at)


def _archive_timeline(path: Path, scale: FluxScale | None) -> RecordedTimeline:
    """Return the timeline of an archive, without a ring.

    An archive has powers as received, also if its monitor showed them in sfu.
    """
    archive = ArchiveBlocks(path)
    scaled: StoredTimeline = archive if scale is None else ScaledArchive(archive, scale)
    timeline = Timeline(tuple, lambda *_: None, scaled)
    timeline.update()
    if timeline.extent() is None:
        raise SourceError(f"{printable_name(path)} has no rows that can be read, so there is nothing to show")

    found = [archive.day_begins_s()]

    def days() -> tuple[RecordedSection, ...]:
        return sections_of_days(timeline, found[0])

    def refresh() -> bool:
        before = timeline.extent()
        timeline.update()
        # A problem of the archive has been reported by the update.
        with suppress(SunspecError):
            found[0] = archive.day_begins_s()
        return timeline.extent() != before

    unit = ARBITRARY if scale is None else SFU
    return RecordedTimeline(timeline, f"archive {printable_name(path.name)}", days, refresh, unit, archive.station_at)


def _section_of_file(file: IndexedFile) -> RecordedSection:
    station = file.source[0]
    return RecordedSection(printable_name(file.path.name), station, file.begin_us / 1e6, file.end_us / 1e6)


def sections_of_days(source: TimelineSource, begins_s: Sequence[float]) -> tuple[RecordedSection, ...]:
    """Return the sections of days that have stores, given their begins.

    A day without them is left out: a single row with a wrong time may lie years away from the others.
    """
    extent = source.extent()
    if extent is None:
        return ()
    return tuple(
        RecordedSection(
            format_date_and_clock(begin_s)[:10], "", max(extent.begin_s, begin_s), min(extent.end_s, begin_s + DAY_S)
        )
        for begin_s in begins_s
        if begin_s < extent.end_s and begin_s + DAY_S > extent.begin_s
    )
