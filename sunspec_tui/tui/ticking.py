"""Wait until the next screen update: new data, a time, keys.

News causes an update at once, but the rate of updates is limited. Only a new layout is not delayed.
"""

import time

from sunspec_tui.core.listeners import ThreadSafeEvent

TICK_S = 0.05
"""Mean interval of updates while news comes all the time; also their interval after a key."""

MAX_WAIT_S = 1.0
_FREQUENT_S = 0.5


class Ticker:
    """Clock of the screen's updates.

    Attributes
    ----------
    news
        Set from any thread when there is something to show.
    """

    def __init__(self) -> None:
        self.news = ThreadSafeEvent()
        self._hurry = ThreadSafeEvent()
        self._frequent_until_s = 0.0
        self._before_last_s = self._last_s = 0.0

    def update_often(self, seconds: float = _FREQUENT_S) -> None:
        """Update often for some seconds.

        Textual lays out the change of a key or a resize in several steps.
        """
        self._frequent_until_s = max(self._frequent_until_s, time.monotonic() + seconds)
        self.news.set()

    def update_now(self) -> None:
        """Update at once, even soon after the last update."""
        self._hurry.set()
        self.news.set()

    async def wait(self, due_s: float) -> None:
        """Wait for news, at most until `due_s` and at most a second.

        `due_s` is a time on `time.monotonic`.
        """
        now_s = time.monotonic()
        # An update just before a frame must not delay the frame, so the limit is two updates in two intervals.
        early_s = self._before_last_s + 2 * TICK_S - now_s
        if early_s > 0:
            await self._hurry.wait(early_s)
            now_s = time.monotonic()
        max_wait_s = TICK_S if now_s < self._frequent_until_s else MAX_WAIT_S
        await self.news.wait(min(max_wait_s, max(0.001, due_s - now_s)))
        self._before_last_s, self._last_s = self._last_s, time.monotonic()
