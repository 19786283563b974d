"""Read several files as one source, in the order of time.

A single file can be such a source too; its rows keep their order. At first only the times of each file are read. Later
a recorder's HDF5 file is read in blocks, any other file as a whole, and one block is kept in memory.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import NoSelectedRowsError, SourceError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import Recording, in_time_range
from sunspec_tui.core.row_spans import row_lengths_s
from sunspec_tui.files.input_paths import input_paths
from sunspec_tui.files.read import file_kind, read_selection
from sunspec_tui.files.read_limits import MAX_ROWS, MAX_SENTENCE, RowSelection, Unreadable, check_size
from sunspec_tui.files.time_order import FileRows, in_order

log = logging.getLogger(__name__)

MAX_BLOCK_BYTES = 64_000_000
"""Largest power that is read at once from a file that can be read in parts."""

READ_IN_PARTS = "HDF5"
"""Kind of file of which some rows can be read without the others."""

_SAME_FREQUENCY, _SAME_CADENCE = 1e-6, 0.1
_CALLISTO_NAME = re.compile(r".+_\d{8}_\d{6}_(\w+)\.fits?(\.gz|\.bz2)?", re.IGNORECASE)
"""STATION_DATE_TIME_RECEIVER.fit: only the name identifies the receiver of an e-CALLISTO station."""


def open_rows(words: Iterable[str | Path], selection: RowSelection) -> "Recording | FileSeries":
    """Open files or an archive as one source of rows.

    Rows of several files, and of a file that can be read in parts, are read when needed. Any other source is loaded.

    Raises
    ------
    SourceError
        If a file cannot be read, or the files do not belong together.
    """
    paths = input_paths(words)
    return (
        FileSeries(paths, selection)
        if len(paths) > 1 or _is_read_in_parts(paths[0])
        else read_selection(paths[0], selection)
    )


def read_rows(words: Iterable[str | Path], selection: RowSelection) -> Recording:
    """Read the rows of files or of an archive into memory.

    Raises
    ------
    SourceError
        As `open_rows`, and if the rows need too much memory.
    """
    paths = input_paths(words)
    return read_selection(paths[0], selection) if len(paths) == 1 else FileSeries(paths, selection).whole()


class FileSeries:
    """Rows of files of one kind, in the order of their times.

    Rows of several files that repeat a time are left out, which is logged.

    Parameters
    ----------
    paths
        The files, in any order.
    selection
        The requested rows and parts of each file.

    Attributes
    ----------
    times_s, frequencies_hz, products, cadence_s, station, source, software, unit
        As in `Recording`.
    name
        Name of the files in messages.

    Raises
    ------
    SourceError
        If a file cannot be read, has other products or axes than the first one, or no file has a row in that time.
    """

    def __init__(self, paths: Sequence[Path], selection: RowSelection) -> None:
        self._selection = selection._replace(logged_notes=set())
        found = [(path, each) for path in paths if len(each := self._times_of(path))]
        if not found:
            names = printable_name(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
            raise NoSelectedRowsError(f"{names}: no rows in that time; choose another --start or --end")
        found.sort(key=lambda file: float(file[1].times_s.min()))
        self._paths, files = [path for path, _ in found], [each for _, each in found]
        _check_rows(files)
        self._kind, self.cadence_s = file_kind(self._paths[0]), _cadence_s(files)
        self._check_same(files)
        self._file_times_s = [each.times_s for each in files]
        self._segments = self._in_order()
        self._begins = np.cumsum([0, *map(len, self._segments)])
        self.times_s = np.concatenate([self._file_times_s[file][begin:end] for file, begin, end in self._segments])
        self._template = replace(
            files[0],
            data=files[0].data[:0],
            times_s=self.times_s[:0],
            cadence_s=self.cadence_s,
            source=_between(files[0].source, files[-1].source),
            notes=tuple(note for each in files for note in each.notes),
        )
        self.frequencies_hz, self.products = self._template.frequencies_hz, self._template.products
        self.station, self.source, self.software, self.unit = (
            self._template.station,
            self._template.source,
            self._template.software,
            self._template.unit,
        )
        last = f" to {printable_name(self._paths[-1].name)}" if len(self._paths) > 1 else ""
        self.name = printable_name(self._paths[0]) + last
        self._block_rows = FileRows(-1, 0, 0)
        self._block: Recording | None = None

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def first_path(self) -> Path:
        """The file that begins first."""
        return self._paths[0]

    @property
    def file_count(self) -> int:
        """Number of files that have rows."""
        return len(self._paths)

    @property
    def row_bytes(self) -> int:
        """Size of a row in memory."""
        return 4 * len(self.frequencies_hz) * len(self.products)

    @property
    def starts_s(self) -> NDArray[np.float64]:
        """Start of each row's averaging, seconds since 1970 UTC.

        While the cadence is unknown, it is the row's end.
        """
        return self.times_s - self.lengths_s

    @property
    def lengths_s(self) -> NDArray[np.float64]:
        """Data time that each row averages; 0 while the cadence is unknown."""
        return row_lengths_s(self.times_s, self.cadence_s)

    def only(self, which: slice) -> Recording:
        """Read some consecutive rows.

        Raises
        ------
        SourceError
            If a file cannot be read, or has changed.
        """
        begin, end, _ = which.indices(len(self))
        data = list(self._parts(begin, end)) or [self._template.data]
        joined = data[0] if len(data) == 1 else np.concatenate(data)
        return replace(self._template, data=joined, times_s=self.times_s[begin:end])

    def whole(self) -> Recording:
        """Read all rows into memory.

        Raises
        ------
        SourceError
            As `only`, and if they need too much memory.
        """
        nbytes = len(self) * self.row_bytes
        try:
            check_size(nbytes, nbytes)
        except Unreadable as error:
            raise SourceError(printable(f"{self.name} cannot be read at once: {error}", MAX_SENTENCE)) from error
        data = np.empty((len(self), len(self.frequencies_hz), len(self.products)), np.float32)
        place = 0
        for part in self._parts(0, len(self)):
            data[place : place + len(part)] = part
            place += len(part)
        return replace(self._template, data=data, times_s=self.times_s)

    def _parts(self, begin: int, end: int) -> Iterator[NDArray[np.float32]]:
        """Yield the power of rows, file by file and block by block."""
        place = begin
        while place < end:
            number = int(np.searchsorted(self._begins, place, "right")) - 1
            segment, offset = self._segments[number], place - int(self._begins[number])
            block, first = self._block_at(segment, segment.begin + offset)
            stop = min(len(block), first + end - place, first + segment.end - segment.begin - offset)
            yield block.data[first:stop]
            place += stop - first

    def _block_at(self, segment: FileRows, row: int) -> tuple[Recording, int]:
        """Return the block that contains a row.

        The second value is the row's index in it.
        """
        loaded = self._block_rows
        if self._block is None or loaded.file != segment.file or not loaded.begin <= row < loaded.end:
            # Free the previous block first, so that only one is in memory.
            self._block = None
            self._block_rows = self._block_rows_at(segment, row)
            self._block = self._read(self._block_rows)
        return self._block, row - self._block_rows.begin

    def _block_rows_at(self, segment: FileRows, row: int) -> FileRows:
        """Return the rows to read at once.

        They are the whole file, unless it can be read in parts.
        """
        if self._kind != READ_IN_PARTS:
            return FileRows(segment.file, 0, len(self._file_times_s[segment.file]))
        return FileRows(segment.file, row, min(row + max(1, MAX_BLOCK_BYTES // self.row_bytes), segment.end))

    def _read(self, rows: FileRows) -> Recording:
        """Read consecutive rows of one file."""
        times_s, path = self._file_times_s[rows.file], self._paths[rows.file]
        wanted_s = times_s[rows.begin : rows.end]
        # The start of a selection is excluded, so use a microsecond earlier. Times are compared to the microsecond.
        start_s, end_s = (round(float(wanted_s.min()) * 1e6) - 1) / 1e6, round(float(wanted_s.max()) * 1e6) / 1e6
        found = read_selection(path, self._selection._replace(start_s=start_s, end_s=end_s))
        numbers = np.flatnonzero(in_time_range(times_s, start_s, end_s))
        first = int(np.searchsorted(numbers, rows.begin))
        if len(found) != len(numbers) or not np.array_equal(found.times_s[first : first + len(rows)], wanted_s):
            raise SourceError(f"{printable_name(path)} has changed while it was read; start again")
        return found.only(slice(first, first + len(rows)))

    def _times_of(self, path: Path) -> Recording:
        """Read only the axes of a file.

        Notes are reported when its rows are read.
        """
        return read_selection(path, self._selection._replace(times_only=True, quiet=True))

    def _check_same(self, files: list[Recording]) -> None:
        """Refuse files that do not belong together.

        The message contains the first file that differs.
        """
        kind, first = self._kind, files[0]
        for path, each in zip(self._paths[1:], files[1:], strict=True):
            other = file_kind(path)
            differs = f"is {other}, not {kind}" if other != kind else _difference(each, first, self.cadence_s)
            differs = differs or _other_receiver(path, self._paths[0])
            if differs:
                names = f"{printable(path.name, 50)} {differs} as {printable(self._paths[0].name, 50)}"
                raise SourceError(printable(f"{names}; choose files that belong together", MAX_SENTENCE))

    def _in_order(self) -> list[FileRows]:
        """Return the rows of all files in order."""
        if len(self._paths) == 1:
            return [FileRows(0, 0, len(self._file_times_s[0]))]
        segments, left_out = in_order(self._file_times_s, self.cadence_s)
        self._report(left_out)
        return segments

    def _report(self, left_out: list[int]) -> None:
        """Log how many rows are left out because they repeat a time."""
        if not (count := sum(left_out)):
            return
        files = [path for path, rows in zip(self._paths, left_out, strict=True) if rows]
        others = f" and {len(files) - 1} other file{'s' * (len(files) > 2)}" if len(files) > 1 else ""
        log.warning(
            "%d %s of %s%s repeat earlier times and are left out",
            count, "row" if count == 1 else "rows", printable_name(files[0].name), others,
        )  # fmt: skip


def _is_read_in_parts(path: Path) -> bool:
    try:
        return path.is_file() and file_kind(path) == READ_IN_PARTS
    except OSError:
        # Reading the file gives the reason.
        return False


def _difference(rows: Recording, first: Recording, cadence_s: float) -> str:
    """Return how a file's rows differ from the first file's.

    The text is empty if they do not differ.
    """
    if rows.products != first.products:
        return f"has {', '.join(rows.products)}, not {', '.join(first.products)}"
    same_count = len(rows.frequencies_hz) == len(first.frequencies_hz)
    if not same_count or not np.allclose(rows.frequencies_hz, first.frequencies_hz, rtol=_SAME_FREQUENCY, atol=0):
        return f"has {_axis(rows)}, not {_axis(first)}"
    if rows.unit != first.unit:
        return f"has powers in {rows.unit}, not {first.unit},"
    if rows.station != first.station:
        return f"is of station {_station(rows)}, not {_station(first)}"
    if rows.cadence_s > 0 and abs(rows.cadence_s - cadence_s) > _SAME_CADENCE * cadence_s:
        return f"has rows of {rows.cadence_s:.4g} s, not {cadence_s:.4g} s"
    return ""


def _other_receiver(path: Path, first: Path) -> str:
    """Return how a file's receiver differs from the first file's.

    Receivers are known from the files' names. The text is empty if they do not differ.
    """
    receiver, other = receiver_of(first), receiver_of(path)
    return f"is of receiver {other}, not {receiver}" if receiver and other and receiver != other else ""


def receiver_of(path: Path) -> str:
    """Return the receiver in an e-CALLISTO file's name; else empty."""
    match = _CALLISTO_NAME.fullmatch(path.name)
    return match[1] if match else ""


def _axis(rows: Recording) -> str:
    low, high = rows.frequencies_hz[[0, -1]] / 1e6
    return f"{len(rows.frequencies_hz)} frequencies of {low:.4f}-{high:.4f} MHz"


def _station(rows: Recording) -> str:
    return printable(rows.station or "no name", 30)


def _cadence_s(files: list[Recording]) -> float:
    """Return the cadence of the first file that has one."""
    return next((each.cadence_s for each in files if each.cadence_s > 0), float("nan"))


def _check_rows(files: list[Recording]) -> None:
    count = sum(map(len, files))
    if count > MAX_ROWS:
        raise SourceError(f"the files have {count} rows, more than {MAX_ROWS}; choose --start and --end")


def _between(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
