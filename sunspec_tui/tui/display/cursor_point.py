"""Time and frequency of the cursor."""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sunspec_tui.tui.display.readouts import readout_of

if TYPE_CHECKING:
    from sunspec_tui.tui.display.scene import Scene


class CursorPoint(NamedTuple):
    """Time in seconds since 1970 UTC, and frequency in MHz.

    The time is NaN if no row near the cursor has one.
    """

    time_s: float
    mhz: float


def cursor_point(scene: "Scene") -> CursorPoint | None:
    """Return the middle of the data under the cursor.

    Return None without a cursor, or with one outside the picture.
    """
    readout = readout_of(scene)
    if readout is None or not readout.inside:
        return None
    time_s = (readout.begin_s + readout.end_s) / 2 if math.isfinite(readout.begin_s) else readout.end_s
    if not math.isfinite(time_s):
        time_s = _time_in_gap(scene)
    return CursorPoint(time_s, (readout.low_mhz + readout.high_mhz) / 2)


def _time_in_gap(scene: "Scene") -> float:
    """Return the time of the cursor's column between two columns with rows."""
    cursor, picture = scene.view.cursor, scene.shown.picture
    if cursor is None or cursor.number is None or picture is None:
        return math.nan
    numbers = np.asarray(scene.shown.time_axis.numbers)
    times_s = np.asarray(picture.store.times_s(numbers))
    known = np.isfinite(times_s)
    return float(np.interp(cursor.number, numbers[known], times_s[known], left=math.nan)) if known.any() else math.nan
