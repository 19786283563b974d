"""Checks and words for an export of a timeline's rows."""

from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.memory_budgets import MAX_EXPORT_BYTES
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.timeline_source import TimelineAxis, TimelineSource
from sunspec_tui.core.times import clock_of_day

_FLOAT_NBYTES, _MAX_WIRE_PRODUCTS = 4, 4


def rows_to_export(timeline: TimelineSource, begin_s: float, end_s: float) -> Recording:
    """Return the rows of a timeline between two times.

    Raises
    ------
    ExportError
        If there are too many rows for one file, or no row is known.
    """
    extent, axis = timeline.extent(), timeline.axis()
    if extent is None or axis is None:
        raise ExportError("nothing has been received yet, there is nothing to export")
    check_export_size(axis, extent.cadence_s, begin_s, end_s)
    rows = timeline.recording(begin_s, end_s)
    if rows is None:
        raise ExportError("only means are known of this interval, no rows; mark a later interval")
    return rows


def check_export_size(axis: TimelineAxis, cadence_s: float, begin_s: float, end_s: float) -> None:
    """Check that the rows between two times fit into one file.

    Raises
    ------
    ExportError
        If they do not.
    """
    if not cadence_s > 0:
        return
    row_nbytes = len(axis.frequencies_hz) * min(len(axis.products), _MAX_WIRE_PRODUCTS) * _FLOAT_NBYTES
    longest_s = MAX_EXPORT_BYTES / row_nbytes * cadence_s
    if end_s - begin_s > longest_s:
        raise ExportError(
            f"{(end_s - begin_s) / 3600:.1f} h are too long for one file; mark at most {longest_s / 3600:.1f} h"
        )


def unknown_rows_text(rows: Recording, begin_s: float, end_s: float) -> str:
    """Return which end of an interval has no known rows.

    The text is empty if both ends have rows.
    """
    first_s, last_s = float(rows.times_s[0]), float(rows.times_s[-1])
    missing_s = 2 * rows.cadence_s if rows.cadence_s > 0 else 0.0
    words = []
    if first_s - begin_s > missing_s:
        words.append(f"none known before {clock_of_day(first_s, end_s)}")
    if end_s - last_s > missing_s:
        words.append(f"none known after {clock_of_day(last_s, end_s)}")
    return "".join(f", {each}" for each in words)
