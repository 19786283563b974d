"""Read CSV tables of spectra, as `writers.export` writes them, line by line in two passes.

The first pass reads times and products, the second one reads the requested rows.
"""

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.errors import UsageError
from sunspec_tui.printable import printable, unquoted
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording
from sunspec_tui.sources.arrays import Declared, checked
from sunspec_tui.sources.limits import MAX_BINS, MAX_ROWS, Asked, Unreadable, file_size, size_text
from sunspec_tui.times import format_iso, moment_s

_MAX_LINE_BYTES = 3_000_000
_MAX_COMMENTS = 1000
_MAX_CELL = 100
_AXES = 2  # columns before those of the frequencies


class _Table:
    """Lines of a file, which can be read again from the start; data appended meanwhile are ignored."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.nbytes = file_size(file)
        self.said: dict[str, Any] = {}
        self.names = self._head()
        self._begin = file.tell(), self._line

    def _head(self) -> list[str]:
        """Read the metadata in the comments and return the column names."""
        self._line = 0
        while self._line <= _MAX_COMMENTS and (line := self._next()):
            if not line.startswith("#"):
                return _cells(line, self._line)
            key, _, value = line[1:].strip().partition("=")
            self.said[key] = unquoted(value)
        raise Unreadable("it has no line with column names")

    def rows(self) -> Iterator[tuple[int, str]]:
        """Yield the numbers and lines of the table, without empty lines."""
        place, self._line = self._begin
        self._file.seek(place)
        while line := self._next():
            if line.strip():
                yield self._line, line

    def _next(self) -> str:
        """Return the next line, or an empty string at the end."""
        self._line += 1
        left = self.nbytes - self._file.tell()
        line = self._file.readline(min(max(left, 0), _MAX_LINE_BYTES + 1))
        if len(line) > _MAX_LINE_BYTES:
            raise Unreadable(f"line {self._line} is longer than {size_text(_MAX_LINE_BYTES)}")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise Unreadable(f"line {self._line} is not UTF-8 text") from error


def read_csv(file: BinaryIO, path: Path, asked: Asked) -> Recording:
    """Read a recording from an open CSV file.

    Raises
    ------
    Unreadable
        If the file has another content, or is above a limit.
    """
    table = _Table(file)
    frequencies_hz = _frequencies_hz(table.names)
    products, times_s = _axes(table)
    nproducts = len(products)

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        wanted = set(rows.tolist())
        lines = (line for i, line in enumerate(table.rows()) if i // nproducts in wanted)
        for i, (number, line) in enumerate(lines):
            out[i // nproducts, :, i % nproducts] = _values(line, number, len(frequencies_hz))

    shape = (len(times_s), len(frequencies_hz), nproducts)
    return checked(path, Declared(shape, products, times_s, frequencies_hz, table.said, load), asked, table.nbytes)


def _frequencies_hz(names: list[str]) -> NDArray[np.float64]:
    if len(names) > MAX_BINS + _AXES:
        raise Unreadable(f"it has {len(names)} columns, more than {MAX_BINS}")
    try:
        return np.array([float(name) for name in names[_AXES:]]) * 1e6
    except ValueError as error:
        raise Unreadable("its column names are not frequencies") from error


def _axes(table: _Table) -> tuple[tuple[Product, ...], NDArray[np.float64]]:
    """Return the products of a row in their order, and the time of each row.

    Each row has one line for each product, always in the same order and with the same time. A table that was sorted
    differently is refused.
    """
    times_s, found = array("d"), bytearray()
    products, last, last_s = list[str](), "", 0.0
    for number, line in table.rows():
        when, product = _begin(line, number)
        if when != last:
            last, last_s = when, _time_s(when, number)
        if product not in products:
            _check_product(product, number)
            products.append(product)
        times_s.append(last_s)
        found.append(products.index(product))
        if len(found) > MAX_ROWS * len(products):
            raise Unreadable(f"it has more than {MAX_ROWS} rows")
    if not found:
        raise Unreadable("it has no rows")
    _check_order(np.frombuffer(found, np.uint8), np.array(times_s), products)
    return tuple(map(Product, products)), np.array(times_s)[:: len(products)]


def _check_order(found: NDArray[np.uint8], times_s: NDArray[np.float64], products: list[str]) -> None:
    count, places = len(products), np.arange(len(found))
    firsts = times_s[places - places % count]
    odd = np.flatnonzero((found != places % count) | (times_s != firsts))
    if odd.size:
        i = int(odd[0])
        when = printable(_shown(float(firsts[i])), 30)
        raise Unreadable(f"line {i + 1} of the table is not {products[i % count]} of {when}")
    if len(found) % count:
        raise Unreadable("its last row lacks products")


def _shown(time_s: float) -> str:
    try:
        return format_iso(time_s)
    except (ValueError, OverflowError, OSError):
        return f"{time_s:g} s"


def _check_product(product: str, number: int) -> None:
    if product not in set(Product):
        raise Unreadable(f"line {number} has the unknown product {printable(repr(product), 30)}")


def _begin(line: str, number: int) -> tuple[str, str]:
    """Return the time and product of a line without reading the rest."""
    parts = line.split(",", _AXES) if '"' not in line else _cells(line, number)
    if len(parts) < _AXES:
        raise Unreadable(f"line {number} has no product")
    return _short(parts[0], number), _short(parts[1].strip(), number)


def _time_s(text: str, number: int) -> float:
    try:
        return moment_s(text)
    except (UsageError, OverflowError) as error:
        raise Unreadable(f"line {number} begins with {printable(repr(text), 40)}, which is not a valid time") from error


def _cells(line: str, number: int) -> list[str]:
    if '"' not in line:
        return line.strip().split(",")
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise Unreadable(f"line {number} is not valid CSV") from error


def _short(cell: str, number: int) -> str:
    if len(cell) > _MAX_CELL:
        raise Unreadable(f"line {number} has a cell of {len(cell)} characters, more than {_MAX_CELL}")
    return cell


def _values(line: str, number: int, nbins: int) -> NDArray[np.float64]:
    cells = _cells(line, number)
    if len(cells) != nbins + _AXES:
        raise Unreadable(f"line {number} has {len(cells)} cells, not {nbins + _AXES}")
    try:
        return np.array([float(_short(cell, number)) for cell in cells[_AXES:]])
    except ValueError as error:
        raise Unreadable(f"line {number} has a value that is not a number") from error
