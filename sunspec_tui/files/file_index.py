"""Index of recorded files: times, axis and products of each.

No power is read. Rows of several files that repeat a time are left out. A file that cannot be read is reported once,
and left out.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import bin_width_hz, is_same_axis
from sunspec_tui.core.errors import NoSelectedRowsError, SourceError
from sunspec_tui.core.flux_scale import ARBITRARY, unit_words
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.core.row_spans import row_lengths_s
from sunspec_tui.files.file_series import READ_IN_PARTS, receiver_of
from sunspec_tui.files.read import file_kind, read_selection
from sunspec_tui.files.read_limits import MAX_ROWS, RowSelection
from sunspec_tui.files.recorder_growing import is_being_written
from sunspec_tui.files.time_order import in_order, repeated_rows

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Takes the number of files that are indexed, and the number of all files."""


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """Rows of one file, without their powers.

    Attributes
    ----------
    path
        The file.
    stamp
        Its size and the time of its last change, when it was indexed.
    times_us
        End of each used row, ascending, whole microseconds since 1970 UTC, shape (n,).
    lengths_us
        Data time that each row averages: one number, or shape (n,) if the cadence changes.
    restarts_us
        Ends of the rows that begin a new sequence, because the time goes back before them.
    cadence_s
        Data time from row to row; NaN while unknown.
    frequencies_hz
        Centres of its bins, ascending.
    stored, carried
        Products in the file, and those that can be shown.
    source
        Names of its station and receiver: files of one source belong together.
    read_in_parts
        True if some of its rows can be read without the others.
    is_growing
        True if a recorder was writing it.
    unit
        Unit of its powers.
    kind
        Its format, such as ``FITS``.
    """

    path: Path
    stamp: tuple[int, int]
    times_us: Integers
    lengths_us: int | Integers
    restarts_us: Integers
    cadence_s: float
    frequencies_hz: NDArray[np.float64]
    stored: tuple[Product, ...]
    carried: tuple[Product, ...]
    source: tuple[str, str]
    read_in_parts: bool
    is_growing: bool
    unit: str = ARBITRARY
    kind: str = ""

    @property
    def begin_us(self) -> int:
        """Begin of the data of the first row."""
        return int(self.times_us[0]) - int(np.ravel(self.lengths_us)[0])

    @property
    def end_us(self) -> int:
        """End of the data of the last row."""
        return int(self.times_us[-1])

    @property
    def row_nbytes(self) -> int:
        """Size of a row in memory."""
        return 4 * len(self.frequencies_hz) * len(self.stored)

    def row_begins_us(self, rows: slice) -> Integers:
        """Return the begin of the data of some rows."""
        lengths = self.lengths_us if isinstance(self.lengths_us, int) else self.lengths_us[rows]
        return self.times_us[rows] - lengths

    def missing(self, rows: slice) -> Integers:
        """Return the number of rows missing before each of some rows.

        Rows that should be before a file or before a new sequence are not known.
        """
        times_us = self.times_us[max(0, rows.start - 1) : rows.stop]
        lengths = self.lengths_us if isinstance(self.lengths_us, int) else self.lengths_us[rows]
        steps_us = np.diff(times_us, prepend=times_us[:1])[-(rows.stop - rows.start) :]
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = np.where(lengths > 0, np.rint(steps_us / lengths) - 1, 0)
        missing[self.restarts(rows)] = 0
        return np.maximum(missing, 0).astype(np.int64)

    def restarts(self, rows: slice) -> NDArray[np.bool_]:
        """Return True for each of some rows that begins a new sequence."""
        return np.isin(self.times_us[rows], self.restarts_us)

    def without_repeated(self, known_us: Integers) -> "IndexedFile":
        """Return the file without rows that repeat known times."""
        length_us = int(np.median(self.lengths_us))
        return self.only(~repeated_rows(self.times_us, known_us, length_us))

    def only(self, which: NDArray[np.bool_]) -> "IndexedFile":
        """Return the file with some of its rows."""
        if which.all():
            return self
        lengths = self.lengths_us if isinstance(self.lengths_us, int) else self.lengths_us[which]
        return replace(self, times_us=self.times_us[which], lengths_us=lengths)


class FileIndex(NamedTuple):
    """Index of files, in the order of their times.

    Attributes
    ----------
    files
        Files that have rows; at least one.
    frequencies_hz
        Bins that are shown: those of the axis with the most rows, each frequency once.
    bin_hz
        Width of such a bin.
    """

    files: tuple[IndexedFile, ...]
    frequencies_hz: NDArray[np.float64]
    bin_hz: float

    @property
    def unit(self) -> str:
        """Unit of the powers of all files."""
        return self.files[0].unit


def build_index(paths: Sequence[Path], selection: RowSelection, progress: Progress | None = None) -> FileIndex:
    """Read the axes of files.

    Parameters
    ----------
    paths
        The files, in any order.
    selection
        The requested rows and parts of each file.
    progress
        Called after each file.

    Raises
    ------
    SourceError
        If no file can be read, or the files have too many rows.
    """
    files = index_files(paths, selection, progress)
    _check_rows(files)
    files = _without_repeated(_of_one_unit(files))
    frequencies_hz = _shown_frequencies(files)
    return FileIndex(tuple(files), frequencies_hz, bin_width_hz(frequencies_hz))


def index_files(paths: Sequence[Path], selection: RowSelection, progress: Progress | None = None) -> list[IndexedFile]:
    """Read the axes of all files that can be read.

    Parameters and errors are those of `build_index`; there is no limit of rows. Files that cannot be read are logged.
    """
    files, failures = list[IndexedFile](), list[SourceError]()
    for number, path in enumerate(paths, 1):
        try:
            file = index_file(path, selection)
        except SourceError as error:
            failures.append(error)
        else:
            files += [file] if len(file.times_us) else []
        if progress is not None:
            progress(number, len(paths))
    _check_any(files, failures, paths)
    for failure in failures:
        log.warning("%s; the file is left out", failure)
    return files


def index_file(path: Path, selection: RowSelection) -> IndexedFile:
    """Read the axes of one file.

    Its rows are in the order of time.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    stamp = file_stamp(path)
    rows = read_selection(path, selection._replace(times_only=True, quiet=True))
    kind = file_kind(path) or ""
    in_parts = kind == READ_IN_PARTS
    times_us = np.rint(rows.times_s * 1e6).astype(np.int64)
    segments, _ = in_order([rows.times_s], rows.cadence_s)
    order = np.concatenate([np.arange(begin, end) for _, begin, end in segments] or [np.empty(0, np.intp)])
    ordered_us = times_us[order]
    new = np.diff(ordered_us, prepend=ordered_us[:1] - 1) > 0
    return IndexedFile(
        path,
        stamp,
        ordered_us[new],
        _lengths_us(rows, order[new]),
        times_us[1:][np.diff(times_us) < 0],
        rows.cadence_s,
        rows.frequencies_hz,
        rows.products,
        rows.carries(),
        (rows.station, receiver_of(path)),
        in_parts,
        in_parts and _is_growing(path),
        rows.unit,
        kind,
    )


def file_stamp(path: Path) -> tuple[int, int]:
    """Return a file's size and time of change; zeros if unknown."""
    try:
        status = path.stat()
    except OSError:
        # Reading the file gives the reason.
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _is_growing(path: Path) -> bool:
    try:
        return is_being_written(path)
    except OSError:
        return False


def _lengths_us(rows: Recording, order: NDArray[np.intp]) -> int | Integers:
    """Return the length of all rows, or of each row."""
    lengths_us = np.rint(row_lengths_s(rows.times_s, rows.cadence_s) * 1e6).astype(np.int64)[order]
    return int(lengths_us[0]) if len(lengths_us) and not np.ptp(lengths_us) else lengths_us


def _check_any(files: list[IndexedFile], failures: list[SourceError], paths: Sequence[Path]) -> None:
    """Refuse files of which none has a row."""
    if files:
        return
    if not failures:
        names = printable_name(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        raise NoSelectedRowsError(f"{names}: no rows in that time; choose another --start or --end")
    if len(failures) == 1:
        raise failures[0]
    raise SourceError(f"none of the {len(paths)} files can be read; the first: {failures[0]}")


def _check_rows(files: Iterable[IndexedFile]) -> None:
    count = sum(len(file.times_us) for file in files)
    if count > MAX_ROWS:
        raise SourceError(f"the files have {count} rows, more than {MAX_ROWS}; view fewer files")


def _of_one_unit(files: list[IndexedFile]) -> list[IndexedFile]:
    """Return the files with the unit of most rows.

    Powers in sfu and in an arbitrary unit cannot be compared in one picture. Other files are logged.
    """
    rows: dict[str, int] = {}
    for file in files:
        rows[file.unit] = rows.get(file.unit, 0) + len(file.times_us)
    shown = max(rows, key=lambda unit: rows[unit])
    if others := [file for file in files if file.unit != shown]:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        log.warning(
            "%s%s: powers in %s, not in %s as those of the other files; left out, view them apart",
            printable_name(others[0].path.name), more, unit_words(others[0].unit), unit_words(shown),
        )  # fmt: skip
    return [file for file in files if file.unit == shown]


def _without_repeated(files: list[IndexedFile]) -> list[IndexedFile]:
    """Leave out the rows that repeat times.

    Rows of the source that begins first stay; another source, such as a second receiver, only fills its gaps.
    """
    files.sort(key=lambda file: file.begin_us)
    by_source: dict[tuple[str, str], list[IndexedFile]] = {}
    for file in files:
        by_source.setdefault(file.source, []).append(file)
    found, known_us = list[IndexedFile](), np.empty(0, np.int64)
    for same_source in by_source.values():
        kept = [file.without_repeated(known_us) for file in _each_time_once(same_source)]
        found += [file for file in kept if len(file.times_us)]
        known_us = np.sort(np.concatenate([known_us, *(file.times_us for file in kept)]))
    _report_left_out(files, found)
    return sorted(found, key=lambda file: file.begin_us)


def _each_time_once(files: list[IndexedFile]) -> list[IndexedFile]:
    """Return files of one source without rows that repeat a time."""
    cadences_s = [file.cadence_s for file in files if file.cadence_s > 0]
    segments, _ = in_order([file.times_us / 1e6 for file in files], min(cadences_s, default=0.0))
    used = [np.zeros(len(file.times_us), np.bool_) for file in files]
    for file, begin, end in segments:
        used[file][begin:end] = True
    return [file.only(which) for file, which in zip(files, used, strict=True)]


def _report_left_out(files: list[IndexedFile], found: list[IndexedFile]) -> None:
    """Log how many rows repeat a time."""
    left = {file.path: len(file.times_us) for file in found}
    fewer = {file.path: len(file.times_us) - left.get(file.path, 0) for file in files}
    repeating = [path for path, count in fewer.items() if count]
    if repeating:
        others = f" and {len(repeating) - 1} other file{'s' * (len(repeating) > 2)}" if len(repeating) > 1 else ""
        count = sum(fewer.values())
        log.warning(
            "%d row%s of %s%s repeat times of other files and are left out",
            count, "s" * (count > 1), printable_name(repeating[0].name), others,
        )  # fmt: skip


def _shown_frequencies(files: list[IndexedFile]) -> NDArray[np.float64]:
    """Return the axis with the most rows, each frequency once.

    If other files have another axis, it is logged.
    """
    axes = list[NDArray[np.float64]]()
    numbers = list[int]()
    for file in files:
        number = next((n for n, axis in enumerate(axes) if is_same_axis(file.frequencies_hz, axis)), len(axes))
        axes += [file.frequencies_hz] if number == len(axes) else []
        numbers.append(number)
    rows = np.bincount(numbers, [len(file.times_us) for file in files])
    shown = int(np.argmax(rows))
    if others := [file for file, number in zip(files, numbers, strict=True) if number != shown]:
        low, high = axes[shown][[0, -1]] / 1e6
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        log.warning(
            "%s%s: other frequencies; shown at the nearest bins of %.1f-%.1f MHz",
            printable_name(others[0].path.name), more, low, high,
        )  # fmt: skip
    return np.unique(axes[shown])
