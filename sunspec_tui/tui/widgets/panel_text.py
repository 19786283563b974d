"""Text of panels, the status line and the line between pictures.

Pure functions that convert values to text, so tests need no terminal. An unknown number is shown as a dash, never as 0.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from sunspec_tui.core.background import REMOVED
from sunspec_tui.core.levels import Levels, level_label
from sunspec_tui.core.times import format_clock
from sunspec_tui.monitoring.gain_check import GainCheck
from sunspec_tui.monitoring.pipeline_check import SIGNS, WORDS, Fault, PipelineMap
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.stream.message_delay import DelayMethod, DelayReading, DelayStatistics
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.display.waterfall_image import CellValue, ColumnContent, Readout
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality

if TYPE_CHECKING:
    from sunspec_tui.core.memory_usage import MemoryReading

STATE_STYLES = {
    StreamState.CONNECTING: "bold black on yellow",
    StreamState.LIVE: "bold black on green",
    StreamState.STALLED: "bold black on yellow",
}
_SILENT_STYLE = "bold white on red"
_LABEL_WIDTH = 9
_LONG_DELAY_S = 100.0
_MINUTE_WIDTH = 25
_NO_STATISTICS, _NO_GAIN = DelayStatistics(), GainCheck()


def number(value: float | None, unit: str = "", digits: int = 2) -> str:
    """Format a number with its unit; a dash if it is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}{' ' + unit if unit else ''}"


def duration(seconds: float | None) -> str:
    """Format a duration in suitable units.

    Examples: ``0.25 s``, ``3 min 20 s``, ``2 h 05 min``, ``15.1 years``.
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    size = abs(seconds)
    sign = "-" if seconds < 0 else ""
    if size < 99.95:
        return f"{seconds:.2f} s" if size < 9.995 else f"{seconds:.1f} s"
    # Round before dividing: 3599.7 s is an hour, not 59 min and 60 s.
    whole_s, whole_min = round(size), round(size / 60)
    if whole_s < 3600:
        return f"{sign}{whole_s // 60} min {whole_s % 60:02d} s"
    if whole_min < 2 * 1440:
        return f"{sign}{whole_min // 60} h {whole_min % 60:02d} min"
    if size < 2 * 365.25 * 86400:
        return f"{sign}{size / 86400:.0f} days"
    return f"{sign}{size / 365.25 / 86400:.1f} years"


def labelled_lines(*pairs: tuple[str, ...]) -> Text:
    """Return lines of a label and a value.

    A third item of a pair is the style of the value.
    """
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    for i, (label, value, *style) in enumerate(pairs):
        if i:
            text.append("\n")
        text.append(f"{label:<{_LABEL_WIDTH}}", "dim")
        text.append(value, style[0] if style else "")
    return text


def delay_text(delay: DelayReading, data_age_s: float, minute: DelayStatistics = _NO_STATISTICS) -> Text:
    """Return the text of the Delay panel.

    It has the method, the value, the age of the data, a note and the statistics of the last minute.
    """
    method = str(delay.method)
    if delay.used is not delay.method:
        method += f" → {delay.used}"
    note_style = "yellow" if delay.note else ""
    age_style = "yellow" if math.isfinite(data_age_s) and data_age_s < 0 else ""
    lines = [
        ("method", method, note_style),
        ("estimate" if delay.used is DelayMethod.BUFFER else "message", duration(delay.value_s), note_style),
        ("data age", duration(data_age_s), age_style),
    ]
    note = [Text(delay.note, "yellow")] if delay.note else []
    return Text("\n", end="").join(
        [labelled_lines(*lines), *note, labelled_lines(("median", _statistics_text(minute)))]
    )


def _statistics_text(minute: DelayStatistics) -> str:
    """Format the delay statistics of a minute.

    Long delays, of recorded data, hardly change in a minute, so only their median is shown.
    """
    if not abs(minute.max_s) < _LONG_DELAY_S:
        return duration(minute.median_s)
    text = f"{number(minute.median_s)} 95% {number(minute.p95_s)} max {number(minute.max_s)}"
    # If the unit does not fit here, the lines above show it.
    return text + " s" if len(text) + 2 <= _MINUTE_WIDTH else text


def pipeline_lines(pipelines: PipelineMap | None) -> list[Text]:
    """Return a legend and a map of the pipelines.

    The map has a line for each product. The list is empty if no pipeline has a fault.
    """
    faults = None if pipelines is None else pipelines.faults
    if faults is None or not faults.any():
        return []
    lines = [
        Text.assemble((name, "dim"), ("".join(SIGNS[Fault(fault)] for fault in row), "yellow"))
        for name, row in zip(("XX", "YY", "Re", "Im"), faults.tolist(), strict=False)
    ]
    present = [f"{SIGNS[fault]} {word}" for fault, word in WORDS.items() if (faults == fault).any()]
    return [Text(f"pipelines: {', '.join(present)}", "dim"), *lines]


def health_text(
    health: HealthReading,
    link: LinkReading | None = None,
    pipelines: PipelineMap | None = None,
    *,
    chan0: str = "",
    gain: GainCheck = _NO_GAIN,
    notes: Sequence[str] = (),
) -> Text:
    """Return the text of the Health panel.

    It has rate, cadence, losses, links and faults of the data.
    """
    bad = "bold red"
    lines: list[tuple[str, ...]] = [
        ("frames", f"{health.frames_received}, {number(health.rate_hz, '/s')}"),
        ("cadence", number(health.cadence_s, "s", 4)),
        ("missing", "unknown" if health.missing is None else str(health.missing), bad if health.missing else ""),
        ("rejected", str(health.frames_rejected), bad if health.frames_rejected else ""),
    ]
    for cause, count in health.rejected.items():
        lines.append(("", f"{count} {cause.replace('_', ' ')}", bad))
    events = [
        f"{count} {name}{'s' * (count > 1)}"
        for count, name in ((health.restarts, "restart"), (health.repeats, "repeat"), (health.reversals, "reversal"))
        if count
    ]
    if events:
        lines.append(("events", ", ".join(events), "yellow"))
    if chan0:
        lines.append(("chan0", chan0))
    if link is not None:
        lines.extend(link_rows(link))
    lines.append(("link", health.link_words, "" if health.link is LinkState.CONNECTED else "yellow"))
    if gain.change_db:
        lines.append(("level dB", _level_changes(gain), "yellow" if gain.lost else ""))
    lines.append(("queue", f"{health.queue_frames}, max {health.queue_most}"))
    note_lines = [Text(note, "yellow") for note in notes]
    return Text("\n", end="").join([labelled_lines(*lines), *note_lines, *pipeline_lines(pipelines)])


def _level_changes(gain: GainCheck) -> str:
    """Format the quiet level of each product: ``XX -0.1 YY +0.2``.

    The level is in dB above the quiet floor.
    """
    shown = (f"{change_db:+.1f}" if math.isfinite(change_db) else "–" for change_db in gain.change_db)
    return " ".join(f"{name} {value}" for name, value in zip(("XX", "YY"), shown, strict=False))


def _mebibytes(value: float) -> str:
    """Format a size in MiB, short enough for a narrow panel."""
    return number(value, "MiB", 1 if value < 100 else 0)


def memory_text(memory: "MemoryReading") -> Text:
    """Return the text of the Memory panel.

    It has the resident memory, the memory of the ring, and the garbage collections.
    """
    return labelled_lines(
        ("RSS", _mebibytes(memory.rss_mb)),
        ("PSS", _mebibytes(memory.pss_mb)),
        ("ring", number(memory.ring_mb, "MiB", 1)),
        ("gc runs", str(memory.gc_runs)),
        ("gc freed", str(memory.gc_collected)),
        ("gc every", f"{memory.gc_interval} frames" if memory.gc_interval else "off"),
    )


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
    if link.quality is not Quality.FULL:
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


_QUALITIES = {
    Quality.SLOWER: "2 pictures/s",
    Quality.SWEEPING: "sweep, 1 picture/s",
    Quality.LOWEST: "sweep, 1 picture in 1.5 s",
}


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


def link_rows(link: LinkReading) -> tuple[tuple[str, str], ...]:
    """Return the Health panel's line about the link to the terminal."""
    trip = f"{link.round_trip_s * 1e3:.0f}ms" if link.has_replied else "no answer"
    return (("terminal", f"{link.rate_bytes_s / 1e3:.1f} kB/s {trip}"),)


def waiting_text(health: HealthReading, source: str) -> str:
    """Return the text that is shown before the first frame."""
    if health.frames_rejected:
        causes = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in health.rejected.items())
        return f"{source} sends messages, but no frames ({causes})"
    return f"waiting for {source}: {health.link_words}"
