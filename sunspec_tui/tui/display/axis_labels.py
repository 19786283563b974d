"""Place labels on an axis: texts that fit, and round times.

This module has only pure functions, so that tests can be tables of numbers.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from sunspec_tui.core.times import SECONDS_A_DAY, format_clock, format_date

# Approximate number of cells between two times on the axis, and number of steps that a narrow picture tries.
_TIME_CELLS, _STEPS_TRIED = 12, 3

_DAY_STEPS_S = tuple(days * SECONDS_A_DAY for days in (1, 2, 5, 10))
_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, *_DAY_STEPS_S)


def clock_step(span_s: float, max_parts: int) -> int:
    """Return a round time in seconds that divides `span_s` into few parts.

    It is the shortest round time with at most `max_parts` parts.
    """
    return next((step for step in _CLOCK_STEPS_S if span_s / step <= max_parts), _CLOCK_STEPS_S[-1])


class TimeColumns(NamedTuple):
    """Columns of a picture with known times.

    Attributes
    ----------
    known
        Index and end of each column that is not a gap, oldest first.
    columns
        Number of columns, with gaps.
    column_s
        Median time from column to column.
    """

    known: list[tuple[int, float]]
    columns: int
    column_s: float

    @classmethod
    def of(cls, times_s: list[float]) -> "TimeColumns | None":
        """Return the columns of some ends; None without increasing times.

        Parameters
        ----------
        times_s
            End of each column, oldest first, NaN for a gap.
        """
        known = [(index, moment_s) for index, moment_s in enumerate(times_s) if math.isfinite(moment_s)]
        # Ignore non-increasing times when estimating the column duration.
        column_times_s = sorted(
            (moment_s - before_s) / (index - before)
            for (before, before_s), (index, moment_s) in itertools.pairwise(known)
            if moment_s > before_s
        )
        return cls(known, len(times_s), column_times_s[len(column_times_s) // 2]) if column_times_s else None

    def ticks(self, max_parts: int) -> list[tuple[int, float]]:
        """Return round times and the columns that contain them.

        Parameters
        ----------
        max_parts
            Approximate limit of the number of ticks.

        Returns
        -------
        list of (int, float)
            Index of the first column that reaches each round time, and the round time.
        """
        step = clock_step(self.column_s * self.columns, max_parts)
        ticks_found = []
        for (before, before_s), (index, moment_s) in itertools.pairwise(self.known):
            round_s = math.floor(moment_s / step) * step
            # A round time within a gap is placed before the first column after the gap.
            back = math.floor((moment_s - round_s) / self.column_s + 1e-6)
            if before_s < round_s <= moment_s and moment_s - before_s < step:
                # Columns of blocks are not equally long.
                ticks_found.append((max(index - back, before + 1), float(round_s)))
        return ticks_found


def time_labels(
    times_s: list[float], cells: Sequence[int], width: int, signs: Sequence[tuple[int, str]] = ()
) -> list[tuple[int, str]]:
    """Return the time axis: signs and round times, as (first cell, text).

    If no label of the usual step fits, as in a narrow picture, a smaller step is used. A label that has no room at the
    right of its tick, as beside the first rows, is at the left.

    Parameters
    ----------
    times_s
        End of each column, oldest first, NaN for a gap.
    cells
        Cell of each column.
    width
        Width of the picture in cells.
    signs
        Marks on the axis with their cells; no time overlaps them.
    """
    columns = TimeColumns.of(times_s)
    if columns is None:
        return labels(list(signs), width)
    steps: list[list[tuple[int, str]]] = []
    for is_left, finer in itertools.product((False, True), range(_STEPS_TRIED)):
        if not is_left:
            steps.append(_times_at_cells(columns, cells, max(1, width // _TIME_CELLS) << finer))
        texts = [
            (cell - len(text), f"{text}╵")
            if is_left or (_is_date(text) and cell + len(text) >= width)
            else (cell, f"╵{text}")
            for cell, text in steps[finer]
        ]
        found = labels([*signs, *texts], width)
        if any(len(text) > 1 for _, text in found):
            return found
    return labels(list(signs), width)


def _times_at_cells(columns: TimeColumns, cells: Sequence[int], max_parts: int) -> list[tuple[int, str]]:
    """Return round times with the cells of their columns.

    A date comes first, because it is the day of all times; the newest times come next.
    """
    times = [(cells[column], _tick_text(moment_s)) for column, moment_s in reversed(columns.ticks(max_parts))]
    return sorted(times, key=lambda each: not _is_date(each[1]))


def _is_date(text: str) -> bool:
    return "-" in text


def _tick_text(moment_s: float) -> str:
    """Return the time of day or, at midnight, the date that begins."""
    return format_date(moment_s) if moment_s % SECONDS_A_DAY == 0 else format_clock(moment_s)


def labels(places: list[tuple[int, str]], width: int, *, centred: bool = False) -> list[tuple[int, str]]:
    """Return the labels that fit on one line, as (first cell, text).

    Labels do not touch each other.

    Parameters
    ----------
    places
        Cell and text, the most important first.
    width
        Width of the line in cells.
    centred
        True to centre each text on its cell, False to begin it there.
    """
    taken = [False] * (width + 2)
    placed = []
    for cell, text in places:
        start = cell - len(text) // 2 if centred else cell
        stop = start + len(text)
        if start >= 0 and stop <= width and not any(taken[start : stop + 2]):
            taken[start + 1 : stop + 1] = [True] * len(text)
            placed.append((start, text))
    return placed
