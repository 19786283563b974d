"""The bursts now as JSON, with a number for each change.

Answers and event streams read the changes after a number. A stream needs no queue of its own: a slow reader gets the
newest values of each burst, and knows by the numbers how many changes it has missed.
"""

import asyncio
import re
import secrets
from typing import Any

import orjson

from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import NO_BURSTS, Burst, burst_record
from sunspec_tui.core.listeners import ThreadSafeEvent
from sunspec_tui.core.printable import printable

PAUSE_S = 0.25
"""Time after a change within which further changes are joined, seconds."""

_IDLE_S = 60.0
_REVISION = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})")
_TEXTS = ("name", "reason", "source")


class BurstEntry:
    """One burst of the feed.

    Parameters
    ----------
    number
        Number of its newest change.
    burst
        The burst.
    """

    __slots__ = ("_json", "burst", "number")

    def __init__(self, number: int, burst: Burst) -> None:
        self.number, self.burst = number, burst
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The burst as one line of JSON, encoded when first used."""
        if self._json is None:
            # A detector's numbers may be scalars of numpy.
            self._json = orjson.dumps(public_burst(self.burst), option=orjson.OPT_SERIALIZE_NUMPY)
        return self._json


def public_burst(burst: Burst) -> dict[str, Any]:
    """Return a burst as values for JSON.

    It has its times also in seconds since 1970. Texts have only visible characters.
    """
    record = burst_record(burst)
    times = {"begin_s": burst.begin_s, "peak_s": burst.peak_s, "end_s": burst.end_s}
    return record | times | {key: printable(record[key]) for key in _TEXTS}


class BurstFeed:
    """Bursts of a board in the order of their changes.

    All methods are called on the web view's loop.

    Parameters
    ----------
    board
        The bursts now.
    """

    def __init__(self, board: BurstBoard) -> None:
        self._board, self._bursts = board, NO_BURSTS
        self._run = secrets.token_hex(4)
        self._entries: dict[str, BurstEntry] = {}
        self._number = 0
        self._changed_elsewhere = ThreadSafeEvent()
        self._news = asyncio.Event()
        self.is_closed = False

    # The newest state

    def update(self) -> None:
        """Read the board; each burst that has changed gets the next number."""
        bursts = self._board.bursts
        if bursts is self._bursts:
            return
        before, self._bursts = self._entries, bursts
        self._entries = {}
        for burst in bursts:
            entry = before.get(burst.name)
            if entry is None or entry.burst is not burst:
                self._number += 1
                entry = BurstEntry(self._number, burst)
            self._entries[burst.name] = entry
        self._wake_waiting()

    @property
    def number(self) -> int:
        """Number of the newest change."""
        return self._number

    def entries(self, after: int = 0) -> list[BurstEntry]:
        """Return bursts that changed after a number, the oldest first."""
        return [entry for entry in self._entries.values() if entry.number > after]

    def changes(self, after: int) -> list[BurstEntry]:
        """Return the same bursts in the order of their changes."""
        return sorted(self.entries(after), key=lambda entry: entry.number)

    # Revisions

    def revision(self, number: int | None = None) -> str:
        """Return the text that names a change, the newest by default."""
        return f"{self._run}-{self._number if number is None else number}"

    def number_of(self, revision: str) -> int | None:
        """Return the number of a change.

        None if this run of the server does not know it.
        """
        match = _REVISION.fullmatch(revision)
        if match is None or match[1] != self._run or int(match[2]) > self._number:
            return None
        return int(match[2])

    # Waiting

    async def run(self) -> None:
        """Follow the board until cancelled; changes in quick succession are joined."""
        self._board.listeners.add(self._changed_elsewhere.set)
        try:
            while True:
                self.update()
                await self._changed_elsewhere.wait(_IDLE_S)
                self.update()
                await asyncio.sleep(PAUSE_S)
        finally:
            self._board.listeners.remove(self._changed_elsewhere.set)
            self.close()

    async def wait(self, number: int, timeout_s: float) -> bool:
        """Wait for a change after a number; False without one."""
        if self._number <= number and not self.is_closed:
            try:
                await asyncio.wait_for(self._news.wait(), timeout_s)
            except TimeoutError:
                return False
        return self._number > number

    def close(self) -> None:
        """End all event streams."""
        self.is_closed = True
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        # Each waiting stream has the old event; later ones wait for a new one.
        self._news.set()
        self._news = asyncio.Event()

    def live_fields(self) -> dict[str, Any]:
        """Return the fields for the status record of live pages."""
        self.update()
        return {"burst_revision": self.revision()}
