"""Text of the status line and of the line between the pictures.

Pure functions that convert values to text, so tests need no terminal.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from sunspec_tui.core.background import REMOVED
from sunspec_tui.core.levels import Levels, level_label
from sunspec_tui.core.times import format_clock
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.display.waterfall_image import CellValue, ColumnContent, Readout
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widgets.panel_text import duration

STATE_STYLES = {
    StreamState.CONNECTING: "bold black on yellow",
    StreamState.LIVE: "bold black on green",
    StreamState.STALLED: "bold black on yellow",
}
_SILENT_STYLE = "bold white on red"
_QUALITIES = {
    Quality.SLOWER: "2 pictures/s",
    Quality.SWEEPING: "sweep, 1 picture/s",
    Quality.LOWEST: "sweep, 1 picture in 1.5 s",
}


class LineSegment(NamedTuple):
    """Part of a line, with its style and rank.

    If the line is too long, the segments of the highest rank are dropped first. Rank 0 is never dropped.
    """

    text: str
    style: str = ""
    rank: int = 0


def fit_segments(segments: Sequence[LineSegment], columns: int, style: str = "") -> Text:
    """Join the segments that fit on a line.

    `columns` is the width of the line in cells; 0 means no limit.
    """
    kept = list(segments)
    while columns and sum(len(segment.text) for segment in kept) > columns:
        max_rank = max(segment.rank for segment in kept)
        if not max_rank:
            break
        kept.remove([segment for segment in kept if segment.rank == max_rank][-1])
    text = Text(no_wrap=True, overflow="ellipsis", end="", style=style)
    for segment in kept:
        text.append(segment.text, segment.style)
    return text


def status_text(
    health: HealthReading,
    source: str,
    product: str,
    newest_s: float,
    data_age_s: float,
    *,
    paused_s: float | None = None,
    alarms: Sequence[str] = (),
    warnings: Sequence[str] = (),
    columns: int = 0,
) -> Text:
    """Return the status line.

    It has the state, the stream, the product, the time of the newest row, its age, and losses.

    Parameters
    ----------
    health, source, product
        State of the stream, its name, and the product shown.
    newest_s, data_age_s
        Time of the newest row in Unix seconds, and its age.
    paused_s
        Time at which the picture is paused; None if it is live.
    alarms
        Reasons why there is no picture of the Sun.
    warnings
        Descriptions of wrong data.
    columns
        Width of the line in cells; 0 means no limit.
    """
    segments = [
        LineSegment(f" {health.state.upper()} ", _SILENT_STYLE if health.is_silent else STATE_STYLES[health.state])
    ]
    segments += [LineSegment(f" {alarm} ", _SILENT_STYLE) for alarm in alarms]
    if paused_s is not None:
        segments.append(LineSegment(f" PAUSED {format_clock(paused_s)} ", "bold black on cyan"))
        segments.append(LineSegment("end goes live ", "black on cyan", 6))
    stalled = health.state is StreamState.STALLED
    if stalled:
        segments.append(
            LineSegment(f" silent for {duration(health.silence_s)} ", "bold red" if health.is_silent else "yellow")
        )
    segments.append(LineSegment(f"  {source}", rank=7))
    segments.append(LineSegment(f"  {product}", rank=3))
    segments.append(LineSegment(f"  data {format_clock(newest_s)} UTC", rank=2))
    segments.append(LineSegment(f"  age {duration(data_age_s)}", rank=5 if stalled else 2))
    if health.link is not LinkState.CONNECTED:
        segments.append(LineSegment(f"  {health.link_words}", "yellow", 1))
    for what, count in (("lost", health.missing), ("rejected", health.frames_rejected)):
        if count:
            segments.append(LineSegment(f"  {what} {count}", "bold red", 1))
    segments += [LineSegment(f"  {warning}", "yellow", 1) for warning in warnings]
    return fit_segments(segments, columns)


def view_text(
    view: View,
    product: str,
    band: FrequencyWindow,
    levels: Levels | None,
    seconds: float,
    link: LinkReading,
    *,
    marked: str = "",
    columns: int = 0,
) -> Text:
    """Return the line between the pictures, without a cursor.

    It has product, levels, frequencies, time span and palette.

    Parameters
    ----------
    view, product, band, levels
        View, and the product, frequencies and levels that the waterfall shows.
    seconds
        Time span of the waterfall.
    link
        State of the link to the terminal.
    marked
        Description of the marked interval; empty without marks.
    columns
        Width of the line in cells; 0 means no limit.
    """
    unit = "" if view.signed else " dB"
    low, high = ("–", "–") if levels is None else (level_label(end, levels.span) for end in (levels.low, levels.high))
    how = "manual" if view.levels else "auto" + (f" {view.bias:+.3g}" if view.bias else "")
    each = "1 row" if view.rows_per_column == 1 else f"{view.rows_per_column} rows"
    segments = []
    if link.quality > Quality.FULL:
        why = "low bandwidth" if link.is_fixed else "slow link"
        segments.append(LineSegment(f" {why}: {_QUALITIES[link.quality]} ", "black on yellow"))
    if marked:
        segments += [LineSegment(f" {marked} ", "black on cyan"), LineSegment("E exports ", "black on cyan", 5)]
    scale = f"{low} to {high}{unit} {how}" if levels else "has no valid values here"
    segments += [
        LineSegment(f" {product}{f', {REMOVED},' if view.subtract else ''} {scale}", "dim"),
        LineSegment(f" · {band.low_mhz:.1f}–{band.high_mhz:.1f} MHz", "dim", 2),
        LineSegment(f" · {each} a column, {duration(seconds)}", "dim", 1),
        LineSegment(f" · {'diverging' if view.signed else view.palette}", "dim", 3),
    ]
    if view.sweeping and not link.quality.sweeps:
        segments.append(LineSegment(" · sweep", "dim", 4))
    return fit_segments(segments, columns)


def readout_text(readout: Readout, product: str, *, signed: bool, subtracted: bool, columns: int = 0) -> Text:
    """Return the line between the pictures for the data under the cursor.

    With `subtracted` the waterfall shows powers above the quiet background.
    """
    segments = [LineSegment(" ▶ ", "bold")]
    if not readout.inside:
        return fit_segments([*segments, LineSegment("the cursor is outside the picture", "yellow")], columns)
    middle, half = (readout.low_mhz + readout.high_mhz) / 2, (readout.high_mhz - readout.low_mhz) / 2
    segments += [LineSegment(f"{middle:.2f} MHz", "bold"), LineSegment(f" ±{half:.2f}", "", 4)]
    cell = readout.cell
    if cell is not None and cell.content is not ColumnContent.ROWS:
        return fit_segments([*segments, LineSegment(f"  {_no_rows_text(cell)}", "yellow")], columns)
    segments += _time_parts(readout)
    segments += _power_parts(readout, product, signed=signed, subtracted=subtracted)
    if cell is not None and cell.missing:
        rows = "1 row is" if cell.missing == 1 else f"{cell.missing} rows are"
        segments.append(LineSegment(f"  {rows} missing here", "yellow", 2))
    if cell is not None and cell.restarted:
        segments.append(LineSegment("  the producer restarted here", "red", 1))
    return fit_segments(segments, columns)


def _time_parts(readout: Readout) -> list[LineSegment]:
    """Format the middle of the data's time and half its length.

    If the cadence is unknown, only the end is known.
    """
    if not math.isfinite(readout.begin_s):
        return [LineSegment(f"  until {format_clock(readout.end_s, 2)} UTC", "bold")]
    middle_s, half_s = (readout.begin_s + readout.end_s) / 2, (readout.end_s - readout.begin_s) / 2
    return [LineSegment(f"  {format_clock(middle_s, 2)} UTC", "bold"), LineSegment(f" ±{half_s:.3g} s", "", 4)]


def _power_parts(readout: Readout, product: str, *, signed: bool, subtracted: bool) -> list[LineSegment]:
    """Format the measured power, and the drawn value if it differs."""
    power = readout.power
    if not math.isfinite(power):
        return [LineSegment(f"  {product} no valid value", "yellow")]
    if signed:
        measured = f"{power:.4g}"
    elif power > 0:
        measured = f"{10 * math.log10(power):.2f} dB"
    else:
        return [LineSegment(f"  {product} {power:.4g}, which has no decibels", "yellow")]
    if subtracted and math.isfinite(readout.shown):
        over = f"{readout.shown:+.4g}" if signed else f"{readout.shown:+.2f} dB"
        return [LineSegment(f"  {product} {over} over background"), LineSegment(f" ({measured})", "", 3)]
    return [LineSegment(f"  {product} {measured}"), *([] if signed else [LineSegment(f" ({power:.4g})", "", 3)])]


def _no_rows_text(cell: CellValue) -> str:
    if cell.content is ColumnContent.BEFORE:
        return "before the first row that is kept"
    before_s, after_s = cell.gap_s
    begin = f" from {format_clock(before_s)}" if math.isfinite(before_s) else ""
    end = f" until {format_clock(after_s)} UTC" if math.isfinite(after_s) else ""
    return f"gap: no rows{begin}{end}"
