"""Change between the ring and the timeline, and back.

The ring counts rows in slots, the timeline counts units of time. Pause, cursor and marks are converted through their
times, so that the observer notices no change. A picture shows the timeline if it is longer than the ring, or begins
before the oldest row of the ring.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.frequency_axis import RecordedAxis
from sunspec_tui.core.timeline_source import TimelineExtent, TimelineSource
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.history_loader import HistoryLoader
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.view_actions import shown_slots, whole_ring
from sunspec_tui.tui.display.view_state import Cursor, View, ViewContext

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Axis, Position

_EXTENT_S = 1.0
# The timeline is shown only if it begins earlier than the ring by more than this number of rows.
_MIN_EARLIER_ROWS = 2
_PLAUSIBLE_S = 1e11


class RingTimes:
    """Times of the ring's slots, and slots of times.

    Parameters
    ----------
    history
        Loader of the rows.
    position
        Position of the displayed source.
    """

    def __init__(self, history: HistoryLoader, position: "Position") -> None:
        self._history, self._position = history, position
        self.first = history.number_at(position.oldest)
        self.cadence_s = position.cadence_s if position.cadence_s > 0 else math.nan

    def _row(self, number: int) -> tuple[int, float] | None:
        """Return slot and end of a row; None without it."""
        rows = self._history.rows(number, number + 1)
        return (int(rows.slots[0]), float(rows.times_s[0])) if rows is not None and len(rows) else None

    @property
    def begin_s(self) -> float:
        """Begin of the oldest row's data; NaN if unknown."""
        row = self._row(self.first)
        return math.nan if row is None else row[1] - self.cadence_s

    @property
    def end_s(self) -> float:
        """End of the newest row's data; NaN if unknown."""
        row = self._row(self._position.count - 1)
        return math.nan if row is None else row[1]

    def time_of(self, slot: int) -> float:
        """Return the time of a slot, also between and beyond the rows."""
        number = self._history.number_at(slot)
        row = self._row(number) if number < self._position.count else None
        row = row or self._row(self._position.count - 1)
        return math.nan if row is None else row[1] + (slot - row[0]) * self.cadence_s

    def slot_near(self, time_s: float) -> int:
        """Return the slot at a time, also between and beyond the rows."""
        slot = self.slot_of(time_s, before=False)
        after_s = self.time_of(slot) - time_s
        return slot - math.floor(after_s / self.cadence_s) if after_s >= self.cadence_s else slot

    def slot_of(self, time_s: float, *, before: bool) -> int:
        """Return the slot of a row at a time.

        Parameters
        ----------
        time_s
            Seconds since 1970. Before the oldest row, the slot is computed from the cadence.
        before
            True for the last row that ends before the time, False for the first one that ends at it or later.
        """
        low, high = self.first, self._position.count
        while low < high:
            middle = (low + high) // 2
            row = self._row(middle)
            if row is None or row[1] < time_s:
                low = middle + 1
            else:
                high = middle
        number = low - before
        row = self._row(min(max(number, self.first), self._position.count - 1))
        if row is None:
            return self._position.newest
        if number >= self.first or not self.cadence_s > 0:
            return row[0]
        return row[0] - max(1, round((row[1] - time_s) / self.cadence_s))


class TimelineState(NamedTuple):
    """Timeline with its extent at the last reading."""

    source: TimelineSource
    extent: TimelineExtent


class TimelineMode:
    """Timeline of the stream, and the conversion of views.

    Parameters
    ----------
    history
        Loader of the ring's rows.
    clock
        Monotonic clock in seconds.

    Attributes
    ----------
    state
        Timeline at the last reading; None if it has no rows.
    fold_factor
        Number of the ring's bins in a bin of the timeline.
    """

    def __init__(self, history: HistoryLoader, clock: Callable[[], float]) -> None:
        self._history, self._clock = history, clock
        self.state: TimelineState | None = None
        self.fold_factor = 1
        self._read_s = -math.inf
        self._read_count = -1

    def refresh(self, *, each_row: bool = False, now: bool = False) -> bool:
        """Read the extent again if it is old, or `now`.

        Return True if it was read. It is old after a second or, with `each_row`, after a new row.
        """
        clock_s, position = self._clock(), self._history.position
        count = position.count if position else -1
        is_old = not 0 <= clock_s - self._read_s < _EXTENT_S or (each_row and count != self._read_count)
        if not now and not is_old:
            return False
        self._read_s, self._read_count = clock_s, count
        source = self._history.source.timeline() if self._history.source else None
        extent = source.extent() if source else None
        self.state, self.fold_factor = None, 1
        if source is not None and extent is not None and _is_plausible(extent):
            finished_s = min(max(extent.finished_s, extent.begin_s), extent.end_s)
            self.state = TimelineState(source, extent._replace(finished_s=finished_s))
            self.fold_factor = self._read_fold_factor(source)
        return True

    def _read_fold_factor(self, source: TimelineSource) -> int:
        """Return how many bins of the ring a bin has."""
        axis, position = source.axis(), self._history.position
        if axis is None or position is None:
            return 1
        return max(1, -(-len(position.axis.frequencies_mhz) // max(1, len(axis.frequencies_hz))))

    def axis(self) -> "Axis | None":
        """Return the frequency axis of the timeline; None without rows."""
        position = self._history.position
        if position is not None:
            return position.axis.folded(self.fold_factor)
        axis = self.state.source.axis() if self.state else None
        if axis is None or not len(axis.frequencies_hz):
            return None
        return RecordedAxis(axis)

    @property
    def known_s(self) -> float:
        """Time from the first to the last row; 0 without rows."""
        return self.state.extent.end_s - self.state.extent.begin_s if self.state else 0.0

    @property
    def end_s(self) -> float:
        """End of the newest row; NaN without rows."""
        return self.state.extent.end_s if self.state else math.nan

    @property
    def has_ring(self) -> bool:
        """False for recorded rows, which are shown without a stream."""
        return self._history.position is None or self._history.position.length > 0

    def known_range_s(self) -> tuple[float, float]:
        """Return begin and end of all rows; NaN without rows."""
        if self.state is not None:
            return self.state.extent.begin_s, self.state.extent.end_s
        ring = self.ring_times()
        return (math.nan, math.nan) if ring is None else (ring.begin_s, ring.end_s)

    def ring_times(self) -> RingTimes | None:
        """Return the times of the displayed source; None without rows."""
        position = self._history.position
        return None if position is None else RingTimes(self._history, position)

    def is_earlier(self, *, than_epochs: bool = False) -> bool:
        """Return True if the timeline begins before the ring.

        With `than_epochs`, it must begin before the rows of all kept epochs, to which the keys scroll, too.
        """
        if not self.has_ring:
            return self.state is not None
        ring = self.ring_times()
        if ring is None or self.state is None:
            return False
        begins_s = [ring.begin_s]
        if than_epochs and self._history.source is not None:
            begins_s += [each.times_s[0] for each in self._history.source.epochs() if each.ring.filled]
        return self.state.extent.begin_s < min(begins_s) - _MIN_EARLIER_ROWS * ring.cadence_s

    # Conversion of views

    def enter(self, view: View, context: ViewContext) -> View:
        """Convert a view of the ring to the timeline."""
        ring = self.ring_times()
        if ring is None or not ring.cadence_s > 0 or not math.isfinite(ring.end_s):
            return view
        slots = TimeSlots.of_cadence(ring.cadence_s)
        grid = ColumnGrid(
            max(1, round(view.rows_per_column * ring.cadence_s / slots.slot_s)), context.cell_px, slots.steps
        )

        def converted(slot: int | None) -> int | None:
            return None if slot is None else slots.slot_at(ring.time_of(slot))

        cursor = view.cursor
        if cursor is not None and cursor.number is not None:
            before = context.grid(view.rows_per_column)
            slot = converted(min(before.middle_slot(cursor.number), context.end_slot)) or 0
            cursor = Cursor(grid.number_of(slot), cursor.bin // self.fold_factor)
        begin, end = view.marks
        return replace(
            view,
            slot_s=slots.slot_s,
            rows_per_column=grid.cell_slots,
            paused_at_slot=converted(view.paused_at_slot),
            cursor=cursor,
            marks=(converted(begin), converted(end)),
        )

    def left(self, view: View, context: ViewContext) -> View:
        """Convert a view of the timeline to the ring."""
        ring, slot_s = self.ring_times(), view.slot_s
        if ring is None or slot_s is None or not ring.cadence_s > 0:
            return view
        slots = TimeSlots(slot_s)
        rows = max(1, round(view.rows_per_column * slot_s / ring.cadence_s))
        grid = ColumnGrid(rows, context.cell_px)

        def last_row(slot: int) -> int:
            return ring.slot_of(slots.begin_s(slot + 1), before=True)

        cursor, (begin, end) = view.cursor, view.marks
        if cursor is not None and cursor.number is not None:
            middle = context.grid(view.rows_per_column).middle_slot(cursor.number)
            slot = ring.slot_near(slots.begin_s(min(middle, context.end_slot)))
            cursor = Cursor(grid.number_of(slot), cursor.bin * self.fold_factor + self.fold_factor // 2)
        return replace(
            view,
            slot_s=None,
            rows_per_column=rows,
            paused_at_slot=None if view.paused_at_slot is None else last_row(view.paused_at_slot),
            cursor=cursor,
            marks=(
                None if begin is None else ring.slot_of(slots.begin_s(begin), before=False),
                None if end is None else last_row(end),
            ),
        )


def _is_plausible(extent: TimelineExtent) -> bool:
    times_s = (extent.begin_s, extent.end_s)
    return all(abs(each) < _PLAUSIBLE_S for each in times_s) and extent.begin_s <= extent.end_s


def ring_lacks(view: View, context: ViewContext) -> bool:
    """Return True if the ring lacks a part of a picture.

    The whole ring may fill a little less than the picture, because columns have equal numbers of rows.
    """
    if view.rows_per_column > whole_ring(context):
        return True
    first, last = shown_slots(view, context)
    excess = max(0, last - first + 1 - context.ring_rows)
    return context.oldest - first > max(excess, view.rows_per_column)
