"""Wait for the next look at the receiver: for news, for a time, or for the next moment after a key.

The monitor looks at once when something has come, and at a bounded rate however much comes.
"""

import asyncio
import time

from sunspec_tui.core.listeners import ThreadSafeEvent

TICK_S = 0.05
"""Mean interval of looks while much happens, and their interval after a key."""

MAX_WAIT_S = 1.0
_LIVELY_S = 0.5


class Ticker:
    """Times of the looks.

    Attributes
    ----------
    news
        Set by whoever has something to show, from any thread.
    """

    def __init__(self) -> None:
        self.news = ThreadSafeEvent()
        self._lively_until_s = 0.0
        self._before_s = self._last_s = 0.0

    def follow_up(self, seconds: float = _LIVELY_S) -> None:
        """Look often for a while: what a key or another size changes is laid out in several steps."""
        self._lively_until_s = max(self._lively_until_s, time.monotonic() + seconds)
        self.news.set()

    async def wait(self, due_s: float) -> None:
        """Wait for news, but not longer than until `due_s` on `time.monotonic`, and not longer than a second."""
        now_s = time.monotonic()
        # A look just before a frame must not delay it, but there are no more than two in the time of two.
        rest_s = self._before_s + 2 * TICK_S - now_s
        if rest_s > 0:
            await asyncio.sleep(rest_s)
            now_s = time.monotonic()
        longest_s = TICK_S if now_s < self._lively_until_s else MAX_WAIT_S
        await self.news.wait(min(longest_s, max(0.001, due_s - now_s)))
        self._before_s, self._last_s = self._last_s, time.monotonic()
