"""Limits for the sizes of files and rows, and their checks.

docs/files.md lists the limits. This module opens no file.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.memory_budgets import memory_limit_bytes
from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import in_time_range

MAX_POWER_BYTES = 2_000_000_000
"""Largest power of a recording in memory, as float32."""

MAX_MEMORY_SHARE = 0.5
"""Largest share of this process's memory limit, if that is less than `MAX_POWER_BYTES`."""

MAX_ROWS = 10_000_000
"""Largest number of rows of a recording: a month at four a second."""

MAX_BINS = 100_000
"""Largest number of frequencies of a recording."""

BLOCK_BYTES = 16_000_000
"""Bytes read at once."""

MAX_RATIO, UNCHECKED_BYTES = 100, 64_000_000
"""Maximum ratio of decompressed size to file size, and the size up to which it is not checked."""

MAX_SENTENCE = 200
"""Longest message about a file."""

TRUNCATED = "it is truncated: it ends before its data end"
_MAX_REASON = 75


class Unreadable(SourceError):
    """A file cannot be read.

    The text is the reason, without the file's name.
    """


class RowSelection(NamedTuple):
    """Requested rows and parts of a file; None makes no choice.

    Attributes
    ----------
    start_s, end_s
        Only rows that end after `start_s` and not after `end_s`, seconds since 1970.
    observation, tuning
        Numbers of the Observation and the Tuning of a recorder's file.
    chan0
        First channel of a file whose axis assumes another one.
    quiet
        Log no notes about assumptions and left-out rows, because the file is read again.
    times_only
        Read only the axes: all values of the power are NaN and need no memory.
    logged_notes
        Notes that were logged for other files of the same source, which are not repeated.
    """

    start_s: float | None = None
    end_s: float | None = None
    observation: int | None = None
    tuning: int | None = None
    chan0: int | None = None
    quiet: bool = False
    times_only: bool = False
    logged_notes: set[str] | None = None

    def mask(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return a mask of the requested rows."""
        return in_time_range(times_s, self.start_s, self.end_s)


class Stream(Protocol):
    """A stream of bytes that is read in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, or none at the end."""


def check_size(nbytes: int, file_bytes: int) -> None:
    """Check the decompressed size of a file against the limits.

    Parameters
    ----------
    nbytes
        Bytes that are needed in memory, or that must be decompressed.
    file_bytes
        Size of the file.

    Raises
    ------
    Unreadable
        If the size is above a limit.
    """
    allowed = memory_limit_bytes()
    most = MAX_POWER_BYTES if allowed is None else min(MAX_POWER_BYTES, int(MAX_MEMORY_SHARE * allowed))
    if nbytes > most:
        raise Unreadable(f"it needs {size_text(nbytes)}, more than {size_text(most)}; choose --start and --end")
    check_ratio(nbytes, file_bytes)


def check_ratio(nbytes: int, file_bytes: int) -> None:
    """Check that a decompressed size is plausible for the file's size.

    Raises
    ------
    Unreadable
        If it is not.
    """
    if nbytes > max(UNCHECKED_BYTES, MAX_RATIO * file_bytes):
        raise Unreadable(f"it has {size_text(file_bytes)} but claims to hold {size_text(nbytes)}, which is implausible")


def size_text(nbytes: int) -> str:
    """Format a size with its unit."""
    amount = float(min(nbytes, 10**24))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.3g} {unit}"


def read_exactly(stream: Stream, size: int) -> bytes:
    """Read exactly `size` bytes into memory.

    Raises
    ------
    Unreadable
        If the file ends earlier.
    """
    parts, left = list[bytes](), size
    while left:
        part = stream.read(min(left, BLOCK_BYTES))
        if not part:
            raise Unreadable(TRUNCATED)
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def skip_bytes(stream: Stream, size: int) -> None:
    """Skip `size` bytes of a stream by reading them."""
    while size:
        size -= len(read_exactly(stream, min(size, BLOCK_BYTES)))


def block_ranges(rows: NDArray[np.intp], row_bytes: int) -> Iterator[tuple[int, int, slice]]:
    """Yield the blocks of a file's rows that are read at once.

    Parameters
    ----------
    rows
        Numbers of the requested rows, ascending.
    row_bytes
        Size of a row in the file.

    Yields
    ------
    tuple
        First row, last row + 1, and the slice of `rows` between them.
    """
    count, begin = max(1, BLOCK_BYTES // max(1, row_bytes)), 0
    while begin < len(rows):
        first = int(rows[begin])
        end = int(np.searchsorted(rows, first + count))
        yield first, int(rows[end - 1]) + 1, slice(begin, end)
        begin = end


def file_size(file: BinaryIO) -> int:
    """Return the size of an open file and move to its start."""
    size = file.seek(0, 2)
    file.seek(0)
    return size


def error_reason(error: BaseException) -> str:
    """Return the first line of a library's error, shortened."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = str(error).strip().partition("\n")[0]
    return printable(f"{type(error).__name__}: {first}" if first else type(error).__name__, _MAX_REASON)
