"""What a file may cost: limits in bytes and rows, held against what it declares before anything of it is read.

docs/files.md states them. Nothing here opens a file.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.budgets import memory_limit_bytes
from sunspec_tui.errors import SourceError
from sunspec_tui.printable import printable
from sunspec_tui.recording import within

MAX_POWER_BYTES = 2_000_000_000
"""Power of a recording in memory, as float32."""

MAX_MEMORY_SHARE = 0.5
"""What it may take of the memory that this process may use, where that is less."""

MAX_ROWS = 10_000_000
"""Rows of a recording: a month at four a second."""

MAX_BINS = 100_000
"""Frequencies of a recording."""

BLOCK_BYTES = 16_000_000
"""What is read at once."""

MAX_RATIO, UNCHECKED_BYTES = 100, 64_000_000
"""How much more than its own size a file may unpack to, where that is more than a few bytes."""

_MAX_REASON = 75


class Unreadable(SourceError):
    """Why a file cannot be read: the end of a sentence that begins with its name."""


class Asked(NamedTuple):
    """Rows that are wanted: those that end after `start_s` and not after `end_s`; None sets no limit."""

    start_s: float | None = None
    end_s: float | None = None

    def picks(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the rows are wanted."""
        return within(times_s, self.start_s, self.end_s)


class Stream(Protocol):
    """Bytes that are read in order."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def check_size(nbytes: int, file_bytes: int) -> None:
    """Hold what a file unpacks to against the limits.

    Parameters
    ----------
    nbytes
        What would be in memory, or has to be unpacked on the way there.
    file_bytes
        Size of the file.

    Raises
    ------
    Unreadable
        If it is too much.
    """
    allowed = memory_limit_bytes()
    most = MAX_POWER_BYTES if allowed is None else min(MAX_POWER_BYTES, int(MAX_MEMORY_SHARE * allowed))
    if nbytes > most:
        raise Unreadable(f"it asks for {size_text(nbytes)}, more than {size_text(most)}; choose --start and --end")
    check_ratio(nbytes, file_bytes)


def check_ratio(nbytes: int, file_bytes: int) -> None:
    """Hold what a file unpacks to against its own size; raises `Unreadable` if no real data pack like that."""
    if nbytes > max(UNCHECKED_BYTES, MAX_RATIO * file_bytes):
        raise Unreadable(f"its {size_text(file_bytes)} claim to hold {size_text(nbytes)}, which no real data do")


def size_text(nbytes: int) -> str:
    """A size for people."""
    amount = float(min(nbytes, 10**24))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.3g} {unit}"


def exactly(stream: Stream, size: int) -> bytes:
    """So many bytes, which are few enough to be held.

    Raises
    ------
    Unreadable
        If the file ends before.
    """
    parts, left = list[bytes](), size
    while left:
        part = stream.read(min(left, BLOCK_BYTES))
        if not part:
            raise Unreadable("it is cut off: it ends before its data do")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def skip(stream: Stream, size: int) -> None:
    """Pass over so many bytes of what can only be read in order."""
    while size:
        size -= len(exactly(stream, min(size, BLOCK_BYTES)))


def blocks(rows: NDArray[np.intp], row_bytes: int) -> Iterator[tuple[int, int, slice]]:
    """Runs of a file's rows that are read at once.

    Parameters
    ----------
    rows
        Numbers of the rows that are wanted, ascending.
    row_bytes
        Size of one in the file.

    Yields
    ------
    tuple
        First row, one after the last, and which of `rows` lie between.
    """
    count, begin = max(1, BLOCK_BYTES // max(1, row_bytes)), 0
    while begin < len(rows):
        first = int(rows[begin])
        end = int(np.searchsorted(rows, first + count))
        yield first, int(rows[end - 1]) + 1, slice(begin, end)
        begin = end


def file_size(file: BinaryIO) -> int:
    """Size of an open file; its position is then its beginning."""
    size = file.seek(0, 2)
    file.seek(0)
    return size


def reason(error: BaseException) -> str:
    """What a library says of a file, short: the first line of it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = str(error).strip().partition("\n")[0]
    return printable(f"{type(error).__name__}: {first}" if first else type(error).__name__, _MAX_REASON)
