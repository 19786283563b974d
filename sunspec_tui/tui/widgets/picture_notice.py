"""Notice over a picture that is not live.

Without the notice, an observer could take an old picture for the present Sun.
"""

import math

from sunspec_tui.core.times import clock_of_day
from sunspec_tui.tui.widgets.panel_text import duration


def picture_notice(stalled_s: float | None, paused_s: float | None, newest_s: float = math.nan) -> str:
    """Return why the picture is not live; empty if it is.

    Parameters
    ----------
    stalled_s
        Seconds since the last frame of a stalled stream; None if it is not stalled.
    paused_s
        Time at which the picture is paused, seconds since 1970; None if it is not paused.
    newest_s
        Time of the stream's newest row. If it is on another day, the notice has the date.
    """
    words = []
    if stalled_s is not None:
        words.append(f"STALLED {_age(stalled_s)}" if math.isfinite(stalled_s) else "STALLED")
    if paused_s is not None:
        words.append(f"PAUSED at {clock_of_day(paused_s, newest_s)}" if math.isfinite(paused_s) else "PAUSED")
    return ", ".join(words)


def no_stream_notice(newest_s: float, now_s: float) -> str:
    """Return a notice that earlier rows are shown, without a stream.

    Parameters
    ----------
    newest_s
        Time of the newest row.
    now_s
        The present time. If it is on another day, the notice has the date.
    """
    return f"NO STREAM, rows until {clock_of_day(newest_s, now_s)}"


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 99.5 else duration(seconds)


def notice_that_fits(notice: str, columns: int) -> str:
    """Return the longest part of a notice that fits, between blanks.

    A narrow picture shows the first part, then only its first word.
    """
    first_part = notice.partition(",")[0]
    for part in (notice, first_part, first_part.partition(" ")[0]):
        if part and len(part) + 2 <= columns:
            return f" {part} "
    return ""
