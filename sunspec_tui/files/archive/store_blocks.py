"""Compute means and extremes for every block of 256 stored rows.

They are computed while rows are committed, so that a day can be drawn in milliseconds. A complete block never changes.
State and arithmetic only.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product, derive
from sunspec_tui.files.archive.layout import BLOCK_ROWS, block_arrays

Floats = NDArray[np.float32]


class BlockMaker:
    """Accumulate rows of one store into blocks.

    Parameters
    ----------
    products
        Products of a row.
    nbins
        Bins of a row.
    """

    def __init__(self, products: tuple[Product, ...], nbins: int) -> None:
        self._products, self._nbins = products, nbins
        self._names = block_arrays(products)
        self._reset()

    def _reset(self) -> None:
        shape = (len(self._products), self._nbins)
        self._sums, self._counts = np.zeros(shape), np.zeros(shape, np.int64)
        self._extremes = {name: np.full(self._nbins, np.nan, np.float32) for name in self._names[len(self._products) :]}
        self._rows = 0

    def add(self, data: Floats) -> dict[str, Floats]:
        """Add rows, and return the blocks that they complete.

        The keys are the names of `block_arrays`.

        Parameters
        ----------
        data
            Power, shape (n, nbins, nproducts).

        Returns
        -------
        dict
            Shape (m, nbins) each. A value is NaN where a bin has no finite value in the whole block.
        """
        found: dict[str, list[Floats]] = {name: [] for name in self._names}
        while len(data):
            part, data = data[: BLOCK_ROWS - self._rows], data[BLOCK_ROWS - self._rows :]
            self._accumulate(part)
            if self._rows == BLOCK_ROWS:
                for name, values in self._finished().items():
                    found[name].append(values)
                self._reset()
        return {name: np.array(values, np.float32).reshape(-1, self._nbins) for name, values in found.items()}

    def _accumulate(self, data: Floats) -> None:
        self._rows += len(data)
        finite = np.isfinite(data)
        self._sums += np.where(finite, data, 0).sum(axis=0, dtype=np.float64).T
        self._counts += finite.sum(axis=0).T
        for name, kept in self._extremes.items():
            which, product = name.split("_", 1)
            power = self._power(data, Product(product))
            power = np.where(np.isfinite(power), power, np.float32(np.nan))
            pick = np.fmin if which == "lowest" else np.fmax
            pick(kept, pick.reduce(power, axis=0), out=kept)

    def _power(self, data: Floats, product: Product) -> Floats:
        if product in self._products:
            return data[..., self._products.index(product)]
        places = [self._products.index(each) for each in (Product.XX, Product.YY)]
        return derive(data[..., places], product)

    def _finished(self) -> Mapping[str, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(self._counts > 0, self._sums / self._counts, np.nan).astype(np.float32)
        return dict(zip(self._names, means, strict=False)) | self._extremes
