"""Decode each message, pass its frame on, and wake waiting threads.

A message is decoded to a frame, and a frame is stored as a row of the ring buffer. All state changes under the lock
that readers use too.
"""

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np

from sunspec_tui.core.errors import RejectCause, RejectedMessage, error_text
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.frame import Frame, decode
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.memory_budgets import frame_nbytes
from sunspec_tui.core.memory_usage import Collector
from sunspec_tui.stream.frame_iterator import FrameIterators, Row
from sunspec_tui.stream.frame_placer import FramePlacement
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.ingest import FrameIngester

log = logging.getLogger(__name__)


class Clocks(NamedTuple):
    """Wall clock (seconds since 1970) and monotonic clock."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


class Reporter(Protocol):
    """Interface that reports events of the stream."""

    def report_rejection(self, error: RejectedMessage, arrived_s: float) -> None:
        """Report a rejected message."""

    def report_frame(self, placement: FramePlacement, arrived_s: float, *, reshaped: bool) -> None:
        """Report unusual properties of a frame."""


class MessageHandler:
    """Callbacks of the subscriber's thread.

    Parameters
    ----------
    ingester, lock
        State that frames change, and the lock that protects it.
    reporter
        Reporter of events of the stream.
    source
        Address of the stream, for the log.
    clocks
        Clocks for times of arrival.
    collector
        Garbage collector, called at intervals.
    listeners
        Functions called after each batch of messages.
    on_header
        Function called with the header of the first frame; None for no call.

    Attributes
    ----------
    wake_at_count
        Number of received frames at which waiting threads are woken; infinite if none waits.
    frame_iterators, row_iterators
        Iterators that receive each new frame, or each new row.
    """

    def __init__(
        self,
        ingester: FrameIngester,
        lock: threading.Lock,
        reporter: Reporter,
        source: str,
        *,
        clocks: Clocks,
        collector: Collector,
        listeners: Listeners,
        on_header: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._ingester, self._lock, self._reporter, self._source = ingester, lock, reporter, source
        self._now, self._monotonic = clocks
        self._collector, self._listeners, self._on_header = collector, listeners, on_header
        self._arrived = threading.Condition(lock)
        # Waking a waiting thread takes as long as a frame, so it is woken only when its frames have arrived.
        self.wake_at_count = math.inf
        self._stop_count = 0
        self.frame_iterators, self.row_iterators = FrameIterators[Frame](), FrameIterators[Row]()

    def on_message(self, parts: Sequence[bytes | memoryview]) -> None:
        """Store one multipart message as a row, or count it as rejected."""
        now_s, arrived_s = self._now(), self._monotonic()
        frame = None
        try:
            frame = decode(parts, self._ingester.chan0)
            with self._lock:
                epoch = self._ingester.epoch
                placement = self._ingester.ingest(frame, now_s, arrived_s)
                if self._ingester.health.frames_received >= self.wake_at_count:
                    self.wake_at_count = math.inf
                    self._arrived.notify_all()
        except RejectedMessage as error:
            self._reject(error, arrived_s, frame)
            return
        except Exception as error:  # noqa: BLE001 - counted and reported; the next message may be a frame
            self._reject(RejectedMessage(RejectCause.UNEXPECTED, error_text(error)), arrived_s, frame)
            return
        self._pass_on(frame, parts)
        if placement.mark or placement.silence_s or self._ingester.epoch != epoch:
            self._reporter.report_frame(placement, arrived_s, reshaped=self._ingester.epoch != epoch)
        interval = self._collector.interval
        if interval and self._ingester.health.frames_received % interval == 0:
            self._collector.collect_young()

    def _pass_on(self, frame: Frame, parts: Sequence[bytes | memoryview]) -> None:
        """Pass a frame and its row to the iterators, if any."""
        ingester = self._ingester
        if self._on_header is not None and ingester.health.frames_received == 1:
            self._on_header(frame.header)
        if self.frame_iterators:
            self.frame_iterators.put(frame, frame_nbytes(parts))
        if self.row_iterators and ingester.ring is not None and ingester.axis is not None:
            newest = ingester.ring.latest(1), ingester.axis, ingester.epoch, ingester.health.cadence_s
            self.row_iterators.put(Row.newest(*newest))

    def on_queue(self, taken: int) -> None:
        """Note the number of messages read since the receive queue was empty.

        Listeners are called here, once per batch: they wake threads, which compete with this one.
        """
        with self._lock:
            self._ingester.health.note_queue(taken)
        if taken:
            self._listeners.notify()

    def receiving(self) -> AbstractContextManager[object]:
        """Return the context of the thread, without NumPy warnings for invalid values."""
        return np.errstate(invalid="ignore", over="ignore")

    def on_link(self, link: LinkState, words: str = "", attempt: int = 0) -> None:
        """Store and log the link's state, its description and the attempt's number."""
        with self._lock:
            health = self._ingester.health
            before = (health.link, health.link_detail)
            health.set_link(link, words, attempt)
        if (link, words) != before:
            level = logging.INFO if link in (LinkState.CONNECTING, LinkState.CONNECTED) else logging.WARNING
            tried = {"attempt": attempt} if attempt else {}
            log_event(log, level, "link", f"{self._source}: {words or link}", link=link.name.lower(), **tried)

    def on_reject(self, error: RejectedMessage) -> None:
        """Count a message that could not be received."""
        self._reject(error, self._monotonic())

    def cadence_s(self) -> float:
        """Return the seconds of data from frame to frame; NaN while unknown."""
        return self._ingester.health.cadence_s

    def on_failure(self, error: Exception) -> None:
        """Note that an error has ended the thread."""
        self._mark_ended(LinkState.FAILED)
        self.close_iterators()
        log_event(log, logging.ERROR, "failure", f"receiving ended with an error, restart the program: {error!r}")

    def _reject(self, error: RejectedMessage, arrived_s: float, frame: Frame | None = None) -> None:
        with self._lock:
            self._ingester.health.reject(error.cause, error.detail, None if frame is None else frame.seq)
        self._reporter.report_rejection(error, arrived_s)

    # For other threads

    def mark_connecting(self) -> None:
        """Mark the link as connecting."""
        with self._lock:
            self._ingester.health.set_link(LinkState.CONNECTING)

    def mark_idle(self) -> None:
        """Mark the link as idle and wake all waiters."""
        self._mark_ended(LinkState.IDLE)

    def _mark_ended(self, link: LinkState) -> None:
        with self._arrived:
            self._ingester.health.set_link(link)
            self._stop_count += 1
            self._arrived.notify_all()

    def close_iterators(self) -> None:
        """End the iterators over frames and rows after their queued items."""
        self.frame_iterators.close()
        self.row_iterators.close()

    def wait_for_frames(self, n: int, timeout_s: float) -> bool:
        """Wait until `n` frames were received since the start.

        Return False after the timeout or `mark_idle`.
        """
        with self._arrived:
            before = self._stop_count
            # Locks do not accept longer timeouts.
            timeout_s = min(timeout_s, threading.TIMEOUT_MAX)
            self._arrived.wait_for(lambda: self._has_received(n) or self._stop_count != before, timeout_s)
            return self._ingester.health.frames_received >= n

    def _has_received(self, n: int) -> bool:
        """Return True if `n` frames were received.

        Otherwise request to be woken then.
        """
        if self._ingester.health.frames_received >= n:
            return True
        self.wake_at_count = min(self.wake_at_count, n)
        return False
