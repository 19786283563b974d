"""Fetch parts of a timeline in a thread.

A source may read a disk. The thread starts with the first request. A new request replaces the one before. Finished
parts are kept in a bounded cache, so that a return to an earlier picture does not read them again.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.products import Product
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.core.timeline_source import TimelineSource

log = logging.getLogger(__name__)

MAX_CACHE_NBYTES = 24 * 2**20
"""Memory for the blocks of earlier pictures."""

STOP_WITHIN_S = 1.0
"""Time to wait for the end of the thread. If a disk does not answer, the process ends without it."""


class TimelinePart(NamedTuple):
    """Part of a picture to fetch.

    Attributes
    ----------
    step_s, begin_s, end_s, product
        Arguments of `TimelineSource.blocks`.
    is_finished
        True if its rows never change, so that it can be cached.
    """

    step_s: int
    begin_s: float
    end_s: float
    product: Product
    is_finished: bool


class FetchedPart(NamedTuple):
    """Fetched part; without blocks (None) if its source could not be read."""

    part: TimelinePart
    blocks: list[TimeBlocks] | None


class TimelineFetcher:
    """Thread that fetches parts, in the order of the request.

    Parameters
    ----------
    on_fetched
        Called in the thread after each part.
    """

    def __init__(self, on_fetched: Callable[[], None] = lambda: None) -> None:
        self.on_fetched = on_fetched
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._source: TimelineSource | None = None
        self._wanted: deque[TimelinePart] = deque()
        self._fetched: deque[FetchedPart] = deque()
        self._cache: OrderedDict[TimelinePart, list[TimeBlocks]] = OrderedDict()
        self._cached_nbytes = 0
        self._request = 0
        self._is_busy = self._is_stopped = self._has_failed = False

    def request(self, source: TimelineSource, parts: Iterable[TimelinePart]) -> None:
        """Fetch parts of a source; forget those of earlier requests."""
        with self._condition:
            if self._is_stopped:
                return
            if source is not self._source:
                self._cache.clear()
                self._cached_nbytes = 0
            self._source = source
            self._request += 1
            self._fetched.clear()
            self._wanted = deque(part for part in parts if not self._is_cached(part))
            if self._thread is None and self._wanted:
                self._thread = threading.Thread(target=self._run, name="sunspec-picture", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def clear_cache(self) -> None:
        """Forget all blocks, because the bins of the timeline have changed."""
        with self._condition:
            self._cache.clear()
            self._cached_nbytes = 0

    def _is_cached(self, part: TimelinePart) -> bool:
        """Return True for a cached part, and note it as fetched."""
        blocks = self._cache.get(part)
        if blocks is None:
            return False
        self._cache.move_to_end(part)
        self._fetched.append(FetchedPart(part, blocks))
        return True

    def next_fetched(self) -> FetchedPart | None:
        """Return the next fetched part of the present request, if any."""
        with self._condition:
            return self._fetched.popleft() if self._fetched else None

    def wait(self, timeout_s: float) -> None:
        """Wait until all parts are fetched, at most for some time."""
        with self._condition:
            self._condition.wait_for(lambda: not self._wanted and not self._is_busy, timeout_s)

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._is_stopped = True
            self._wanted.clear()
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_WITHIN_S)

    # The thread

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            source, part, request = job
            blocks = self._read(source, part)
            with self._condition:
                self._is_busy = False
                if request == self._request:
                    self._fetched.append(FetchedPart(part, blocks))
                if blocks is not None and source is self._source:
                    self._keep(part, blocks)
                self._condition.notify_all()
            self.on_fetched()

    def _next_job(self) -> tuple[TimelineSource, TimelinePart, int] | None:
        """Wait for the next part; return None at the end."""
        with self._condition:
            self._condition.wait_for(lambda: self._wanted or self._is_stopped)
            if self._is_stopped or self._source is None:
                return None
            self._is_busy = True
            return self._source, self._wanted.popleft(), self._request

    def _read(self, source: TimelineSource, part: TimelinePart) -> list[TimeBlocks] | None:
        """Read a part; log the first of several failures."""
        try:
            blocks = source.blocks(part.step_s, part.begin_s, part.end_s, part.product)
        except Exception as error:  # noqa: BLE001 - a source's library may raise any error; the other parts continue
            if not self._has_failed:
                words = str(error) if isinstance(error, SunspecError) else repr(error)
                log_event(log, logging.ERROR, "timeline_unreadable", f"part of the day cannot be shown: {words}")
            self._has_failed = True
            return None
        self._has_failed = False
        return blocks

    def _keep(self, part: TimelinePart, blocks: list[TimeBlocks]) -> None:
        if not part.is_finished or part in self._cache:
            return
        self._cache[part] = blocks
        self._cached_nbytes += _nbytes(blocks)
        while self._cached_nbytes > MAX_CACHE_NBYTES:
            self._cached_nbytes -= _nbytes(self._cache.popitem(last=False)[1])


def _nbytes(blocks: list[TimeBlocks]) -> int:
    # An empty part needs some memory too.
    return sum(each.mean.nbytes + each.peak.nbytes for each in blocks) + 1000
