"""The bursts now, for readers in any thread.

The detector's thread adds changes; screens, pages, tables and notifications read the list or are called.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList, BurstType
from sunspec_tui.core.listeners import Listeners

MAX_BURSTS = 1000
"""Largest number of bursts in memory."""


class BurstBoard:
    """List of the newest bursts.

    Attributes
    ----------
    listeners
        Functions without arguments called after each change, from the thread that made it.
    """

    def __init__(self) -> None:
        self.listeners = Listeners()
        self._bursts = NO_BURSTS
        self._closed = dict.fromkeys(BurstType, 0)
        # Verdicts of observers by name; the detector may withdraw other bursts, and find them again.
        self._verdicts: dict[str, bool] = {}
        self._lock = threading.Lock()

    @property
    def bursts(self) -> BurstList:
        """The bursts now; the list is replaced, never changed."""
        return self._bursts

    @property
    def closed(self) -> Mapping[BurstType, int]:
        """Number of bursts of each type closed since the start.

        The type is that at the closing. The numbers only grow, also when bursts are dropped from the list.
        """
        return dict(self._closed)

    def add(self, changes: Iterable[Burst]) -> None:
        """Add bursts that were opened, updated or closed.

        An observer's verdict stays when the numbers change.
        """
        changes = tuple(changes)
        if not changes:
            return
        with self._lock:
            self._count_closed(changes)
            judged = (replace(burst, is_wrong=self._verdicts.get(burst.name, burst.is_wrong)) for burst in changes)
            self._bursts = self._bursts.changed(judged, MAX_BURSTS)
            names = {burst.name for burst in self._bursts}
            self._verdicts = {name: verdict for name, verdict in self._verdicts.items() if name in names}
        self.listeners.notify()

    def _count_closed(self, changes: Iterable[Burst]) -> None:
        # An unknown burst counts as open: it is new, or was dropped from the list while it was open.
        is_open = {burst.name: burst.is_open for burst in self._bursts}
        for burst in changes:
            if is_open.get(burst.name, True) and not burst.is_open and not burst.is_wrong:
                self._closed[burst.type] += 1
            is_open[burst.name] = burst.is_open

    def mark_wrong(self, name: str, *, is_wrong: bool = True) -> bool:
        """Keep an observer's verdict; return False if no burst has the name."""
        with self._lock:
            self._verdicts[name] = is_wrong
            marked = [replace(burst, is_wrong=is_wrong) for burst in self._bursts if burst.name == name]
            self._bursts = self._bursts.changed(marked)
        if marked:
            self.listeners.notify()
        return bool(marked)
