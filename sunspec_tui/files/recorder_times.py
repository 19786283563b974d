"""Read end times and lengths of a recorder file's written rows.

Only the child process `recorder_process` uses this module. The times are read in blocks, before any power: a recorder
allocates all rows at the start, and rows that were never written have the time 0.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import measured_cadence_s
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S
from sunspec_tui.files.read_limits import BLOCK_BYTES, MAX_ROWS, RowSelection, Unreadable, check_ratio
from sunspec_tui.files.recorder_access import NUMBERS, itemsize, text
from sunspec_tui.files.recorder_scale import LENGTHS
from sunspec_tui.files.validation import plausible_cadence_s, possible_lengths

_FIELDS, _MAX_TIME_BYTES = ("int", "frac"), 1000
_DAY_S = 86_400.0
_FORMATS = {"unix": (0.0, 1.0), "mjd": (40_587.0, _DAY_S), "jd": (2_440_587.5, _DAY_S)}
"""1970-01-01 in each format, and the format's unit in seconds."""

_TAI_BEHIND = {"utc": None, "tai": 0.0, "tt": 32.184}
"""Seconds of each scale ahead of TAI; None for UTC."""

_LEAPS = np.array(
    [
        (915_148_800, 32), (1_136_073_600, 33), (1_230_768_000, 34),
        (1_341_100_800, 35), (1_435_708_800, 36), (1_483_228_800, 37),
    ],
    np.float64,
)  # fmt: skip
"""Changes of TAI - UTC since 1999: time in seconds since 1970, and new value in seconds; none since 2017."""

_DEFAULTS = (("format", "unix"), ("scale", "utc"))
"""Attributes of the dataset of times, and their defaults."""

_SAMPLE_ROWS = 10_000
_MIN_STEPS = 3
_CADENCE_TOLERANCE = 0.1


class RowTimes(NamedTuple):
    """Numbers and times of the rows that may be requested.

    Attributes
    ----------
    rows
        Numbers of the rows in the file.
    ends_s
        End of each row's averaging, seconds since 1970 UTC.
    cadence_s
        Data time of a row; None if neither the file nor its times determine it.
    notes
        Notes about assumptions and omissions.
    """

    rows: NDArray[np.intp]
    ends_s: NDArray[np.float64]
    cadence_s: float | None
    notes: list[str]


def check_times(time: Any) -> None:
    """Refuse a dataset of times whose shape or type is unknown."""
    names = time.dtype.names
    if names is None:
        fits = time.dtype.kind in NUMBERS and (time.ndim == 1 or (time.ndim == len(_FIELDS) == time.shape[1]))
    else:
        kinds = [time.dtype[name].kind for name in _FIELDS if name in names]
        fits = time.ndim == 1 and len(kinds) == len(_FIELDS) and all(kind in NUMBERS for kind in kinds)
    if not fits or time.dtype.itemsize > _MAX_TIME_BYTES:
        raise Unreadable("its time is neither a list of numbers nor of whole seconds and fractions (int, frac)")


def row_times(
    time: Any, nrows: int, tint: Any, selection: RowSelection, nbytes: int, *, ours: bool, lengths: Any = None
) -> RowTimes:
    """Return the rows that have a time and may be requested.

    Parameters
    ----------
    time
        The dataset of the starts of rows.
    nrows
        Number of rows that all datasets have.
    tint
        The file's attribute tInt, the data time of a row, of any type.
    selection
        The requested rows.
    nbytes
        Size of the file.
    ours
        True for an export of this program, whose `tint` is correct even if the steps are uneven.
    lengths
        The dataset of each row's data time, if there is one.

    Raises
    ------
    Unreadable
        If no row has a time, or too many are requested.
    """
    column = _StartTimes(time, nrows, nbytes)
    if ours:
        declared_s = plausible_cadence_s(tint)
        cadence_s, notes = (declared_s if declared_s > 0 else None), list[str]()
    else:
        cadence_s, notes = _cadence_s(tint, column.sample())
    found = _SelectedRows(selection)
    for begin, starts_s in column.blocks():
        length_s = (cadence_s or 0.0) if lengths is None else _lengths_s(lengths, slice(begin, begin + len(starts_s)))
        found.add(begin, starts_s, starts_s + length_s)
    rows, ends_s = found.result(nrows)
    return RowTimes(rows, ends_s, cadence_s, notes + found.notes(ends_s))


class _StartTimes:
    """Starts of rows, in seconds since 1970 UTC."""

    def __init__(self, time: Any, nrows: int, nbytes: int) -> None:
        self._time, self._spans = time, _written(time, nrows, nbytes)
        form, scale = ((text(time, name) or default).strip().lower() for name, default in _DEFAULTS)
        if form not in _FORMATS or scale not in _TAI_BEHIND:
            shown = printable(f"{form} {scale}", 40)
            raise Unreadable(f"its times are in {shown}; only {', '.join(_FORMATS)} in utc, tai or tt are read")
        self._epoch, self._unit_s = _FORMATS[form]
        self._tai_behind_s = _TAI_BEHIND[scale]

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield the starts of rows in blocks.

        Each block is given as the number of its first row and the starts. Starts of rows that were not written are
        NaN.
        """
        for begin, end in self._spans:
            yield begin, self._seconds(self._time[begin:end])

    def sample(self) -> NDArray[np.float64]:
        """Return the starts of the first rows of a file."""
        parts, count = [np.empty(0)], 0
        for _, starts_s in self.blocks():
            parts.append(starts_s[(starts_s >= EARLIEST_PLAUSIBLE_S) & (starts_s < LATEST_PLAUSIBLE_S)])
            count += len(parts[-1])
            if count >= _SAMPLE_ROWS:
                break
        return np.concatenate(parts)

    def _seconds(self, values: NDArray[Any]) -> NDArray[np.float64]:
        whole, fraction = _whole_and_fraction(values)
        with np.errstate(over="ignore", invalid="ignore"):
            starts_s = np.asarray((whole - self._epoch) * self._unit_s + fraction * self._unit_s, np.float64)
            if self._tai_behind_s is not None:
                starts_s = starts_s - self._tai_behind_s
                place = np.searchsorted(_LEAPS[:, 0], starts_s - _LEAPS[0, 1], side="right")
                starts_s = starts_s - _LEAPS[np.maximum(place - 1, 0), 1]
        return np.where(np.isfinite(starts_s) & (starts_s > 0), starts_s, np.nan)


def _whole_and_fraction(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64] | float]:
    """Split times into whole units and fractions.

    Together these are more precise than one number.
    """
    if values.dtype.names is not None:
        whole, fraction = (np.asarray(values[name], np.float64) for name in _FIELDS)
        return whole, fraction
    if values.ndim == len(_FIELDS):
        return np.asarray(values[:, 0], np.float64), np.asarray(values[:, 1], np.float64)
    return np.asarray(values, np.float64), 0.0


class _SelectedRows:
    """Selected rows of the blocks so far."""

    def __init__(self, selection: RowSelection) -> None:
        self._selection = selection
        self._rows, self._ends_s = list[NDArray[np.intp]](), list[NDArray[np.float64]]()
        self._count = self._old = self._untimed = self._untimed_since = 0
        self._first: tuple[NDArray[np.intp], NDArray[np.float64]] | None = None

    def add(self, begin: int, starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]) -> None:
        """Add the rows of a block that may be requested."""
        dated = starts_s >= EARLIEST_PLAUSIBLE_S
        self._old += int((starts_s < EARLIEST_PLAUSIBLE_S).sum())
        self._count_untimed(np.isnan(starts_s), dated)
        rows, ends_s = np.flatnonzero(dated) + begin, ends_s[dated]
        if self._first is None and len(rows):
            self._first = rows[:1], ends_s[:1]
        chosen = self._selection.mask(ends_s)
        self._rows.append(rows[chosen])
        self._ends_s.append(ends_s[chosen])
        self._count += len(self._rows[-1])
        if self._count > MAX_ROWS:
            raise Unreadable(f"it has more than {MAX_ROWS} rows; choose --start and --end")

    def _count_untimed(self, untimed: NDArray[np.bool_], dated: NDArray[np.bool_]) -> None:
        """Count the rows without a time between rows that have one.

        Rows without a time before and after them were never written, and are not counted.
        """
        places = np.flatnonzero(dated)
        if not len(places):
            self._untimed_since += int(untimed.sum())
            return
        # Rows before the first row with a time are not counted.
        first = places[0] if self._first is None else 0
        since = 0 if self._first is None else self._untimed_since
        self._untimed += since + int(untimed[first : places[-1]].sum())
        self._untimed_since = int(untimed[places[-1] :].sum())

    def result(self, nrows: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the numbers and the ends of the rows."""
        if self._first is None:
            when = "" if not self._old else " after 2000"
            raise Unreadable(f"none of its {nrows} rows has a time{when}; no data were written to it yet")
        # If no row is requested, keep one, so that the file does not seem empty.
        if not self._count:
            return self._first
        return np.concatenate(self._rows), np.concatenate(self._ends_s)

    def notes(self, ends_s: NDArray[np.float64]) -> list[str]:
        """Return notes about times that are left out or unordered."""
        notes, steps = list[str](), np.diff(ends_s)
        if self._old:
            notes.append(f"{self._old} rows whose time is before 2000 are left out")
        if self._untimed:
            are = "is" if self._untimed == 1 else "are"
            notes.append(f"{self._untimed} of its rows {are} left out: no time, but later rows have one")
        if (back := np.flatnonzero(steps < 0)).size:
            times = "once" if back.size == 1 else f"{back.size} times"
            notes.append(f"its time goes back {times}, first at row {int(back[0]) + 2}: a new sequence begins there")
        if same := int((steps == 0).sum()):
            notes.append(f"{same} of its rows have the time of the row before; all are kept")
        return notes


def _lengths_s(lengths: Any, rows: slice) -> NDArray[np.float64]:
    """Return the data time of some rows."""
    found = np.asarray(lengths[rows], np.float64)
    if len(found) != rows.stop - rows.start or not possible_lengths(found):
        raise Unreadable(f"its {LENGTHS} does not hold the seconds that each row lasts")
    return found


def _cadence_s(tint: Any, starts_s: NDArray[np.float64]) -> tuple[float | None, list[str]]:
    """Return the data time of a row, checked against the times.

    The second value is a list with a note if it was measured.
    """
    declared_s = math.nan if isinstance(tint, str | bytes) else plausible_cadence_s(tint)
    measured_s = measured_cadence_s(starts_s)
    if not measured_s > 0:
        return (declared_s if declared_s > 0 else None), []
    if declared_s > 0 and (_few_steps(starts_s) or abs(declared_s - measured_s) <= _CADENCE_TOLERANCE * measured_s):
        return declared_s, []
    what = "it has no tInt" if tint is None else f"its tInt, {printable(_shown(tint), 20)}, does not fit its times"
    return measured_s, [f"{what}: a row lasts {measured_s:.6g} s, which was measured from its times"]


def _few_steps(starts_s: NDArray[np.float64]) -> bool:
    """Return True if there are too few steps to check the cadence."""
    return int((np.diff(starts_s) > 0).sum()) < _MIN_STEPS


def _shown(tint: Any) -> str:
    return repr(tint) if isinstance(tint, str | bytes) else str(tint)


def _written(time: Any, nrows: int, nbytes: int) -> list[tuple[int, int]]:
    """Return the ranges of rows that are stored in the file.

    A file may declare more rows than it stores.
    """
    if time.chunks is None:
        spans = [(0, nrows)] if time.id.get_storage_size() else []
    else:
        begins, step = set[int](), int(time.chunks[0])
        time.id.chunk_iter(lambda chunk: begins.add(int(chunk.chunk_offset[0])) if chunk.size else None)
        spans = [(begin, min(begin + step, nrows)) for begin in sorted(begins) if begin < nrows]
    size = itemsize(time) * math.prod(time.shape[1:])
    check_ratio(sum(end - begin for begin, end in spans) * size, nbytes)
    step = max(1, BLOCK_BYTES // size)
    return [(at, min(at + step, end)) for begin, end in spans for at in range(begin, end, step)]
