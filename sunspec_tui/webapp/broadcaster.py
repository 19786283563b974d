"""Send each row to all viewers, encoded once; slow viewers skip rows.

The broadcaster only fills the queues of the viewers, and runs on the web view's own loop. The receiver's thread only
wakes it. So a slow viewer cannot delay anything else.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import Product, available
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.monitoring.web_status import WebCounts
from sunspec_tui.webapp.encoded_rows import EncodedRows
from sunspec_tui.webapp.history_messages import STEP_VALUES, History
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.row_chain import ChainedRow
from sunspec_tui.webapp.status_cache import SnapshotSource, StatusCache
from sunspec_tui.webapp.viewer_queue import BACKLOG_ROWS, ViewerQueue
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

log = logging.getLogger(__name__)

STATUS_S = 1.0


class Source(SnapshotSource, Protocol):
    """Methods of a receiver that the broadcaster uses."""

    @property
    def unit(self) -> str:
        """Unit of the powers."""

    def position(self) -> Position | None:
        """Return the position of the stream; None before the first row."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Return rows by their numbers."""


class Broadcaster:
    """Sender of a receiver's rows and status to all viewers.

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

    Attributes
    ----------
    status
        Newest state of the monitor.
    """

    def __init__(
        self,
        source: Source,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        counts: WebCounts | None = None,
        error_log: VisitorErrorLog | None = None,
    ) -> None:
        self._source = source
        self._viewers: set[ViewerQueue] = set()
        self.counts = WebCounts() if counts is None else counts
        self._error_log = VisitorErrorLog(log) if error_log is None else error_log
        self._news, self._history_requested = asyncio.Event(), asyncio.Event()
        self._epoch, self._count = -1, 0
        self._encoded = EncodedRows(self.counts, monotonic)
        self.status = StatusCache(source, monotonic)

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return len(self._viewers)

    def wake(self) -> None:
        """Request a check for new rows; call on the loop's thread."""
        self._news.set()

    @property
    def is_awake(self) -> bool:
        """True if a check is due; safe from any thread."""
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
            while self._run_logged("a history could not be made", self.encode_history):
                await asyncio.sleep(0)

    async def _send_statuses(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            self._encoded.drop_unused_histories()
            if self._viewers:
                self._history_requested.set()
                self._run_logged("the status could not be sent to viewers", self._send_status_to_all)

    def _run_logged(self, failure: str, action: Callable[[], bool]) -> bool:
        """Run an action; log its failure, so that the web view continues.

        Return the value of the action, False after a failure.
        """
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - logged; one bad value must not end the web view
            self._error_log.log(failure, repr(error))
            return False

    def _send_status(self, viewer: ViewerQueue) -> bool:
        viewer.set_status(self.status.text())
        return False

    def _send_status_to_all(self) -> bool:
        text = self.status.text()
        for viewer in self._viewers:
            viewer.set_status(text)
        return False

    # Rows

    def pump(self) -> bool:
        """Queue some new rows for each viewer; return True if more wait.

        If more new rows wait than a viewer's queue may hold, the older ones are skipped: encoding them would delay the
        newest rows.
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
        """Skip the rows before a number, and count them per viewer."""
        if number > self._count:
            for viewer in self._viewers:
                # A viewer that waits for its history gets these rows in the history.
                if not viewer.waits_for_history:
                    self.counts.rows_skipped += max(0, number - max(self._count, viewer.next))
            self._count = number

    def _is_same_epoch(self) -> bool:
        """Return True if the viewers' axis is still the stream's.

        Otherwise the rows just read must not be sent; the next check starts the new epoch.
        """
        position = self._source.position()
        return position is not None and position.epoch == self._epoch

    def _send_rows(self, product: Product, rows: Rows) -> None:
        watching = [viewer for viewer in self._viewers if viewer.product is product and not viewer.waits_for_history]
        for n in range(len(rows)) if watching else ():
            row = self._encoded.row(rows, n, product)
            for viewer in watching:
                if row.number >= viewer.next:
                    self._send_row(viewer, row)

    def _send_row(self, viewer: ViewerQueue, row: ChainedRow) -> None:
        if viewer.is_behind:
            self.counts.rows_skipped += viewer.skip()
        viewer.put_row(row)

    def _start_epoch(self, position: Position) -> None:
        """Send all viewers the new axis and its rows."""
        self._epoch, self._count = position.epoch, position.count
        self._encoded.start_epoch(position.epoch)
        for viewer in self._viewers:
            self._send_all(viewer)

    # Viewers

    def join(self, viewer: ViewerQueue) -> None:
        """Add a viewer.

        It gets the status, the axis and the history, and each new row from now on.
        """
        if not self._viewers:
            # Without a viewer no rows were sent: the history contains the rows that came meanwhile.
            position = self._source.position()
            epoch, self._count = (position.epoch, position.count) if position else (-1, 0)
            if epoch != self._epoch:
                self._encoded.start_epoch(epoch)
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
        viewer.put(json_bytes(axis_record(position.axis, position.epoch, viewer.product, self._source.unit)).decode())
        if viewer.product in available(position.axis.npol):
            viewer.waits_for_history = True
            self._history_requested.set()

    def encode_history(self) -> bool:
        """Encode part of a requested history, and send it when complete.

        Return True if there may be more to encode.
        """
        waiting = next((viewer for viewer in self._viewers if viewer.waits_for_history), None)
        position = self._source.position()
        if waiting is None or position is None:
            return False
        if position.epoch != self._epoch:
            self._start_epoch(position)
            return True
        history = self._encoded.history(waiting.product, len(position.axis.frequencies_mhz))
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


def axis_record(axis: Axis, epoch: int, product: Product, unit: str) -> dict[str, Any]:
    """Return the record with axis and product of the following rows."""
    mhz = axis.frequencies_mhz
    return {
        "type": "axis",
        "epoch": epoch,
        "product": str(product),
        "unit": unit,
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
