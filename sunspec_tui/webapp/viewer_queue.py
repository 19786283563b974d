"""One page that watches: what is to be sent to it, and how far it has come. It sends nothing itself."""

import asyncio
from collections import deque

from sunspec_tui.core.products import Product
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.row_chain import ChainedRow

BACKLOG_ROWS = 120
"""Rows that may wait for a viewer: a burst of half a minute at four a second, and 0.1 MB that all viewers share."""
UNSEEN_ROWS = 40
"""Rows that may be under way to a viewer who says what it has seen: what a kernel's buffers would swallow otherwise."""


class ViewerQueue:
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
        self.waits_for_history = False
        """True while its history is being encoded; new rows reach it with that history."""
        self.sent = 0
        """Number after the last row that was sent."""
        self._continues: int | None = None
        """Number of the row that may continue the newest that waits or was sent; None if it must get a key row."""
        self._status: str | None = None
        self._waiting: deque[bytes | str] = deque()
        self._rows_waiting = 0
        self._ready = asyncio.Event()

    def set_status(self, status: str) -> None:
        """Send this status next, instead of one that still waits."""
        self._status = status
        self._ready.set()

    def put(self, message: bytes | str) -> None:
        """Send this after all that waits."""
        self._waiting.append(message)
        self._rows_waiting += row_messages.is_row(message)
        self._ready.set()

    def put_row(self, row: ChainedRow) -> None:
        """Send a row after all that waits: as a continuation, or as a key row if it has not the row before."""
        message = row.continued if self._continues == row.number else None
        self.put(row.key if message is None else message)
        self.next = self._continues = row.number + 1

    def skip(self) -> int:
        """Forget the rows that wait, and say how many they were; what they are of, and a history, stay."""
        skipped, self._rows_waiting, self._continues = self._rows_waiting, 0, None
        self._waiting = deque(each for each in self._waiting if not row_messages.is_row(each))
        return skipped

    def clear(self) -> None:
        """Forget all that waits: what follows begins anew."""
        self._waiting.clear()
        self._rows_waiting, self._continues = 0, None

    @property
    def is_behind(self) -> bool:
        """Whether more rows wait than are worth waiting for."""
        return self._rows_waiting >= BACKLOG_ROWS

    @property
    def is_full(self) -> bool:
        """Whether more rows are under way than it has seen."""
        return self.seen is not None and self.sent - self.seen >= UNSEEN_ROWS

    def acknowledge(self, number: int) -> None:
        """Learn how far the page has come."""
        self.seen = min(number, self.sent)
        self._ready.set()

    async def next_message(self) -> bytes | str:
        """Wait for the next message."""
        while not self._may_take():
            self._ready.clear()
            await self._ready.wait()
        if self._status is not None:
            status, self._status = self._status, None
            return status
        message = self._waiting.popleft()
        self._rows_waiting -= row_messages.is_row(message)
        if isinstance(message, bytes):
            self.sent = row_messages.next_number(message)
        return message

    def _may_take(self) -> bool:
        if self._status is not None:
            return True
        return bool(self._waiting) and not (self.is_full and isinstance(self._waiting[0], bytes))
