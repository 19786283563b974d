"""Fold rows to cells: half a second, about a hundred bins.

The grid of cells does not depend on the first row: cells begin at multiples of their length since 1970. So the same
rows give the same cells, however they are cut into parts.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import without_warnings
from sunspec_tui.core.products import WIRE_PRODUCTS, Product

MIN_CELL_S = 0.5
"""Length of a cell, unless rows are longer: shorter than a burst of type III lasts at any frequency below 90 MHz."""

CELLS_PER_BLOCK = 8
"""Cells of a block, the unit of work."""

MAX_BINS = 128
"""Largest number of bins of a cell."""

MAX_WAITING_ROWS = 4096
"""Largest number of rows that wait for the others of their block."""

MAX_POWER = 1e30
"""Power from which a value is bad: sums of it would overflow."""

MIN_MHZ = 20.0
"""Lowest frequency that is searched: below it, the ionosphere and broadcasting hide the Sun."""

MAX_MHZ = 200.0
"""Highest frequency that is searched: the corona's models end near the Sun's surface."""

_CELLS_OF_BLOCK = np.arange(CELLS_PER_BLOCK)[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive cells.

    Attributes
    ----------
    number
        Number of the block since 1970; its first cell is ``number * CELLS_PER_BLOCK``.
    decibels
        Power of I, decibels, float32, shape (CELLS_PER_BLOCK, nbins); NaN where rows are missing.
    circular
        V/I of the cells, or None if the rows have no V.
    """

    number: int
    decibels: NDArray[np.float32]
    circular: NDArray[np.float32] | None


class CellGrid:
    """Bins and cells of rows with one frequency axis.

    Parameters
    ----------
    frequencies_hz
        Centres of the rows' bins, ascending, shape (nbins,).
    cadence_s
        Time from row to row.

    Attributes
    ----------
    frequencies_mhz
        Centres of the cells' bins, shape (bins,).
    cell_s
        Length of a cell: `MIN_CELL_S` times a power of two, at least one row.
    block_s
        Length of a block.
    """

    def __init__(self, frequencies_hz: NDArray[np.float64], cadence_s: float) -> None:
        frequencies_mhz = np.asarray(frequencies_hz, np.float64) / 1e6
        searched = np.flatnonzero((frequencies_mhz >= MIN_MHZ) & (frequencies_mhz <= MAX_MHZ))
        self.channels_per_bin = max(1, math.ceil(searched.size / MAX_BINS))
        nbins = searched.size // self.channels_per_bin
        first = int(searched[0]) if searched.size else 0
        self.searched = slice(first, first + nbins * self.channels_per_bin)
        self.frequencies_mhz = frequencies_mhz[self.searched].reshape(nbins, self.channels_per_bin).mean(axis=1)
        self.cell_s = cell_length_s(cadence_s)
        self.block_s = self.cell_s * CELLS_PER_BLOCK

    def cell_numbers(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the number of the cell of each row, counted since 1970."""
        # A time that is rounded to microseconds must not fall into the cell before.
        return np.floor(times_s / self.cell_s + 1e-5).astype(np.int64)


def cell_length_s(cadence_s: float) -> float:
    """Return the length of cells for rows of a cadence."""
    rows = cadence_s / MIN_CELL_S
    return MIN_CELL_S * 2.0 ** max(0, math.ceil(math.log2(rows) - 0.01)) if 0 < rows < math.inf else MIN_CELL_S


class PowerFolder:
    """Means of I and V over the channels of each bin.

    Parameters
    ----------
    grid
        Bins.
    products
        Products of the rows' last axis: those of the wire, or any that begin with a power.
    """

    def __init__(self, grid: CellGrid, products: tuple[Product, ...]) -> None:
        self._grid, count = grid, len(products)
        per_bin = grid.channels_per_bin
        self._columns = slice(grid.searched.start * count, grid.searched.stop * count)
        weights = np.zeros((2, count), np.float32)
        if products[:2] == WIRE_PRODUCTS[:2]:
            weights[0, :2] = 0.5
        else:
            weights[0, products.index(Product.I) if Product.I in products else 0] = 1
        circular = [i for i, product in enumerate(products) if product in (Product.XY_IMAG, Product.V)]
        self.has_circular = bool(circular)
        weights[1, circular[:1]] = 1
        self._of_product = weights / per_bin
        self._of_channel = np.tile(self._of_product, (1, per_bin))

    def folded(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return I and V of rows, shape (2, n, bins).

        V is 0 for products without it.

        Parameters
        ----------
        data
            Power, shape (n, nbins, nproducts). A bad channel makes its bin NaN.
        """
        # A view, because a copy takes longer than the sums.
        values = data.reshape(len(data), -1)[:, self._columns].reshape(len(data), -1, self._of_channel.shape[1])
        folded = np.zeros((2, *values.shape[:2]), np.float32)
        # Two products with a vector are faster than one with a matrix of two columns.
        for weights, out in zip(self._of_channel, folded, strict=True):
            if weights.any():
                np.matmul(values, weights, out=out)
        # In a matrix product a bad V, such as that of a file without V, spoils I: 0 * NaN is NaN.
        return self._folded_slowly(data) if np.isnan(folded[0]).any() else folded

    def _folded_slowly(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return I and V from the products that they need."""
        shape = len(data), -1, self._grid.channels_per_bin
        folded = np.zeros((2, len(data), len(self._grid.frequencies_mhz)), np.float32)
        for weights, out in zip(self._of_product, folded, strict=True):
            for product in np.flatnonzero(weights):
                channels = data[:, self._grid.searched, product].reshape(shape)
                out += weights[product] * channels.sum(axis=2)
        return folded


class CellFolder:
    """Folds rows to blocks of cells as they come.

    Parameters
    ----------
    grid
        Bins and cells.
    products
        Products of the rows' last axis.
    """

    def __init__(self, grid: CellGrid, products: tuple[Product, ...]) -> None:
        self._grid, self._power = grid, PowerFolder(grid, products)
        self._shape = 2, CELLS_PER_BLOCK, len(grid.frequencies_mhz)
        self._number: int | None = None
        self._waiting: list[tuple[NDArray[np.float64], NDArray[np.float32]]] = []
        self._begin()

    def _begin(self) -> None:
        """Begin an empty block."""
        self._sums = np.zeros(self._shape, np.float32)
        self._counts = np.zeros(self._shape[1:], np.float32)

    def feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32]) -> list[Block]:
        """Add rows in order; return the blocks that are complete.

        Rows older than the present block are ignored. To add a few rows takes as long as to add many, so they wait for
        the others of their block.
        """
        if not len(times_s):
            return []
        with without_warnings():
            self._waiting.append((times_s, self._power.folded(data)))
        first, last = self._waiting[0][0][0], times_s[-1]
        is_same_block = first // self._grid.block_s == last // self._grid.block_s
        if is_same_block and sum(len(times) for times, _ in self._waiting) < MAX_WAITING_ROWS:
            return []
        return self._fold()

    def _fold(self) -> list[Block]:
        """Fold the rows that wait; return the blocks that are complete."""
        if not self._waiting:
            return []
        times_s = np.concatenate([times_s for times_s, _ in self._waiting])
        folded = np.concatenate([folded for _, folded in self._waiting], axis=1)
        self._waiting.clear()
        cells = self._grid.cell_numbers(times_s)
        blocks = cells // CELLS_PER_BLOCK
        done: list[Block] = []
        edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
        for begin, end in pairwise(edges):
            number = int(blocks[begin])
            if self._number is not None and number < self._number:
                continue
            if self._number is not None and number > self._number:
                done.append(self._block())
            self._number = number
            self._add(cells[begin:end] - number * CELLS_PER_BLOCK, folded[:, begin:end])
        return done

    def _add(self, cells: NDArray[np.int64], folded: NDArray[np.float32]) -> None:
        """Add the folded rows of one block, numbered by their cells."""
        intensity, circular = folded
        with without_warnings():
            is_valid = (intensity > 0) & (intensity < MAX_POWER)
            if not is_valid.all():
                intensity[~is_valid] = circular[~is_valid] = 0
            # A matrix adds the rows of each cell. A late row may belong to a cell that has been left.
            of_cell = (cells == _CELLS_OF_BLOCK).astype(np.float32)
            self._sums[0] += of_cell @ intensity
            if np.isfinite(circular).all():
                self._sums[1] += of_cell @ circular
            else:
                # In a matrix product a bad V would spoil all cells.
                np.add.at(self._sums[1], cells, circular)
            self._counts += of_cell @ is_valid.astype(np.float32)

    def close(self) -> list[Block]:
        """Return the last blocks, though later rows may belong to them."""
        blocks = self._fold()
        if self._number is not None:
            blocks.append(self._block())
            self._number = None
        return blocks

    def _block(self) -> Block:
        """Return the present block."""
        intensity, circular = self._sums
        with without_warnings():
            decibels = np.float32(10) * np.log10(intensity / self._counts)
            ratio = circular / intensity if self._power.has_circular else None
        block = Block(self._number or 0, decibels, ratio)
        self._begin()
        return block
