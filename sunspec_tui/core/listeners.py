"""Notify callbacks and asyncio loops of new data, from any thread.

A listener must return at once: it sets a flag, or wakes another thread.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Listener = Callable[[], None]


class Listeners:
    """Collection of functions that are called at each `notify`.

    Parameters
    ----------
    first
        The initial listeners.
    """

    def __init__(self, *first: Listener) -> None:
        self._lock = threading.Lock()
        # This tuple is replaced, never changed, so `notify` needs no lock.
        self._all = first

    def add(self, listener: Listener) -> None:
        """Call a function from now on."""
        with self._lock:
            self._all = (*self._all, listener)

    def remove(self, listener: Listener) -> None:
        """Stop calling a function; harmless if it was never added."""
        with self._lock:
            self._all = tuple(each for each in self._all if each != listener)

    def notify(self) -> None:
        """Call all functions in the order of their addition.

        Remove those that fail.
        """
        for listener in self._all:
            try:
                listener()
            except Exception:
                self.remove(listener)
                log.exception("%r has failed and is not called any more", listener)


class ThreadSafeEvent:
    """Event of an asyncio loop that any thread may set.

    At most one wake-up of the loop is pending, however often the event is set before the loop handles it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._is_set = False

    def set(self) -> None:
        """Set the event, and wake the loop once."""
        if self._is_set:
            return
        self._is_set = True
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop has ended: no task waits any more.
            self._loop = None

    async def wait(self, timeout_s: float) -> None:
        """Wait until the event is set, at most `timeout_s`, and clear it.

        It may be set before the call.
        """
        self._loop = asyncio.get_running_loop()
        if not self._is_set:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._event.wait()
            except TimeoutError:
                return
        # Clear it before the caller reads the new data, so that later data sets it again.
        self._event.clear()
        self._is_set = False
