"""Compute memory budgets, in bytes, for settings and for a stream's headers.

Pure arithmetic, and the limits of this process. This module does not allocate the memory.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.usual_frames import USUAL_NCHAN, USUAL_NPOL

MAX_RING_BYTES = 2**30
"""Limit of the ring of a stream with more channels than usual; a larger ring of usual frames raises it."""

MAX_EXPORT_BYTES = 2**30
"""Memory for the rows of a timeline that are written to one file."""

MAX_PAST_BYTES = 2**28
"""Limit of the rows of earlier shapes and axes; a larger ring of usual frames raises it."""

MAX_RING_SHARE, MAX_PAST_SHARE = 0.5, 0.25
"""Shares of the memory that this process may use."""

MAX_ITERATOR_BYTES = 2**27
"""Limit of the frames that are queued for one slow loop over `StreamReceiver.frames`."""

MIN_OPEN_FILES = 32
"""Smallest limit of open files: with a lower one, ZeroMQ ends the process without an error message."""

_HEADER_FACTOR = 32
"""Largest number of bytes of Python objects per byte of a header: ``[],`` is a list of 72 bytes."""

_BYTES_PER_VALUE, _BYTES_PER_ROW = 4, 17
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def ring_nbytes(rows: int, nbins: int, npol: int) -> int:
    """Return the memory of a ring: float32 power, time, slot and mark."""
    return rows * (nbins * npol * _BYTES_PER_VALUE + _BYTES_PER_ROW)


def frame_nbytes(parts: Sequence[bytes | memoryview]) -> int:
    """Return the largest memory of a message as a frame.

    The header counts as Python objects.
    """
    return sum(map(len, parts)) + (_HEADER_FACTOR - 1) * sum(len(part) for part in parts[1:2])


def usual_ring_nbytes(buffer_length: int, channel_average: int) -> int:
    """Return the memory of a ring of usual frames.

    It serves to check `--buffer-length` before the first frame.
    """
    return ring_nbytes(buffer_length, -(-USUAL_NCHAN // channel_average), USUAL_NPOL)


def max_ring_nbytes(buffer_length: int, channel_average: int) -> int:
    """Return the largest ring that a stream's header may request."""
    return _within(max(MAX_RING_BYTES, usual_ring_nbytes(buffer_length, channel_average)), MAX_RING_SHARE)


def max_past_nbytes(buffer_length: int, channel_average: int) -> int:
    """Return the memory budget for rows of earlier shapes and axes."""
    return _within(max(MAX_PAST_BYTES, usual_ring_nbytes(buffer_length, channel_average)), MAX_PAST_SHARE)


def check_buffer_length(name: str, buffer_length: int, channel_average: int) -> None:
    """Compare the ring's length with the memory of the machine.

    Parameters
    ----------
    name
        The setting as the user spells it.
    buffer_length
        Number of rows to keep.
    channel_average
        Channels per bin.

    Raises
    ------
    UsageError
        If the ring needs more than its share; the message contains the size, and the length that fits.
    """
    limit = memory_limit_bytes()
    needed = usual_ring_nbytes(buffer_length, channel_average)
    if limit is None or needed <= MAX_RING_SHARE * limit:
        return
    fits = int(MAX_RING_SHARE * limit) // usual_ring_nbytes(1, channel_average)
    raise UsageError(
        f"{name} is {buffer_length}, which needs {size_text(needed)} of memory, more than half of the "
        f"{size_text(limit)} that this process may use; choose at most {fits}"
    )


def check_open_files() -> None:
    """Check that this process may open enough files for all its parts.

    Raises
    ------
    UsageError
        If the limit is too low; it says how to raise it.
    """
    limit = _limit("RLIMIT_NOFILE")
    if limit is not None and limit < MIN_OPEN_FILES:
        raise UsageError(
            f"this process may open only {limit} files; it needs {MIN_OPEN_FILES} at least, "
            f"raise the limit with ulimit -n {2 * MIN_OPEN_FILES}"
        )


def memory_limit_bytes() -> int | None:
    """Return the memory limit of this process; None if unknown.

    It is the smallest of the machine's memory, the control group's limit and the address space limit.
    """
    return min(_limits(), default=None)


def size_text(nbytes: int) -> str:
    """Format a number of bytes for users, as ``14.1 MiB``."""
    unit = min((max(1, nbytes).bit_length() - 1) // 10, len(_UNITS) - 1)
    whole = nbytes * 10 // 1024**unit
    return f"{whole // 10}.{whole % 10} {_UNITS[unit]}" if unit else f"{nbytes} bytes"


def _within(nbytes: int, share: float) -> int:
    limit = memory_limit_bytes()
    return nbytes if limit is None else min(nbytes, int(share * limit))


def _limits() -> Iterator[int]:
    with suppress(OSError, ValueError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    address_space = _limit("RLIMIT_AS")
    if address_space is not None:
        yield address_space
    for path in _control_group_files():
        # "max" means no limit, and is not a number.
        with suppress(OSError, ValueError):
            yield int(path.read_text())


def _limit(name: str) -> int | None:
    """Return a limit of this process by its `resource` name, or None."""
    with suppress(OSError, ValueError, ImportError):
        import resource

        soft, _ = resource.getrlimit(getattr(resource, name))
        return None if soft == resource.RLIM_INFINITY else soft
    return None


def _control_group_files() -> Iterator[Path]:
    """Yield the files that may hold a control group limit (Linux)."""
    root = Path("/sys/fs/cgroup")
    yield root / "memory" / "memory.limit_in_bytes"
    with suppress(OSError, ValueError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "/")
        group = root / own.strip("/")
        for each in (group, *group.parents):
            if each.is_relative_to(root):
                yield each / "memory.max"
