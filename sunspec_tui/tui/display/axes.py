"""Map frequencies and times to screen cells; place ticks and labels.

The same functions place pixels, ticks, labels and the cursor, so that an axis always agrees with the picture beside
it. This module has only pure functions and values, so that tests can be tables of numbers.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import bin_edges, is_even
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
        return np.asarray(self.first_pixels(numbers) // self.grid.cell_px, np.int64)

    def first_pixels(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first pixel of displayed columns."""
        turns = numbers // self._whole_columns
        left_px = turns * self.width_px if self.sweeping else self.end_px - self.width_px
        return np.asarray(np.maximum(0, self.grid.first_pixel(numbers) - left_px), np.int64)

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
