"""Text of the Plots panel (plots, archive, web view) and of exports.

Pure functions that convert values to text, as in `panel_text`.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from sunspec_tui.core.times import clock_of_day, format_clock, format_iso
from sunspec_tui.files.archive.status import ArchiveState, ArchiveStatus
from sunspec_tui.monitoring.web_status import WebState, WebStatus
from sunspec_tui.tui.widgets.panel_text import duration, labelled_lines

if TYPE_CHECKING:
    from sunspec_tui.plots.job import PlotStatus
    from sunspec_tui.tui.display.view_state import Interval

_NOT_IN_NAME = r"[^\w.-]+"
_COMPACT_TIME = str.maketrans({"-": None, ":": None, "T": "_"})


def export_name(station: str, interval: "Interval") -> str:
    """Return the file name that is proposed for an export."""
    begin = format_iso(interval.begin_s).translate(_COMPACT_TIME)[:15]
    return f"{re.sub(_NOT_IN_NAME, '_', station)}_{begin}.fits"


def byte_text(nbytes: float) -> str:
    """Format a number of bytes with a suitable unit."""
    for unit, bound in (("kB", 1e6), ("MB", 1e9), ("GB", 1e12)):
        if nbytes < bound:
            return f"{nbytes / bound * 1e3:.3g} {unit}"
    return f"{nbytes / 1e12:.3g} TB"


def archive_rows(archive: ArchiveStatus) -> list[tuple[str, ...]]:
    """Return the Plots panel's lines about the archive.

    The list is empty if the archive is off.
    """
    if archive.state is ArchiveState.OFF:
        return []
    failing, missed = archive.state is ArchiveState.FAILING, archive.rows_missed
    rows = f", {archive.rows_written} row{'s' * (archive.rows_written != 1)}" if archive.rows_written else ""
    lines: list[tuple[str, ...]] = [("archive", f"{archive.state}{rows}", "bold red" if failing else "")]
    if failing and archive.rows_waiting:
        lines.append(("waiting", f"{archive.rows_waiting} rows", "bold red"))
    if missed:
        lines.append(("lost", str(missed), "bold red"))
    if archive.free_bytes is not None:
        lines.append(("free", byte_text(archive.free_bytes)))
    return lines


def web_rows(web: WebStatus) -> list[tuple[str, ...]]:
    """Return the Plots panel's lines about the web view.

    The list is empty if the web view is off.
    """
    if web.state is WebState.OFF:
        return []
    if web.state is WebState.FAILED:
        return [("web", str(web.state), "bold red")]
    lines: list[tuple[str, ...]] = [("web", f"{web.viewers} {'viewer' if web.viewers == 1 else 'viewers'}")]
    if web.rows_skipped or web.dropped:
        lines.append(("slow", f"{web.rows_skipped} rows skipped, {web.dropped} dropped"))
    return lines


def plots_text(plots: "PlotStatus", archive: ArchiveStatus, web: WebStatus | None = None) -> Text:
    """Return the text of the Plots panel: plots, archive and web view."""
    web = web or WebStatus()
    interval = f"every {plots.interval_s:g} s" if plots.interval_s else "off"
    last = f"{format_clock(plots.last_time_s)} UTC" if plots.last_time_s is not None else "–"
    counts = f"{plots.written}, {plots.failed} failed" if plots.failed else str(plots.written)
    # The line is red only if the last plot failed; earlier failures are counted.
    lines = [
        ("interval", interval + (", drawing" if plots.busy else "")),
        ("written", counts, "bold red" if plots.last_error else ""),
        ("last", last),
    ]
    if plots.kept is not None and plots.kept_bytes is not None:
        lines.append(("kept", f"{plots.kept}, {byte_text(plots.kept_bytes)}"))
    lines += archive_rows(archive)
    lines += web_rows(web)
    text = labelled_lines(*lines)
    if plots.last_path and not plots.last_error:
        text.append(f"\n{Path(plots.last_path).name}", "dim")
    if web.url:
        text.append(f"\n{web.url}", "dim")
    for problem in filter(None, (plots.last_error, archive.problem, web.problem)):
        text.append(f"\n{problem}", "bold red")
    if plots.note:
        text.append(f"\n{plots.note}", "yellow")
    return text


NO_MARKED_ROWS = "no rows are kept between the marks"
"""Text about marks whose rows have left the ring, or between which no row was received."""


def short_interval_text(interval: "Interval") -> str:
    """Describe the rows of an interval without their times."""
    if not interval.in_ring:
        return _length_text(interval)
    lost = f", {interval.lost_rows} lost" if interval.lost_rows else ""
    return f"{_rows_text(interval)}{lost}"


def interval_text(interval: "Interval") -> str:
    """Describe the rows of an interval, their times, and lost rows."""
    times = f"{clock_of_day(interval.begin_s, interval.end_s)} to {format_clock(interval.end_s)} UTC"
    if not interval.in_ring:
        return f"{_length_text(interval)}, {times}"
    if not interval.lost_rows:
        return f"{_rows_text(interval)}, {times}"
    lost = "1 row before them has" if interval.lost_rows == 1 else f"{interval.lost_rows} rows before them have"
    return f"{_rows_text(interval)}, {times}; {lost} left the ring"


def _length_text(interval: "Interval") -> str:
    """Describe an interval of the timeline, without a number of rows."""
    length = duration(interval.end_s - interval.begin_s)
    return f"{length} {'marked' if interval.marked else 'in the picture'}"


def _rows_text(interval: "Interval") -> str:
    count = interval.stop - interval.start
    rows = "1 row" if count == 1 else f"{count} rows"
    return f"{rows} {'marked' if interval.marked else 'in the picture'}"
