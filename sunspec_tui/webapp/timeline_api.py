"""Answer `GET /history`: the description of the timeline, or its columns.

An address with `start` and `end` never depends on the present time, so answers about finished times can be cached for
ever: the tag in the address names this run of the program and the frequency axis. An address with a token is never
cached.
"""

import hashlib
import math
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import cast

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sunspec_tui.core.bin_folding import fold_factor
from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.products import Product
from sunspec_tui.core.timeline_source import TimelineAxis, TimelineExtent, TimelineSource
from sunspec_tui.webapp import timeline_columns, timeline_messages
from sunspec_tui.webapp.answer_budget import BudgetUsedUpError
from sunspec_tui.webapp.context import AppContext
from sunspec_tui.webapp.http_api import JSON, RAW, RequestRefused, context_of
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.timeline_columns import COLUMN_STEPS_S, ColumnRequest, TooMuchWorkError
from sunspec_tui.webapp.timeline_messages import FoldedBins
from sunspec_tui.webapp.timeline_reader import Answer, ReaderBusyError, TimelineReader

MAX_AGE_S = 365 * 86400
MAX_TIME_S = 253_402_300_799
"""The last second of the year 9999, in seconds since 1970 UTC."""
_RUN = secrets.token_hex(4)
"""Part of the tag: another run of the program may have other rows at the same times."""
_VALUE_BYTES = 20
"""Memory of a value while it is encoded."""


async def history(request: Request) -> Response:
    """Describe the timeline; with `start` and `end`, return its columns."""
    context, reader = context_of(request), _reader(request)
    source = timeline_of(context)
    peer = _peer(request)
    try:
        extent, axis = await reader.state(peer, lambda: (source.extent(), source.axis()))
        if extent is None or axis is None:
            raise RequestRefused(404, "nothing has been received yet")
        if not {"start", "end"} & request.query_params.keys():
            found = _description(extent, axis, _tag(request, extent, axis), context.source.unit)
            return Response(json_bytes(found), media_type=JSON, headers=_never_cached())
        return await _columns(request, source, extent, axis)
    except ReaderBusyError:
        raise RequestRefused(503, "too many answers of the timeline are in progress; try again later") from None
    except TooMuchWorkError as error:
        raise RequestRefused(413, str(error)) from None
    except SunspecError as error:
        # Do not send the error's text: it may contain a directory of this machine.
        context.error_log.log("a part of the timeline cannot be read", error)
        raise RequestRefused(503, "a part of the timeline cannot be read; see the monitor's log") from None


def timeline_of(context: AppContext) -> TimelineSource:
    """Return the receiver's timeline."""
    method = cast("Callable[[], TimelineSource | None] | None", getattr(context.source, "timeline", None))
    timeline = method() if method is not None else None
    if timeline is None:
        raise RequestRefused(404, "this monitor keeps no rows beyond its ring")
    return timeline


def _reader(request: Request) -> TimelineReader:
    reader: TimelineReader = request.app.state.timeline_reader
    return reader


def _peer(request: Request) -> str:
    client = request.scope["client"]
    connection = context_of(request).connections.find(client)
    return connection.peer if connection is not None else str(client)


def _tag(request: Request, extent: TimelineExtent, axis: TimelineAxis) -> str:
    """Return the tag of run, frequency axis and the data's clock."""
    steps_back = _reader(request).steps_back(extent.end_s, extent.finished_s)
    frequencies_hz = np.ascontiguousarray(axis.frequencies_hz, np.float64).tobytes()
    return hashlib.sha256(f"{_RUN}{steps_back}".encode() + frequencies_hz).hexdigest()[:12]


def _description(extent: TimelineExtent, axis: TimelineAxis, tag: str, unit: str) -> dict[str, object]:
    return {
        "begin_s": extent.begin_s,
        "end_s": extent.end_s,
        "finished_s": extent.finished_s if math.isfinite(extent.finished_s) else None,
        "cadence_s": extent.cadence_s if math.isfinite(extent.cadence_s) else None,
        "tag": tag,
        "bins": len(axis.frequencies_hz),
        "low_mhz": _low_mhz(axis),
        "bin_mhz": axis.bin_hz / 1e6,
        "products": [str(each) for each in axis.products],
        "unit": unit,
        "steps_s": COLUMN_STEPS_S,
        "max_columns": timeline_columns.MAX_COLUMNS,
        "max_bins": timeline_columns.MAX_BINS,
    }


def _low_mhz(axis: TimelineAxis) -> float:
    return float(axis.frequencies_hz[0] - axis.bin_hz / 2) / 1e6


# Columns


async def _columns(request: Request, source: TimelineSource, extent: TimelineExtent, axis: TimelineAxis) -> Response:
    wanted = _requested(request, axis)
    tag = _tag(request, extent, axis)
    if request.query_params.get("tag", tag) != tag:
        raise RequestRefused(
            409, "the stream has other frequencies, or the monitor was started anew; ask /history again"
        )
    # Rows before the oldest known one may still be found, for example in an archive.
    is_finished = extent.begin_s <= wanted.start_s and wanted.end_s <= extent.finished_s
    async with AsyncExitStack() as stack:
        await _reserve(request, stack, wanted, len(axis.frequencies_hz))
        read = partial(_read, source, wanted, axis, is_finished=is_finished)
        answer = await _reader(request).answer((wanted, tag), _peer(request), read)
        headers = _caching(request, answer)
        if answer.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = answer.body
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            body = timeline_messages.decompressed(body)
        return HeldResponse(body, stack.pop_all(), headers=headers)


class HeldResponse(Response):
    """Answer that frees its memory when it has been sent.

    Parameters
    ----------
    body
        The bytes.
    resources
        Context that is closed after sending, also when the visitor disconnects.
    headers
        As for `Response`.
    """

    def __init__(self, body: bytes, resources: AsyncExitStack, *, headers: dict[str, str]) -> None:
        super().__init__(body, media_type=RAW, headers=headers)
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then free its memory."""
        async with self._resources:
            await super().__call__(scope, receive, send)


async def _reserve(request: Request, stack: AsyncExitStack, wanted: ColumnRequest, nbins: int) -> None:
    """Reserve the memory of an answer until it has been sent."""
    context, client = context_of(request), request.scope["client"]
    nbytes = wanted.columns * min(wanted.bins, nbins) * _VALUE_BYTES
    try:
        await stack.enter_async_context(context.budget.keep(nbytes, lambda: context.connections.abort(client)))
    except BudgetUsedUpError:
        raise RequestRefused(503, "too many answers with rows are in progress; try again later") from None


def _read(source: TimelineSource, wanted: ColumnRequest, axis: TimelineAxis, *, is_finished: bool) -> Answer:
    """Read and encode columns; called in a thread."""
    nbins = len(axis.frequencies_hz)
    columns = timeline_columns.read_columns(source, wanted, nbins)
    width = fold_factor(nbins, wanted.bins)
    bins = FoldedBins(width, _low_mhz(axis), width * axis.bin_hz / 1e6)
    message = timeline_messages.encode(columns, wanted.product, bins, is_finished=is_finished)
    return Answer(timeline_messages.compressed(message), hashlib.sha256(message).hexdigest()[:16], is_finished)


def _caching(request: Request, answer: Answer) -> dict[str, str]:
    """Return the headers for caching.

    Finished columns never change at an address with a tag. Without it, and for other columns, the cache must ask.
    """
    if "token" in request.query_params:
        return _never_cached()
    headers = {"etag": f'W/"{answer.tag}"', "vary": "accept-encoding"}
    scope = "private" if request.app.state.has_token else "public"
    if answer.is_finished and "tag" in request.query_params:
        return {**headers, "cache-control": f"{scope}, max-age={MAX_AGE_S}, immutable"}
    return {**headers, "cache-control": "private, no-cache"}


def _never_cached() -> dict[str, str]:
    return {"cache-control": "no-store"}


def _requested(request: Request, axis: TimelineAxis) -> ColumnRequest:
    """Return the requested columns, after checking them."""
    try:
        product = Product(request.query_params.get("product", Product.XX))
    except ValueError:
        raise RequestRefused(400, f"there is no such product; choose one of {', '.join(Product)}") from None
    if product not in axis.products:
        raise RequestRefused(404, f"this timeline does not have that product; it has {', '.join(axis.products)}")
    start_s, end_s = _number(request, "start", None, 0, MAX_TIME_S), _number(request, "end", None, 0, MAX_TIME_S)
    columns = _number(request, "columns", 64, 1, timeline_columns.MAX_COLUMNS)
    bins = _number(request, "bins", timeline_columns.DEFAULT_BINS, 1, timeline_columns.MAX_BINS)
    wanted = ColumnRequest(start_s, end_s, columns, bins, product)
    if end_s <= start_s:
        raise RequestRefused(400, "end must be after start")
    if not wanted.is_aligned:
        raise RequestRefused(
            400,
            "a column, (end - start) / columns, must have 1, 2, 4 ... 4096 s, or less than 1 s for rows; "
            "start must be a multiple of it",
        )
    return wanted


def _number(request: Request, name: str, default: int | None, least: int, most: int) -> int:
    """Return a whole number of the query, within its bounds."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
        raise RequestRefused(400, f"{name} must be a whole number from {least} to {most}")
    return int(text)
