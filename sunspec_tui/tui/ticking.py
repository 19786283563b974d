"""Wait for the next screen update: news, a time or a key.

The monitor updates at once when news comes, and at a limited rate however much comes.
"""

import asyncio
import time

from sunspec_tui.core.listeners import ThreadSafeEvent

TICK_S = 0.05
"""Mean interval of updates while much news comes, and their interval after a key."""

MAX_WAIT_S = 1.0
_LIVELY_S = 0.5


class Ticker:
    """Clock of the screen's updates.

    Attributes
    ----------
    news
        Set from any thread when there is something to show.
    """

    def __init__(self) -> None:
        self.news = ThreadSafeEvent()
        self._lively_until_s = 0.0
        self._before_s = self._last_s = 0.0

    def follow_up(self, seconds: float = _LIVELY_S) -> None:
        """Update often for a while: Textual lays out the change of a key or a resize in several steps."""
        self._lively_until_s = max(self._lively_until_s, time.monotonic() + seconds)
        self.news.set()

    async def wait(self, due_s: float) -> None:
        """Wait for news, until `due_s` on `time.monotonic` or for a second at the longest."""
        now_s = time.monotonic()
        # An update just before a frame must not delay the frame, so the limit is two updates in two intervals.
        rest_s = self._before_s + 2 * TICK_S - now_s
        if rest_s > 0:
            await asyncio.sleep(rest_s)
            now_s = time.monotonic()
        longest_s = TICK_S if now_s < self._lively_until_s else MAX_WAIT_S
        await self.news.wait(min(longest_s, max(0.001, due_s - now_s)))
        self._before_s, self._last_s = self._last_s, time.monotonic()
