"""Answer requests for observers' notes (see `openapi.json`)."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sunspec_tui.core.notes import Note, utc_text
from sunspec_tui.core.printable import printable
from sunspec_tui.webapp.http_api import JSON, RequestRefused, context_of
from sunspec_tui.webapp.json_encoding import json_bytes

MAX_NOTES = 1000
"""Largest number of notes in an answer; if there are more, the newest ones are sent."""

_MAX_TIME_CHARACTERS = 400


async def notes(request: Request) -> Response:
    """Return the notes that touch an interval."""
    begin_s, end_s = _time(request, "start", -math.inf), _time(request, "end", math.inf)
    found = context_of(request).source.notes.between(begin_s, end_s)
    shown = found[-MAX_NOTES:]
    answer = {"notes": [_public_note(note) for note in shown], "left_out": len(found) - len(shown)}
    return Response(json_bytes(answer), media_type=JSON, headers={"cache-control": "no-store"})


def _public_note(note: Note) -> dict[str, Any]:
    """Return a note for a page: texts have only visible characters."""
    return {
        "time_utc": utc_text(note.time_s),
        "time_s": note.time_s,
        "end_utc": None if note.end_s is None else utc_text(note.end_s),
        "end_s": note.end_s,
        "text": printable(note.text),
        "author": printable(note.author),
        "frequency_mhz": note.frequency_mhz,
    }


def _time(request: Request, name: str, default: float) -> float:
    """Return a time of the query in seconds since 1970."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        seconds = float(text[:_MAX_TIME_CHARACTERS])
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise RequestRefused(400, f"{name} must be a time in seconds since 1970")
    return seconds
