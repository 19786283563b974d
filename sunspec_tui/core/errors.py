"""The errors that sunspec-tui raises on purpose, under one root.

Everything a user can mend is a ``SunspecError`` with one sentence that says what was
wrong and how to mend it; ``cli`` is the only place that prints it. This module holds
values only: it prints nothing, logs nothing and decides nothing.
"""

import errno
from enum import StrEnum


class SunspecError(Exception):
    """Root of all errors that this package raises on purpose."""


class UsageError(SunspecError):
    """A setting or an argument that cannot be used; ends the command with status 2."""


class SourceError(SunspecError):
    """A file or a stream that was to be read cannot be."""


class ExportError(SunspecError):
    """Rows that were to be written to a file cannot be."""


class ArchiveError(SunspecError):
    """An archive that was to be written or read cannot be."""


class NoRowsError(ArchiveError):
    """An archive has no rows in the time that was asked for."""


class WebError(SunspecError):
    """The web view cannot be served."""


class MissingExtraError(UsageError):
    """A library that only some need is not installed; the sentence names the extra that brings it."""


class RejectCause(StrEnum):
    """Why a message was rejected. The values are the keys of ``rejected`` in a status."""

    PARTS = "parts"
    EMPTY = "empty"
    TOPIC = "topic"
    HEADER_SIZE = "header_size"
    HEADER_ENCODING = "header_encoding"
    HEADER_JSON = "header_json"
    HEADER_TYPE = "header_type"
    HEADER_VALUE = "header_value"
    DATA_TYPE = "data_type"
    SHAPE = "shape"
    PAYLOAD_LENGTH = "payload_length"
    MESSAGE_SIZE = "message_size"
    AXIS = "axis"
    TOO_LARGE = "too_large"
    UNEXPECTED = "unexpected"


MAX_DETAIL_CHARACTERS = 300
"""Longest reason for the rejection of a message, because it quotes untrusted values."""


class RejectedMessage(SunspecError):
    """A message that is not a frame; the receiver counts it under its cause and goes on."""

    def __init__(self, cause: RejectCause, detail: str) -> None:
        if len(detail) > MAX_DETAIL_CHARACTERS:
            detail = detail[: MAX_DETAIL_CHARACTERS - 1] + "…"
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail


def named_error(error: BaseException) -> str:
    """Return an exception's type and text, or only its type."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the __str__ of an exception may raise any error
        return type(error).__name__


_LACKING = (
    "can't start new thread", "can't allocate lock", "failed to map segment", "annot allocate memory",
)  # fmt: skip
_MAX_CAUSES = 10
LIMITS = "raise the limits of memory and of threads (ulimit -v, ulimit -u)"
"""What to do where memory or threads are lacking."""


def lacking(error: BaseException | None) -> str:
    """Return how memory or threads were lacking, as an exception or one of its causes says.

    Returns
    -------
    str
        One line; empty if neither was lacking.
    """
    found = ""
    for _ in range(_MAX_CAUSES):
        if error is None:
            break
        if _is_lacking(error):
            # The innermost cause has the fewest words of libraries around it.
            found = named_error(error).partition("\n")[0].rstrip(": ")
        error = error.__cause__ or error.__context__
    return found


def _is_lacking(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return isinstance(error, (RuntimeError, ImportError, OSError)) and any(text in str(error) for text in _LACKING)
