"""Decide whether a link carries pictures in pixels.

A picture in pixels needs few bytes while it scrolls, but hundreds of kilobytes when its levels, palette or size change.
So the rate of the link decides, not only its idle time. Only large updates measure the rate: the time of a small one
depends on the terminal and on the load of the machine. If there was no large update, or if the rate was too low, a
probe sends some: at first soon, later after up to a minute. So the decision is always checked again.

The caller passes all times; this module reads no clock and no terminal.
"""

import math
from collections import deque

_LARGE_BYTES = 4000
_ENOUGH_BYTES = 12_000
# Longest expected time of a whole picture: to begin with pixels, and to keep them.
_BEGIN_PICTURE_S, _END_PICTURE_S = 3.0, 5.0
_BUSY, _BUSY_WINDOW_S = 0.6, 6.0
_FIRST_WAIT_S, _MAX_WAIT_S = 4.0, 60.0
# If pixels end after this time, the link has changed. If they end earlier, the decision for them was wrong.
_LASTING_S = 60.0
_MEASURED_UPDATES = 4


class PixelJudge:
    """Decision whether the link is fast enough for pixels.

    Attributes
    ----------
    picture_nbytes
        Size of a whole picture in bytes; 0 if pixels are never drawn.
    """

    window_s = _BUSY_WINDOW_S
    """Time over which the caller measures the busy share for `must_end`."""

    def __init__(self) -> None:
        self.picture_nbytes = 0
        self._updates: deque[tuple[float, int]] = deque(maxlen=_MEASURED_UPDATES)
        self._wait_s = _FIRST_WAIT_S
        self._began_s = -math.inf
        self._judged_s: float | None = None
        self._must_probe = False

    def note_update(self, busy_s: float, nbytes: int) -> None:
        """Note an update, and its time beyond a round trip."""
        if nbytes >= _LARGE_BYTES:
            self._updates.append((busy_s, nbytes))

    @property
    def _picture_s(self) -> float | None:
        """Expected time of a whole picture; None before the rate was measured."""
        nbytes = sum(size for _, size in self._updates)
        if nbytes < _ENOUGH_BYTES:
            return None
        return sum(busy_s for busy_s, _ in self._updates) / nbytes * self.picture_nbytes

    def may_begin(self, now_s: float) -> bool:
        """Return True if pixels should begin.

        Call this while the link is idle.
        """
        if not self.picture_nbytes:
            return False
        if self._judged_s is None:
            self._judged_s = now_s
        picture_s = self._picture_s
        if picture_s is not None and picture_s <= _BEGIN_PICTURE_S:
            return True
        if now_s - self._judged_s >= self._wait_s:
            self._judged_s, self._must_probe = now_s, True
            self._wait_s = min(_MAX_WAIT_S, 2 * self._wait_s)
            self._updates.clear()
        return False

    def take_probe(self) -> bool:
        """Return True, once, if a large update should measure the rate."""
        must_probe, self._must_probe = self._must_probe, False
        return must_probe

    def begin(self, now_s: float) -> None:
        """Note that pixels begin; measure the rate again."""
        self._began_s = now_s
        self._updates.clear()

    def must_end(self, busy_share: float, now_s: float) -> bool:
        """Return True if the link is too slow for pixels.

        `busy_share` is the share of the last `window_s` in which the link was busy.
        """
        picture_s = self._picture_s
        if picture_s is not None and picture_s > _END_PICTURE_S:
            return True
        return busy_share > _BUSY and now_s - self._began_s > _BUSY_WINDOW_S

    def end(self, now_s: float) -> None:
        """Note that pixels end.

        If they did not last, the next probe comes later.
        """
        lasted = now_s - self._began_s >= _LASTING_S
        self._wait_s = _FIRST_WAIT_S if lasted else min(_MAX_WAIT_S, 2 * self._wait_s)
        self._judged_s = now_s
