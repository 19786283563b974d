"""Exceptions that sunspec-tui raises on purpose, with one base class.

A ``SunspecError`` is an error that the user can correct. Its message is one sentence: the
problem, then the remedy. Only the room ``cli`` prints it; this module prints and logs nothing.
"""

import errno
from enum import StrEnum


class SunspecError(Exception):
    """Base class of all errors that this package raises on purpose."""


class UsageError(SunspecError):
    """A setting or an argument is not valid.

    The command ends with status 2.
    """


class SourceError(SunspecError):
    """A file or a stream cannot be read."""


class ExportError(SunspecError):
    """Rows cannot be written to a file."""


class ArchiveError(SunspecError):
    """An archive cannot be written or read."""


class NoSelectedRowsError(SourceError):
    """Files have no rows in the requested time."""


class NoRowsError(ArchiveError):
    """An archive has no rows in the requested time."""


class NoteError(SunspecError):
    """An observer's note cannot be written."""


class WebError(SunspecError):
    """The web view cannot be served."""


class MissingExtraError(UsageError):
    """An optional library is not installed.

    The message names the extra that installs it.
    """


class RejectCause(StrEnum):
    """Causes of rejected messages.

    The values are the keys of ``rejected`` in a status.
    """

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
"""Longest detail of a rejection; it is limited because it quotes untrusted values."""


class RejectedMessage(SunspecError):
    """A message is not a frame.

    The receiver counts it by its cause and continues.
    """

    def __init__(self, cause: RejectCause, detail: str) -> None:
        if len(detail) > MAX_DETAIL_CHARACTERS:
            detail = detail[: MAX_DETAIL_CHARACTERS - 1] + "…"
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail


def error_text(error: BaseException) -> str:
    """Return an exception's type and text.

    If the exception's text raises an error, return only the type.
    """
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the __str__ of an exception may raise any error
        return type(error).__name__


_SHORTAGE_TEXTS = (
    "can't start new thread", "can't allocate lock", "failed to map segment", "annot allocate memory",
)  # fmt: skip
_MAX_CAUSE_DEPTH = 10
LIMITS_REMEDY = "raise the limits of memory and of threads (ulimit -v, ulimit -u)"
"""Remedy for a shortage of memory or threads."""


def resource_shortage(error: BaseException | None) -> str:
    """Return the text of a shortage of memory or threads.

    The shortage is the exception itself or one of its causes.

    Returns
    -------
    str
        One line; empty without such a shortage.
    """
    found = ""
    for _ in range(_MAX_CAUSE_DEPTH):
        if error is None:
            break
        if _is_shortage(error):
            # The innermost cause has the least text added by libraries.
            found = error_text(error).partition("\n")[0].rstrip(": ")
        error = error.__cause__ or error.__context__
    return found


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return isinstance(error, (RuntimeError, ImportError, OSError)) and any(
        text in str(error) for text in _SHORTAGE_TEXTS
    )
