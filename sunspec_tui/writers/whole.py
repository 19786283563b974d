"""Files that are there whole or not at all: written beside their place, and put there in one step."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sunspec_tui.regular import check_replaceable

_TEMPORARY = re.compile(r"\.(\d+)\.[0-9a-f]+\.tmp\..+")


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
    temporary = path.with_name(f".{os.getpid()}.{uuid.uuid4().hex[:12]}.tmp.{path.name}")
    try:
        yield temporary
        # Something else may have come there meanwhile.
        check_replaceable(path)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def writer_of(name: str) -> int | None:
    """Process that writes, or has left behind, a file of that name; None where it is no such place."""
    match = _TEMPORARY.fullmatch(name)
    return int(match[1]) if match else None
