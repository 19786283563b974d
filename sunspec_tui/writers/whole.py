"""Files that are there whole or not at all: written beside their place, and put there in one step.

Only regular files are ever replaced. The name of the place beside says which machine and process writes there, so
that what a process has left behind when it was killed can be told from what others are writing.
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

from sunspec_tui.regular import check_replaceable

_TEMPORARY = re.compile(r"\.(\d+)\.([0-9a-f]{8})[0-9a-f]{8}\.tmp\.(.+)")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write what becomes `path` when the block ends well; else nothing is left of it.

    Its name ends as that of `path` does, because some libraries tell the form from it.

    Raises
    ------
    OSError
        If the disk does not take it, or something else than a regular file has that name: it is left alone.
    """
    check_replaceable(path)
    # Two who write the same file at once have a place each.
    temporary = temporary_path(path)
    try:
        yield temporary
        # Something else may have come there meanwhile.
        check_replaceable(path)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new_file(candidates: Iterable[Path], content: bytes) -> Path:
    """Write a file that replaces none: under the first of some names in one directory that nothing has.

    Raises
    ------
    OSError
        If the disk does not take it, or all the names are taken.
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
    """Give a file its name; False if something has it already."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # Some file systems have no second names for a file: reserve the name, then replace what reserves it.
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
    """A name beside `path` that nobody else uses."""
    return path.with_name(f".{os.getpid()}.{_machine()}{uuid.uuid4().hex[:8]}.tmp.{path.name}")


def left_by(name: str) -> tuple[int, str] | None:
    """Process of this machine that wrote a file of that temporary name, and the name it was to get; else None."""
    match = _TEMPORARY.fullmatch(name)
    if match is None or match[2] != _machine():
        return None
    return int(match[1]), match[3]


def _machine() -> str:
    """What tells this machine from others that share a disk with it, in 8 digits.

    In a container, process numbers are its own: they count as another machine's.
    """
    namespace = 0
    with suppress(OSError):
        namespace = _PROCESS_NAMESPACE.stat().st_ino
    return sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]
