"""Read and write CSV tables of spectra.

A table is read line by line in two passes: the first one reads times and products, the second one the requested rows.
Tables that a spreadsheet has saved again are read too (`csv_dialect`).
"""

import csv
import json
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import printable, quote_line, unquote_line
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording, recording_metadata
from sunspec_tui.core.times import format_iso, parse_user_time
from sunspec_tui.files.csv_dialect import (
    BOM,
    FIRST_NAMES,
    Dialect,
    checked_cell,
    comment_text,
    dialect_of,
    is_blank,
    is_comment,
)
from sunspec_tui.files.read_limits import MAX_BINS, MAX_ROWS, RowSelection, Unreadable, file_size, size_text
from sunspec_tui.files.reader_notes import report_notes
from sunspec_tui.files.validation import Declared, validated_recording

_MAX_LINE_BYTES = 3_000_000
_MAX_COMMENTS = 1000
_AXES = len(FIRST_NAMES)
_REMEDY = "save the table as CSV in UTF-8"


class _Table:
    """Lines of a file, which can be read again from the start.

    Later additions to the file are ignored.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.nbytes = file_size(file)
        self._line = 0
        file.seek(len(BOM) if file.read(len(BOM)) == BOM else 0)
        comments, (self.dialect, self.names) = self._head()
        self.metadata = self._metadata(comments)
        self._begin = file.tell(), self._line

    def _head(self) -> tuple[list[str], tuple[Dialect, list[str]]]:
        """Return the lines of comments, the dialect and the column names."""
        comments = list[str]()
        while self._line <= _MAX_COMMENTS and (line := self._next()):
            if is_comment(line):
                comments.append(line)
            elif not is_blank(line):
                return comments, dialect_of(line, self._line)
        raise Unreadable("it has no line with column names")

    def _metadata(self, comments: list[str]) -> dict[str, Any]:
        """Return the metadata in the comments."""
        texts = [comment_text(line, self.dialect, len(self.names)) for line in comments]
        return {key: unquote_line(value) for key, _, value in (text.partition("=") for text in texts)}

    def rows(self) -> Iterator[tuple[int, str]]:
        """Yield the numbers and lines of the table, without empty lines."""
        place, self._line = self._begin
        self._file.seek(place)
        while line := self._next():
            if not is_blank(line):
                yield self._line, line

    def _next(self) -> str:
        """Return the next line, or an empty string at the end."""
        self._line += 1
        left = self.nbytes - self._file.tell()
        line = self._file.readline(min(max(left, 0), _MAX_LINE_BYTES + 1))
        if len(line) > _MAX_LINE_BYTES:
            raise Unreadable(f"line {self._line} is longer than {size_text(_MAX_LINE_BYTES)}")
        if b"\r" in line.rstrip(b"\r\n"):
            raise Unreadable(f"line {self._line} has line breaks of another kind in it; {_REMEDY}")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise Unreadable(f"line {self._line} is not UTF-8 text; {_REMEDY}") from error


def read_csv(file: BinaryIO, path: Path, selection: RowSelection) -> Recording:
    """Read a recording from an open CSV file.

    Raises
    ------
    Unreadable
        If the file has another content, or is above a limit.
    """
    table = _Table(file)
    frequencies_hz = _frequencies_hz(table)
    products, times_s = _axes(table)
    nproducts = len(products)

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        wanted = set(rows.tolist())
        lines = (line for i, line in enumerate(table.rows()) if i // nproducts in wanted)
        for i, (number, line) in enumerate(lines):
            out[i // nproducts, :, i % nproducts] = _values(table.dialect, line, number, len(frequencies_hz))

    shape = (len(times_s), len(frequencies_hz), nproducts)
    declared = Declared(shape, products, times_s, frequencies_hz, table.metadata, load)
    found = validated_recording(path, declared, selection, table.nbytes)
    if equal := int((np.diff(times_s) == 0).sum()):
        report_notes(
            path, [f"{equal} of its rows have the time of the row before; was its time cut to seconds?"], selection
        )
    return found


def _frequencies_hz(table: _Table) -> NDArray[np.float64]:
    names = table.names[_AXES:]
    if len(names) > MAX_BINS:
        raise Unreadable(f"it has {len(names)} columns, more than {MAX_BINS}")
    try:
        found = table.dialect.values(names, 1) * 1e6
    except Unreadable as error:
        raise Unreadable("its column names are not frequencies in MHz") from error
    steps = np.diff(found)
    if (steps < 0).any() and (steps > 0).any():
        # For example, decimal commas were mistaken for separators.
        raise Unreadable("the frequencies in its column names neither ascend nor descend")
    return found


def _axes(table: _Table) -> tuple[tuple[Product, ...], NDArray[np.float64]]:
    """Return the products of a row, and the times of rows.

    Each row has one line for each product, always in the same order and with the same time. A table that was sorted
    differently is refused.
    """
    times_s, found = array("d"), bytearray()
    products, last, last_s = list[str](), "", 0.0
    for number, line in table.rows():
        when, product = _begin(table.dialect, line, number)
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


def _begin(dialect: Dialect, line: str, number: int) -> tuple[str, str]:
    """Return the time and product of a line without reading the rest."""
    parts = dialect.first_cells(line, number)
    if len(parts) < _AXES:
        raise Unreadable(f"line {number} has no product")
    return checked_cell(parts[0], number), checked_cell(parts[1], number)


def _time_s(text: str, number: int) -> float:
    try:
        return parse_user_time(text)
    except (UsageError, OverflowError) as error:
        problem = f"line {number} begins with {printable(repr(text), 40)}, which is not a valid time"
        raise Unreadable(f"{problem}; write it as 2026-11-25T18:00:00.25Z") from error


def _values(dialect: Dialect, line: str, number: int, nbins: int) -> NDArray[np.float64]:
    cells = dialect.cells(line, number)
    width = nbins + _AXES
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        raise Unreadable(f"line {number} has {len(cells)} cells, not {width}")
    return dialect.values(cells[_AXES:width], number)


def write_csv(recording: Recording, path: Path, _: str) -> None:
    """Write one line for each row and product.

    Numbers have as many digits as a float32 needs.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        for key, value in recording_metadata(recording).items():
            file.write(f"# {key}={_comment_text(str(value))}\n")
        table = csv.writer(file)
        table.writerow(["time_utc", "product", *(f"{hz / 1e6!r}" for hz in recording.frequencies_hz.tolist())])
        for time_s, row in zip(recording.times_s.tolist(), recording.data, strict=True):
            moment = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            for i, product in enumerate(recording.products):
                table.writerow([moment, str(product), *row[:, i].astype(str)])


def _comment_text(text: str) -> str:
    """Return the text of a comment.

    It has no quotes and no empty cells, which a spreadsheet would change.
    """
    plain = quote_line(text)
    return json.dumps(text).replace(",", "\\u002c") if '"' in plain or plain.endswith((",", ";")) else plain
