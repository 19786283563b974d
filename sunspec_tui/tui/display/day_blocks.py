"""Blocks of the day strip: two bands of one product.

Only these are kept, about 60 bytes a block, so a day costs some ten thousand bytes. Pure arithmetic on arrays.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats, to_db, without_warnings
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks
from sunspec_tui.tui.display.axes import pixel_bins

BANDS = 2
"""Number of bands of the strip: the lower and the upper half of the bins."""


class DayBlocks(NamedTuple):
    """Blocks of any lengths, oldest first.

    Attributes
    ----------
    begin_us, end_us, first_us, last_us, rows, missing, restarts
        As in `TimeBlocks`.
    mean_db, peak_db
        Mean over the bins of each band of the decibels of mean and highest power, shape (n, BANDS). In this mean, a
        few lines of interference weigh little, and a background can be removed from the bands as from the bins. NaN
        for a band without a positive value.
    """

    begin_us: Integers
    end_us: Integers
    first_us: Integers
    last_us: Integers
    rows: Integers
    missing: Integers
    restarts: NDArray[np.bool_]
    mean_db: Floats
    peak_db: Floats

    @classmethod
    def empty(cls) -> "DayBlocks":
        """Return no blocks."""
        none, values = np.empty(0, np.int64), np.empty((0, BANDS), np.float32)
        return cls(none, none, none, none, none, none, np.empty(0, np.bool_), values, values)

    @classmethod
    def folded(cls, blocks: TimeBlocks) -> "DayBlocks":
        """Fold the bins of blocks to the bands."""
        return cls(
            blocks.begin_us,
            blocks.end_us,
            blocks.first_us,
            blocks.last_us,
            blocks.rows,
            blocks.missing,
            blocks.restarts,
            _band_means_db(blocks.mean),
            _band_means_db(blocks.peak),
        )

    @classmethod
    def joined(cls, parts: Sequence["DayBlocks"]) -> "DayBlocks":
        """Join blocks in the order of `parts`."""
        columns: tuple[Any, ...] = tuple(np.concatenate(values) for values in zip(*parts, strict=True))
        return cls(*columns)

    def between(self, begin_s: float, end_s: float) -> "DayBlocks":
        """Return the blocks that overlap an interval."""
        which = (self.end_us > begin_s * SECOND_US) & (self.begin_us < end_s * SECOND_US)
        columns: tuple[Any, ...] = tuple(values[which] for values in self)
        return DayBlocks(*columns)

    def with_newer(self, others: Sequence["DayBlocks"]) -> "DayBlocks":
        """Add blocks and sort all by time.

        A block that was read again replaces its earlier reading.
        """
        both = DayBlocks.joined([self, *others])
        # The newest reading of a block is the last of its duplicates, so the order is reversed before `unique`.
        keys = np.stack([both.begin_us, both.end_us], axis=1)[::-1]
        _, found = np.unique(keys, axis=0, return_index=True)
        which = len(keys) - 1 - found
        columns: tuple[Any, ...] = tuple(values[which] for values in both)
        return DayBlocks(*columns)


def _band_means_db(power: Floats) -> Floats:
    """Return the mean of each band's decibels, shape (n, BANDS)."""
    if not power.size:
        return np.full((len(power), BANDS), np.nan, np.float32)
    values = to_db(power)
    starts, stops = pixel_bins(values.shape[1], BANDS)
    with without_warnings():
        means = [_finite_means(values[:, start:stop]) for start, stop in zip(starts, stops, strict=True)]
    return np.stack(means, axis=1).astype(np.float32)


def _finite_means(values: Floats) -> Floats:
    finite = np.isfinite(values)
    return np.asarray(np.where(finite, values, 0).sum(axis=1) / finite.sum(axis=1))
