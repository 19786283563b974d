"""Encode records as JSON, even with invalid text from outside."""

from typing import Any

import orjson

from sunspec_tui.core.printable import printable_values

_MAX_INTEGER = 2**63


def json_bytes(record: Any) -> bytes:
    """Encode a record as JSON.

    Invalid text, such as a name that is not UTF-8, is written as escapes. An integer of more than 64 bits is written
    as text.
    """
    try:
        return orjson.dumps(record)
    except TypeError:
        return orjson.dumps(_small_integers(printable_values(record)))


def _small_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _small_integers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_small_integers(each) for each in value]
    return str(value) if isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER else value
