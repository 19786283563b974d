"""Command ``sunspec-tui summary``: print the summary of an observing day.

It reads the archive, the event logs and the quick-looks that the options name, the observers' notes beside the archive,
and the counts that this user's monitor has saved.
"""

import json
import re
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say
from sunspec_tui.core.day_settings import SummarySettings
from sunspec_tui.core.errors import SourceError, SunspecError, error_text
from sunspec_tui.core.exit_status import EXIT_OK
from sunspec_tui.core.observing_day import ObservingDay, day_name_at, observing_day
from sunspec_tui.core.printable import printable, printable_values
from sunspec_tui.core.state_files import state_directory
from sunspec_tui.core.times import format_date, format_date_and_clock

if TYPE_CHECKING:
    from sunspec_tui.core.bursts import BurstList
    from sunspec_tui.core.notes import Note
    from sunspec_tui.monitoring.day_counts import DayCounts
    from sunspec_tui.monitoring.day_summary import DaySummary

_DAYS_BACK = {"today": 0, "yesterday": 1}
_MAX_PICTURES = 20
# Further frequency axes of a day have a number of one digit, and hours have two digits.
_PICTURE_OF_DAY = re.compile(r"quicklook_\d{8}(_\d)?\.png")


class NoDataError(SunspecError):
    """Nothing was recorded on a day, or nothing is known of it."""


def run(settings: SummarySettings, say: Say) -> int:
    """Print the summary of a day.

    Raises
    ------
    NoDataError
        If no data of the day are known. Everything else that is known is printed first.
    """
    now_s = time.time()
    day = observing_day(_day_name(settings, now_s), settings.site)
    if day.begin_s > now_s:
        begin = format_date_and_clock(day.begin_s)
        raise NoDataError(f"the day {day.name} has not begun: it begins at {begin} UTC; choose an earlier one")
    summary = gather(settings, day, now_s)
    is_known = summary.has_data or summary.counts or summary.notes or (summary.events and summary.events.counts)
    if is_known:
        say(_text(summary, as_json=settings.json))
    if not summary.has_data:
        raise NoDataError(_no_data(settings, day))
    return EXIT_OK


def gather(settings: SummarySettings, day: ObservingDay, now_s: float) -> "DaySummary":
    """Read all that is known of a day."""
    from sunspec_tui.files.archive.day_rows import archived_rows
    from sunspec_tui.monitoring.day_events import read_day_events
    from sunspec_tui.monitoring.day_summary import DaySummary

    archive = settings.archive
    archived = None if archive is None else archived_rows(archive, day.begin_s, day.end_s)
    events = read_day_events(settings.event_logs, day) if settings.event_logs else None
    counts = _all_counts(day)
    for source, logged in ({} if events is None else events.summaries).items():
        counts.setdefault(source, logged)
    source = _chosen(settings, counts)
    remarks = [] if events is None else list(events.remarks)
    if events is not None and events.unreadable:
        remarks.append(f"{events.unreadable} lines of the event log could not be read")
    others = sorted(set(counts) - {source})
    remarks += [f"the monitor also watched {', '.join(others)}; choose one with --stream"] if others else []
    notes = _notes(archive, day, remarks)
    return DaySummary(
        day, settings.site, min(now_s, day.end_s), counts.get(source), source, archive, archived, events,
        notes, _pictures(settings.quicklooks, day), remarks, _bursts(archive, day, remarks),
    )  # fmt: skip


def _day_name(settings: SummarySettings, now_s: float) -> str:
    """Return the date of the day that the user has named."""
    back = _DAYS_BACK.get(settings.day.strip().lower())
    if back is None:
        return settings.day
    return (date.fromisoformat(day_name_at(now_s, settings.site)) - timedelta(days=back)).isoformat()


def _text(summary: "DaySummary", *, as_json: bool) -> str:
    from sunspec_tui.monitoring.day_report import report
    from sunspec_tui.monitoring.day_summary import summary_record

    # Several lines, because a line of output is limited in length.
    return json.dumps(printable_values(summary_record(summary)), indent=1) if as_json else report(summary)


def _no_data(settings: SummarySettings, day: ObservingDay) -> str:
    """Return the reason why a day has no data."""
    if settings.archive is None and not settings.event_logs:
        return f"no data of {day.name} are known: name the archive with --archive, or the event log with --event-log"
    named = [settings.archive] if settings.archive is not None else []
    where = ", ".join(printable(path) for path in [*named, *settings.event_logs])
    return f"there are no data of {day.name} in {where}; choose another day, --archive or --event-log"


def _all_counts(day: ObservingDay) -> "dict[str, DayCounts]":
    """Return the saved counts of a day for each stream."""
    from sunspec_tui.monitoring.day_count_files import saved_counts

    directory = state_directory()
    return {} if directory is None else dict(saved_counts(directory, day.name))


def _chosen(settings: SummarySettings, counts: "dict[str, DayCounts]") -> str:
    """Return the stream whose counts are shown; empty if there is none."""
    if settings.stream is not None:
        return printable(settings.stream)
    return max(counts, key=lambda source: counts[source].totals.frames, default="")


def _notes(archive: Path | None, day: ObservingDay, remarks: list[str]) -> "list[Note]":
    """Return the observers' notes of a day beside the archive."""
    from sunspec_tui.files.notes import NOTES_NAME, NoteReader

    if archive is None:
        return []
    reader = NoteReader(archive / NOTES_NAME)
    try:
        reader.refresh()
    except OSError as error:
        remarks.append(f"the notes cannot be read: {error.strerror or error}")
    return list(reader.notes.between(day.begin_s, day.end_s))


def _bursts(archive: Path | None, day: ObservingDay, remarks: list[str]) -> "BurstList | None":
    """Return the bursts in the day's tables; None without a table.

    Without one, the counts of the monitor or of the event log are shown.
    """
    from sunspec_tui.core.bursts import Burst, BurstList
    from sunspec_tui.files.burst_days import day_table
    from sunspec_tui.files.burst_table import read_burst_table

    if archive is None:
        return None
    dates = sorted({format_date(time_s) for time_s in (day.begin_s, day.end_s)})
    paths = [path for date in dates if (path := day_table(archive, date)).exists()]
    if not paths:
        return None
    found: list[Burst] = []
    for path in paths:
        try:
            found += read_burst_table(path)
        except (OSError, SourceError) as error:
            remarks.append(f"the bursts cannot be read: {error_text(error)}")
    return BurstList(BurstList(found).between(day.begin_s, day.end_s))


def _pictures(directory: Path, day: ObservingDay) -> list[Path]:
    """Return the quick-looks of the UTC days that the day touches.

    Those of hours are returned if there are none of whole days.
    """
    dates = sorted({format_date_and_clock(time_s)[:10].replace("-", "") for time_s in (day.begin_s, day.end_s)})
    found: list[Path] = []
    with suppress(OSError):
        found = [path for each in dates for path in sorted(directory.glob(f"quicklook_{each}*.png"))]
    of_days = [path for path in found if _PICTURE_OF_DAY.fullmatch(path.name)]
    return (of_days or found)[:_MAX_PICTURES]
