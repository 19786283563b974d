"""Tables of bursts beside recorded rows.

The tables of an archive are those of its days, or all others if there are none. Beside files, all tables named
``bursts*`` are read. The numbers of tables and bursts are bounded: the newest are read.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.times import format_date
from sunspec_tui.files.burst_days import DAY_S, file_stamp
from sunspec_tui.files.burst_table import EXTENSIONS, mark_in_tables, read_burst_table

MAX_TABLES = 400
"""Largest number of tables that are read."""

_ROUNDED_S = 3600.0
_DAY_TABLE = re.compile(r"bursts-(\d{4}-\d{2}-\d{2})")


class _Table(NamedTuple):
    """What a table had when it was read."""

    stamp: tuple[int, ...]
    interval_s: tuple[float, float]
    bursts: BurstList


class BurstTables:
    """Tables beside an archive's or files' rows; used by one thread.

    Parameters
    ----------
    paths
        An archive, or files.
    is_archive
        True if the path is an archive.
    most
        Largest number of bursts, see `BurstList.changed`.

    Attributes
    ----------
    bursts
        The bursts of the tables.
    problems
        One sentence for each table that cannot be read.
    """

    def __init__(self, paths: Sequence[Path], most: int, *, is_archive: bool) -> None:
        self._is_archive, self._most = is_archive, most
        self._directories = sorted(set(paths) if is_archive else {path.parent for path in paths})
        self._files = frozenset[str]() if is_archive else frozenset(path.name for path in paths)
        self._tables: dict[Path, _Table] = {}
        # Table of each burst, and its name there.
        self._places: dict[str, tuple[Path, str]] = {}
        self.bursts: BurstList = NO_BURSTS
        self.problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is no table."""
        return not self._tables and not self.problems

    def refresh(self, begin_s: float, end_s: float) -> bool:
        """Read the tables that have changed; return True if there are any.

        Parameters
        ----------
        begin_s, end_s
            Interval of the rows, seconds since 1970 UTC.
        """
        # Rows that are still written move the end; tables are not read anew for that.
        interval_s = _ROUNDED_S * (begin_s // _ROUNDED_S), _ROUNDED_S * (end_s // _ROUNDED_S + 1)
        before, self._tables = self._tables, {}
        problems = list[str]()
        count = 0
        for path in self._paths(*interval_s):
            try:
                table = self._read(path, before.get(path), interval_s)
            except (SourceError, OSError) as error:
                problems.append(str(error))
                continue
            self._tables[path] = table
            count += len(table.bursts)
            if count >= self._most:
                break
        has_news = self._tables != before or tuple(problems) != self.problems
        self.problems = tuple(problems)
        if has_news:
            self._join()
        return has_news

    def mark(self, verdicts: Mapping[str, bool]) -> None:
        """Write whether bursts are wrong to their tables.

        The tables are read anew before, because another program may have written them.

        Raises
        ------
        SunspecError, OSError
            If a table cannot be read or written.
        """
        by_table: dict[Path, dict[str, bool]] = {}
        for name, is_wrong in verdicts.items():
            if name in self._places:
                path, own_name = self._places[name]
                by_table.setdefault(path, {})[own_name] = is_wrong
        for path, of_table in by_table.items():
            mark_in_tables([path, *_twins(path)], of_table)

    def _paths(self, begin_s: float, end_s: float) -> list[Path]:
        """Return the tables, those of the newest days first."""
        found = [path for directory in self._directories for path in _tables_of(directory)]
        days = {path: match[1] for path in found if (match := _DAY_TABLE.fullmatch(path.stem))}
        if self._is_archive and days:
            first, last = format_date(begin_s - DAY_S), format_date(end_s)
            found = [path for path, day in days.items() if first <= day <= last]
        return sorted(found, key=lambda path: path.name, reverse=True)[:MAX_TABLES]

    def _read(self, path: Path, known: _Table | None, interval_s: tuple[float, float]) -> _Table:
        stamp = file_stamp(path)
        if known is not None and (known.stamp, known.interval_s) == (stamp, interval_s):
            return known
        begin_s, end_s = interval_s
        touching = BurstList(self._of_these_rows(path.parent, read_burst_table(path))).between(begin_s, end_s)
        return _Table(stamp, interval_s, NO_BURSTS.changed(touching, self._most))

    def _of_these_rows(self, directory: Path, bursts: Iterable[Burst]) -> Iterator[Burst]:
        """Leave out bursts of files that are there but not shown."""
        is_elsewhere: dict[str, bool] = {}
        for burst in bursts:
            source = burst.source
            if source not in is_elsewhere:
                is_name = bool(self._files) and source not in self._files and Path(source).name == source
                is_elsewhere[source] = is_name and source != "" and os.path.lexists(directory / source)
            if not is_elsewhere[source]:
                yield burst

    def _join(self) -> None:
        """Give each burst a name of its own."""
        joined: dict[str, Burst] = {}
        self._places = {}
        for path, table in self._tables.items():
            for burst in table.bursts:
                known = joined.get(burst.name)
                if known is not None and (known.begin_s, known.low_mhz) == (burst.begin_s, burst.low_mhz):
                    continue
                name = burst.name if known is None else f"{burst.name} of {path.name}"
                joined[name] = replace(burst, name=name)
                self._places[name] = path, burst.name
        self.bursts = NO_BURSTS.changed(joined.values(), self._most)


def _tables_of(directory: Path) -> list[Path]:
    """Return the tables of a directory, one of each stem."""
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        names = [entry.name for entry in entries if entry.name.startswith("bursts")]
        tables = [directory / name for name in names if Path(name).suffix in EXTENSIONS]
        # The extensions are in the order of preference.
        tables.sort(key=lambda path: EXTENSIONS.index(path.suffix), reverse=True)
        return list({path.stem: path for path in tables}.values())
    return []


def _twins(path: Path) -> list[Path]:
    """Return the tables of the same bursts in other formats."""
    others = (path.with_suffix(extension) for extension in EXTENSIONS)
    return [other for other in others if other != path and os.path.lexists(other)]
