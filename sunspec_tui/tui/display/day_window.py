"""Times and columns of the day strip.

The strip shows the time from the first known row to the newest one, at most 24 hours. The observing day at a western
site crosses midnight UTC (at Owens Valley it is about 14 to 02 UTC), so the strip does not begin at midnight. The edges
of its columns are multiples of their length since 1970 UTC: a column never changes its times while the strip moves.
Pure functions of numbers.
"""

import math
from typing import NamedTuple

from sunspec_tui.core.time_blocks import STEPS_S
from sunspec_tui.tui.display.axes import clock_step

DAY_S = 86_400

_FINE_S, _COARSE_S = STEPS_S[1:]
# An earlier day has edges at these times, so that it does not move while the observer scrolls in it.
_PAGE_S, _AFTER_PICTURE_S = DAY_S // 2, DAY_S // 4
_LABEL_CELLS = 9


class DayWindow(NamedTuple):
    """Columns of the strip.

    Attributes
    ----------
    first
        Number of the first column: it begins at `first` times `column_s` since 1970 UTC.
    column_s
        Length of a column in seconds, a multiple of a step of blocks.
    columns
        Number of columns.
    """

    first: int
    column_s: int
    columns: int

    @property
    def begin_s(self) -> int:
        """Begin of the first column, seconds since 1970 UTC."""
        return self.first * self.column_s

    @property
    def end_s(self) -> int:
        """End of the last column, seconds since 1970 UTC."""
        return (self.first + self.columns) * self.column_s

    @property
    def step_s(self) -> int:
        """Step of the blocks that make its columns."""
        return step_of(self.column_s)

    def column_of(self, time_s: float) -> int | None:
        """Return the column that contains a time; None outside the strip."""
        if not self.begin_s <= time_s < self.end_s:
            return None
        return min(self.columns - 1, int((time_s - self.begin_s) // self.column_s))

    def middle_of(self, column: int) -> float:
        """Return the time in the middle of a column."""
        return self.begin_s + (column + 0.5) * self.column_s

    def columns_between(self, begin_s: float, end_s: float) -> tuple[int, int] | None:
        """Return the first and the last column of an interval of time.

        Return None if it lies outside the strip.
        """
        if not (begin_s < self.end_s and end_s > self.begin_s and begin_s <= end_s):
            return None
        first = self.column_of(max(begin_s, self.begin_s))
        # A row ends at its time, so the end of an interval belongs to the column before an edge.
        last = self.column_of(max(begin_s, self.begin_s, min(end_s, self.end_s) - 1e-3))
        return None if first is None or last is None else (first, last)


def step_of(column_s: int) -> int:
    """Return the longest step of blocks that divides a column."""
    return _COARSE_S if column_s % _COARSE_S == 0 else _FINE_S


def live_window(begin_s: float, end_s: float, columns: int) -> DayWindow:
    """Return the columns of the last day.

    They begin with the first row, but at most a day before the newest one, which is in the last column. They are as
    short as possible.

    Parameters
    ----------
    begin_s, end_s
        Begin of the oldest and end of the newest row, seconds since 1970 UTC.
    columns
        Number of columns, at least two.
    """
    begin_s = max(begin_s, end_s - DAY_S)
    column_s = _FINE_S
    while _columns_needed(begin_s, end_s, column_s) > columns:
        column_s += _FINE_S if column_s < _COARSE_S else _COARSE_S
    return DayWindow(math.floor(end_s / column_s) - columns + 1, column_s, columns)


def _columns_needed(begin_s: float, end_s: float, column_s: int) -> int:
    return math.floor(end_s / column_s) - math.floor(begin_s / column_s) + 1


def window_with(begin_s: float, end_s: float, columns: int, shown_s: float | None = None) -> DayWindow:
    """Return the columns of the last day or of an earlier one.

    Parameters
    ----------
    begin_s, end_s, columns
        As in `live_window`.
    shown_s
        End of a paused picture. If it lies before the last day, the strip shows the 24 hours around it that end at noon
        or midnight UTC, six hours after it or more. None for a live picture.
    """
    live = live_window(begin_s, end_s, columns)
    if shown_s is None or not math.isfinite(shown_s) or shown_s >= live.begin_s:
        return live
    column_s = _COARSE_S * -(-DAY_S // (_COARSE_S * columns))
    day_end_s = (math.floor((shown_s + _AFTER_PICTURE_S) / _PAGE_S) + 1) * _PAGE_S
    return DayWindow(-(-day_end_s // column_s) - columns, column_s, columns)


def hour_labels(window: DayWindow) -> list[tuple[int, str]]:
    """Return round times of the day and their columns, the newest first.

    They are hours, or minutes on a short strip.
    """
    label_s = clock_step(window.column_s * window.columns, max(1, window.columns // _LABEL_CELLS))
    first = -(-window.begin_s // label_s)
    found = []
    for time_s in range(first * label_s, window.end_s, label_s):
        column = window.column_of(time_s)
        if column is not None:
            found.append((column, f"╵{clock_text(time_s)}"))
    return found[::-1]


def clock_text(time_s: int) -> str:
    """Format the UTC hour and minute of a time, ``18:42``."""
    return f"{time_s % DAY_S // 3600:02d}:{time_s % 3600 // 60:02d}"
