"""The bursts now, for readers in any thread.

The detector's thread adds changes; screens, pages, tables and notifications read the list or are called.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList
from sunspec_tui.core.listeners import Listeners

MAX_BURSTS = 1000
"""Largest number of bursts in memory."""


class BurstBoard:
    """List of the newest bursts.

    Parameters
    ----------
    most
        Largest number of bursts, see `BurstList.changed`.

    Attributes
    ----------
    listeners
        Functions without arguments called after each change, from the thread that made it.
    """

    def __init__(self, most: int = MAX_BURSTS) -> None:
        self._most = most
        self.listeners = Listeners()
        self._bursts = NO_BURSTS
        # Verdicts of observers by name; the detector may withdraw other bursts, and find them again.
        self._verdicts: dict[str, bool] = {}
        self._lock = threading.Lock()

    @property
    def bursts(self) -> BurstList:
        """The bursts now; the list is replaced, never changed."""
        return self._bursts

    def add(self, changes: Iterable[Burst]) -> None:
        """Add bursts that were opened, updated or closed.

        An observer's verdict stays when the numbers change.
        """
        changes = tuple(changes)
        if not changes:
            return
        with self._lock:
            judged = (replace(burst, is_wrong=self._verdicts.get(burst.name, burst.is_wrong)) for burst in changes)
            self._bursts = self._bursts.changed(judged, self._most)
            names = {burst.name for burst in self._bursts}
            self._verdicts = {name: verdict for name, verdict in self._verdicts.items() if name in names}
        self.listeners.notify()

    def replace_all(self, before: BurstList, bursts: Iterable[Burst], verdicts: Mapping[str, bool]) -> bool:
        """Replace the list, unless it was changed in the meantime.

        Parameters
        ----------
        before
            The list that is to be replaced.
        bursts
            The new bursts.
        verdicts
            Verdicts of observers that hold in place of those of `bursts`, by name.

        Returns
        -------
        bool
            False if the list is not `before` any more.
        """
        judged = [replace(burst, is_wrong=verdicts.get(burst.name, burst.is_wrong)) for burst in bursts]
        with self._lock:
            if self._bursts is not before:
                return False
            self._bursts, self._verdicts = NO_BURSTS.changed(judged, self._most), dict(verdicts)
        self.listeners.notify()
        return True

    def mark_wrong(self, name: str, *, is_wrong: bool = True) -> bool:
        """Keep an observer's verdict; return False if no burst has the name."""
        with self._lock:
            self._verdicts[name] = is_wrong
            marked = [replace(burst, is_wrong=is_wrong) for burst in self._bursts if burst.name == name]
            self._bursts = self._bursts.changed(marked)
        if marked:
            self.listeners.notify()
        return bool(marked)


class BurstSource(Protocol):
    """Bursts of a receiver or of recorded rows."""

    @property
    def board(self) -> BurstBoard:
        """The bursts, with their listeners."""
        ...

    @property
    def why_none(self) -> str:
        """Reason for an empty board, as sentences."""
        ...
