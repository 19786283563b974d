"""Call functions when something new has come, from the thread that has it.

A listener must return at once: it sets a flag, or wakes another thread.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Listener = Callable[[], None]


class Listeners:
    """Functions that are called at each `notify`.

    Parameters
    ----------
    first
        The listeners from the start.
    """

    def __init__(self, *first: Listener) -> None:
        self._lock = threading.Lock()
        # Replaced, never changed: `notify` needs no lock.
        self._all = first

    def add(self, listener: Listener) -> None:
        """Call a function from now on."""
        with self._lock:
            self._all = (*self._all, listener)

    def remove(self, listener: Listener) -> None:
        """Call a function no more; harmless if it was never added."""
        with self._lock:
            self._all = tuple(each for each in self._all if each != listener)

    def notify(self) -> None:
        """Call all functions, in the order in which they were added; one that fails is called no more."""
        for listener in self._all:
            try:
                listener()
            except Exception:
                self.remove(listener)
                log.exception("%r has failed and is not called any more", listener)


class News:
    """Event of an asyncio loop that any thread may set.

    At most one wake-up of the loop is outstanding, however often the event is set before the loop has seen it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._is_set = False

    def set(self) -> None:
        """Note news, and wake the loop if it does not know of any yet."""
        if self._is_set:
            return
        self._is_set = True
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop has ended: nobody waits for news any more.
            self._loop = None

    async def wait(self, timeout_s: float) -> None:
        """Wait for news, but not longer than `timeout_s`; news of the time before the call count."""
        self._loop = asyncio.get_running_loop()
        if not self._is_set:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._event.wait()
            except TimeoutError:
                return
        # Before the caller looks, so that what comes from now on is news again.
        self._event.clear()
        self._is_set = False
