"""Answer HTTP requests for rows, status, figure and metrics (see `openapi.json`).

An answer reads its values from the receiver at the time of the request. Long answers are made a few rows at a time, so
that they do not delay others.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sunspec_tui.core.flux_scale import unit_of
from sunspec_tui.core.frequency_axis import Position
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.monitoring.status_record import public_record
from sunspec_tui.webapp.answer_budget import BudgetUsedUpError
from sunspec_tui.webapp.context import AppContext, Source
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.prometheus_metrics import CONTENT_TYPE, metrics

RAW, JSON = "application/octet-stream", "application/json"
DEFAULT_ROWS = 128
MAX_ROWS = 10_000
_BLOCK_VALUES, _COPIED_ROWS = 12_288, 64
_NO_DATA = np.empty((0, 0, 0), np.float32)
_RUN = secrets.token_hex(4)
"""Part of the tags: the same row numbers in another run of the program are other rows."""


class RequestRefused(Exception):
    """A request that cannot be answered.

    Parameters
    ----------
    status
        HTTP status of the answer.
    text
        The reason, in one sentence.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


async def refused(request: Request, error: Exception) -> Response:
    """Return the error answer."""
    del request
    assert isinstance(error, RequestRefused)  # noqa: S101 - registered for nothing else
    return JSONResponse({"error": error.text}, error.status)


def context_of(request: Request) -> AppContext:
    """Return the objects that the answers use."""
    context: AppContext = request.app.state.context
    return context


# Rows


async def data(request: Request) -> Response:
    """Return the latest row of a product, as JSON or float32."""
    position, product = _requested(request)
    rows = context_of(request).source.rows_between(position.count - 1, position.count)
    if rows is None or not len(rows):
        raise RequestRefused(404, "nothing has been received yet")
    if _unchanged(request, tag := _tag(position, product, 1, kind := _kind(request))):
        return Response(status_code=304, headers=tag)
    values = _power(rows, product)[0]
    headers = {**tag, **_row_headers(rows, product, values)}
    if kind == RAW:
        return Response(values.astype("<f4").tobytes(), media_type=RAW, headers=headers)
    return Response(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY), media_type=JSON, headers=headers)


async def refresh(request: Request) -> Response:
    """Return the last rows of a product."""
    context, (position, product) = context_of(request), _requested(request)
    n = min(_number(request, "n_frames", DEFAULT_ROWS, 1, MAX_ROWS), position.length)
    if _unchanged(request, tag := _tag(position, product, n, kind := _kind(request))):
        return Response(status_code=304, headers=tag)
    row_bytes = 4 * len(position.axis.frequencies_mhz)
    if n * row_bytes > context.budget.limit // 2:
        most = max(1, context.budget.limit // 2 // row_bytes)
        raise RequestRefused(413, f"too many rows of this stream for one answer; request at most {most}")
    async with AsyncExitStack() as stack:
        try:
            client = request.scope["client"]
            await stack.enter_async_context(
                context.budget.keep(n * row_bytes, lambda: context.connections.abort(client))
            )
        except BudgetUsedUpError:
            raise RequestRefused(503, "too many answers with rows are in progress; try again later") from None
        rows, values = await _copy_rows(context.source, product, position.count - n, position.count)
        headers = {**tag, **_row_headers(rows, product, values)}
        if kind == RAW:
            parts = _rows_as_numbers(values)
        else:
            unit = unit_of(product, context.source.unit)
            parts = _rows_as_json(_json_head(rows, product, unit, position, context.buffer_length), values)
        return StreamedRows(parts, stack.pop_all(), media_type=kind, headers=headers)


class StreamedRows(StreamingResponse):
    """Streamed answer that frees its memory when it ends.

    Parameters
    ----------
    parts
        The parts of the body.
    resources
        Context that is closed after sending, also when the visitor disconnects.
    media_type, headers
        As for `StreamingResponse`.
    """

    def __init__(
        self, parts: AsyncIterator[bytes], resources: AsyncExitStack, *, media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(parts, media_type=media_type, headers=headers)
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then free its memory."""
        async with self._resources:
            await super().__call__(scope, receive, send)


async def _copy_rows(source: Source, product: Product, start: int, stop: int) -> tuple[Rows, NDArray[np.float32]]:
    """Copy rows by their numbers, a few at a time.

    Between the copies, new frames can be received. The returned rows have no data; their power is returned separately.
    """
    # Allocated once: joining parts afterwards would need twice the memory.
    values = np.empty((0, 0), np.float32)
    parts: list[Rows] = []
    at = 0
    for begin in range(start, stop, _COPIED_ROWS):
        rows = source.rows_between(begin, min(begin + _COPIED_ROWS, stop))
        if rows is not None and len(rows):
            power = _power(rows, product)
            if not parts:
                values = np.empty((stop - begin, power.shape[1]), np.float32)
            if power.shape[1] == values.shape[1]:
                values[at : at + len(rows)] = power
                at += len(rows)
                # A copy, not a slice: a slice would keep the whole array in memory.
                parts.append(replace(rows, data=_NO_DATA))
        await asyncio.sleep(0)
    if not parts:
        raise RequestRefused(404, "nothing has been received yet")
    whole = Rows(
        _NO_DATA,
        np.concatenate([rows.times_s for rows in parts]),
        np.concatenate([rows.slots for rows in parts]),
        np.concatenate([rows.marks for rows in parts]),
        parts[-1].count,
    )
    return whole, values[:at]


async def _rows_as_numbers(values: NDArray[np.float32]) -> AsyncIterator[bytes]:
    for start in range(0, len(values), _COPIED_ROWS):
        yield values[start : start + _COPIED_ROWS].astype("<f4").tobytes()
        await asyncio.sleep(0)


def _json_head(rows: Rows, product: Product, unit: str, position: Position, buffer_length: int) -> bytes:
    """Return the beginning of the JSON object: all fields except the rows.

    The closing brace is missing.
    """
    head = {
        "product": product,
        "unit": unit,
        "first_number": rows.count - len(rows),
        "times_s": rows.times_s,
        "slots": rows.slots,
        "marks": rows.marks,
        "frequencies_mhz": position.axis.frequencies_mhz,
        # Field names of the older system, together with `data`.
        "buffer_length": buffer_length,
        "buffer_index": position.index,
        "timestamp": time.time(),
    }
    return orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY)[:-1]


async def _rows_as_json(head: bytes, values: NDArray[np.float32]) -> AsyncIterator[bytes]:
    """Yield the JSON object, a few rows at a time.

    The loop is never blocked for long.
    """
    yield head
    # The rows are sent twice: programs for the older system read `data`.
    for name in (b"rows", b"data"):
        yield b',"' + name + b'":['
        block_rows = max(1, _BLOCK_VALUES // values.shape[1])
        for start in range(0, len(values), block_rows):
            block = orjson.dumps(values[start : start + block_rows], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
            yield block if not start else b"," + block
            await asyncio.sleep(0)
        yield b"]"
    yield b"}"


def _requested(request: Request) -> tuple[Position, Product]:
    """Return the position of the stream and the requested product."""
    name = request.query_params.get("product", Product.XX)
    position = context_of(request).source.position()
    try:
        product = Product(name)
    except ValueError:
        raise RequestRefused(400, f"there is no such product; choose one of {', '.join(Product)}") from None
    if position is None:
        raise RequestRefused(404, "nothing has been received yet")
    carried = available(position.axis.npol)
    if product not in carried:
        raise RequestRefused(404, f"this stream does not carry that product; it has {', '.join(carried)}")
    return position, product


def _power(rows: Rows, product: Product) -> NDArray[np.float32]:
    return np.ascontiguousarray(derive(rows.data, product))


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number of the query, within its bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise RequestRefused(400, f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _flag(request: Request, name: str) -> bool | None:
    """Return a 0-or-1 parameter of the query; None if it is missing."""
    text = request.query_params.get(name)
    if text not in (None, "0", "1"):
        raise RequestRefused(400, f"{name} must be 0 or 1")
    return None if text is None else text == "1"


def _kind(request: Request) -> str:
    """Return the media type of the answer.

    It is JSON, unless the client accepts raw numbers.
    """
    return RAW if RAW in request.headers.get("accept", "") else JSON


def _tag(position: Position, product: Product, n: int, kind: str) -> dict[str, str]:
    """Return headers that allow caching with a check.

    The tag depends on row numbers only: rows never change, and new rows are added.
    """
    form = "raw" if kind == RAW else "json"
    name = f"{_RUN}-{position.epoch}-{position.count}-{list(Product).index(product)}-{n}-{form}"
    return {"etag": f'W/"{name}"', "cache-control": "private, no-cache", "vary": "accept"}


def _unchanged(request: Request, tag: dict[str, str]) -> bool:
    return tag["etag"] in request.headers.get("if-none-match", "")


def _row_headers(rows: Rows, product: Product, values: NDArray[np.float32]) -> dict[str, str]:
    """Return headers that describe raw numbers."""
    return {
        "sunspec-product": product,
        "sunspec-shape": ",".join(map(str, values.shape)),
        "sunspec-first-number": str(rows.count - len(rows)),
        "sunspec-last-time-s": f"{rows.times_s[-1]:.6f}",
    }


# State


async def status(request: Request) -> Response:
    """Return the whole status."""
    context = context_of(request)
    return _json(full_record(context))


def full_record(context: AppContext) -> dict[str, Any]:
    """Return the status record with axis, buffer length and time tag."""
    snapshot = context.broadcaster.status.snapshot()
    frame, axis = context.source.last_frame(), snapshot.axis
    mhz = None if axis is None else axis.frequencies_mhz
    return {
        **public_record(snapshot),
        # Text, because the tag has 64 bits and a JavaScript number is exact only to 53 bits.
        "time_tag": None if frame is None or frame.time_tag is None else str(frame.time_tag),
        "bins": None if mhz is None else len(mhz),
        "first_mhz": None if mhz is None else float(mhz[0]),
        "last_mhz": None if mhz is None else float(mhz[-1]),
        "products": [] if axis is None else [str(each) for each in available(axis.npol)],
        "buffer_length": context.buffer_length,
    }


def _json(record: Any) -> Response:
    return Response(json_bytes(record), media_type=JSON, headers={"cache-control": "no-store"})


async def plot(request: Request) -> Response:
    """Return the current figure."""
    picture, why = await context_of(request).figures.png(remove_background=_flag(request, "remove_background"))
    if picture is None:
        raise RequestRefused(404, why)
    return Response(picture, media_type="image/png", headers={"cache-control": "private, max-age=5"})


async def healthz(request: Request) -> Response:
    """Report that the server runs; `status` describes the stream."""
    del request
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


async def prometheus(request: Request) -> Response:
    """Return the status for Prometheus."""
    context = context_of(request)
    record = full_record(context)
    text = metrics(context.broadcaster.status.snapshot(), record, context.status())
    return Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})
