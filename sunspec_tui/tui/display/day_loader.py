"""Load the blocks of the day strip in parts, the newest first.

Only new blocks are read later. A call reads one part, which may take a while: the screen calls it in a thread.
"""

import math
from typing import NamedTuple

from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.timeline_source import TimelineExtent, TimelineSource
from sunspec_tui.tui.display.day_blocks import DayBlocks
from sunspec_tui.tui.display.day_signs import Sign, signs_of
from sunspec_tui.tui.display.day_strip import DayColumns, day_columns, strip_levels
from sunspec_tui.tui.display.day_window import DayWindow, window_with

REFRESH_S = 30.0
"""Data time after which the newest block is read again while it grows."""

# With 768 bins a part takes 600 kB while it is folded.
_PART_BLOCKS = 96


class DayContent(NamedTuple):
    """Content of the strip that comes from the timeline.

    Attributes
    ----------
    columns, signs, levels
        Columns with their values, restarts and gaps, and limits of the colours.
    """

    columns: DayColumns
    signs: tuple[Sign, ...]
    levels: Levels


class DayLoader:
    """Blocks of one timeline, for the strip.

    Parameters
    ----------
    source
        The timeline.
    """

    def __init__(self, source: TimelineSource) -> None:
        self._source = source
        self._key: object = None
        self._step_s = 0
        self._readings = 0
        self._made_of: object = None
        self._shown: DayContent | None = None
        self._forget(0)

    def _forget(self, end_s: int) -> None:
        """Drop all blocks; the next part ends at `end_s`."""
        self._blocks = DayBlocks.empty()
        self._begin_s = self._end_s = self._steady_s = end_s
        self._read_until_s = -math.inf

    def load(self, columns: int, shown_s: float | None = None) -> tuple[DayContent | None, bool]:
        """Read the next part.

        Return the content, None without rows; and True if more parts follow.

        Parameters
        ----------
        columns
            Number of columns of the strip.
        shown_s
            End of a paused picture; None for a live one.

        Raises
        ------
        SunspecError
            If a part cannot be read. Other parts stay.
        """
        extent, axis = self._source.extent(), self._source.axis()
        if extent is None or axis is None:
            return None, False
        window = window_with(extent.begin_s, extent.end_s, columns, shown_s)
        begin_s, end_s = _wanted(window, extent)
        product = Product.I if Product.I in axis.products else axis.products[0]
        self._fit(window.step_s, (len(axis.frequencies_hz), axis.bin_hz, product, extent.revision), begin_s, end_s)
        refresh_s = min(REFRESH_S, window.column_s)
        if self._is_newer_due(end_s, extent.end_s, refresh_s):
            self._read_newer(end_s, extent, product)
        elif self._begin_s > begin_s:
            self._read_older(begin_s, extent, product)
        return self._content(window, extent), self._begin_s > begin_s or self._end_s < end_s

    def _fit(self, step_s: int, key: object, begin_s: int, end_s: int) -> None:
        """Drop blocks outside the strip.

        Drop all if the axis has changed, or if finer blocks are needed.
        """
        overlaps = self._begin_s < end_s and self._end_s > begin_s
        if key != self._key or step_s < self._step_s or not overlaps:
            self._key = key
            self._forget(end_s)
        self._step_s = step_s
        # The limits of shorter blocks become limits of the present step.
        self._begin_s = max(begin_s, -(-self._begin_s // step_s) * step_s)
        self._end_s = max(self._begin_s, min(end_s, self._end_s // step_s * step_s))
        self._steady_s = min(self._steady_s, self._end_s)
        self._blocks = self._blocks.between(self._begin_s, self._end_s)

    def _is_newer_due(self, end_s: int, newest_s: float, refresh_s: float) -> bool:
        """Return True if the newest blocks are missing or out of date."""
        if self._begin_s == self._end_s:
            return False
        is_old = newest_s - self._read_until_s >= refresh_s or newest_s < self._read_until_s
        return self._end_s < end_s or (self._steady_s < end_s and is_old)

    def _read_newer(self, end_s: int, extent: TimelineExtent, product: Product) -> None:
        stop_s = min(self._steady_s + _PART_BLOCKS * self._step_s, end_s)
        self._read(self._steady_s, stop_s, product)
        self._end_s = max(self._end_s, stop_s)
        self._note_end(stop_s, extent)

    def _read_older(self, begin_s: int, extent: TimelineExtent, product: Product) -> None:
        is_first = self._begin_s == self._end_s
        start_s = max(begin_s, self._begin_s - _PART_BLOCKS * self._step_s)
        self._read(start_s, self._begin_s, product)
        self._begin_s = start_s
        if is_first:
            self._note_end(self._end_s, extent)

    def _note_end(self, stop_s: int, extent: TimelineExtent) -> None:
        """Note the time up to which the blocks are final."""
        self._steady_s = max(self._begin_s, min(stop_s, _floor(extent.finished_s, self._step_s)))
        self._read_until_s = extent.end_s

    def _read(self, begin_s: int, end_s: int, product: Product) -> None:
        self._readings += 1
        parts = self._source.blocks(self._step_s, begin_s, end_s, product)
        self._blocks = self._blocks.with_newer([DayBlocks.folded(part) for part in parts])

    def _content(self, window: DayWindow, extent: TimelineExtent) -> DayContent:
        """Return the content; the same object as before if nothing has changed."""
        edges = [int(time_s // window.column_s) for time_s in (extent.begin_s, extent.end_s)]
        made_of = (window, self._readings, self._begin_s, self._end_s, *edges)
        if made_of == self._made_of and self._shown is not None:
            return self._shown
        self._made_of = made_of
        loaded = (self._begin_s, self._end_s)
        columns = day_columns(window, self._blocks, (extent.begin_s, extent.end_s), loaded)
        signs, before = tuple(signs_of(self._blocks, extent.cadence_s)), self._shown
        levels = strip_levels(columns.excess_db, before.levels if before is not None else None)
        if before is None or columns.differs(before.columns) or (signs, levels) != before[1:]:
            self._shown = DayContent(columns, signs, levels)
            return self._shown
        return before


def _wanted(window: DayWindow, extent: TimelineExtent) -> tuple[int, int]:
    """Return the interval of whole blocks that the strip shows."""
    step_s = window.step_s
    begin_s = _floor(max(window.begin_s, extent.begin_s), step_s)
    end_s = _floor(min(window.end_s - 1, extent.end_s), step_s) + step_s
    return begin_s, max(begin_s + step_s, end_s)


def _floor(time_s: float, step_s: int) -> int:
    return math.floor(time_s / step_s) * step_s
