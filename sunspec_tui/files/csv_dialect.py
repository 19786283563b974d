"""Parse cells of CSV tables that a spreadsheet has saved again.

A spreadsheet may separate cells by semicolons or tabs, write decimal commas, put cells in quotes and pad lines with
empty cells. The line with the column names shows these changes; ambiguous cells are refused.
"""

import csv
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.printable import printable
from sunspec_tui.files.read_limits import Unreadable

BOM = b"\xef\xbb\xbf"
FIRST_NAMES = ("time_utc", "product")
"""Names of the columns before those of the frequencies."""

_SEPARATORS = ",;\t"
_BLANK = ' \t\r\n,;"'
_MAX_CELL = 100
_MAX_SHOWN = 40


class Dialect(NamedTuple):
    """Separator and decimal mark of a table.

    Attributes
    ----------
    separator
        Character between two cells.
    decimal
        Decimal mark of numbers.
    """

    separator: str
    decimal: str

    def cells(self, line: str, number: int) -> list[str]:
        """Return the cells of a line.

        `number` is the number of the line.
        """
        if '"' not in line:
            return line.rstrip("\r\n").split(self.separator)
        try:
            return next(csv.reader([line], delimiter=self.separator))
        except csv.Error as error:
            raise Unreadable(f"line {number} is not valid CSV") from error

    def first_cells(self, line: str, number: int) -> list[str]:
        """Return the cells of a line up to the first frequency.

        The last one may be the rest of the line.
        """
        count = len(FIRST_NAMES)
        return line.split(self.separator, count) if '"' not in line else self.cells(line, number)

    def values(self, cells: list[str], number: int) -> NDArray[np.float64]:
        """Return the numbers in cells."""
        if max(map(len, cells), default=0) > _MAX_CELL:
            checked_cell(max(cells, key=len), number)
        texts = self._with_dots(cells)
        try:
            return np.array(list(map(float, texts)))
        except ValueError as error:
            bad = next(cell for cell, text in zip(cells, texts, strict=True) if not _is_number(text))
            raise Unreadable(f"line {number} has {_shown(bad)}, which is not a number") from error

    def _with_dots(self, cells: list[str]) -> list[str]:
        """Return cells with decimal points.

        A cell with another mark, such as a separator of thousands, becomes invalid.
        """
        return cells if self.decimal == "." else [cell.replace(".", "?").replace(",", ".") for cell in cells]


def dialect_of(line: str, number: int) -> tuple[Dialect, list[str]]:
    """Return the dialect and the column names of a table.

    `line` must be the line with the column names.

    Raises
    ------
    Unreadable
        If it is another line.
    """
    for separator in _SEPARATORS:
        names = _without_padding(Dialect(separator, ".").cells(line, number))
        if tuple(name.strip() for name in names[: len(FIRST_NAMES)]) == FIRST_NAMES:
            commas = separator != "," and any("," in name for name in names)
            return Dialect(separator, "," if commas else "."), names
    raise Unreadable(f"line {number} begins with {_shown(line.strip())}, not with the column names time_utc, product")


def comment_text(line: str, dialect: Dialect, width: int) -> str:
    """Return the text of a comment.

    Parameters
    ----------
    line
        The line.
    dialect, width
        The dialect of the table, and its number of columns, to which spreadsheets pad each line.
    """
    cells = line.rstrip("\r\n").split(dialect.separator)
    if line.startswith('"') or len(cells) >= width:
        cells = dialect.cells(line, 1)
    # A spreadsheet splits a text at its commas: join the cells again.
    text = ",".join(cells if len(cells) < width else _without_padding(cells))
    return text[1:].strip()


def is_comment(line: str) -> bool:
    """Return True if a line is a comment, also one in quotes."""
    return line.startswith(("#", '"#'))


def is_blank(line: str) -> bool:
    """Return True if all cells of a line are empty."""
    return not line.strip(_BLANK)


def checked_cell(cell: str, number: int) -> str:
    """Return a cell without surrounding spaces; refuse a long one."""
    if len(cell) > _MAX_CELL:
        raise Unreadable(f"line {number} has a cell of {len(cell)} characters, more than {_MAX_CELL}")
    return cell.strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _without_padding(cells: list[str]) -> list[str]:
    """Return cells without the empty ones at the end."""
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return cells[:count]


def _shown(text: str) -> str:
    return printable(repr(text), _MAX_SHOWN)
