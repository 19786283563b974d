"""Queue of one viewer's unsent messages, and its acknowledged rows.

This module does not send.
"""

import asyncio
from collections import deque

from sunspec_tui.core.products import Product
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.row_chain import ChainedRow

BACKLOG_ROWS = 120
"""Rows that may wait for a viewer: half a minute at four per second. All viewers share the 0.1 MB of these rows."""
UNSEEN_ROWS = 40
"""Rows in flight to a viewer that acknowledges; without a limit, kernel buffers would hide a slow link."""


class ViewerQueue:
    """Send queue of one viewer and its acknowledgements.

    Parameters
    ----------
    product
        Product that the page shows.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self.next = 0
        """Number of the next row for the viewer."""
        self.acknowledged: int | None = None
        """Number after the last acknowledged row; None before the first acknowledgement."""
        self.waits_for_history = False
        """True while the viewer's history is being encoded; the history will include new rows."""
        self.sent = 0
        """Number after the last row that was sent."""
        self._continues: int | None = None
        """Number of the row that may continue the newest queued or sent one; None if a key row is needed."""
        self._status: str | None = None
        self._waiting: deque[bytes | str] = deque()
        self._rows_waiting = 0
        self._ready = asyncio.Event()

    def set_status(self, status: str) -> None:
        """Queue a status as the next message, replacing an older one."""
        self._status = status
        self._ready.set()

    def put(self, message: bytes | str) -> None:
        """Append a message to the queue."""
        self._waiting.append(message)
        self._rows_waiting += row_messages.is_row(message)
        self._ready.set()

    def put_row(self, row: ChainedRow) -> None:
        """Append a row, as a continuation if possible.

        A viewer that lacks the previous row gets a key row.
        """
        message = row.continued if self._continues == row.number else None
        self.put(row.key if message is None else message)
        self.next = self._continues = row.number + 1

    def skip(self) -> int:
        """Drop the queued rows and return their number.

        Axis records and a history remain in the queue.
        """
        skipped, self._rows_waiting, self._continues = self._rows_waiting, 0, None
        self._waiting = deque(each for each in self._waiting if not row_messages.is_row(each))
        return skipped

    def clear(self) -> None:
        """Drop all queued messages; the next row is a key row."""
        self._waiting.clear()
        self._rows_waiting, self._continues = 0, None

    @property
    def waiting(self) -> tuple[bytes | str, ...]:
        """Queued messages, oldest first, without a waiting status."""
        return tuple(self._waiting)

    @property
    def is_behind(self) -> bool:
        """True if so many rows wait that they should be skipped."""
        return self._rows_waiting >= BACKLOG_ROWS

    @property
    def is_full(self) -> bool:
        """True if too many sent rows are not acknowledged yet."""
        return self.acknowledged is not None and self.sent - self.acknowledged >= UNSEEN_ROWS

    def acknowledge(self, number: int) -> None:
        """Note the number after the last row that the page has received."""
        self.acknowledged = min(number, self.sent)
        self._ready.set()

    async def next_message(self) -> bytes | str:
        """Wait for the next message."""
        while not self._has_message():
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

    def _has_message(self) -> bool:
        if self._status is not None:
            return True
        return bool(self._waiting) and not (self.is_full and isinstance(self._waiting[0], bytes))
