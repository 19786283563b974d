"""Send the changes of bursts to programs as server-sent events.

A connection gets the bursts in progress, then each change. A slow reader gets only the newest values of each burst, and
the number of changes that it has missed.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import Response

from sunspec_tui.webapp.burst_feed import BurstEntry, BurstFeed
from sunspec_tui.webapp.http_api import RequestRefused, StreamedRows, context_of
from sunspec_tui.webapp.peers import is_this_machine

EVENT_STREAM = "text/event-stream"
MAX_STREAMS = 32
"""Largest number of event streams at once; another machine may have half of them."""
HEARTBEAT_S = 15.0
RETRY_MS = 3000
_MAX_CHANGES = 16
"""Changes that are sent at once. At most as many wait for a slow reader, beside 64 KiB in the connection's buffer."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_END = b'event: end\ndata: {"reason":"the web view ends"}\n\n'


class StreamPlaces:
    """Count of the open event streams, with its limits.

    Parameters
    ----------
    most
        Largest number of streams.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_peer: Counter[str] = Counter()

    @contextmanager
    def keep(self, peer: str) -> Iterator[None]:
        """Take a place while the context lasts.

        Raises
        ------
        RequestRefused
            If all places are taken.
        """
        share = self._most if is_this_machine(peer) else max(1, self._most // 2)
        if self._of_peer.total() >= self._most or self._of_peer[peer] >= share:
            raise RequestRefused(503, "all places for event streams are taken; ask /events instead, or try again later")
        self._of_peer[peer] += 1
        try:
            yield
        finally:
            self._of_peer[peer] -= 1
            self._of_peer += Counter()  # removes peers without streams


async def stream(request: Request) -> Response:
    """Return the bursts in progress and all later changes, without an end."""
    context = context_of(request)
    feed, client = context.bursts, request.scope["client"]
    if request.method == "HEAD":
        return Response(media_type=EVENT_STREAM, headers=_HEADERS)
    connection = context.connections.find(client)
    places: StreamPlaces = request.app.state.stream_places
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(places.keep("" if connection is None else connection.peer))
        except RequestRefused:
            context.refuse()
            raise
        parts = _parts(feed, request.headers.get("last-event-id"), lambda: context.connections.postpone(client))
        return StreamedRows(parts, stack.pop_all(), media_type=EVENT_STREAM, headers=_HEADERS)


async def _parts(feed: BurstFeed, last_event: str | None, sent: Callable[[], None]) -> AsyncIterator[bytes]:
    """Yield the events of a connection until the server ends.

    Parameters
    ----------
    feed
        The bursts.
    last_event
        Revision of the last event that the reader has; None for a new reader.
    sent
        Called after each part: the connection may stay open if its reader has received everything.
    """
    feed.update()
    number, first = _first_events(feed, last_event)
    yield f"retry: {RETRY_MS}\n\n".encode() + first
    while not feed.is_closed:
        sent()
        due = feed.changes(number)[:_MAX_CHANGES]
        if due:
            missed, number = due[-1].number - number - len(due), due[-1].number
            yield _skipped(missed) + _events(feed, due)
        elif not await feed.wait(number, HEARTBEAT_S) and not feed.is_closed:
            yield b": no change\n\n"
    yield _END


def _first_events(feed: BurstFeed, last_event: str | None) -> tuple[int, bytes]:
    """Return the number after which changes follow, and the first events.

    A reader that returns after another run of the server gets all bursts.
    """
    if last_event is not None:
        known = feed.number_of(last_event)
        # Changes before the first one on the list were not missed by a reader of another run.
        return min((entry.number - 1 for entry in feed.entries()), default=0) if known is None else known, b""
    in_progress = [entry for entry in feed.changes(0) if entry.burst.is_open]
    # The number alone, so that a reader that returns gets only what it has missed.
    return feed.number, _events(feed, in_progress) + f"id: {feed.revision()}\n\n".encode()


def _events(feed: BurstFeed, entries: Sequence[BurstEntry]) -> bytes:
    return b"".join(
        b"event: burst\nid: %b\ndata: %b\n\n" % (feed.revision(entry.number).encode(), entry.json) for entry in entries
    )


def _skipped(count: int) -> bytes:
    return b'event: skipped\ndata: {"changes":%d}\n\n' % count if count else b""
