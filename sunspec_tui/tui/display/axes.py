"""Map frequencies and times to screen cells; place ticks and labels.

The same functions place pixels, ticks, labels and the cursor, so that an axis always agrees with the picture beside
it. This module has only pure functions and values, so that tests can be tables of numbers.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import bin_edges, is_even
from sunspec_tui.core.times import SECONDS_A_DAY, format_clock, format_date
from sunspec_tui.tui.display.column_grid import ColumnGrid

# Approximate number of cells between two times on the axis, and number of steps that a narrow picture tries.
_TIME_CELLS, _STEPS_TRIED = 12, 3


def nice_step(span: float, max_parts: int) -> float:
    """Return a round step that divides `span` into few parts.

    It is the smallest of 1, 2, 5, 10, 20, 50 ... with at most `max_parts` parts.
    """
    if not span > 0 or max_parts < 1:
        return 1.0
    raw = span / max_parts
    magnitude = 10.0 ** math.floor(math.log10(raw))
    return next((step * magnitude for step in (1, 2, 5) if step * magnitude >= raw * (1 - 1e-9)), 10 * magnitude)


def ticks(low: float, high: float, max_parts: int) -> list[float]:
    """Return round values from `low` to `high`.

    There are at most about `max_parts` of them.
    """
    step = nice_step(high - low, max_parts)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Convert through the decimal text, because 3 * 0.1 is not 0.3.
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


_DAY_STEPS_S = tuple(days * SECONDS_A_DAY for days in (1, 2, 5, 10))
_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, *_DAY_STEPS_S)


def clock_step(span_s: float, max_parts: int) -> int:
    """Return a round time in seconds that divides `span_s` into few parts.

    It is the shortest round time with at most `max_parts` parts.
    """
    return next((step for step in _CLOCK_STEPS_S if span_s / step <= max_parts), _CLOCK_STEPS_S[-1])


def time_ticks(times_s: list[float], max_parts: int) -> list[tuple[int, float]]:
    """Return round times and the columns that contain them.

    Parameters
    ----------
    times_s
        End of each column, oldest first, NaN for a gap.
    max_parts
        Approximate limit of the number of ticks.

    Returns
    -------
    list of (int, float)
        Round times, and the index in `times_s` of the first column that reaches each of them.
    """
    known = [(index, moment_s) for index, moment_s in enumerate(times_s) if math.isfinite(moment_s)]
    # Ignore non-increasing times when estimating the column duration.
    column_times_s = sorted(
        (moment_s - before_s) / (index - before)
        for (before, before_s), (index, moment_s) in itertools.pairwise(known)
        if moment_s > before_s
    )
    if not column_times_s:
        return []
    per_column_s = column_times_s[len(column_times_s) // 2]
    step = clock_step(per_column_s * len(times_s), max_parts)
    ticks_found = []
    for (before, before_s), (index, moment_s) in itertools.pairwise(known):
        round_s = math.floor(moment_s / step) * step
        # A round time within a gap is placed before the first column after the gap.
        back = math.floor((moment_s - round_s) / per_column_s + 1e-6)
        if before_s < round_s <= moment_s and moment_s - before_s < step and index - back > before:
            ticks_found.append((index - back, float(round_s)))
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
    for is_left, finer in itertools.product((False, True), range(_STEPS_TRIED)):
        times = _times_at_cells(times_s, cells, max(1, width // _TIME_CELLS) << finer)
        # A date tells the day of all times, so it is placed before them.
        times.sort(key=lambda each: not _is_date(each[1]))
        texts = [
            (cell - len(text), f"{text}╵")
            if is_left or (_is_date(text) and cell + len(text) >= width)
            else (cell, f"╵{text}")
            for cell, text in times
        ]
        found = labels([*signs, *texts], width)
        if any(len(text) > 1 for _, text in found):
            return found
    return labels(list(signs), width)


def _times_at_cells(times_s: list[float], cells: Sequence[int], max_parts: int) -> list[tuple[int, str]]:
    """Return round times with the cells of their columns, the newest first."""
    ticks_found = reversed(time_ticks(times_s, max_parts))
    return [(cells[column], _tick_text(moment_s)) for column, moment_s in ticks_found]


def _is_date(text: str) -> bool:
    return "-" in text


def _tick_text(moment_s: float) -> str:
    """Return the time of day or, at midnight, the date that begins."""
    return format_date(moment_s) if moment_s % SECONDS_A_DAY == 0 else format_clock(moment_s)


def pixel_bins(nbins: int, npixels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the exclusive last bin of each pixel.

    Each array has the shape (npixels,). If there are more pixels than bins, neighbouring pixels share a bin.
    """
    if npixels >= nbins:
        first = np.arange(npixels, dtype=np.int64) * nbins // npixels
        return first, first + 1
    edges = np.linspace(0, nbins, npixels + 1).round().astype(np.int64)
    return edges[:-1], edges[1:]


class FrequencyWindow(NamedTuple):
    """Range of the displayed bins and its frequencies.

    Attributes
    ----------
    start, stop
        First bin, and the bin after the last.
    low_mhz, high_mhz
        Lower edge of the first bin and upper edge of the last one.
    uneven_edges_mhz
        Edges of all bins of an axis that is not even, such as that of an e-CALLISTO station; else empty. All bins have
        the same height in a picture, so frequencies on such an axis are not at even distances.
    """

    start: int
    stop: int
    low_mhz: float
    high_mhz: float
    uneven_edges_mhz: tuple[float, ...] = ()

    @classmethod
    def of(
        cls, frequencies_mhz: NDArray[np.float64], share: tuple[float, float] = (0.0, 1.0), alone_mhz: float = 1.0
    ) -> "FrequencyWindow":
        """Return a share of the bins, at least one bin.

        If there is only one bin, it is `alone_mhz` wide.
        """
        nbins = len(frequencies_mhz)
        start = min(nbins - 1, max(0, round(share[0] * nbins)))
        stop = min(nbins, max(start + 1, round(share[1] * nbins)))
        step = (frequencies_mhz[-1] - frequencies_mhz[0]) / (nbins - 1) if nbins > 1 else alone_mhz
        if not is_even(frequencies_mhz, step):
            edges = tuple(bin_edges(frequencies_mhz)[start : stop + 1].tolist())
            return cls(start, stop, edges[0], edges[-1], edges)
        low = frequencies_mhz[0] + (start - 0.5) * step
        return cls(start, stop, float(low), float(low + (stop - start) * step))

    @property
    def nbins(self) -> int:
        """Number of displayed bins."""
        return self.stop - self.start

    @property
    def bin_mhz(self) -> float:
        """Width of a bin in MHz."""
        return (self.high_mhz - self.low_mhz) / self.nbins

    def cell_of(self, mhz: float, cells: int) -> int | None:
        """Return the cell that contains a frequency; None outside the window.

        Cells are counted from the low end.
        """
        if not self.low_mhz <= mhz < self.high_mhz:
            return None
        if self.uneven_edges_mhz:
            share = float(np.interp(mhz, self.uneven_edges_mhz, np.arange(self.nbins + 1))) / self.nbins
        else:
            share = (mhz - self.low_mhz) / (self.high_mhz - self.low_mhz)
        return min(math.floor(share * cells), cells - 1)

    def bins_of(self, cell: int, cells: int, per_cell: int = 2) -> tuple[int, int]:
        """Return the first and the exclusive last bin of a cell.

        A cell has `per_cell` pixels. Cells are counted from the low end.
        """
        starts, stops = pixel_bins(self.nbins, cells * per_cell)
        return self.start + int(starts[cell * per_cell]), self.start + int(stops[(cell + 1) * per_cell - 1])

    def bin_of_pixel(self, pixel: int, pixels: int) -> int:
        """Return the middle bin of a pixel, counted from the low end."""
        start, stop = self.bins_of(pixel, pixels, 1)
        return (start + stop) // 2

    def edges_mhz(self, start: int, stop: int) -> tuple[float, float]:
        """Return the outer edges of bins `start` to `stop`, in MHz.

        `stop` is the bin after the last.
        """
        return self._edge_mhz(start), self._edge_mhz(stop)

    def centre_mhz(self, start: int, stop: int) -> float:
        """Return the centre of bins `start` to `stop`, in MHz."""
        low, high = self.edges_mhz(start, stop)
        return (low + high) / 2

    def _edge_mhz(self, number: int) -> float:
        """Return the lower edge of a bin."""
        if self.uneven_edges_mhz:
            return self.uneven_edges_mhz[min(max(0, number - self.start), self.nbins)]
        return self.low_mhz + (number - self.start) * self.bin_mhz

    def cell_of_bin(self, number: int, cells: int, per_cell: int = 2) -> int | None:
        """Return the cell that shows a bin; None outside the window.

        Cells are counted from the low end.
        """
        pixel = self.pixel_of_bin(number, cells * per_cell)
        return None if pixel is None else pixel // per_cell

    def pixel_of_bin(self, number: int, pixels: int) -> int | None:
        """Return the first pixel that shows a bin; None outside the window.

        Pixels are counted from the low end.
        """
        if not self.start <= number < self.stop:
            return None
        _, stops = pixel_bins(self.nbins, pixels)
        return int(np.searchsorted(stops, number - self.start, side="right"))


class ColumnAxis(NamedTuple):
    """Mapping between column numbers, pixels and cells of the waterfall.

    In a picture of blocks a cell is one pixel and one column wide.

    Attributes
    ----------
    columns
        Number of cells across.
    newest
        Number of the newest displayed column.
    sweeping
        True if columns stay in place and a write cursor moves from left to right, again and again. False if the newest
        column is at the right and the other columns move left.
    grid
        Division of the slots into columns.
    """

    columns: int
    newest: int
    sweeping: bool = False
    grid: ColumnGrid = ColumnGrid(1)

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return self.columns * self.grid.cell_px

    @property
    def end_px(self) -> int:
        """Pixel after the newest column, counted from column 0."""
        return self.grid.first_pixel(self.newest + 1)

    @property
    def _whole_columns(self) -> int:
        """Number of whole columns across, including those under the write cursor."""
        return self.columns * self.grid.per_cell

    @property
    def _write_columns(self) -> int:
        """Number of columns under the write cursor."""
        return self.grid.write_columns if self.sweeping and self.columns > 1 else 0

    @property
    def oldest(self) -> int:
        """Number of the oldest displayed column."""
        if self.sweeping:
            return self.newest - self._whole_columns + self._write_columns + 1
        return self.grid.number_at_pixel(self.end_px - self.width_px)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the displayed columns, oldest first."""
        return list(range(self.oldest, self.newest + 1))

    @property
    def write_cursor(self) -> int | None:
        """Cell of the write cursor; None without sweeping.

        It is directly after the newest column.
        """
        return (self.newest + 1) % self._whole_columns // self.grid.per_cell if self._write_columns else None

    def pixels_of(self, number: int) -> tuple[int, int] | None:
        """Return start and stop pixel of a column; None if not displayed."""
        if not self.oldest <= number <= self.newest:
            return None
        turns = number // self._whole_columns
        left_px = turns * self.width_px if self.sweeping else self.end_px - self.width_px
        return max(0, self.grid.first_pixel(number) - left_px), self.grid.first_pixel(number + 1) - left_px

    def cell_of(self, number: int) -> int | None:
        """Return the cell with a column's first pixel; None if not displayed."""
        pixels = self.pixels_of(number)
        return None if pixels is None else pixels[0] // self.grid.cell_px

    def cells_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cells of displayed columns; see `cell_of`."""
        turns = numbers // self._whole_columns
        left_px = turns * self.width_px if self.sweeping else self.end_px - self.width_px
        return np.asarray(np.maximum(0, self.grid.first_pixel(numbers) - left_px) // self.grid.cell_px, np.int64)

    def number_at(self, cell: int) -> int | None:
        """Return the column in the middle of a cell, if any.

        Cells outside the waterfall and the write cursor's cell show no column.
        """
        if not 0 <= cell < self.columns:
            return None
        number = int(self.numbers_at_pixels()[cell * self.grid.cell_px + self.grid.cell_px // 2])
        return number if number >= self.oldest else None

    def numbers_at_pixels(self) -> NDArray[np.int64]:
        """Return the column of each pixel, shape (width_px,).

        Under the write cursor it is a number before the first displayed column.
        """
        pixels = np.arange(self.width_px, dtype=np.int64)
        if not self.sweeping:
            return self.grid.number_at_pixel(pixels + self.end_px - self.width_px)
        places = self.grid.number_at_pixel(pixels)
        return np.asarray(self.newest - (self.newest - places) % self._whole_columns, np.int64)


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
