"""Read small tables of text cells: CSV and ECSV, by column names.

Tables of bursts, lists of radio events and labels are such tables. They are not trusted: sizes are bounded, and each
error is one sentence. An ECSV file is read as CSV, without its header in YAML.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.printable import printable, printable_name, quote_untrusted
from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.files.read_limits import MAX_SENTENCE, Unreadable, error_reason

MAX_BYTES = 32 * 2**20
"""Largest size of a table."""

MAX_ROWS = 100_000
"""Largest number of rows of a table."""

ECSV_BEGIN = "# %ECSV"
_MAX_LINE = 20_000
_MAX_COLUMNS = 200
_MAX_NUMBER = 40
_BOM = "\ufeff"
_SEPARATORS = ",;\t "


class TableRow(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    line
        Number of its line in the file.
    cells
        Its cells by column name, without surrounding spaces.
    """

    line: int
    cells: dict[str, str]

    def text(self, name: str, most: int) -> str:
        """Return a cell as one visible line of at most `most` characters.

        It is empty if there is no such column.
        """
        return printable(self.cells.get(name, ""), most)

    def number(self, name: str) -> float:
        """Return the number in a cell; NaN if it is empty.

        Raises
        ------
        Unreadable
            If it is no number.
        """
        cell = self.cells.get(name, "")
        if not cell:
            return math.nan
        try:
            return float(cell if len(cell) <= _MAX_NUMBER else "too long")
        except ValueError as error:
            raise self.refusal(name, "which is not a number") from error

    def finite(self, name: str) -> float:
        """Return the number in a cell, which must be finite.

        Raises
        ------
        Unreadable
            If it is empty or no finite number.
        """
        value = self.number(name)
        if not math.isfinite(value):
            raise self.refusal(name, "which is not a number")
        return value

    def refusal(self, name: str, why: str) -> Unreadable:
        """Return the error about a cell."""
        return Unreadable(f"line {self.line} has {quote_untrusted(self.cells.get(name, ''), 40)} as {name}, {why}")


def read_table(path: Path, required: Sequence[str]) -> list[TableRow]:
    """Read the rows of a table.

    Lines that begin with ``#`` are comments.

    Parameters
    ----------
    path
        The file.
    required
        Names of the columns that it must have.

    Raises
    ------
    Unreadable
        If it has another content, or is above a limit.
    OSError
        If it cannot be opened or read.
    """
    lines = _lines(path)
    separator, is_first = "", True
    names = list[str]()
    rows = list[TableRow]()
    for number, line in lines:
        if is_first and line.startswith(ECSV_BEGIN):
            separator = " "
        is_first = False
        if line.startswith("#"):
            separator = _declared_separator(line) or separator
        elif not names:
            separator, names = _names(line, number, separator, required)
        else:
            if len(rows) == MAX_ROWS:
                raise Unreadable(f"it has more than {MAX_ROWS} rows")
            row = _row(line, number, separator, names)
            # Spreadsheets write empty rows below a table.
            rows += [row] if any(row.cells.values()) else []
    if not names:
        raise Unreadable("it has no line with column names")
    return rows


def refused(path: Path, what: str, error: Exception) -> SourceError:
    """Return the error about a table as one sentence.

    Parameters
    ----------
    path, what
        The file, and what it should be, such as ``a table of bursts``.
    error
        The reason.
    """
    why = str(error) if isinstance(error, SourceError) else getattr(error, "strerror", "") or error_reason(error)
    return SourceError(printable(f"{printable_name(path)} cannot be read as {what}: {why}", MAX_SENTENCE))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbers and the texts of lines that are not blank."""
    with open_regular(path) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unreadable(f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        text = content.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8 text; save the table as CSV in UTF-8") from error
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if len(line) > _MAX_LINE:
            raise Unreadable(f"line {number} has more than {_MAX_LINE} characters")
        if line.strip():
            yield number, line


def _declared_separator(line: str) -> str:
    """Return the separator that a line of an ECSV header declares."""
    key, _, value = line[1:].partition(":")
    value = value.strip().strip("'\"") or " "
    return value if key.strip() == "delimiter" and value in _SEPARATORS else ""


def _names(line: str, number: int, separator: str, required: Sequence[str]) -> tuple[str, list[str]]:
    """Return the separator and the column names."""
    for each in separator or _SEPARATORS:
        names = [name.strip() for name in _cells(line, number, each)]
        if set(required) <= set(names):
            if len(names) > _MAX_COLUMNS or len(set(names)) < len(names):
                raise Unreadable("it has too many columns, or a column twice")
            return each, names
    missing = ", ".join(_missing(line, number, separator, required))
    raise Unreadable(f"line {number} is {quote_untrusted(line, 30)}, without the column names {missing}")


def _missing(line: str, number: int, separator: str, required: Sequence[str]) -> list[str]:
    """Return the required names that a line lacks.

    Its separator is the one with which it has most of them.
    """
    found = ({name.strip() for name in _cells(line, number, each)} for each in separator or _SEPARATORS)
    return min(([name for name in required if name not in names] for names in found), key=len)


def _row(line: str, number: int, separator: str, names: list[str]) -> TableRow:
    cells = _cells(line, number, separator)
    if len(cells) != len(names):
        raise Unreadable(f"line {number} has {len(cells)} cells, not {len(names)}")
    return TableRow(number, dict(zip(names, (cell.strip() for cell in cells), strict=True)))


def _cells(line: str, number: int, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except (csv.Error, StopIteration) as error:
        raise Unreadable(f"line {number} is not valid CSV") from error
