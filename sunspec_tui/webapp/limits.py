"""Compute how many connections fit into the process's limit of open files."""

import os
import resource

RESERVED_FILES = 24
"""Files reserved for receiving, plots and the archive: new sockets, pipes of a plot process, chunks."""
MIN_CONNECTIONS = 4
_UNLIMITED = 1 << 20


def file_limit() -> int:
    """Return the maximum number of open files of this process."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _UNLIMITED if soft in (resource.RLIM_INFINITY, -1) else min(soft, _UNLIMITED)


def open_files() -> int:
    """Return the number of open files; a guess if it is unknown."""
    for directory in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(directory))  # noqa: PTH208 - only the names are needed
        except OSError:
            continue
    return RESERVED_FILES


def connections_for(wanted: int, limit: int, opened: int) -> int:
    """Return the number of connections that fit.

    Parameters
    ----------
    wanted
        Desired number of connections.
    limit, opened
        Maximum number of open files, and the number open now.
    """
    return max(MIN_CONNECTIONS, min(wanted, limit - opened - RESERVED_FILES))
