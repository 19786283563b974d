"""Find the subject of a new note.

It is the marked interval, the data under the cursor, or now.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.readouts import readout_of

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
    readout = readout_of(scene)
    if readout is None or not readout.inside:
        return NoteSubject(f"now, {format_clock(now_s)} UTC", now_s)
    time_s = (readout.begin_s + readout.end_s) / 2 if math.isfinite(readout.begin_s) else readout.end_s
    if not math.isfinite(time_s):
        time_s = _time_in_gap(scene)
    if not math.isfinite(time_s):
        return None
    mhz = (readout.low_mhz + readout.high_mhz) / 2
    return NoteSubject(f"{format_clock(time_s)} UTC, {mhz:.2f} MHz", time_s, frequency_mhz=mhz)


def _marked_subject(scene: "Scene") -> NoteSubject | None:
    interval = interval_of(scene)
    if interval is None:
        return None
    # Where the data time goes back, the last row may be earlier than the first.
    end_s = max(interval.begin_s, interval.end_s)
    return NoteSubject(f"{format_clock(interval.begin_s)} to {format_clock(end_s)} UTC", interval.begin_s, end_s)


def _time_in_gap(scene: "Scene") -> float:
    """Return the time of the cursor's column between two columns with rows."""
    cursor, picture = scene.view.cursor, scene.shown.picture
    if cursor is None or cursor.number is None or picture is None:
        return math.nan
    numbers = np.asarray(scene.shown.time_axis.numbers)
    times_s = np.asarray(picture.store.times_s(numbers))
    known = np.isfinite(times_s)
    return float(np.interp(cursor.number, numbers[known], times_s[known], left=math.nan)) if known.any() else math.nan
