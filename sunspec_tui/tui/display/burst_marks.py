"""Place brackets around bursts in the waterfall.

Bursts whose labels have no room beside each other share a bracket. Pure functions on values.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sunspec_tui.core.bursts import Burst, BurstList, BurstType
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.interval_cells import interval_cells

# With more bursts in a picture, those of neighbouring times share a bracket whatever their frequencies are, so that
# labels cover little of the data.
_CELLS_A_BURST = 40
_GAP_CELLS = 1


class CellBox(NamedTuple):
    """Cells that a burst covers, and the sides on which it continues.

    Attributes
    ----------
    first, last
        Cells of its begin and its end.
    low, high
        Lines of its lowest and highest frequency, counted from the low end.
    open_left, open_right, open_below, open_above
        True if it continues outside the picture. A burst in progress is open at the right.
    """

    first: int
    last: int
    low: int
    high: int
    open_left: bool = False
    open_right: bool = False
    open_below: bool = False
    open_above: bool = False

    def union(self, other: "CellBox") -> "CellBox":
        """Return the box around two boxes."""
        return CellBox(
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.low, other.low),
            max(self.high, other.high),
            *(one or another for one, another in zip(self[4:], other[4:], strict=True)),
        )


@dataclass(frozen=True, slots=True)
class BurstMark:
    """Bracket around one burst, or around several.

    Attributes
    ----------
    box
        Cells inside the bracket.
    begin_s, end_s
        Begin of the first burst and end of the last one.
    type
        Type of all its bursts; None if they have several types.
    count
        Number of bursts.
    """

    box: CellBox
    begin_s: float
    end_s: float
    type: BurstType | None
    count: int = 1

    @property
    def label(self) -> str:
        """Type, and the number of bursts if there are several."""
        if self.count == 1 and self.type is not None:
            return str(self.type)
        return f"{self.count} {'bursts' if self.type is None else self.type}"

    def has_room_for(self, other: "BurstMark", columns: int, *, any_band: bool) -> bool:
        """Return True if a later bracket can have its own label.

        At the right edge of the picture's columns, a label stands before the begin of its bracket.
        """
        label_cell = min(other.box.first, columns - len(other.label))
        if label_cell > self.box.first + len(self.label) + _GAP_CELLS:
            return True
        # A label is on the line above its bracket.
        apart = other.box.low > self.box.high + 1 or other.box.high < self.box.low - 1
        return apart and not any_band

    def joined(self, other: "BurstMark") -> "BurstMark":
        """Return the bracket around the bursts of two brackets."""
        kind = self.type if self.type is other.type else None
        begin_s, end_s = min(self.begin_s, other.begin_s), max(self.end_s, other.end_s)
        return BurstMark(self.box.union(other.box), begin_s, end_s, kind, self.count + other.count)


@lru_cache(maxsize=4)
def marked_bursts(bursts: BurstList) -> BurstList:
    """Return the bursts that have marks: no interference, none marked as wrong."""
    return BurstList(burst for burst in bursts if burst.is_solar and not burst.is_wrong)


def burst_marks(
    bursts: BurstList, times_s: Sequence[float], cells: Sequence[int], band: FrequencyWindow, columns: int, lines: int
) -> list[BurstMark]:
    """Return the brackets of a picture, the oldest first.

    Parameters
    ----------
    bursts
        Bursts that have marks.
    times_s, cells
        As in `interval_cells`.
    band, columns, lines
        Displayed frequencies, and size of the picture in cells.
    """
    found = interval_cells(bursts.begins_s, bursts.ends_s, times_s, cells)
    if found is None:
        return []
    marks = []
    for number, first, last, before, after in zip(*(each.tolist() for each in found), strict=True):
        burst = bursts[number]
        rows = _lines_of(burst, band, lines)
        if rows is not None:
            # In a sweeping picture a burst may continue at the left edge, beyond the write cursor.
            wraps = last < first
            low, high, below, above = rows
            is_open = after or wraps or burst.is_open
            box = CellBox(first, columns - 1 if wraps else last, low, high, before, is_open, below, above)
            marks.append(BurstMark(box, burst.begin_s, burst.end_s, burst.type))
    return _with_room(marks, columns, any_band=len(marks) * _CELLS_A_BURST > columns * lines)


def _lines_of(burst: Burst, band: FrequencyWindow, lines: int) -> tuple[int, int, bool, bool] | None:
    """Return the lowest and highest line of a burst.

    The other values are True if it continues below or above the picture. Return None if the band of the picture does
    not touch it. A limit that is not known is that of the picture.
    """
    below, above = burst.low_mhz < band.low_mhz, burst.high_mhz >= band.high_mhz
    low = 0 if below or math.isnan(burst.low_mhz) else band.cell_of(burst.low_mhz, lines)
    high = lines - 1 if above or math.isnan(burst.high_mhz) else band.cell_of(burst.high_mhz, lines)
    return None if low is None or high is None else (min(low, high), max(low, high), below, above)


def _with_room(marks: Iterable[BurstMark], columns: int, *, any_band: bool) -> list[BurstMark]:
    """Join brackets until each label has room."""
    found: list[BurstMark] = []

    def near(mark: BurstMark, place: int) -> int | None:
        """Return the number of a bracket before a place without room."""
        earlier = range(place - 1, max(-1, place - (2 if any_band else 12)), -1)
        return next((i for i in earlier if not found[i].has_room_for(mark, columns, any_band=any_band)), None)

    for mark in sorted(marks, key=lambda mark: mark.box.first):
        joined, place = mark, len(found)
        # The label of a joined bracket is longer, so the bracket before it may have no room any more.
        while (number := near(joined, place)) is not None:
            joined, place = found.pop(number).joined(joined), number
        found.insert(place, joined)
    return found


# Corners of a bracket, by the side and by whether the burst continues there.
_CORNERS = {
    ("left", "top"): "┌", ("left", "bottom"): "└", ("right", "top"): "┐", ("right", "bottom"): "┘",
}  # fmt: skip


class MarkCell(NamedTuple):
    """Text of a bracket at a cell, lines counted from the top."""

    cell: int
    line: int
    text: str


def bracket_cells(
    mark: BurstMark, columns: int, lines: int, *, ascii_only: bool = False, has_corners: bool = True
) -> list[MarkCell]:
    """Return the cells of a bracket: its corners, then its label.

    They are beside the burst where the picture has room for that, so that they hide nothing of it.

    Parameters
    ----------
    mark
        The bracket.
    columns, lines
        Size of the picture in cells.
    ascii_only
        True for corners that differ from the characters of values in ASCII.
    has_corners
        False for the label only.
    """
    left, right, top, bottom = outline(mark.box, columns, lines)
    found = []
    for (side, end), corner in _CORNERS.items() if has_corners else ():
        if mark.box.open_left if side == "left" else mark.box.open_right:
            continue
        is_open = mark.box.open_above if end == "top" else mark.box.open_below
        shown = "│" if is_open else corner
        shown = ("[" if side == "left" else "]") if ascii_only else shown
        found.append(MarkCell(left if side == "left" else right, top if end == "top" else bottom, shown))
    begin = mark.box.first if not has_corners else left + (not mark.box.open_left)
    return [*found, MarkCell(max(0, min(begin, columns - len(mark.label))), top, mark.label[:columns])]


def outline(box: CellBox, columns: int, lines: int) -> tuple[int, int, int, int]:
    """Return the cells around a box: left, right, top and bottom.

    Lines are counted from the top.
    """
    left, right = max(0, box.first - 1), min(columns - 1, box.last + 1)
    return left, right, lines - 1 - min(lines - 1, box.high + 1), lines - 1 - max(0, box.low - 1)


def newest_burst(bursts: BurstList, now_s: float, within_s: float) -> Burst | None:
    """Return the open burst, or else the one that ended last.

    Return None if it ended earlier than `within_s` before `now_s`.
    """
    found = [burst for burst in bursts.between(now_s - within_s, math.inf) if burst.begin_s <= now_s + within_s]
    return max(found, key=lambda burst: (burst.is_open, burst.end_s), default=None)


def next_burst(bursts: BurstList, time_s: float, by: int, beside_s: float = 0.0) -> Burst | None:
    """Return the burst that begins next after a time, or before it.

    Parameters
    ----------
    bursts
        Bursts that have marks.
    time_s
        Time from which to search.
    by
        1 for a later burst, -1 for an earlier one.
    beside_s
        Bursts that begin within this time are skipped.
    """
    found = [burst for burst in bursts if (burst.begin_s - time_s) * by > beside_s]
    return (found[0] if by > 0 else found[-1]) if found else None
