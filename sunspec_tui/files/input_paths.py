"""Find the files for paths, directories and patterns of a command line.

A name is a file, a pattern or a directory of files. Only names and first bytes are read. The files are sorted by name;
`file_series` sorts them by their times.
"""

import glob
import logging
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.printable import printable_name
from sunspec_tui.files.archive.layout import StoreName, stores
from sunspec_tui.files.file_formats import FILE_FORMATS
from sunspec_tui.files.read import file_kind
from sunspec_tui.files.read_limits import error_reason

log = logging.getLogger(__name__)

MAX_FILES = 10_000
"""Largest number of files of one source: three months of quarter hours."""

ENDINGS = (*(ending for form in FILE_FORMATS for ending in form.extensions), ".fts", ".fts.gz", ".bz2")
"""Extensions of the files that are read from a directory."""

_BESIDE_ROWS = re.compile(r"bursts.*\.(ecsv|csv)|notes\.jsonl")
"""Names of tables of bursts and of observers' notes, which belong beside files of spectra."""


def input_paths(words: Iterable[str | Path]) -> list[Path]:
    """Return the files that a user names.

    Parameters
    ----------
    words
        Files, patterns such as ``day/*.fit.gz``, and directories. A directory is replaced by its files of spectra. The
        directory of an archive is returned unchanged, as is a path that does not exist.

    Raises
    ------
    SourceError
        If a pattern or a directory has no file, an archive is not alone, or there are too many files.
    """
    found = list(islice((path for word in words for path in _paths(str(word))), MAX_FILES + 1))
    if len(found) > MAX_FILES:
        raise SourceError(f"more than {MAX_FILES} files are named; choose fewer")
    archives = [path for path in found if len(found) > 1 and path.is_dir()]
    if archives:
        raise SourceError(f"{printable_name(archives[0])} is an archive, which is read alone; leave the others out")
    return found


def is_archive_of_stores(path: Path) -> bool:
    """Return True for an archive or one of its stores."""
    return StoreName.parse(path.name) is not None or bool(stores(path))


def _paths(word: str) -> list[Path]:
    """Return the paths of one name."""
    path = Path(word)
    try:
        if path.is_dir():
            return [path] if is_archive_of_stores(path) else _files_of(path)
        if not glob.has_magic(word) or path.exists():
            return [path]
    except (OSError, ValueError):
        # Reading the file gives the reason.
        return [path]
    # Path.glob does not accept an absolute pattern.
    matches = sorted(glob.glob(word))  # noqa: PTH207
    if not matches:
        raise SourceError(f"no file matches {printable_name(word)}; check the pattern")
    return [each for match in matches for each in _files_of_match(Path(match))]


def _files_of_match(path: Path) -> list[Path]:
    return _files_of(path) if path.is_dir() and not is_archive_of_stores(path) else [path]


def _files_of(directory: Path) -> list[Path]:
    """Return the files of spectra in a directory.

    The result is the directory itself if there is none.
    """
    try:
        every = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        why = error.strerror or error_reason(error)
        raise SourceError(f"{printable_name(directory)} cannot be read: {why}; check its permissions") from error
    files = [path for path in every if path.name.lower().endswith(ENDINGS) and file_kind(path) is not None]
    chosen = set(files)
    others = [path for path in every if path not in chosen and not _BESIDE_ROWS.fullmatch(path.name)]
    if files and others:
        log.warning(
            "%s: %d of %d files are not files of spectra and are left out, the first is %s",
            printable_name(directory), len(others), len(every), printable_name(others[0].name),
        )  # fmt: skip
    return files or [directory]
