"""Write files atomically.

A file is written under a temporary name, then renamed in one step.

Only regular files are ever replaced. The temporary name identifies the machine and the process, so that files of a
killed process can be distinguished from files that another process is writing.
"""

import errno
import os
import re
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from sunspec_tui.core.regular_file import check_replaceable

_TEMPORARY = re.compile(r"\.(\d+)\.([0-9a-f]{8})[0-9a-f]{8}\.tmp\.(.+)")
# Longest file name in bytes; the end of a longer name is kept, because it contains the format.
_MAX_NAME_BYTES = 255
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` on success.

    After an error the temporary file is deleted. The temporary path has the extension of `path`, because some libraries
    choose the format from it.

    Raises
    ------
    OSError
        If it cannot be written, or if `path` exists and is not a regular file, which is then left unchanged.
    """
    check_replaceable(path)
    # If two processes write the same file at once, each has its own temporary file.
    temporary = temporary_path(path)
    try:
        yield temporary
        # Another file may have appeared there meanwhile.
        check_replaceable(path)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new_file(candidates: Iterable[Path], content: bytes) -> Path:
    """Write a new file under the first free name.

    Raises
    ------
    OSError
        If it cannot be written, or all names are taken.
    """
    taken: Path | None = None
    for path in candidates:
        if os.path.lexists(path):
            taken = path
            continue
        temporary = temporary_path(path)
        try:
            temporary.write_bytes(content)
            if _published(temporary, path):
                return path
            taken = path
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(taken))


def _published(temporary: Path, path: Path) -> bool:
    """Rename a file; return False if the name is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # Some file systems have no hard links: create an empty file to reserve the name, then replace it.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC))
        except FileExistsError:
            return False
        try:
            temporary.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return True


def temporary_path(path: Path) -> Path:
    """Return a unique temporary name in the directory of `path`."""
    prefix = f".{os.getpid()}.{_machine()}{uuid.uuid4().hex[:8]}.tmp."
    name = path.name
    # Cut off whole characters, because some file systems accept only valid UTF-8.
    while len(os.fsencode(prefix + name)) > _MAX_NAME_BYTES:
        name = name[1:]
    return path.with_name(prefix + name)


def temporary_file_owner(name: str) -> tuple[int, str] | None:
    """Return process id and final name of a temporary file.

    The result is None for any other file, and for a file of another machine.
    """
    match = _TEMPORARY.fullmatch(name)
    if match is None or match[2] != _machine():
        return None
    return int(match[1]), match[3]


def _machine() -> str:
    """Return 8 hexadecimal digits that identify this machine.

    Several machines may share a disk. A container has its own process ids, so it counts as another machine.
    """
    namespace = 0
    with suppress(OSError):
        namespace = _PROCESS_NAMESPACE.stat().st_ino
    return sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]
