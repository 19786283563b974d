"""Read a timeline for visitors in threads, with limits and a cache.

A timeline may read a disk, so it is never read on the server's loop. Visitors that ask for the same columns share one
answer. A visitor that asks for much waits, and reading uses at most half of a processor's time.
"""

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

from sunspec_tui.webapp.rate_limiter import RateLimiter

MAX_THREADS = 2
MAX_CACHE_BYTES = 16 * 2**20
FRESH_S = 2.0
"""Columns that may still change are read again after this time."""
STATE_S = 1.0
WAIT_S = 10.0
PEER_SHARE, PEER_BURST_S = 0.25, 3.0
"""Processor time of reading a second for one peer, and at once after a pause."""
ALL_SHARE, ALL_BURST_S = 0.5, 6.0

Result = TypeVar("Result")


class ReaderBusyError(Exception):
    """No time for reading became free."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Encoded columns.

    Attributes
    ----------
    body, tag
        Compressed bytes, and a hash of them.
    is_finished
        True if the columns never change.
    """

    body: bytes
    tag: str
    is_finished: bool


class TimelineReader:
    """Threads that read a timeline, with limits and a cache.

    Parameters
    ----------
    monotonic
        A monotonic clock, in seconds.
    thread_time
        Returns the processor time of the calling thread, in seconds. On a busy machine, or a slow disk, it is much
        less than the time that has passed.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        thread_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._monotonic, self._thread_time = monotonic, thread_time
        self._threads = asyncio.Semaphore(MAX_THREADS)
        self._cached: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._reading: dict[Hashable, asyncio.Task[Answer]] = {}
        self._of_peer = RateLimiter(PEER_SHARE, PEER_BURST_S * PEER_SHARE, monotonic)
        self._of_all = RateLimiter(ALL_SHARE, ALL_BURST_S * ALL_SHARE, monotonic)
        self._state: tuple[float, object] | None = None
        self._finished_s = -math.inf
        self._steps_back = 0
        self.reads = 0
        """Answers that were read, and not found in the cache."""

    def steps_back(self, end_s: float, finished_s: float) -> int:
        """Return how often the data's clock went back before finished rows.

        Columns that were finished may then change, so an address must not be that of before.
        """
        if end_s < self._finished_s:
            self._steps_back += 1
            self._finished_s = finished_s
        self._finished_s = max(self._finished_s, finished_s)
        return self._steps_back

    async def answer(self, key: Hashable, peer: str, read: Callable[[], Answer]) -> Answer:
        """Return the answer with this key from the cache, or read it.

        `read` is called as by `call`, for the peer that asks first. Errors are those of `call`.
        """
        made_s, found = self._cached.get(key, (0.0, None))
        if found is not None and (found.is_finished or self._monotonic() - made_s < FRESH_S):
            self._cached.move_to_end(key)
            return found
        if key not in self._reading:
            task = self._reading[key] = asyncio.create_task(self._read(key, peer, read))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # A visitor that disconnects must not cancel the reading for the others.
        return await asyncio.shield(self._reading[key])

    async def state(self, peer: str, read: Callable[[], Result]) -> Result:
        """Return the state of the timeline, at most a second old.

        `read` is called as by `call`. Errors are those of `call`.
        """
        if self._state is None or self._monotonic() - self._state[0] > STATE_S:
            self._state = self._monotonic(), await self.call(peer, read)
        return cast("Result", self._state[1])

    async def _read(self, key: Hashable, peer: str, read: Callable[[], Answer]) -> Answer:
        answer = await self.call(peer, read)
        self.reads += 1
        self._cached.pop(key, None)
        self._cached[key] = self._monotonic(), answer
        while sum(len(each.body) for _, each in self._cached.values()) > MAX_CACHE_BYTES:
            self._cached.popitem(last=False)
        return answer

    async def call(self, peer: str, function: Callable[[], Result]) -> Result:
        """Call a function in a thread, when there is time for it.

        Parameters
        ----------
        peer
            Visitor's address, whose share of the processor time is used.
        function
            The function. Its errors are raised here.

        Raises
        ------
        ReaderBusyError
            If no thread becomes free in time.
        """
        wait_s = max(self._of_peer.reserve(peer, 0), self._of_all.reserve(None, 0))
        if wait_s > WAIT_S:
            raise ReaderBusyError
        await asyncio.sleep(wait_s)
        try:
            await asyncio.wait_for(self._threads.acquire(), WAIT_S)
        except TimeoutError:
            raise ReaderBusyError from None
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        spent_s = [0.0]
        future.add_done_callback(lambda _: self._count(peer, spent_s[0]))

        def timed() -> Result:
            begun_s = self._thread_time()
            try:
                return function()
            finally:
                spent_s[0] = self._thread_time() - begun_s

        # A thread of its own, and a daemon: a disk that hangs must not prevent the end of the program.
        thread = threading.Thread(target=_run, args=(timed, future), name="sunspec-timeline-reader", daemon=True)
        thread.start()
        # The thread is free when it has ended, not when the visitor has gone.
        return await asyncio.shield(future)

    def _count(self, peer: str, spent_s: float) -> None:
        self._threads.release()
        self._of_peer.reserve(peer, spent_s)
        self._of_all.reserve(None, spent_s)


def _run(function: Callable[[], Result], future: "asyncio.Future[Result]") -> None:
    """Call a function and pass its result to the loop."""
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - it is raised again where the result is awaited
        _deliver(future, future.set_exception, error)
    else:
        _deliver(future, future.set_result, result)


def _deliver(future: "asyncio.Future[Result]", setter: Callable[..., None], value: object) -> None:
    def deliver() -> None:
        if not future.done():
            setter(value)

    try:
        future.get_loop().call_soon_threadsafe(deliver)
    except RuntimeError:
        # The server has ended meanwhile; nobody waits for the answer.
        return
