"""Decide whether a link carries pictures in pixels.

A picture in pixels costs little while it stands, but hundreds of kilobytes when its levels, palette or size change. So
the measured rate of the link decides, not only its free time. No judgement stays for ever: if the rate has not been
measured for a while, pixels are tried again, at first soon and later after up to a minute.

The caller passes all times; this module reads no clock and no terminal.
"""

import math
from typing import NamedTuple

_PICTURE_S = 3.0
"""Longest expected time of a whole picture for which pixels begin; they end at twice this time."""
_BUSY, _BUSY_WINDOW_S = 0.6, 6.0
_FIRST_WAIT_S, _MAX_WAIT_S = 4.0, 60.0
# Pixels that lasted this long did not fail at once.
_LASTING_S = 60.0
_MEASURED_UPDATES = 2


class LinkState(NamedTuple):
    """Measurements of a link.

    Attributes
    ----------
    seconds_per_byte
        Transfer time of a byte in the last large updates.
    updates
        Number of these updates.
    measured_s
        Time of the last of them.
    base_trip_s
        Round trip of a small update.
    target_s
        Duration of an update; a round trip separates two of them.
    """

    seconds_per_byte: float
    updates: int
    measured_s: float
    base_trip_s: float
    target_s: float

    def picture_s(self, nbytes: int) -> float:
        """Return the expected time of a whole picture."""
        return nbytes * self.seconds_per_byte * (1 + self.base_trip_s / self.target_s)


class PixelJudge:
    """Judge of pictures in pixels.

    Attributes
    ----------
    picture_nbytes
        Size of a whole picture in bytes; 0 if the terminal shows no pixels.
    """

    window_s = _BUSY_WINDOW_S
    """Time over which the caller measures the busy share for `must_end`."""

    def __init__(self) -> None:
        self.picture_nbytes = 0
        self._wait_s = _FIRST_WAIT_S
        self._began_s = self._ended_s = -math.inf
        self._asked_since_s: float | None = None

    def may_begin(self, link: LinkState, now_s: float) -> bool:
        """Return True if pictures should be drawn in pixels, while the link is idle."""
        if not self.picture_nbytes:
            return False
        if self._asked_since_s is None:
            self._asked_since_s = now_s
        if now_s - self._ended_s < self._wait_s:
            return False
        if link.updates >= _MEASURED_UPDATES and now_s - link.measured_s < self._wait_s:
            return link.picture_s(self.picture_nbytes) <= _PICTURE_S
        return now_s - self._asked_since_s >= self._wait_s

    def begin(self, now_s: float) -> None:
        """Note that pixels begin."""
        self._began_s, self._asked_since_s = now_s, None

    def must_end(self, link: LinkState, busy_share: float, now_s: float) -> bool:
        """Return True if the link is too slow for pixels.

        Parameters
        ----------
        link
            Measurements of the link.
        busy_share
            Share of the last `window_s` in which the link was busy.
        now_s
            Present time.
        """
        # Measurements from before the pixels may be of a busy machine.
        is_measured = link.updates >= _MEASURED_UPDATES and link.measured_s > self._began_s
        if is_measured and link.picture_s(self.picture_nbytes) > 2 * _PICTURE_S:
            return True
        return busy_share > _BUSY and now_s - self._began_s > _BUSY_WINDOW_S

    def end(self, now_s: float) -> None:
        """Note that pixels end; wait longer after each failure."""
        lasted = now_s - self._began_s >= _LASTING_S
        self._wait_s = _FIRST_WAIT_S if lasted else min(_MAX_WAIT_S, 2 * self._wait_s)
        self._ended_s, self._asked_since_s = now_s, None

    def stop_asking(self) -> None:
        """Note that the link is not idle."""
        self._asked_since_s = None
