"""Fit texts into a width, and lines into a height.

No word is cut. A text without room is left out as a whole, and a mark shows this.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Span, Text

CONSOLE = Console(width=400, color_system=None, force_terminal=False)
SEPARATOR = " · "
LABEL_WIDTH = 9
LABEL_STYLE = "dim"
_MIN_EXPENDABLE_RANK = 3
_WARNING_COLOURS = ("red", "yellow")


class LineSegment(NamedTuple):
    """Part of a line, with its style and rank.

    If the line is too long, the segments of rank 3 and more are left out first, the highest rank before the others.
    Then words are shortened, and then the segments of ranks 2 and 1 are left out. Rank 0 stays.

    Attributes
    ----------
    text, style, rank
        Text of the part, its style, and its rank.
    short
        Shorter words for the same; None if there are none.
    is_item
        True for an item of a list: a separator stands before it.
    """

    text: str
    style: str = ""
    rank: int = 0
    short: str | None = None
    is_item: bool = False


def fit_segments(segments: Sequence[LineSegment], columns: int, style: str = "", more: Sequence[str] = ()) -> Text:
    """Join the segments that fit on a line.

    Parameters
    ----------
    segments
        Parts of the line.
    columns
        Width of the line in cells; 0 means no limit.
    style
        Style of the whole line.
    more
        Texts for the end if a segment of a rank below 3 is left out, the best first; ``{}`` is their number.
    """
    kept = _fitted(list(segments), columns, more) if columns else list(segments)
    text = Text(no_wrap=True, overflow="ellipsis", end="", style=style)
    for segment in kept:
        if segment.is_item:
            text.append(SEPARATOR, segment.style if segment.style == "dim" else "")
        text.append(segment.text, segment.style)
    return text


def _fitted(segments: list[LineSegment], columns: int, more: Sequence[str]) -> list[LineSegment]:
    """Leave out expendable segments, shorten others, then leave out more."""
    complete = _shortened(_without_last(segments, columns, _MIN_EXPENDABLE_RANK), columns)
    kept = _without_last(complete, columns)
    if len(kept) == len(complete):
        return kept
    for words in more:
        kept = _without_last(complete, columns - len(SEPARATOR + words))
        left_out = len(complete) - len(kept)
        note = LineSegment(words.format(left_out), is_item=True)
        if _length([*kept, note]) <= columns:
            return [*kept, note]
    return _without_last(complete, columns)


def _length(segments: Sequence[LineSegment]) -> int:
    return sum(len(segment.text) + len(SEPARATOR) * segment.is_item for segment in segments)


def _shortened(segments: list[LineSegment], columns: int) -> list[LineSegment]:
    """Use short words until the line fits, first for the highest rank."""
    found = list(segments)
    for i in sorted(range(len(found)), key=lambda i: (-found[i].rank, -i)):
        if _length(found) <= columns:
            break
        short = found[i].short
        if short is not None:
            found[i] = found[i]._replace(text=short)
    return found


def _without_last(segments: list[LineSegment], columns: int, min_rank: int = 1) -> list[LineSegment]:
    """Leave out segments of the highest ranks until the line fits.

    Ranks below `min_rank` stay.
    """
    kept = list(segments)
    while _length(kept) > columns:
        max_rank = max((segment.rank for segment in kept), default=0)
        if max_rank < min_rank:
            break
        kept.remove([segment for segment in kept if segment.rank == max_rank][-1])
    return kept


def cut_line(line: Text, columns: int) -> Text:
    """Return a line; one too long ends in an ellipsis."""
    if line.cell_len <= columns:
        return line
    end = line.plain.rfind(" ", 0, columns)
    if end < 1 or line[:end].cell_len >= columns:
        line = line.copy()
        line.truncate(columns, overflow="ellipsis")
        return line
    words = line[:end]
    words.rstrip()
    words.append("…")
    return words


def wrap_line(line: Text, columns: int) -> list[Text]:
    """Split a line between words into lines of at most `columns` cells.

    The value after a label continues below its own beginning, unless a word of it is too long for that.
    """
    if line.cell_len <= columns:
        return [line]
    label, value = line[:0], line
    if Span(0, LABEL_WIDTH, LABEL_STYLE) in line.spans:
        label, value = line[:LABEL_WIDTH], line[LABEL_WIDTH:]
        if max(map(cell_len, value.plain.split()), default=0) > columns - LABEL_WIDTH:
            label, value = line[:0], line
    lines = list(value.wrap(CONSOLE, columns - len(label), no_wrap=False))
    for i, each in enumerate(lines):
        each.rstrip()
        lines[i] = Text.assemble(label if i == 0 else " " * len(label), each, end="")
    return lines


def wrap_lines(text: Text, columns: int, *, cut: bool = False) -> list[Text]:
    """Split a text into lines of at most `columns` cells.

    A longer line is wrapped or, if `cut`, ends with an ellipsis after a word.
    """
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        lines.extend([cut_line(line, columns)] if cut else wrap_line(line, columns))
    return lines


def lines_that_fit(text: Text, columns: int, lines: int, more: str = "") -> list[Text]:
    """Return the lines of a text that have room; warnings come first.

    A line that is wrapped is shown as a whole or left out. The last line then tells how many are missing.

    Parameters
    ----------
    text
        Lines, separated by line feeds.
    columns, lines
        Room in cells.
    more
        How to see the rest, for the last line.
    """
    groups = [wrap_line(line, columns) for line in text.split("\n", allow_blank=True)]
    if sum(map(len, groups)) <= lines or lines < 1:
        return [line for group in groups for line in group][: max(0, lines)]
    by_urgency = sorted(range(len(groups)), key=lambda i: (not _is_warning(groups[i]), i))
    room, kept = lines - 1, set()
    for i in by_urgency:
        if len(groups[i]) <= room:
            kept.add(i)
            room -= len(groups[i])
        elif not _is_warning(groups[i]):
            break
    shown = [line for i in sorted(kept) for line in groups[i]]
    count = len(groups) - len(kept)
    note = f"{count} more line{'s' * (count > 1)}"
    words = f"{note}: {more}" if more else note
    return [*shown, Text(words if len(words) <= columns else note[: max(0, columns)], "dim italic")]


def _is_warning(lines: Sequence[Text]) -> bool:
    return any(colour in str(span.style) for line in lines for span in line.spans for colour in _WARNING_COLOURS)


def in_columns(text: Text, columns: int, lines: int, min_columns: int) -> tuple[list[list[Text]], int]:
    """Return a text as columns of lines, for one page.

    It has two columns if one is too long for the page and `min_columns` fit twice. The second value is the width of
    a column.
    """
    found = wrap_lines(text, columns)
    width = (columns - 2) // 2
    if len(found) <= lines or width < min_columns or lines < 1:
        return [found], columns
    found = wrap_lines(text, width)
    # If the text is longer than the page, its columns have the same length and scroll together.
    height = max(lines, -(-len(found) // 2))
    return [found[:height], found[height:]], width
