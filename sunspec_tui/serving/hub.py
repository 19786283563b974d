"""Hands each row to every viewer, encoded once for all; who is slow skips to the newest, who is dead is let go.

Lives on the web view's own loop. The receiver's thread only wakes it, so a viewer can hold up nothing but itself.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import orjson

from sunspec_tui.products import Product, available, derive
from sunspec_tui.record import live_record
from sunspec_tui.ring import Rows
from sunspec_tui.serving import layout
from sunspec_tui.serving.viewer import Viewer
from sunspec_tui.snapshot import Axis, Position, Snapshot
from sunspec_tui.times import CHANNEL_WIDTH_HZ

ROW_BITS, HISTORY_BITS = 16, 8
HISTORY_ROWS = 1200
"""Rows that a viewer begins with: what the page can show, in less than a megabyte."""
SEND_TIMEOUT_S = 10.0
STATUS_S = 1.0


Send = Callable[[bytes | str], Coroutine[Any, Any, None]]


class Source(Protocol):
    """What the web view needs of a receiver."""

    def snapshot(self, since: int = 0, *, epoch: int = 0, most: int | None = None) -> Snapshot:
        """Everything at this moment."""

    def position(self) -> Position | None:
        """How far the stream has come."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Rows by their numbers."""


@dataclass(slots=True)
class Counts:
    """What has gone to viewers since the start."""

    rows_sent: int = 0
    rows_skipped: int = 0
    dropped: int = 0
    encode_s: float = 0.0


class Hub:
    """Follows a receiver for all viewers.

    Parameters
    ----------
    source
        The receiver.
    monotonic
        A clock that never goes back.
    """

    def __init__(self, source: Source, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source, self._monotonic = source, monotonic
        self._viewers: set[Viewer] = set()
        self.counts = Counts()
        self._news = asyncio.Event()
        self._epoch, self._count = -1, 0
        self._histories: dict[Product, tuple[int, int, bytes]] = {}
        self._status: tuple[float, Snapshot] | None = None

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def wake(self) -> None:
        """Look for new rows; on the loop's own thread."""
        self._news.set()

    async def run(self) -> None:
        """Hand on rows as they come, and the status each second, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._tell())

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self.pump()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            if self._viewers:
                text = self._told()
                for viewer in self._viewers:
                    viewer.tell(text)

    def snapshot(self) -> Snapshot:
        """The monitor's state, at most a second old: many may ask."""
        now_s = self._monotonic()
        if self._status is None or now_s - self._status[0] > STATUS_S / 2:
            self._status = now_s, self._source.snapshot(since=2**62)
        return self._status[1]

    def _told(self) -> str:
        return orjson.dumps(live_record(self.snapshot())).decode()

    # Rows

    def pump(self) -> None:
        """Hand every row that is new to each viewer that has not got it."""
        position = self._source.position()
        if position is None or not self._viewers:
            return
        if position.epoch != self._epoch:
            self._begin(position)
            return
        rows = self._source.rows_between(self._count, position.count)
        if rows is None or not len(rows) or not self._same_epoch():
            return
        self._count = rows.count
        # A viewer may wait for a product that this stream does not carry.
        carried = available(rows.data.shape[2])
        for product in {viewer.product for viewer in self._viewers if viewer.product in carried}:
            self._hand_on(product, rows)

    def _same_epoch(self) -> bool:
        """Whether rows just read are of the axis that viewers know; else the next look begins anew."""
        position = self._source.position()
        return position is not None and position.epoch == self._epoch

    def _hand_on(self, product: Product, rows: Rows) -> None:
        watching = [viewer for viewer in self._viewers if viewer.product is product]
        for n in range(len(rows)):
            number = rows.count - len(rows) + n
            message = self._row(rows, n, product)
            for viewer in watching:
                if number >= viewer.next:
                    self._give(viewer, message, number)

    def _give(self, viewer: Viewer, message: bytes, number: int) -> None:
        if viewer.is_behind:
            self.counts.rows_skipped += viewer.skip()
        viewer.next = number + 1
        viewer.put(message)

    def _row(self, rows: Rows, n: int, product: Product) -> bytes:
        begun_s = self._monotonic()
        only = slice(n, n + 1)
        values = np.ascontiguousarray(derive(rows.data[only], product))
        single = Rows(
            rows.data[only], rows.times_s[only], rows.slots[only], rows.marks[only], rows.count - len(rows) + n + 1
        )
        message = layout.encode(single, values, product, kind=layout.ROW, bits=ROW_BITS, epoch=self._epoch)
        self.counts.encode_s += self._monotonic() - begun_s
        return message

    def _begin(self, position: Position) -> None:
        """Tell all viewers of another axis, and what there is on it."""
        self._epoch, self._count = position.epoch, position.count
        self._histories.clear()
        for viewer in self._viewers:
            self._send_all(viewer)

    # Viewers

    def join(self, viewer: Viewer) -> None:
        """Send a viewer what there is, and each row from now on."""
        if self._viewers:
            self.pump()
        else:
            # Nobody has watched: what came meanwhile is history.
            position = self._source.position()
            self._epoch, self._count = (position.epoch, position.count) if position else (-1, 0)
        self._viewers.add(viewer)
        self._send_all(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Send a viewer nothing more."""
        self._viewers.discard(viewer)

    def lost(self) -> None:
        """Count a viewer that was let go because it takes nothing."""
        self.counts.dropped += 1

    def choose(self, viewer: Viewer, product: Product) -> None:
        """Send a viewer another product from now on, and the rows of it that there are."""
        viewer.product = product
        self._send_all(viewer)

    def _send_all(self, viewer: Viewer) -> None:
        viewer.clear()
        position = self._source.position()
        viewer.tell(self._told())
        if position is None:
            return
        viewer.put(orjson.dumps(axis_record(position.axis, position.epoch, viewer.product)).decode())
        if viewer.product not in available(position.axis.npol):
            return
        history = self._history(viewer.product, position)
        if history is not None:
            viewer.next, message = history
            viewer.put(message)

    def _history(self, product: Product, position: Position) -> tuple[int, bytes] | None:
        """Number of the next row, and all rows before it in one message; kept for who joins at the same moment."""
        kept = self._histories.get(product)
        if kept is not None and kept[0] == position.epoch and kept[1] == position.count:
            return kept[1], kept[2]
        rows = self._source.rows_between(position.count - HISTORY_ROWS, position.count)
        if rows is None or rows.data.shape[1] != len(position.axis.frequencies_mhz):
            return None
        values = np.ascontiguousarray(derive(rows.data, product))
        message = layout.encode(rows, values, product, kind=layout.HISTORY, bits=HISTORY_BITS, epoch=position.epoch)
        self._histories[product] = position.epoch, rows.count, message
        return rows.count, message


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
        "bin_mhz": axis.channel_average * CHANNEL_WIDTH_HZ / 1e6,
        "chan0": axis.chan0,
        "chan0_stated": axis.chan0_stated,
    }


async def serve(viewer: Viewer, hub: Hub, send: Send, unsent: Callable[[], int]) -> None:
    """Send a viewer that has joined all that is for it.

    Parameters
    ----------
    viewer, hub
        Who, and where from.
    send
        Sends one message; waits while its connection has more than enough to send.
    unsent
        Bytes that the connection has not sent yet.

    Raises
    ------
    TimeoutError
        If it takes nothing.
    """
    while True:
        message = await viewer.take()
        await _delivered(send(message), unsent)
        hub.counts.rows_sent += layout.is_row(message)


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
