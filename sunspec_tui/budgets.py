"""Budgets of memory, in bytes: what settings and a stream's headers may take of this machine.

Pure arithmetic, and one look at what the system allows this process. Nothing here allocates.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sunspec_tui.errors import UsageError

USUAL_NCHAN, USUAL_NPOL = 3072, 4
"""Shape of the instrument's frames, which `--buffer-length` is judged by before the first frame."""

MAX_RING_BYTES = 2**30
"""What a stream of more channels may take for its rows, where the setting for usual frames takes less."""

MAX_PAST_BYTES = 2**28
"""What rows of earlier shapes and axes may take, where the setting for usual frames takes less."""

MAX_RING_SHARE, MAX_PAST_SHARE = 0.5, 0.25
"""Shares of the memory that this process may use."""

MAX_FOLLOWER_BYTES = 2**27
"""What frames may take that wait for one slow loop over `StreamReceiver.frames`."""

_HEADER_FACTOR = 32
"""Bytes of Python objects that one byte of a header can become, at most: ``[],`` is a list of 72 bytes."""

_BYTES_PER_VALUE, _BYTES_PER_ROW = 4, 17
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def ring_nbytes(rows: int, nbins: int, npol: int) -> int:
    """Memory of a ring: float32 power, and time, slot and mark of each row."""
    return rows * (nbins * npol * _BYTES_PER_VALUE + _BYTES_PER_ROW)


def frame_nbytes(parts: Sequence[bytes | memoryview]) -> int:
    """Memory that a message holds at most once it is a frame: its payload, and its header as Python objects."""
    return sum(map(len, parts)) + (_HEADER_FACTOR - 1) * sum(len(part) for part in parts[1:2])


def usual_ring_nbytes(buffer_length: int, channel_average: int) -> int:
    """Memory of a ring of the instrument's own frames."""
    return ring_nbytes(buffer_length, -(-USUAL_NCHAN // channel_average), USUAL_NPOL)


def max_ring_nbytes(buffer_length: int, channel_average: int) -> int:
    """What a stream's header may ask for."""
    return _within(max(MAX_RING_BYTES, usual_ring_nbytes(buffer_length, channel_average)), MAX_RING_SHARE)


def max_past_nbytes(buffer_length: int, channel_average: int) -> int:
    """What rows of earlier shapes and axes may take together."""
    return _within(max(MAX_PAST_BYTES, usual_ring_nbytes(buffer_length, channel_average)), MAX_PAST_SHARE)


def check_buffer_length(name: str, buffer_length: int, channel_average: int) -> None:
    """Hold a length of the ring against the memory of the machine.

    Parameters
    ----------
    name
        The setting as the user spells it.
    buffer_length
        Rows that are to be kept.
    channel_average
        Channels a bin.

    Raises
    ------
    UsageError
        If the ring would take more than its share; it says the size, and the length that fits.
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


def memory_limit_bytes() -> int | None:
    """Memory that this process may use: of the machine, of its control group, of its address space.

    None where the system does not say.
    """
    return min(_limits(), default=None)


def size_text(nbytes: int) -> str:
    """A number of bytes as people read it, ``14.1 MiB``."""
    unit = min((max(1, nbytes).bit_length() - 1) // 10, len(_UNITS) - 1)
    whole = nbytes * 10 // 1024**unit
    return f"{whole // 10}.{whole % 10} {_UNITS[unit]}" if unit else f"{nbytes} bytes"


def _within(nbytes: int, share: float) -> int:
    limit = memory_limit_bytes()
    return nbytes if limit is None else min(nbytes, int(share * limit))


def _limits() -> Iterator[int]:
    with suppress(OSError, ValueError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError, ImportError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft
    for path in _control_group_files():
        # "max" is no number: no limit.
        with suppress(OSError, ValueError):
            yield int(path.read_text())


def _control_group_files() -> Iterator[Path]:
    """Files that may hold a limit of this process's control group, on Linux."""
    root = Path("/sys/fs/cgroup")
    yield root / "memory" / "memory.limit_in_bytes"
    with suppress(OSError, ValueError):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "/")
        group = root / own.strip("/")
        for each in (group, *group.parents):
            if each.is_relative_to(root):
                yield each / "memory.max"
