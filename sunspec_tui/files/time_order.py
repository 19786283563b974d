"""Order rows of several files by time, and drop repeated times.

Rows that repeat a time are left out. Pure functions on arrays of times; no file is opened.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MICROSECONDS = 1e6


class FileRows(NamedTuple):
    """Consecutive rows of one file.

    Attributes
    ----------
    file
        Number of the file.
    begin, end
        Number of the first row, and of the last row + 1.
    """

    file: int
    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin


class _Piece(NamedTuple):
    """Rows of one file whose times do not decrease.

    They are given by their numbers and their ends in microseconds.
    """

    file: int
    rows: NDArray[np.int64]
    ends_us: NDArray[np.int64]


class _KnownTimes:
    """Sorted end times of the rows so far.

    They are in an array with room for all rows.
    """

    def __init__(self, capacity: int) -> None:
        self._values, self._count = np.empty(capacity, np.int64), 0

    @property
    def ends_us(self) -> NDArray[np.int64]:
        """The ends, in microseconds."""
        return self._values[: self._count]

    def add(self, new_us: NDArray[np.int64]) -> None:
        """Add ascending ends, which usually follow the known ones."""
        before, self._count = self._count, self._count + len(new_us)
        self._values[before : self._count] = new_us
        if before and len(new_us) and self._values[before - 1] > new_us[0]:
            first = int(np.searchsorted(self._values[:before], new_us[0]))
            self._values[first : self._count].sort()


def in_order(times_s: Sequence[NDArray[np.float64]], cadence_s: float) -> tuple[list[FileRows], list[int]]:
    """Return the rows of all files by time.

    Rows that repeat a time are left out; the second value is their number in each file. A row repeats a time if its
    middle lies within a row of a file that begins earlier.

    Parameters
    ----------
    times_s
        End of each row's averaging in each file, seconds since 1970 UTC.
    cadence_s
        Length of a row; 0 or NaN if it is unknown.
    """
    length_us = round(cadence_s * _MICROSECONDS) if cadence_s > 0 else 0
    pieces = sorted(
        (piece for file, ends_s in enumerate(times_s) for piece in _pieces(file, ends_s)),
        key=lambda piece: (int(piece.ends_us[0]), piece.file),
    )
    kept, left_out = list[_Piece](), [0] * len(times_s)
    known = _KnownTimes(sum(map(len, times_s)))
    for piece in pieces:
        new = ~repeated_rows(piece.ends_us, known.ends_us, length_us)
        left_out[piece.file] += int((~new).sum())
        kept.append(_Piece(piece.file, piece.rows[new], piece.ends_us[new]))
        known.add(kept[-1].ends_us)
    return _runs(kept), left_out


def _pieces(file: int, ends_s: NDArray[np.float64]) -> list[_Piece]:
    """Return the rows of a file, split where its time decreases."""
    ends_us = np.rint(ends_s * _MICROSECONDS).astype(np.int64)
    cuts = np.flatnonzero(np.diff(ends_us) < 0) + 1
    rows = np.arange(len(ends_us))
    parts = zip(np.split(rows, cuts), np.split(ends_us, cuts), strict=True)
    return [_Piece(file, each, ends) for each, ends in parts if len(each)]


def repeated_rows(ends_us: NDArray[np.int64], known_us: NDArray[np.int64], length_us: int) -> NDArray[np.bool_]:
    """Return True for each row whose middle lies within a known row."""
    if not len(known_us):
        return np.zeros(len(ends_us), np.bool_)
    middles_us = ends_us - length_us // 2
    after = np.searchsorted(known_us, middles_us)
    next_us = known_us[np.minimum(after, len(known_us) - 1)]
    return np.asarray((after < len(known_us)) & (middles_us > next_us - max(1, length_us)))


def _runs(pieces: list[_Piece]) -> list[FileRows]:
    """Return the rows of pieces in the order of time.

    They are given as runs of consecutive rows of one file.
    """
    if not pieces:
        return []
    files = np.concatenate([np.full(len(piece.rows), piece.file) for piece in pieces])
    rows = np.concatenate([piece.rows for piece in pieces])
    order = np.argsort(np.concatenate([piece.ends_us for piece in pieces]), kind="stable")
    files, rows = files[order], rows[order]
    cuts = np.flatnonzero((np.diff(files) != 0) | (np.diff(rows) != 1)) + 1
    edges = [0, *cuts.tolist(), len(rows)]
    return [
        FileRows(int(files[begin]), int(rows[begin]), int(rows[end - 1]) + 1)
        for begin, end in pairwise(edges)
        if end > begin
    ]
