"""Limit the memory of all answers in progress.

An answer keeps its rows in memory until its visitor has received them, so many slow visitors would keep gigabytes. An
answer that does not fit waits, and a slow one is ended.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

MAX_ANSWER_BYTES = 64 * 2**20
WAIT_S = 10.0
SLOW_S = 5.0
"""An answer in progress for longer than this is ended if another one waits for memory."""
_POLL_S = 0.05


class BudgetUsedUpError(Exception):
    """No memory became free for an answer in time."""


@dataclass(eq=False, slots=True)
class _Share:
    nbytes: int
    since_s: float
    end: Callable[[], None]


class ByteBudget:
    """Memory budget shared by all answers in progress.

    Parameters
    ----------
    limit
        Bytes for all answers together.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, limit: int = MAX_ANSWER_BYTES, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit, self._monotonic = limit, monotonic
        self._shares: dict[_Share, None] = {}

    @property
    def used(self) -> int:
        """Bytes in use now."""
        return sum(share.nbytes for share in self._shares)

    @asynccontextmanager
    async def keep(self, nbytes: int, end: Callable[[], None]) -> AsyncIterator[None]:
        """Reserve `nbytes` bytes while the context lasts.

        Parameters
        ----------
        nbytes
            Bytes to reserve.
        end
            Called to end this answer if it is slow and another answer needs its memory.

        Raises
        ------
        BudgetUsedUpError
            If no memory becomes free in time.
        """
        await self._room_for(nbytes)
        share = _Share(nbytes, self._monotonic(), end)
        self._shares[share] = None
        try:
            yield
        finally:
            self._shares.pop(share, None)

    async def _room_for(self, nbytes: int) -> None:
        until_s = self._monotonic() + WAIT_S
        while self.used + nbytes > self.limit:
            now_s = self._monotonic()
            oldest = next(iter(self._shares), None)
            if nbytes > self.limit or now_s > until_s:
                raise BudgetUsedUpError
            if oldest is not None and now_s - oldest.since_s > SLOW_S:
                del self._shares[oldest]
                oldest.end()
            else:
                await asyncio.sleep(_POLL_S)
