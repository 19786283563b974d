"""Save the counts of the last observing days between runs.

There is one file for each stream. Files are read and written in threads, because a home directory on a network may
hang.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sunspec_tui.core import state_files
from sunspec_tui.core.printable import printable
from sunspec_tui.monitoring.day_counts import DayCounts, counts_from_record, counts_record

log = logging.getLogger(__name__)

MAX_DAYS = 14
MAX_FILES = 32
_NAME = "day-counts-"
_REPORTED = "is_reported"
_FALLBACK = "the day's counts begin anew"


class DayCountFile:
    """File with the counts of a stream's last days.

    Parameters
    ----------
    directory
        Directory of the file; None for no file.
    source
        Address of the stream.
    """

    def __init__(self, directory: Path | None, source: str) -> None:
        self._source = source
        key = hashlib.sha256(source.encode(errors="backslashreplace")).hexdigest()[:16]
        self._path = None if directory is None else directory / f"{_NAME}{key}.json"
        self._saver = None if self._path is None else state_files.Saver(self._path, "the day's counts")
        self._has_saved = False

    def load(self) -> list[DayCounts]:
        """Return the saved days.

        Empty if there are none, or if the disk hangs.
        """
        if self._path is None:
            return []
        return _days(state_files.load_within(self._path, _FALLBACK) or {})

    def save(self, days: Iterable[DayCounts]) -> bool:
        """Start to write the newest days.

        Return False if the last write has not finished yet.
        """
        if self._saver is None or self._path is None:
            return True
        if not self._has_saved:
            self._has_saved = True
            _remove_oldest(self._path.parent)
        kept = sorted(days, key=lambda each: each.day)[-MAX_DAYS:]
        return self._saver.save({"source": self._source, "days": [_record(each) for each in kept]})

    def finish(self) -> None:
        """Wait until the last file is written, for a limited time."""
        if self._saver is not None:
            self._saver.finish()


def saved_counts(directory: Path, day: str) -> Iterator[tuple[str, DayCounts]]:
    """Yield each stream that has counts of a day, and the counts."""
    for path in sorted(_files(directory))[:MAX_FILES]:
        record = state_files.load_within(path, "its counts are left out") or {}
        for counts in _days(record):
            if counts.day == day and not counts.is_empty:
                yield printable(record.get("source", "")), counts


def _days(record: Any) -> list[DayCounts]:
    """Return the days of a file; invalid ones are left out."""
    days = record.get("days")
    return [counts for each in days[-MAX_DAYS:] if (counts := _counts(each))] if isinstance(days, list) else []


def _record(counts: DayCounts) -> dict[str, Any]:
    return counts_record(counts) | {_REPORTED: counts.is_reported}


def _counts(record: Any) -> DayCounts | None:
    counts = counts_from_record(record)
    return None if counts is None else replace(counts, is_reported=record.get(_REPORTED) is True)


def _files(directory: Path) -> list[Path]:
    with suppress(OSError):
        return list(directory.glob(f"{_NAME}*.json"))
    return []


def _remove_oldest(directory: Path) -> None:
    """Delete all but the newest files, because sources change."""
    with suppress(OSError):
        files = sorted(_files(directory), key=lambda file: file.stat().st_mtime)
        for file in files[: -MAX_FILES + 1]:
            file.unlink()
