"""Find the subject of a new note.

It is the marked interval, the data under the cursor, or now.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.cursor_point import cursor_point
from sunspec_tui.tui.display.intervals import interval_of

if TYPE_CHECKING:
    from sunspec_tui.tui.display.scene import Scene


class NoteSubject(NamedTuple):
    """What a new note is about.

    Attributes
    ----------
    words
        Description for the observer.
    time_s, end_s, frequency_mhz
        As in `Note`.
    """

    words: str
    time_s: float
    end_s: float | None = None
    frequency_mhz: float | None = None


def note_subject(scene: "Scene", now_s: float) -> NoteSubject | None:
    """Return what a note is about.

    Return None if no rows are kept between the marks, or no time is known under the cursor.
    """
    if scene.view.marks != (None, None):
        return _marked_subject(scene)
    point = cursor_point(scene)
    if point is None:
        return NoteSubject(f"now, {format_clock(now_s)} UTC", now_s)
    if not math.isfinite(point.time_s):
        return None
    words = f"{format_clock(point.time_s)} UTC, {point.mhz:.2f} MHz"
    return NoteSubject(words, point.time_s, frequency_mhz=point.mhz)


def _marked_subject(scene: "Scene") -> NoteSubject | None:
    interval = interval_of(scene)
    if interval is None:
        return None
    # Where the data time goes back, the last row may be earlier than the first.
    end_s = max(interval.begin_s, interval.end_s)
    return NoteSubject(f"{format_clock(interval.begin_s)} to {format_clock(end_s)} UTC", interval.begin_s, end_s)
