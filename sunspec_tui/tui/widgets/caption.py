"""Text of the caption: the line between spectrum and waterfall.

The caption has product, levels, time span and palette, and beside them the data under the cursor. Pure functions that
convert values to text, so tests need no terminal.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from sunspec_tui.core.background import REMOVED
from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Levels, level_label
from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.picture_values import CellValue, ColumnContent, Readout
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widgets.fitting import LineSegment, fit_segments
from sunspec_tui.tui.widgets.panel_text import duration

_QUALITIES = {
    Quality.SLOWER: "2 pictures/s",
    Quality.SWEEPING: "sweep, 1 picture/s",
    Quality.LOWEST: "sweep, 1 picture in 1.5 s",
}
_NOTE_STYLE = "black on cyan"
# The rank of what stands beside the ruler: it is left out first.
_BESIDE_RULER = 4
CONFIRMED_STYLE = "bold reverse"


def span_text(seconds: float) -> str:
    """Format a time span: ``66 s``, ``2 min 14 s``."""
    return f"{seconds:.0f} s" if 9.95 <= seconds < 99.5 else duration(seconds)


class ShownPicture(NamedTuple):
    """What the waterfall shows, for the caption.

    Attributes
    ----------
    product, band, levels
        Product, frequencies, and levels; None if there are no valid values.
    seconds
        Time span.
    subtracted
        True if the data under the cursor are relative to the background.
    in_pixels
        True if a cell has several columns.
    unit
        Unit of the powers.
    cell_s
        Length of a cell of the timeline; NaN for the ring, whose cells have a number of rows.
    mean_note
        Says that means of long blocks are shown; empty otherwise.
    """

    product: str
    band: FrequencyWindow
    levels: Levels | None
    seconds: float
    subtracted: bool = False
    in_pixels: bool = False
    unit: str = ARBITRARY
    cell_s: float = math.nan
    mean_note: str = ""


def caption_text(
    view: View,
    shown: ShownPicture,
    link: LinkReading,
    *,
    readout: Readout | None = None,
    marked: tuple[str, str] = ("", ""),
    confirmed: str = "",
    ruler: Sequence[LineSegment] = (),
    columns: int = 0,
) -> Text:
    """Return the caption.

    Parameters
    ----------
    view, shown, link
        View, the waterfall's content, and the state of the link to the terminal.
    readout
        Data under the cursor; None without one.
    marked
        Description of the marked interval, and a short one; empty without marks.
    confirmed
        Effect of the last key; empty a few seconds later.
    ruler
        Numbers of the drift ruler, which come first, instead of the view; empty without a ruler.
    columns
        Width of the line in cells; 0 means no limit.
    """
    segments = [LineSegment(f" {confirmed} ", CONFIRMED_STYLE)] if confirmed else []
    segments += _note_segments(link, marked, before_readout=readout is not None)
    if ruler:
        return fit_segments([*ruler, *segments, *_beside_ruler(readout, shown, signed=view.signed)], columns)
    if readout is not None:
        segments += _readout_segments(readout, shown, signed=view.signed)
    segments += _view_segments(view, shown, after_readout=readout is not None)
    if view.sweeping and not link.quality.sweeps:
        segments.append(LineSegment("sweep", "dim", 4, is_item=True))
    return fit_segments(segments, columns)


def _beside_ruler(readout: Readout | None, shown: ShownPicture, *, signed: bool) -> list[LineSegment]:
    """Return the data under the cursor as one segment."""
    if readout is None:
        return []
    text = "".join(segment.text for segment in _readout_segments(readout, shown, signed=signed))
    return [LineSegment(text, "", _BESIDE_RULER)]


def _note_segments(link: LinkReading, marked: tuple[str, str], *, before_readout: bool) -> list[LineSegment]:
    """Return the marked interval and the state of the link.

    If they do not fit beside a readout, the readout stays, and the state of the link is left out first.
    """
    segments = []
    rank = 1 if before_readout else 0
    if marked[0]:
        segments.append(LineSegment(f" {marked[0]} ", _NOTE_STYLE, rank, f" {marked[1]} "))
        segments.append(LineSegment("E exports ", _NOTE_STYLE, 4))
    if link.quality > Quality.FULL:
        why = "low bandwidth" if link.is_fixed else "slow link"
        segments.append(LineSegment(f" {why}: {_QUALITIES[link.quality]} ", "black on yellow", rank, f" {why} "))
    return segments


def _span_segment(rows: int, shown: ShownPicture) -> LineSegment:
    """Return the time span, and the content of a column.

    In pixels a cell has several columns, so the text gives the rows of a cell.
    """
    span, content = span_text(shown.seconds), "1 row" if rows == 1 else f"{rows} rows"
    if math.isfinite(shown.cell_s):
        span, content = column_text(shown.seconds), column_text(shown.cell_s)
    each = f"{content} a {'cell' if shown.in_pixels else 'column'}"
    return LineSegment(f"{span}, {each}", "dim", 1, span, is_item=True)


def column_text(seconds: float) -> str:
    """Format a time of the timeline: ``0.5 s``, ``12 min``, ``24 h``."""
    if seconds < 99.5:
        return f"{seconds:.3g} s"
    return duration(seconds).removesuffix(" 00 s").removesuffix(" 00 min")


def _view_segments(view: View, shown: ShownPicture, *, after_readout: bool) -> list[LineSegment]:
    """Return product, levels, time span, palette and frequencies.

    After a readout, which names the product, the product is left out.
    """
    unit, levels = _linear_unit(shown) if view.signed else f" {level_unit(shown.unit)}", shown.levels
    low, high = ("–", "–") if levels is None else (level_label(end, levels.span) for end in (levels.low, levels.high))
    how = "manual" if view.levels else "auto" + (f" {view.bias:+.3g}" if view.bias else "")
    scale = f"{low} to {high}{unit}" if levels else "has no valid values here"
    removed = f"{REMOVED}, " if view.subtract else ""
    first = "" if after_readout else f" {shown.product} "
    mhz = f"{shown.band.low_mhz:.1f}–{shown.band.high_mhz:.1f} MHz"
    return [
        LineSegment(
            f"{first}{removed}{scale}{f' {how}' if levels else ''}", "dim", 1, f"{first}{scale}", is_item=after_readout
        ),
        _span_segment(view.rows_per_column, shown),
        *([LineSegment(shown.mean_note, "yellow", 1, is_item=True)] if shown.mean_note else []),
        LineSegment("diverging" if view.signed else view.palette, "dim", 2, is_item=True),
        LineSegment(mhz, "dim", 5 if after_readout else 3, is_item=True),
    ]


def _linear_unit(shown: ShownPicture) -> str:
    """Return the unit after a linear power, unless it is arbitrary."""
    return "" if shown.unit == ARBITRARY else f" {shown.unit}"


def _readout_segments(readout: Readout, shown: ShownPicture, *, signed: bool) -> list[LineSegment]:
    """Return the data under the cursor."""
    segments = [LineSegment(" ▶ ", "bold")]
    if not readout.inside:
        return [*segments, LineSegment("the cursor is outside the picture", "yellow")]
    middle, half = (readout.low_mhz + readout.high_mhz) / 2, (readout.high_mhz - readout.low_mhz) / 2
    segments += [LineSegment(f"{middle:.2f} MHz", "bold"), LineSegment(f" ±{half:.2f}", "", 4)]
    cell = readout.cell
    if cell is not None and cell.content is not ColumnContent.ROWS:
        return [*segments, LineSegment(f"  {_no_rows_text(cell)}", "yellow")]
    segments += _time_parts(readout)
    segments += _power_parts(readout, shown, signed=signed)
    if cell is not None and math.isfinite(cell.block_s):
        segments.append(LineSegment(f"  mean of {column_text(cell.block_s)}", "yellow", 1))
    if cell is not None and cell.missing:
        rows = "1 row is" if cell.missing == 1 else f"{cell.missing} rows are"
        segments.append(LineSegment(f"  {rows} missing here", "yellow", 1, f"  {cell.missing} missing"))
    if cell is not None and cell.restarted:
        segments.append(LineSegment("  the producer restarted here", "red", 1, "  restart"))
    return segments


def _time_parts(readout: Readout) -> list[LineSegment]:
    """Format the middle of the data's time and half its length.

    If the cadence is unknown, only the end is known.
    """
    if not math.isfinite(readout.begin_s):
        return [LineSegment(f"  until {format_clock(readout.end_s, 2)} UTC", "bold")]
    middle_s, half_s = (readout.begin_s + readout.end_s) / 2, (readout.end_s - readout.begin_s) / 2
    clock = format_clock(middle_s, 2)
    return [LineSegment(f"  {clock} UTC", "bold", 0, f" {clock}"), LineSegment(f" ±{half_s:.3g} s", "", 4)]


def _power_parts(readout: Readout, shown: ShownPicture, *, signed: bool) -> list[LineSegment]:
    """Format the measured power, and the drawn value if it differs."""
    power, product, unit = readout.power, shown.product, _linear_unit(shown)
    if not math.isfinite(power):
        return [LineSegment(f"  {product} no valid value", "yellow")]
    if signed:
        measured = f"{power:.4g}{unit}"
    elif power > 0:
        measured = f"{10 * math.log10(power):.2f} {level_unit(shown.unit)}"
    else:
        return [LineSegment(f"  {product} {power:.4g}{unit}, which has no decibels", "yellow")]
    if shown.subtracted and math.isfinite(readout.shown):
        over = f"{product} {readout.shown:+.4g}{unit}" if signed else f"{product} {readout.shown:+.2f} dB"
        words = LineSegment(f"  {over} over background", "", 0, f" {over} over quiet")
        return [words, LineSegment(f" ({measured})", "", 3)]
    linear = [] if signed else [LineSegment(f" ({power:.4g}{unit})", "", 3)]
    return [LineSegment(f"  {product} {measured}", "", 0, f" {product} {measured}"), *linear]


def _no_rows_text(cell: CellValue) -> str:
    if cell.content is ColumnContent.NOT_LOADED:
        return "not loaded: the rows here are not read yet, or cannot be read"
    if cell.content is ColumnContent.BEFORE:
        return "before the first row that is kept"
    before_s, after_s = cell.gap_s
    begin = f" from {format_clock(before_s)}" if math.isfinite(before_s) else ""
    end = f" until {format_clock(after_s)} UTC" if math.isfinite(after_s) else ""
    return f"gap: no rows{begin}{end}"
