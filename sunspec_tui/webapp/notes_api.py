"""Answer requests for observers' notes (see `openapi.json`)."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sunspec_tui.core.notes import Note, utc_text
from sunspec_tui.core.printable import printable
from sunspec_tui.webapp.http_api import JSON, context_of
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.query_values import time_of

MAX_NOTES = 1000
"""Largest number of notes in an answer; if there are more, the newest ones are sent."""


async def notes(request: Request) -> Response:
    """Return the notes that touch an interval."""
    begin_s, end_s = time_of(request, "start", -math.inf), time_of(request, "end", math.inf)
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
