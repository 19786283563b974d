"""Send each row to all viewers, encoded once; slow viewers skip rows.

A viewer that receives nothing is disconnected. The broadcaster runs on the web view's own loop. The receiver's thread
only wakes it, so a slow viewer cannot delay anything else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

import numpy as np

from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.monitoring.snapshot import NO_ROWS, Snapshot
from sunspec_tui.monitoring.status_record import live_record
from sunspec_tui.monitoring.web_status import WebCounts
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.history_messages import STEP_VALUES, History
from sunspec_tui.webapp.json_text import json_bytes
from sunspec_tui.webapp.row_chain import ChainedRow, RowChain
from sunspec_tui.webapp.viewer_queue import BACKLOG_ROWS, ViewerQueue
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

log = logging.getLogger(__name__)

HISTORY_KEPT_S = 60.0
SEND_TIMEOUT_S = 10.0
STATUS_S = 1.0
MAX_UNSENT_BYTES = 64 * 2**20
"""Unsent bytes of all viewers together above which histories are shortened."""
SHORT_HISTORY_ROWS = 60

Send = Callable[[bytes | str], Coroutine[Any, Any, None]]


class Source(Protocol):
    """Methods of a receiver that the broadcaster uses."""

    def snapshot(self, since: int = 0, *, epoch: int = 0, most: int | None = None) -> Snapshot:
        """Return the present state."""

    def position(self) -> Position | None:
        """Return the position of the stream; None before the first row."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Return rows by their numbers."""


class Broadcaster:
    """Send a receiver's rows and status to all viewers.

    Parameters
    ----------
    source
        The receiver.
    monotonic
        A monotonic clock, in seconds.
    counts
        Counts of rows sent to viewers, including earlier runs.
    error_log
        Logs errors.
    """

    def __init__(
        self,
        source: Source,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        counts: WebCounts | None = None,
        error_log: VisitorErrorLog | None = None,
    ) -> None:
        self._source, self._monotonic = source, monotonic
        self._viewers: set[ViewerQueue] = set()
        self.counts = WebCounts() if counts is None else counts
        self._error_log = VisitorErrorLog(log) if error_log is None else error_log
        self._news, self._history_requested = asyncio.Event(), asyncio.Event()
        self._epoch, self._count = -1, 0
        self._histories: dict[Product, History] = {}
        self._chains: dict[Product, RowChain] = {}
        self._status: tuple[float, Snapshot] | None = None

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return len(self._viewers)

    def wake(self) -> None:
        """Request a check for new rows; call on the loop's thread."""
        self._news.set()

    @property
    def is_awake(self) -> bool:
        """Return True if `wake` was called and rows wait to be sent; safe from any thread."""
        return self._news.is_set()

    async def run(self) -> None:
        """Send new rows and, once a second, the status; run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_new_rows())
            tasks.create_task(self._encode_histories())
            tasks.create_task(self._send_statuses())

    async def _send_new_rows(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._run_logged("rows could not be sent to viewers", self.pump):
                await asyncio.sleep(0)

    async def _encode_histories(self) -> None:
        """Encode the histories that viewers wait for, step by step."""
        while True:
            await self._history_requested.wait()
            self._history_requested.clear()
            while self._run_logged("a history could not be made", self._make_history):
                await asyncio.sleep(0)

    async def _send_statuses(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            self._forget_histories()
            if self._viewers:
                self._history_requested.set()
                self._run_logged("the status could not be sent to viewers", self._send_status_to_all)

    def _run_logged(self, what: str, action: Callable[[], bool]) -> bool:
        """Run an action; log its failure and return False, so that the web view continues."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - logged; one bad value must not end the web view
            self._error_log.log(what, repr(error))
            return False

    def _send_status(self, viewer: ViewerQueue) -> bool:
        viewer.set_status(self._status_text())
        return False

    def _send_status_to_all(self) -> bool:
        text = self._status_text()
        for viewer in self._viewers:
            viewer.set_status(text)
        return False

    def snapshot(self) -> Snapshot:
        """Return the monitor's state, cached for half a second because many visitors may request it."""
        now_s = self._monotonic()
        if self._status is None or now_s - self._status[0] > STATUS_S / 2:
            self._status = now_s, self._source.snapshot(since=NO_ROWS)
        return self._status[1]

    def _status_text(self) -> str:
        return json_bytes(live_record(self.snapshot())).decode()

    # Rows

    def pump(self) -> bool:
        """Send some new rows to each viewer; return True if more rows wait.

        If more rows have arrived than a viewer may lag behind, the older ones are skipped: encoding them would delay
        the newest rows.
        """
        position = self._source.position()
        if position is None or not self._viewers:
            return False
        if position.epoch != self._epoch:
            self._start_epoch(position)
            return False
        self._skip_to(position.count - BACKLOG_ROWS)
        stop = min(position.count, self._count + max(1, STEP_VALUES // (4 * len(position.axis.frequencies_mhz))))
        rows = self._source.rows_between(self._count, stop) if stop > self._count else None
        if rows is None or not self._is_same_epoch():
            return False
        self._count = stop
        # A viewer may wait for a product that this stream does not carry.
        carried = available(rows.data.shape[2])
        for product in {viewer.product for viewer in self._viewers if viewer.product in carried}:
            self._send_rows(product, rows)
        return stop < position.count

    def _skip_to(self, number: int) -> None:
        """Skip the rows before a number, and count them as dropped for each viewer."""
        if number > self._count:
            for viewer in self._viewers:
                # A viewer that waits for its history gets these rows in the history.
                if not viewer.waits_for_history:
                    self.counts.rows_skipped += max(0, number - max(self._count, viewer.next))
            self._count = number

    def _is_same_epoch(self) -> bool:
        """Return True if the rows just read have the viewers' axis; else the next check starts the new epoch."""
        position = self._source.position()
        return position is not None and position.epoch == self._epoch

    def _send_rows(self, product: Product, rows: Rows) -> None:
        watching = [viewer for viewer in self._viewers if viewer.product is product and not viewer.waits_for_history]
        for n in range(len(rows)) if watching else ():
            row = self._row(rows, n, product)
            for viewer in watching:
                if row.number >= viewer.next:
                    self._send_row(viewer, row)

    def _send_row(self, viewer: ViewerQueue, row: ChainedRow) -> None:
        if viewer.is_behind:
            self.counts.rows_skipped += viewer.skip()
        viewer.put_row(row)

    def _row(self, rows: Rows, n: int, product: Product) -> ChainedRow:
        start_s = self._monotonic()
        only = slice(n, n + 1)
        values = np.ascontiguousarray(derive(rows.data[only], product))
        single = Rows(
            rows.data[only], rows.times_s[only], rows.slots[only], rows.marks[only], rows.count - len(rows) + n + 1
        )
        row = self._chains.setdefault(product, RowChain(product, self._epoch)).add(single, values)
        self.counts.encode_s += self._monotonic() - start_s
        return row

    def _start_epoch(self, position: Position) -> None:
        """Send all viewers the new axis and its rows."""
        self._epoch, self._count = position.epoch, position.count
        self._forget_all()
        for viewer in self._viewers:
            self._send_all(viewer)

    # Viewers

    def join(self, viewer: ViewerQueue) -> None:
        """Send a viewer the status, axis and history, and each row from now on."""
        if not self._viewers:
            # There was no viewer: rows that came meanwhile are part of the history.
            position = self._source.position()
            epoch, self._count = (position.epoch, position.count) if position else (-1, 0)
            if epoch != self._epoch:
                self._forget_all()
            self._epoch = epoch
        self._viewers.add(viewer)
        self._send_all(viewer)
        self._news.set()

    def leave(self, viewer: ViewerQueue) -> None:
        """Remove a viewer."""
        self._viewers.discard(viewer)

    def count_dropped(self) -> None:
        """Count a viewer that was disconnected because it received nothing."""
        self.counts.dropped += 1

    def choose(self, viewer: ViewerQueue, product: Product) -> None:
        """Switch a viewer to another product, and send its history."""
        viewer.product = product
        self._send_all(viewer)

    def _send_all(self, viewer: ViewerQueue) -> None:
        viewer.clear()
        viewer.waits_for_history = False
        position = self._source.position()
        self._run_logged("the status could not be sent to a viewer", partial(self._send_status, viewer))
        if position is None:
            return
        viewer.put(json_bytes(axis_record(position.axis, position.epoch, viewer.product)).decode())
        if viewer.product in available(position.axis.npol):
            viewer.waits_for_history = True
            self._history_requested.set()

    def _make_history(self) -> bool:
        """Encode part of a requested history and send it when complete; True if more remain."""
        waiting = next((viewer for viewer in self._viewers if viewer.waits_for_history), None)
        position = self._source.position()
        if waiting is None or position is None:
            return False
        if position.epoch != self._epoch:
            self._start_epoch(position)
            return True
        product = waiting.product
        history = self._histories.get(product)
        if history is None:
            history = self._histories[product] = History(product, self._epoch, len(position.axis.frequencies_mhz))
        history.used_s = self._monotonic()
        # The history ends where sent rows end, so that each viewer gets the next row after it.
        if history.extend(self._source, self._count) and self._is_same_epoch():
            self._send_history(history)
        return True

    def _send_history(self, history: History) -> None:
        message = history.message()
        for viewer in self._viewers:
            if viewer.waits_for_history and viewer.product is history.product:
                viewer.waits_for_history = False
                viewer.next = history.count
                viewer.put(message)

    def _forget_all(self) -> None:
        """Drop the encoded rows of another epoch."""
        self._histories.clear()
        self._chains.clear()

    def _forget_histories(self) -> None:
        """Drop histories that were not used for a while: each takes up to a few megabytes."""
        old_s = self._monotonic() - HISTORY_KEPT_S
        for product in [product for product, history in self._histories.items() if history.used_s < old_s]:
            del self._histories[product]


def axis_record(axis: Axis, epoch: int, product: Product) -> dict[str, Any]:
    """Return the record that describes the axis and product of the following rows."""
    mhz = axis.frequencies_mhz
    return {
        "type": "axis",
        "epoch": epoch,
        "product": str(product),
        "products": [str(each) for each in available(axis.npol)],
        "bins": len(mhz),
        "first_mhz": float(mhz[0]),
        "last_mhz": float(mhz[-1]),
        # The last bin may be narrower than the others, so their width does not follow from its centre.
        "low_mhz": (axis.chan0 - 0.5) * CHANNEL_WIDTH_HZ / 1e6,
        "bin_mhz": axis.bin_mhz,
        "chan0": axis.chan0,
        "chan0_stated": axis.chan0_stated,
    }


async def serve(
    viewer: ViewerQueue,
    broadcaster: Broadcaster,
    send: Send,
    unsent: Callable[[], int],
    unsent_by_all: Callable[[], int] = lambda: 0,
) -> None:
    """Send a viewer all its messages, until its connection ends.

    Parameters
    ----------
    viewer, broadcaster
        The viewer, and the broadcaster that it joined.
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
        broadcaster.counts.rows_sent += row_messages.is_row(message)


async def _send_in_time(sending: Coroutine[Any, Any, None], unsent: Callable[[], int]) -> None:
    """Send a message; wait while bytes leave, but raise TimeoutError if none leave for `SEND_TIMEOUT_S`."""
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
