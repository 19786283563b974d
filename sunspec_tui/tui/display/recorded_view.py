"""Move the picture of recorded rows, which have no ring."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sunspec_tui.tui.display.time_slots import TimeSlots

if TYPE_CHECKING:
    from sunspec_tui.tui.display.scene import Scene


def shown_interval(scene: "Scene") -> tuple[float, float] | None:
    """Return begin and end of the picture; None without one."""
    position, view = scene.shown.position, scene.view
    if position is None or view.slot_s is None:
        return None
    end = position.newest if view.paused_at_slot is None else view.paused_at_slot
    slots = TimeSlots(view.slot_s)
    return slots.begin_s(end + 1 - scene.size.columns * view.rows_per_column), slots.begin_s(end + 1)


def begin_at(scene: "Scene", time_s: float) -> None:
    """Let the picture begin at a time.

    If the rows end before the picture's end, it ends at the newest row.
    """
    scene.timeline.mode.refresh(now=True)
    view = scene.view = scene.timeline.settled(scene.view)
    if view.slot_s is None:
        return
    context = scene.context
    first = max(TimeSlots(view.slot_s).slot_at(time_s), context.oldest)
    end = first + context.columns * view.rows_per_column - 1
    scene.view = replace(view, paused_at_slot=None if end >= context.newest else end, cursor=None)


def show_section(scene: "Scene", begin_s: float, end_s: float) -> float:
    """Let the picture begin at a time, with a limited span.

    Parameters
    ----------
    scene
        The scene.
    begin_s, end_s
        Times of the section. A picture that is longer is shortened to it.

    Returns
    -------
    float
        End of the picture.
    """
    view, length_s = scene.view, max(1.0, end_s - begin_s)
    shown_s = shown_interval(scene)
    if view.slot_s is not None and shown_s is not None and shown_s[1] - shown_s[0] > length_s:
        scene.view = scene.timeline.fitted(replace(view, span_s=length_s))
    begin_at(scene, begin_s)
    shown_s = shown_interval(scene)
    return end_s if shown_s is None else shown_s[1]


def pause_at(scene: "Scene", time_s: float) -> None:
    """Let the picture end at a time."""
    if scene.view.slot_s is not None:
        scene.view = replace(scene.view, paused_at_slot=TimeSlots(scene.view.slot_s).slot_at(time_s) - 1)


def go_live(scene: "Scene") -> None:
    """Let the picture end at the newest row or play head."""
    scene.timeline.mode.refresh(now=True)
    scene.view = replace(scene.view, paused_at_slot=None)
