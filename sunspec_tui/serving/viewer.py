"""One page that watches: what is to be sent to it, and how far it has come. It sends nothing itself."""

import asyncio
from collections import deque

from sunspec_tui.products import Product
from sunspec_tui.serving import layout

BACKLOG_ROWS = 240
"""Rows that may wait for a viewer: a burst of a minute at four a second, and 0.4 MB that all viewers share."""
UNSEEN_ROWS = 240
"""Rows that may be under way to a viewer who says what it has seen: what a kernel's buffers would swallow otherwise."""


class Viewer:
    """One page that watches one product: what is still to be sent to it.

    Parameters
    ----------
    product
        What it shows.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self.next = 0
        """Number of the row that it is to get next."""
        self.seen: int | None = None
        """Number after the last row that it says it has; None until it says so."""
        self.sent = 0
        """Number after the last row that was sent."""
        self._waiting: deque[bytes | str] = deque()
        self._rows_waiting = 0
        self._ready = asyncio.Event()

    def put(self, message: bytes | str, rows: int = 0) -> None:
        """Send this next; `rows` are those that it may go without."""
        self._waiting.append(message)
        self._rows_waiting += rows
        self._ready.set()

    def skip(self) -> int:
        """Forget the rows that wait, and say how many they were; what else waits stays."""
        skipped, self._rows_waiting = self._rows_waiting, 0
        self._waiting = deque(each for each in self._waiting if isinstance(each, str))
        return skipped

    @property
    def is_behind(self) -> bool:
        """Whether more rows wait than are worth waiting for."""
        return self._rows_waiting >= BACKLOG_ROWS

    @property
    def is_full(self) -> bool:
        """Whether more rows are under way than it has seen."""
        return self.seen is not None and self.sent - self.seen >= UNSEEN_ROWS

    def has_seen(self, number: int) -> None:
        """Learn how far the page has come."""
        self.seen = min(number, self.sent)
        self._ready.set()

    async def take(self) -> bytes | str:
        """Wait for the next message."""
        while not self._waiting or (self.is_full and isinstance(self._waiting[0], bytes)):
            self._ready.clear()
            await self._ready.wait()
        message = self._waiting.popleft()
        if isinstance(message, bytes):
            self._rows_waiting = max(0, self._rows_waiting - 1)
            self.sent = layout.next_number(message)
        return message
