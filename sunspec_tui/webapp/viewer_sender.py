"""Send one viewer's queued messages; disconnect it when it stops reading."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sunspec_tui.monitoring.web_status import WebCounts
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.viewer_queue import ViewerQueue

SEND_TIMEOUT_S = 10.0
MAX_UNSENT_BYTES = 64 * 2**20
"""Unsent bytes of all viewers together above which histories are shortened."""
SHORT_HISTORY_ROWS = 60

Send = Callable[[bytes | str], Coroutine[Any, Any, None]]


async def send_messages(
    viewer: ViewerQueue,
    counts: WebCounts,
    send: Send,
    unsent: Callable[[], int],
    unsent_by_all: Callable[[], int] = lambda: 0,
) -> None:
    """Send a viewer all its messages, until its connection ends.

    Parameters
    ----------
    viewer
        Queue of the viewer.
    counts
        Counts to which the sent rows are added.
    send
        Sends one message; waits while the connection's send buffer is full.
    unsent
        Returns the bytes that wait to be sent on this connection.
    unsent_by_all
        Returns the same for all connections together; above `MAX_UNSENT_BYTES` a history has only its newest rows.

    Raises
    ------
    TimeoutError
        If the viewer receives nothing for too long.
    """
    while True:
        message = await viewer.next_message()
        if isinstance(message, bytes) and not row_messages.is_row(message) and unsent_by_all() > MAX_UNSENT_BYTES:
            message = row_messages.newest_rows(message, SHORT_HISTORY_ROWS)
        await _send_in_time(send(message), unsent)
        counts.rows_sent += row_messages.is_row(message)


async def _send_in_time(sending: Coroutine[Any, Any, None], unsent: Callable[[], int]) -> None:
    """Send a message, and wait as long as bytes leave.

    Raises
    ------
    TimeoutError
        If no bytes leave for `SEND_TIMEOUT_S`.
    """
    if not unsent():
        await sending
        return
    task, before = asyncio.ensure_future(sending), unsent()
    try:
        while not (await asyncio.wait((task,), timeout=SEND_TIMEOUT_S))[0]:
            left = unsent()
            if left >= before:
                raise TimeoutError
            before = left
    finally:
        task.cancel()
    await task
