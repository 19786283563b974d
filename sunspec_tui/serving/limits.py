"""How many files the process may open, and how many connections of the web view fit into that."""

import os
import resource

RESERVED_FILES = 24
"""Files that are left to receiving, plots and the archive: new sockets, pipes of a plot process, chunks."""
MIN_CONNECTIONS = 4
_UNLIMITED = 1 << 20


def file_limit() -> int:
    """How many files this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _UNLIMITED if soft in (resource.RLIM_INFINITY, -1) else min(soft, _UNLIMITED)


def open_files() -> int:
    """How many files this process has open; a guess where the system does not tell."""
    for directory in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(directory))  # noqa: PTH208 - names are all that is asked for
        except OSError:
            continue
    return RESERVED_FILES


def connections_for(wanted: int, limit: int, opened: int) -> int:
    """Connections that there is room for.

    Parameters
    ----------
    wanted
        As many as there should be.
    limit, opened
        Files that the process may open, and those that it has open already.
    """
    return max(MIN_CONNECTIONS, min(wanted, limit - opened - RESERVED_FILES))
