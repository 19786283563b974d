"""Keep a table of bursts for each UTC day of an archive.

The tables are ``bursts-2026-11-25.ecsv`` and ``.csv``. A burst belongs to the day of its begin. Bursts that are in a
table already stay in it, so a restart of the program or another program that writes there loses nothing.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sunspec_tui.core.bursts import Burst, BurstList
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import format_date
from sunspec_tui.files.burst_table import EXTENSIONS, read_burst_table, write_burst_table
from sunspec_tui.files.plain_table import MAX_ROWS

log = logging.getLogger(__name__)

DAY_S = 86_400.0
_MAX_DAYS = 3


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
        self._verdicts: dict[str, bool] = {}

    @property
    def has_waiting(self) -> bool:
        """True if a burst is not in its table yet."""
        return bool(self._waiting)

    def load(self, day: str) -> BurstList:
        """Read the bursts of a day; none without a table.

        A table that is damaged is set aside as ``.damaged``, which is logged.

        Raises
        ------
        OSError
            If the disk fails.
        """
        path = day_table(self._directory, day)
        try:
            stamp = file_stamp(path)
            if not stamp or stamp != self._stamps.get(day):
                self._take(day, BurstList(read_burst_table(path) if stamp else ()), stamp)
        except SourceError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            self._set_aside(path, error)
            self._take(day, BurstList(), ())
        return self._kept[day]

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
            bursts = kept.changed(waiting, MAX_ROWS)
            for extension in EXTENSIONS:
                write_burst_table(bursts, day_table(self._directory, day, extension))
            self._kept[day], self._stamps[day] = bursts, file_stamp(day_table(self._directory, day))
            del self._waiting[day]
        for day in sorted(self._kept)[:-_MAX_DAYS]:
            del self._kept[day]
            self._stamps.pop(day, None)

    def _set_aside(self, path: Path, error: SourceError) -> None:
        """Rename a damaged table, so that it is not overwritten."""
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        log.warning("%s; it is kept as %s, and a new table begins", printable(error), printable_name(aside.name))


def file_stamp(path: Path) -> tuple[int, ...]:
    """Return the state of a file, which changes when it is written.

    It is empty without a file.
    """
    with suppress(FileNotFoundError):
        status = path.lstat()
        return (status.st_ino, status.st_size, status.st_mtime_ns)
    return ()
