"""Build the web view's ASGI application: routes, compression, guard and pacing."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.webapp import event_stream, events_api, http_api, notes_api, static_files, timeline_api
from sunspec_tui.webapp.access_guard import Guard
from sunspec_tui.webapp.context import AppContext
from sunspec_tui.webapp.live_socket import live
from sunspec_tui.webapp.request_pacing import Paced
from sunspec_tui.webapp.timeline_reader import TimelineReader

_COMPRESSION = 4
"""Level of gzip: half the time of the default level, for a twentieth more bytes."""


def application(context: AppContext, options: WebOptions, token: str, on_refusal: Callable[[], None]) -> Paced:
    """Return the web view's application.

    Parameters
    ----------
    context
        Objects that the answers use.
    options, token, on_refusal
        As in `Guard`.
    """
    app = Starlette(
        routes=[
            *static_files.routes(),
            Route("/data", http_api.data),
            Route("/refresh", http_api.refresh),
            Route("/history", timeline_api.history),
            Route("/status", http_api.status),
            Route("/plot", http_api.plot),
            Route("/notes", notes_api.notes),
            Route("/events", events_api.events),
            Route("/events/stream", event_stream.stream),
            Route("/healthz", http_api.healthz),
            Route("/metrics", http_api.prometheus),
            WebSocketRoute("/live", live),
        ],
        middleware=[Middleware(_Compressed, minimum_size=1000, compresslevel=_COMPRESSION)],
        exception_handlers={http_api.RequestRefused: http_api.refused, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    app.state.context = context
    app.state.stream_places = event_stream.StreamPlaces(
        min(event_stream.MAX_STREAMS, max(1, context.connections.max_connections // 4))
    )
    app.state.timeline_reader, app.state.has_token = TimelineReader(), bool(token)
    return Paced(Guard(app, options, token, on_refusal, context.error_log), context.connections)


class _Compressed(GZipMiddleware):
    """Compression of all answers but event streams.

    An event must not wait in the compressor for others.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_stream = scope["type"] == "http" and scope["path"] == "/events/stream"
        await (self.app(scope, receive, send) if is_stream else super().__call__(scope, receive, send))


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer an unknown path or method, without repeating the request."""
    del request
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    texts = {404: "there is nothing at this address", 405: "use GET"}
    return JSONResponse({"error": texts.get(error.status_code, "no")}, error.status_code, headers=error.headers)
