"""Rows of the marked interval, in the ring or in the timeline."""

from typing import TYPE_CHECKING

from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.timeline_mode import RingTimes
from sunspec_tui.tui.display.view_actions import marked_slots
from sunspec_tui.tui.display.view_state import Interval

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.tui.display.scene import Scene


def interval_of(scene: "Scene") -> Interval | None:
    """Return the marked interval, or else the interval of the picture.

    Return None if it has no rows.
    """
    position = scene.history.position
    if position is None or scene.history.source is None:
        return None
    first, last = marked_slots(scene.view, scene.context)
    if scene.view.slot_s is not None:
        return _timeline_interval(scene, position, TimeSlots(scene.view.slot_s), first, last)
    lost = max(0, position.oldest - first) if first in scene.view.marks else 0
    if lost and scene.timeline.mode.is_earlier():
        ring = RingTimes(scene.history, position)
        return Interval(0, 0, ring.time_of(first), ring.time_of(last + 1), marked=True)
    return _ring_interval(scene, scene.history.number_at(first), scene.history.number_at(last + 1), lost)


def _ring_interval(scene: "Scene", start: int, stop: int, lost: int) -> Interval | None:
    """Return the rows of the ring by their numbers."""
    ends = [scene.history.rows(number, number + 1) for number in (start, stop - 1)]
    if stop <= start or any(rows is None or not len(rows) for rows in ends):
        return None
    begin_s, end_s = (float(rows.times_s[0]) for rows in ends if rows is not None)
    return Interval(start, stop, begin_s, end_s, scene.view.marks != (None, None), lost)


def _timeline_interval(
    scene: "Scene", position: "Position", slots: TimeSlots, first: int, last: int
) -> Interval | None:
    """Return an interval of the timeline, or of the ring.

    It is of the ring if all rows are kept there.
    """
    begin_s, end_s = slots.begin_s(first), slots.begin_s(last + 1)
    ring = RingTimes(scene.history, position)
    if begin_s >= ring.begin_s:
        start, stop = (scene.history.number_at(ring.slot_of(time_s, before=False)) for time_s in (begin_s, end_s))
        # No row ends at the end of the interval or later.
        stop = position.count if end_s > ring.end_s else stop
        return _ring_interval(scene, start, stop, 0)
    return Interval(0, 0, begin_s, end_s, scene.view.marks != (None, None))
