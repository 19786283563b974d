"""Hands each row to every viewer, encoded once for all; who is slow skips to the newest, who is dead is let go.

Lives on the web view's own loop. The receiver's thread only wakes it, so a viewer can hold up nothing but itself.
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
from sunspec_tui.webapp.visitor_errors import Complaints

log = logging.getLogger(__name__)

HISTORY_KEPT_S = 60.0
SEND_TIMEOUT_S = 10.0
STATUS_S = 1.0
MAX_UNSENT_BYTES = 64 * 2**20
"""Unsent bytes of all viewers together above which histories are shortened."""
SHORT_HISTORY_ROWS = 60

Send = Callable[[bytes | str], Coroutine[Any, Any, None]]


class Source(Protocol):
    """What the web view needs of a receiver."""

    def snapshot(self, since: int = 0, *, epoch: int = 0, most: int | None = None) -> Snapshot:
        """Everything at this moment."""

    def position(self) -> Position | None:
        """How far the stream has come."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Rows by their numbers."""


class Broadcaster:
    """Send a receiver's rows and status to all viewers.

    Parameters
    ----------
    source
        The receiver.
    monotonic
        A monotonic clock, in seconds.
    counts
        Counts of what was sent to viewers, also in earlier runs.
    complaints
        Logs errors.
    """

    def __init__(
        self,
        source: Source,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        counts: WebCounts | None = None,
        complaints: Complaints | None = None,
    ) -> None:
        self._source, self._monotonic = source, monotonic
        self._viewers: set[ViewerQueue] = set()
        self.counts = WebCounts() if counts is None else counts
        self._complaints = Complaints(log) if complaints is None else complaints
        self._news, self._wanted = asyncio.Event(), asyncio.Event()
        self._epoch, self._count = -1, 0
        self._histories: dict[Product, History] = {}
        self._chains: dict[Product, RowChain] = {}
        self._status: tuple[float, Snapshot] | None = None

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def wake(self) -> None:
        """Look for new rows; on the loop's own thread."""
        self._news.set()

    @property
    def is_awake(self) -> bool:
        """Return True if `wake` was called and rows wait to be sent; safe from any thread."""
        return self._news.is_set()

    async def run(self) -> None:
        """Hand on rows as they come, and the status each second, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._prepare())
            tasks.create_task(self._tell())

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._tried("rows could not be sent to viewers", self.pump):
                await asyncio.sleep(0)

    async def _prepare(self) -> None:
        """Encode the histories that viewers wait for, step by step."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._tried("a history could not be made", self._make_history):
                await asyncio.sleep(0)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            self._forget_histories()
            if self._viewers:
                self._wanted.set()
                self._tried("the status could not be sent to viewers", self._tell_all)

    def _tried(self, what: str, step: Callable[[], bool]) -> bool:
        """Run a step; log its failure and return False, so that the web view continues."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - logged; one bad value must not end the web view
            self._complaints.say(what, repr(error))
            return False

    def _tell_one(self, viewer: ViewerQueue) -> bool:
        viewer.set_status(self._told())
        return False

    def _tell_all(self) -> bool:
        text = self._told()
        for viewer in self._viewers:
            viewer.set_status(text)
        return False

    def snapshot(self) -> Snapshot:
        """The monitor's state, at most a second old: many may ask."""
        now_s = self._monotonic()
        if self._status is None or now_s - self._status[0] > STATUS_S / 2:
            self._status = now_s, self._source.snapshot(since=NO_ROWS)
        return self._status[1]

    def _told(self) -> str:
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
            self._begin(position)
            return False
        self._skip_to(position.count - BACKLOG_ROWS)
        stop = min(position.count, self._count + max(1, STEP_VALUES // (4 * len(position.axis.frequencies_mhz))))
        rows = self._source.rows_between(self._count, stop) if stop > self._count else None
        if rows is None or not self._same_epoch():
            return False
        self._count = stop
        # A viewer may wait for a product that this stream does not carry.
        carried = available(rows.data.shape[2])
        for product in {viewer.product for viewer in self._viewers if viewer.product in carried}:
            self._hand_on(product, rows)
        return stop < position.count

    def _skip_to(self, number: int) -> None:
        """Skip the rows before a number, and count them as dropped for each viewer."""
        if number > self._count:
            for viewer in self._viewers:
                # A viewer that waits for its history gets these rows in the history.
                if not viewer.waits_for_history:
                    self.counts.rows_skipped += max(0, number - max(self._count, viewer.next))
            self._count = number

    def _same_epoch(self) -> bool:
        """Whether rows just read are of the axis that viewers know; else the next look begins anew."""
        position = self._source.position()
        return position is not None and position.epoch == self._epoch

    def _hand_on(self, product: Product, rows: Rows) -> None:
        watching = [viewer for viewer in self._viewers if viewer.product is product and not viewer.waits_for_history]
        for n in range(len(rows)) if watching else ():
            row = self._row(rows, n, product)
            for viewer in watching:
                if row.number >= viewer.next:
                    self._give(viewer, row)

    def _give(self, viewer: ViewerQueue, row: ChainedRow) -> None:
        if viewer.is_behind:
            self.counts.rows_skipped += viewer.skip()
        viewer.put_row(row)

    def _row(self, rows: Rows, n: int, product: Product) -> ChainedRow:
        begun_s = self._monotonic()
        only = slice(n, n + 1)
        values = np.ascontiguousarray(derive(rows.data[only], product))
        single = Rows(
            rows.data[only], rows.times_s[only], rows.slots[only], rows.marks[only], rows.count - len(rows) + n + 1
        )
        row = self._chains.setdefault(product, RowChain(product, self._epoch)).add(single, values)
        self.counts.encode_s += self._monotonic() - begun_s
        return row

    def _begin(self, position: Position) -> None:
        """Tell all viewers of another axis, and what there is on it."""
        self._epoch, self._count = position.epoch, position.count
        self._forget_all()
        for viewer in self._viewers:
            self._send_all(viewer)

    # Viewers

    def join(self, viewer: ViewerQueue) -> None:
        """Send a viewer what there is, and each row from now on."""
        if not self._viewers:
            # Nobody has watched: what came meanwhile is history.
            position = self._source.position()
            epoch, self._count = (position.epoch, position.count) if position else (-1, 0)
            if epoch != self._epoch:
                self._forget_all()
            self._epoch = epoch
        self._viewers.add(viewer)
        self._send_all(viewer)
        self._news.set()

    def leave(self, viewer: ViewerQueue) -> None:
        """Send a viewer nothing more."""
        self._viewers.discard(viewer)

    def lost(self) -> None:
        """Count a viewer that was let go because it takes nothing."""
        self.counts.dropped += 1

    def choose(self, viewer: ViewerQueue, product: Product) -> None:
        """Send a viewer another product from now on, and the rows of it that there are."""
        viewer.product = product
        self._send_all(viewer)

    def _send_all(self, viewer: ViewerQueue) -> None:
        viewer.clear()
        viewer.waits_for_history = False
        position = self._source.position()
        self._tried("the status could not be sent to a viewer", partial(self._tell_one, viewer))
        if position is None:
            return
        viewer.put(json_bytes(axis_record(position.axis, position.epoch, viewer.product)).decode())
        if viewer.product in available(position.axis.npol):
            viewer.waits_for_history = True
            self._wanted.set()

    def _make_history(self) -> bool:
        """Encode part of a requested history and send it when complete; True if more remain."""
        waiting = next((viewer for viewer in self._viewers if viewer.waits_for_history), None)
        position = self._source.position()
        if waiting is None or position is None:
            return False
        if position.epoch != self._epoch:
            self._begin(position)
            return True
        product = waiting.product
        history = self._histories.get(product)
        if history is None:
            history = self._histories[product] = History(product, self._epoch, len(position.axis.frequencies_mhz))
        history.used_s = self._monotonic()
        # The history ends where sent rows end, so that each viewer gets the next row after it.
        if history.extend(self._source, self._count) and self._same_epoch():
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
        """Drop what was encoded of another epoch."""
        self._histories.clear()
        self._chains.clear()

    def _forget_histories(self) -> None:
        """Drop histories that were not used for a while: each has up to a few megabytes."""
        old_s = self._monotonic() - HISTORY_KEPT_S
        for product in [product for product, history in self._histories.items() if history.used_s < old_s]:
            del self._histories[product]


def axis_record(axis: Axis, epoch: int, product: Product) -> dict[str, Any]:
    """What the rows that follow are of."""
    mhz = axis.frequencies_mhz
    return {
        "type": "axis",
        "epoch": epoch,
        "product": str(product),
        "products": [str(each) for each in available(axis.npol)],
        "bins": len(mhz),
        "first_mhz": float(mhz[0]),
        "last_mhz": float(mhz[-1]),
        # The last bin may be narrower than the others, so its centre does not tell their width.
        "low_mhz": (axis.chan0 - 0.5) * CHANNEL_WIDTH_HZ / 1e6,
        "bin_mhz": axis.bin_mhz,
        "chan0": axis.chan0,
        "chan0_stated": axis.chan0_stated,
    }


async def serve(
    viewer: ViewerQueue,
    hub: Broadcaster,
    send: Send,
    unsent: Callable[[], int],
    unsent_by_all: Callable[[], int] = lambda: 0,
) -> None:
    """Send a viewer all its messages, until its connection ends.

    Parameters
    ----------
    viewer, hub
        The viewer, and the hub that it joined.
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
        await _delivered(send(message), unsent)
        hub.counts.rows_sent += row_messages.is_row(message)


async def _delivered(sending: Coroutine[Any, Any, None], unsent: Callable[[], int]) -> None:
    """Wait for a message to be sent: as long as it takes where something goes, and a while where nothing does."""
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
