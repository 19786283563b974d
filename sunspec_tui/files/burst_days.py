"""Keep a table of bursts for each UTC day of an archive.

The tables are ``bursts-2026-11-25.ecsv`` and ``.csv``. A burst belongs to the day of its begin. Bursts that are in a
table already stay in it, so a restart of the program or another program that writes there loses nothing.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sunspec_tui.core.bursts import Burst, BurstList
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import format_date
from sunspec_tui.files.burst_table import EXTENSIONS, further_columns, read_burst_table, write_burst_table

log = logging.getLogger(__name__)

DAY_S = 86_400.0

MAX_DAY_ROWS = 10_000
"""Largest number of bursts of a day. Such a table has a tenth of the size that can be read."""

_MAX_DAYS, _MAX_COPIES = 3, 20


def day_table(directory: Path, day: str, extension: str = ".ecsv") -> Path:
    """Return the path of a day's table, such as ``bursts-2026-11-25.ecsv``."""
    return directory / f"bursts-{day}{extension}"


class BurstDays:
    """Tables of days in a directory.

    Parameters
    ----------
    directory
        The directory; it is created with the first table.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: dict[str, BurstList] = {}
        self._stamps: dict[str, tuple[int, ...]] = {}
        self._waiting: dict[str, dict[str, Burst]] = {}
        # Days that go on with the bursts in memory, and those with a table to which somebody has added columns.
        self._unwritten, self._edited = set[str](), set[str]()
        self._verdicts: dict[str, bool] = {}

    @property
    def has_waiting(self) -> bool:
        """True if a burst is not in its table yet."""
        return bool(self._waiting)

    def load(self, day: str) -> BurstList:
        """Read the bursts of a day; none without a table.

        A table that is damaged is set aside as ``.damaged``, which is logged. If it was damaged since it was written,
        the day goes on with the bursts in memory.

        Raises
        ------
        OSError
            If the disk fails.
        """
        path = day_table(self._directory, day)
        try:
            stamp = file_stamp(path)
            if stamp != self._stamps.get(day) or not (stamp or day in self._unwritten):
                self._take(day, BurstList(read_burst_table(path) if stamp else ()), stamp)
                self._note_edited(day, path)
        except SourceError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            self._set_aside(path, error)
            self._kept.setdefault(day, BurstList())
            self._stamps[day] = ()
            self._unwritten.add(day)
        return self._kept[day]

    def _note_edited(self, day: str, path: Path) -> None:
        """Remember a table to which somebody has added columns."""
        if self._stamps[day] and further_columns(path):
            self._edited.add(day)

    def _take(self, day: str, bursts: BurstList, stamp: tuple[int, ...]) -> None:
        """Take the bursts of a table; note the verdicts that have changed."""
        before = {burst.name: burst.is_wrong for burst in self._kept.get(day, ())}
        self._verdicts |= {
            burst.name: burst.is_wrong for burst in bursts if before.get(burst.name, burst.is_wrong) != burst.is_wrong
        }
        self._kept[day], self._stamps[day] = bursts, stamp

    def refresh(self) -> None:
        """Read the known tables that another program has written.

        Raises
        ------
        OSError
            If the disk fails.
        """
        for day in self._kept:
            path = day_table(self._directory, day)
            stamp = file_stamp(path)
            if not stamp or stamp == self._stamps[day]:
                continue
            # Another program may be writing the table: the next call reads it. A damaged one is set aside by `write`.
            with suppress(SourceError):
                self._take(day, BurstList(read_burst_table(path)), stamp)
                self._note_edited(day, path)

    def take_verdicts(self) -> dict[str, bool]:
        """Return what other programs have marked as wrong, or not.

        Each change is returned once, by the name of its burst.
        """
        verdicts, self._verdicts = self._verdicts, {}
        return verdicts

    def add(self, bursts: Iterable[Burst]) -> None:
        """Add bursts that are to be written, or replace older values."""
        for burst in bursts:
            self._waiting.setdefault(format_date(burst.begin_s), {})[burst.name] = burst

    def write(self) -> None:
        """Write the tables that lack a burst.

        Raises
        ------
        OSError, SunspecError
            If a table cannot be written; its bursts wait for the next call.
        """
        for day in sorted(self._waiting):
            kept = self.load(day)
            # Of a burst whose numbers have changed, another program's new verdict stays.
            waiting = [
                replace(burst, is_wrong=self._verdicts.get(burst.name, burst.is_wrong))
                for burst in self._waiting[day].values()
            ]
            bursts = kept.changed(waiting, MAX_DAY_ROWS)
            self._keep_edited(day)
            for extension in EXTENSIONS:
                write_burst_table(bursts, day_table(self._directory, day, extension))
            self._kept[day], self._stamps[day] = bursts, file_stamp(day_table(self._directory, day))
            self._unwritten.discard(day)
            del self._waiting[day]
        for day in sorted(self._kept)[:-_MAX_DAYS]:
            del self._kept[day]
            self._stamps.pop(day, None)

    def _keep_edited(self, day: str) -> None:
        """Copy a table with further columns, because these are not written."""
        if day in self._edited:
            path = day_table(self._directory, day)
            copy = _free_path(path, "edited")
            shutil.copyfile(path, copy)
            self._edited.discard(day)
            text = "%s has further columns, which are not written to it again; it is kept as %s"
            log.warning(text, printable_name(path), printable_name(copy.name))

    def _set_aside(self, path: Path, error: SourceError) -> None:
        """Rename a damaged table, so that it is not overwritten."""
        aside = _free_path(path, "damaged")
        path.replace(aside)
        log.warning("%s; it is kept as %s, and a new table begins", printable(error), printable_name(aside.name))


def _free_path(path: Path, why: str) -> Path:
    """Return a free name for a copy, such as ``.damaged-2``.

    The last of `_MAX_COPIES` names may be in use.
    """
    numbers = ["", *(f"-{number}" for number in range(2, _MAX_COPIES + 1))]
    candidates = [path.with_name(f"{path.name}.{why}{number}") for number in numbers]
    return next((each for each in candidates if not os.path.lexists(each)), candidates[-1])


def file_stamp(path: Path) -> tuple[int, ...]:
    """Return the state of a file, which changes when it is written.

    It is empty without a file.
    """
    with suppress(FileNotFoundError):
        status = path.lstat()
        return (status.st_ino, status.st_size, status.st_mtime_ns)
    return ()
