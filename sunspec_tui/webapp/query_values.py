"""Read and check values of a request's query that several answers share."""

import math

from starlette.requests import Request

from sunspec_tui.webapp.http_api import RequestRefused

_MAX_CHARACTERS = 400


def number_of(request: Request, name: str, default: float, meaning: str) -> float:
    """Return a finite number of the query.

    Parameters
    ----------
    request
        The request.
    name
        Name of the parameter.
    default
        Value without the parameter.
    meaning
        What the number is, for the sentence about a wrong value.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text[:_MAX_CHARACTERS])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestRefused(400, f"{name} must be {meaning}")
    return value


def time_of(request: Request, name: str, default: float) -> float:
    """Return a time of the query in seconds since 1970."""
    return number_of(request, name, default, "a time in seconds since 1970")
