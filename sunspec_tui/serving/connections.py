"""Connections of the web view: how many there may be, how many of one peer, and which one makes room for another.

uvicorn bounds neither visitors who send a header a byte at a time nor those who open connections and say nothing.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sunspec_tui.serving import limits
from sunspec_tui.serving.peers import is_this_machine, peer_of

REQUEST_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
CLOSING_S = 5.0
SPARE_CONNECTIONS = 64
"""Beside the viewers: answers under way, and those who are told that there is no room."""
STUCK_ANSWER_S = 5.0
"""After so long an answer that is not taken makes room for another visitor."""

Client = tuple[str, int] | None


class Phase(Enum):
    """What a connection is doing."""

    SILENT = auto()
    """It has not yet sent the whole of a request, or none since its last answer."""
    ANSWERING = auto()
    VIEWING = auto()


@dataclass(eq=False, slots=True)
class Place:
    """One connection.

    Attributes
    ----------
    client
        Its address and port.
    peer
        Whose share it counts to.
    phase, since_s
        What it is doing, and since when on the monotonic clock.
    transport
        None until it is made.
    gone
        Set when it has closed.
    """

    client: Client
    peer: str
    phase: Phase
    since_s: float
    transport: asyncio.Transport | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def unsent(self) -> int:
        """Bytes that it has not sent yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close it at once, whatever it has not taken yet."""
        self.gone.set()
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """Those that are open.

    Parameters
    ----------
    most
        How many there may be. A peer may have half of them; this machine, with a proxy's users behind it, all but an
        eighth, or all where nobody else can come.
    on_refusal
        Called for each that is refused or closed for its manners.
    is_local
        Whether only this machine can come.
    monotonic
        A clock that never goes back, in seconds.
    """

    def __init__(
        self,
        most: int,
        on_refusal: Callable[[], None],
        *,
        is_local: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self._on_refusal, self._is_local, self._monotonic = most, on_refusal, is_local, monotonic
        # In the order in which they began what they are doing: the first of a phase is the oldest.
        self._open: dict[Client, Place] = {}
        self._of_peer: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def share(self, peer: str) -> int:
        """How many connections a peer may have."""
        if is_this_machine(peer):
            return self.most if self._is_local else self.most - self.most // 8
        return max(1, self.most // 2)

    def reserve(self, client: Client, fileno: int) -> Place | None:
        """A place for a connection that has come; None where there is none, and it must be closed.

        Where no place is free, the oldest connection that says nothing makes room.

        Parameters
        ----------
        client
            Its address and port.
        fileno
            Its file's number: the lowest that was free, so it tells how many files are open.
        """
        before = self._open.get(client)
        if before is not None:
            # Its address can only come again because it is gone, which is just not noticed yet.
            self.release(before)
            before.abort()
        peer = peer_of(client[0]) if client else ""
        full = len(self._open) >= self.most or fileno >= limits.file_limit() - limits.RESERVED_FILES
        if self._of_peer[peer] >= self.share(peer):
            has_room = self._make_room(peer)
        else:
            has_room = not full or self._make_room(None)
        if not has_room:
            self._on_refusal()
            return None
        place = self._open[client] = Place(client, peer, Phase.SILENT, self._monotonic())
        self._of_peer[peer] += 1
        return place

    def _make_room(self, peer: str | None) -> bool:
        """Close the oldest connection of a peer, or of all, that says nothing, else one whose answer is stuck."""
        own = [place for place in self._open.values() if peer in (None, place.peer) and place.transport is not None]
        silent = (place for place in own if place.phase is Phase.SILENT)
        late_s = self._monotonic() - STUCK_ANSWER_S
        stuck = (
            place for place in own if place.phase is Phase.ANSWERING and place.since_s < late_s and place.unsent > 0
        )
        victim = next(silent, None) or next(stuck, None)
        if victim is None:
            return False
        self.refuse(victim)
        return True

    def make_room(self) -> bool:
        """Close one connection that says nothing, as where the process can open no more files."""
        return self._make_room(None)

    def enter(self, place: Place, phase: Phase) -> None:
        """Note that a connection does something else from now on."""
        if self._open.get(place.client) is place:
            place.phase, place.since_s = phase, self._monotonic()
            # Last in order, since it began last.
            self._open[place.client] = self._open.pop(place.client)

    def release(self, place: Place) -> None:
        """Forget a connection that has closed."""
        place.gone.set()
        if self._open.get(place.client) is place:
            del self._open[place.client]
            self._of_peer[place.peer] -= 1
            if not self._of_peer[place.peer]:
                del self._of_peer[place.peer]

    def refuse(self, place: Place) -> None:
        """Close a connection for its manners, and count it."""
        self._on_refusal()
        self.release(place)
        place.abort()

    def place_of(self, transport: object) -> Place | None:
        """The connection of a transport."""
        return next((place for place in self._open.values() if place.transport is transport), None)

    def find(self, client: Client) -> Place | None:
        """The connection of an address and port."""
        return self._open.get(client)

    def abort(self, client: Any) -> None:
        """Close one at once, whatever it has not taken yet."""
        place = self._open.get(client)
        if place is not None:
            place.abort()

    def unsent(self, client: Any) -> int:
        """Bytes that one has not sent yet."""
        place = self._open.get(client)
        return 0 if place is None else place.unsent

    @property
    def unsent_by_all(self) -> int:
        """Bytes that all together have not sent yet."""
        return sum(place.unsent for place in self._open.values())

    def viewing(self, client: Any) -> None:
        """Note that one watches the live stream."""
        place = self._open.get(client)
        if place is not None:
            self.enter(place, Phase.VIEWING)

    def abort_all(self) -> None:
        """Close all at once."""
        for place in list(self._open.values()):
            place.abort()
