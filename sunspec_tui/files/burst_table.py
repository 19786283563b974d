"""Write and read a table of bursts as ECSV or CSV.

Both have the same columns. ECSV is CSV with a header of units and descriptions, which `astropy.table.Table.read` opens.
The header is written here, because a monitor that keeps a table need not load astropy for it.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import ExportError, SourceError, UsageError
from sunspec_tui.core.printable import printable, printable_name, quote_untrusted
from sunspec_tui.core.regular_file import check_replaceable
from sunspec_tui.core.version import __version__
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.files.burst_columns import COLUMNS, REQUIRED, Column, burst_of_row
from sunspec_tui.files.plain_table import ECSV_BEGIN, TableRow, read_table, refused

EXTENSIONS = (".ecsv", ".csv")
"""Extensions of a table."""

_FLOAT = "float64"
_MAX_REASON = 100


def check_table_path(path: Path) -> None:
    """Check that a table can probably be written, without writing it.

    Raises
    ------
    UsageError
        If its extension is none of `EXTENSIONS`.
    ExportError
        If the path is no regular file, or its directory is not writable.
    """
    _check_name(path)
    try:
        check_replaceable(path)
    except OSError as error:
        raise _not_written(path, error) from error
    existing = next(each for each in (path.parent, *path.parent.parents) if os.path.lexists(each))
    if existing.is_dir() and not os.access(existing, os.W_OK | os.X_OK):
        raise ExportError(f"cannot write {printable_name(path)}: its directory is not writable; choose another file")


def _check_name(path: Path) -> None:
    if path.suffix.lower() not in EXTENSIONS:
        raise UsageError(f"{printable_name(path)} is no name of a table of bursts; end it with .ecsv or .csv")


def write_burst_table(bursts: Iterable[Burst], path: Path) -> None:
    """Write a table of bursts.

    A file of that name is replaced in one step.

    Raises
    ------
    UsageError
        If the extension is unknown.
    ExportError
        If it cannot be written.
    """
    _check_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            _write(bursts, file, is_ecsv=path.suffix.lower() == ".ecsv")
    except OSError as error:
        raise _not_written(path, error) from error
    except (ValueError, OverflowError) as error:
        # A time may lie outside the years of a date.
        raise ExportError(f"cannot write {printable_name(path)}: {printable(error, _MAX_REASON)}") from error


def _not_written(path: Path, error: OSError) -> ExportError:
    why = error.strerror or "not all data could be written"
    return ExportError(f"cannot write {printable_name(path)}: {why}; choose another file")


def read_burst_table(path: Path) -> list[Burst]:
    """Read the bursts of a table, in the order of its rows.

    Each has a name of its own: a row that repeats a name, as a copied one does, gets a number. The table may also have
    been written by astropy, or as CSV by a spreadsheet.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        return _named_apart(map(burst_of_row, read_table(path, REQUIRED)))
    except (SourceError, OSError) as error:
        raise refused(path, "a table of bursts", error) from error


def _named_apart(bursts: Iterable[Burst]) -> list[Burst]:
    """Return bursts of which no two have the same name."""
    found: dict[str, Burst] = {}
    counts = Counter[str]()
    for burst in bursts:
        name = burst.name
        while name in found:
            counts[burst.name] += 1
            name = f"{burst.name} ({counts[burst.name] + 1})"
        found[name] = burst if name == burst.name else replace(burst, name=name)
    return list(found.values())


def mark_in_tables(paths: Sequence[Path], verdicts: Mapping[str, bool]) -> None:
    """Write whether bursts are wrong to tables of the same bursts.

    The first table is read anew, so what another program has written stays; then all are replaced.

    Parameters
    ----------
    paths
        The tables.
    verdicts
        The verdicts by the names of the bursts.

    Raises
    ------
    SourceError
        If the first table cannot be read.
    ExportError
        If a table cannot be written, or has columns of its own.
    """
    bursts = list[Burst]()
    for path in reversed(paths):
        bursts = _read_own(path)
    marked = [replace(burst, is_wrong=verdicts.get(burst.name, burst.is_wrong)) for burst in bursts]
    for path in paths:
        write_burst_table(marked, path)


def further_columns(path: Path) -> list[str]:
    """Return the names of a table's columns that are not ours.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        return _further(read_table(path, REQUIRED))
    except (SourceError, OSError) as error:
        raise refused(path, "a table of bursts", error) from error


def _further(rows: Sequence[TableRow]) -> list[str]:
    return sorted(rows[0].cells.keys() - {column.name for column in COLUMNS}) if rows else []


def _read_own(path: Path) -> list[Burst]:
    """Read a table that is to be written again."""
    try:
        rows = read_table(path, REQUIRED)
        if others := _further(rows):
            columns = ", ".join(quote_untrusted(name, 40) for name in others[:3])
            why = "it has further columns, which would be lost"
            raise ExportError(f"{printable_name(path)} is not written again: {why} ({columns}); edit is_wrong there")
        return _named_apart(map(burst_of_row, rows))
    except (SourceError, OSError) as error:
        raise refused(path, "a table of bursts", error) from error


def _write(bursts: Iterable[Burst], file: TextIO, *, is_ecsv: bool) -> None:
    if is_ecsv:
        file.write("".join(f"{line}\n" for line in _header()))
    table = csv.writer(file, lineterminator="\n")
    table.writerow([column.name for column in COLUMNS])
    for burst in bursts:
        cells = [column.cell(burst) for column in COLUMNS]
        table.writerow(_with_nan(cells) if is_ecsv else cells)


def _with_nan(cells: list[str]) -> list[str]:
    """Return cells in which an unknown number is NaN.

    In ECSV an empty cell would be a masked value.
    """
    return [
        "nan" if column.datatype == _FLOAT and not cell else cell for column, cell in zip(COLUMNS, cells, strict=True)
    ]


def _header() -> list[str]:
    """Return the header of an ECSV file, in YAML."""
    return [
        f"{ECSV_BEGIN} 1.0",
        "# ---",
        "# delimiter: ','",
        "# datatype:",
        *map(_column_line, COLUMNS),
        "# meta: !!omap",
        f"# - {{software: 'sunspec-tui {__version__}'}}",
        "# schema: astropy-2.0",
    ]


def _column_line(column: Column) -> str:
    unit = f"unit: {column.unit}, " if column.unit else ""
    return f"# - {{name: {column.name}, {unit}datatype: {column.datatype}, description: '{column.description}'}}"
