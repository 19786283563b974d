"""Timeline made of arrays of rows: a reference and a fake."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.core.timeline_source import TimelineAxis, TimelineExtent

_KNOWN_PEAKS = (Product.XX, Product.YY, Product.I)


@dataclass
class RowTimeline:
    """Rows in memory, with every step computed from them.

    Attributes
    ----------
    times_s, data
        End of each row, ascending, and its power, shape (n, nbins, npol).
    cadence_s
        Length of each row, shape (n,).
    missing, restarts
        Rows missing before each row, and True for rows that begin a sequence, shape (n,).
    frequencies_hz
        Centres of the bins.
    coarse_before_s, coarse_s
        Rows before this time are only known in blocks of this many seconds.
    calls
        Arguments of all calls of `blocks`.
    """

    times_s: NDArray[np.float64]
    data: NDArray[np.float32]
    cadence_s: NDArray[np.float64]
    missing: NDArray[np.int64]
    restarts: NDArray[np.bool_]
    frequencies_hz: NDArray[np.float64]
    coarse_before_s: float = -np.inf
    coarse_s: int = 16
    calls: list[tuple[int, float, float, Product]] = field(default_factory=list)

    @classmethod
    def steady(cls, begin_s: float, cadence_s: float, data: NDArray[np.float32]) -> "RowTimeline":
        """Return rows of an even cadence without gaps."""
        n, nbins = data.shape[:2]
        times_s = begin_s + cadence_s * np.arange(1, n + 1)
        none = np.zeros(n, np.int64)
        frequencies_hz = 13.4e6 + 95_703.125 * 768 / nbins * np.arange(nbins)
        return cls(times_s, data, np.full(n, cadence_s), none, none.astype(bool), frequencies_hz)

    def extent(self) -> TimelineExtent | None:
        """Return the times of the rows."""
        if not len(self.times_s):
            return None
        begin_s = float(self.times_s[0] - self.cadence_s[0])
        end_s = float(self.times_s[-1])
        return TimelineExtent(begin_s, end_s, end_s, float(self.cadence_s[-1]))

    def axis(self) -> TimelineAxis | None:
        """Return bins and products."""
        bin_hz = float(np.diff(self.frequencies_hz[:2]).sum()) or 1.0
        return TimelineAxis(self.frequencies_hz, bin_hz, available(self.data.shape[-1]))

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return rows or blocks of the rows."""
        self.calls.append((step_s, begin_s, end_s, product))
        coarse_s = max(step_s, self.coarse_s)
        # Infinity has no block, so the limit is clipped before it is rounded up.
        coarse_end_s = float(np.clip(self.coarse_before_s, begin_s, end_s))
        edge_s = begin_s if coarse_end_s == begin_s else -(-coarse_end_s // coarse_s) * coarse_s
        begins_s = begin_s // coarse_s * coarse_s if edge_s > begin_s else edge_s
        older = self._blocks(coarse_s, begins_s, edge_s, product)
        newer = self._blocks(step_s, edge_s, end_s, product)
        return [part for part in (older, newer) if len(part.rows)]

    def _blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> TimeBlocks:
        which = (self.times_s >= begin_s) & (self.times_s < end_s)
        if not step_s:
            return self._rows(which, derive(self.data[which], product))
        if product in (*WIRE_PRODUCTS, Product.U, Product.V):
            merged = self._rows(which, derive(self.data[which], product)).merged(step_s)
            return merged if product in _KNOWN_PEAKS else merged._replace(peak=merged.mean)
        products = WIRE_PRODUCTS[: self.data.shape[-1]]
        wire = [self._rows(which, derive(self.data[which], each)).merged(step_s) for each in products]
        mean = derive(np.stack([each.mean for each in wire], axis=-1), product)
        own = self._rows(which, derive(self.data[which], product)).merged(step_s)
        return own._replace(mean=mean, peak=own.peak if product in _KNOWN_PEAKS else mean)

    def _rows(self, which: NDArray[np.bool_], values: NDArray[np.float32]) -> TimeBlocks:
        times_us = np.rint(self.times_s[which] * 1e6).astype(np.int64)
        begin_us = times_us - np.rint(self.cadence_s[which] * 1e6).astype(np.int64)
        return TimeBlocks.of_rows(times_us, begin_us, self.missing[which], self.restarts[which], values)

    def known_rows(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows that can be read: all."""
        return self.recording(begin_s, end_s)

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return rows between two times."""
        which = (self.times_s >= max(begin_s, self.coarse_before_s)) & (self.times_s < end_s)
        if not which.any():
            return None
        products = WIRE_PRODUCTS[: self.data.shape[-1]]
        cadence_s = float(self.cadence_s[which][-1])
        return Recording(self.data[which], products, self.times_s[which], self.frequencies_hz, cadence_s)
