"""Serve the page's files, palettes and API description from memory."""

import hashlib
from functools import cache
from importlib import resources

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sunspec_tui.core.colormaps import DIVERGING, PALETTES, colours

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


def routes() -> list[Route]:
    """Return a route for each file.

    Files are read once, so no path of a request ever reaches the disk.
    """
    files = {f"/page/{name}": content for name, content in _files().items() if name != "index.html"}
    files["/"] = _files()["index.html"]
    files["/openapi.json"] = (resources.files("sunspec_tui.webapp") / "openapi.json").read_bytes()
    files["/palettes.json"] = palettes()
    return [_route(path, content) for path, content in files.items()]


@cache
def _files() -> dict[str, bytes]:
    page = resources.files("sunspec_tui.webapp") / "page"
    return {file.name: file.read_bytes() for file in page.iterdir() if file.name.rpartition(".")[2] in _TYPES}


def palettes() -> bytes:
    """Return the palettes by name, as JSON.

    A palette has 256 colours of six hexadecimal digits each.
    """
    return orjson.dumps({name: colours(name).tobytes().hex() for name in (*PALETTES, DIVERGING)})


def _route(path: str, content: bytes) -> Route:
    kind = _TYPES.get(path.rpartition(".")[2], _TYPES["html"])
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:16]}"'
    # The browser must check each file for changes: page and server must have the same version.
    headers = {"etag": tag, "cache-control": "no-cache", "content-type": kind}

    async def answer(request: Request) -> Response:
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return Route(path, answer, methods=["GET"])
