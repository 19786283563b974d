"""Answer requests for bursts (see `openapi.json`).

The event stream of the same bursts is in `event_stream`.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.webapp.burst_feed import BurstEntry, BurstFeed
from sunspec_tui.webapp.http_api import JSON, RequestRefused, context_of
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.query_values import number_of, time_of

MAX_EVENTS = 1000
"""Largest number of bursts in an answer; if there are more, the newest ones are sent."""

_ENCODED_AT_ONCE = 32


async def events(request: Request) -> Response:
    """Return the bursts that touch an interval."""
    feed = context_of(request).bursts
    is_wanted, after = _filter(request), _after(request, feed)
    feed.update()
    found = [entry for entry in feed.entries(after or 0) if is_wanted(entry.burst)]
    shown = found[-MAX_EVENTS:]
    head = {
        "revision": feed.revision(),
        "complete": after is None,
        "truncated": len(shown) < len(found),
        "left_out": len(found) - len(shown),
    }
    return StreamingResponse(_parts(head, shown), media_type=JSON, headers={"cache-control": "no-store"})


async def _parts(head: dict[str, object], entries: Sequence[BurstEntry]) -> AsyncIterator[bytes]:
    """Yield the JSON object, a few bursts at a time."""
    yield json_bytes(head)[:-1] + b',"bursts":['
    for begin in range(0, len(entries), _ENCODED_AT_ONCE):
        part = b",".join(entry.json for entry in entries[begin : begin + _ENCODED_AT_ONCE])
        yield part if not begin else b"," + part
        await asyncio.sleep(0)
    yield b"]}"


def _filter(request: Request) -> Callable[[Burst], bool]:
    """Return the test of the query's time, types and strength."""
    begin_s, end_s = time_of(request, "start", -math.inf), time_of(request, "end", math.inf)
    least_db = number_of(request, "min_db", -math.inf, "a number of decibels")
    types = _types(request)

    def is_wanted(burst: Burst) -> bool:
        is_strong = least_db == -math.inf or burst.peak_db >= least_db
        return burst.begin_s <= end_s and burst.end_s >= begin_s and is_strong and burst.type in types

    return is_wanted


def _types(request: Request) -> frozenset[BurstType]:
    """Return the types of the query; all without one."""
    names = request.query_params.getlist("type")
    try:
        return frozenset(map(BurstType, names or BurstType))
    except ValueError:
        raise RequestRefused(400, f"type must be one of {', '.join(BurstType)}") from None


def _after(request: Request, feed: BurstFeed) -> int | None:
    """Return the number of the change after which bursts are wanted.

    None asks for all bursts: there is no such parameter, or it is of another run of the server.
    """
    revision = request.query_params.get("after")
    return None if revision is None else feed.number_of(revision)
