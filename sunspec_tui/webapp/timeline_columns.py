"""Read columns of a timeline: blocks, merged and folded.

A column is a block of 1, 2, 4 ... 4096 s, or a single row if there are few rows. The timeline is read a part at a time,
so that the memory does not grow with the time between the limits. The call may read a disk. This module knows no HTTP.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sunspec_tui.core.bin_folding import fold_factor, folded_means, folded_peaks
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.time_blocks import STEPS_S, TimeBlocks, joined, step_within
from sunspec_tui.core.timeline_source import TimelineSource

COLUMN_STEPS_S = tuple(2**n for n in range(13))
"""Lengths of columns in seconds: 1, 2, 4 ... 4096. Each divides the next, so columns of all steps have common edges."""
MAX_COLUMNS, MAX_BINS, DEFAULT_BINS = 512, 1024, 256
MAX_READ_VALUES = 2**25
"""Values that are read for an answer: 40 000 blocks of 768 bins."""
_PART_VALUES = 2**20
"""Values that are read at once: 4 MiB of means."""


class TooMuchWorkError(Exception):
    """The answer would need too many blocks.

    Parameters
    ----------
    most
        Number of columns of this length that can be read at once.
    """

    def __init__(self, most: int) -> None:
        super().__init__(f"too many blocks for one answer; request at most {most} columns of this length")


@dataclass(frozen=True, slots=True)
class ColumnRequest:
    """Columns that a visitor asks for.

    Attributes
    ----------
    start_s, end_s
        Limits in whole seconds since 1970 UTC.
    columns
        Number of columns between them.
    bins
        Maximum number of bins of a column.
    product
        The product.
    """

    start_s: int
    end_s: int
    columns: int
    bins: int
    product: Product

    @property
    def step_s(self) -> int:
        """Length of a column; 0, which asks for rows, below a second."""
        return (self.end_s - self.start_s) // self.columns

    @property
    def is_aligned(self) -> bool:
        """True if columns are blocks, or shorter than a second."""
        length_s = self.end_s - self.start_s
        if length_s < self.columns:
            return True
        return self.step_s in COLUMN_STEPS_S and not length_s % self.columns and not self.start_s % self.step_s


def read_columns(source: TimelineSource, request: ColumnRequest, nbins: int) -> TimeBlocks:
    """Return the columns of a request, oldest first.

    Where only longer blocks are known, they are returned instead of the columns. If there are at most as many rows as
    requested columns, the rows themselves are returned.

    Parameters
    ----------
    source, request
        Timeline, and what to read of it.
    nbins
        Number of bins of the timeline's blocks.

    Returns
    -------
    TimeBlocks
        Its `step_s` is that of the columns, also for longer blocks among them. Bins are folded to at most those of the
        request. Signed products have only means: their `peak` is the mean.

    Raises
    ------
    TooMuchWorkError
        If the columns consist of too many blocks.
    SunspecError
        If a part of the timeline cannot be read.
    """
    _check_work(request, nbins)
    if request.product is not Product.V_OVER_I:
        return _product_columns(source, request, nbins)
    # V/I of a column is the mean of V over the mean of I.
    v, i = (_product_columns(source, replace(request, product=each), nbins) for each in (Product.V, Product.I))
    # A row may have come between the two.
    _, of_v, of_i = np.intersect1d(v.begin_us, i.begin_us, return_indices=True)
    v, i = v.only(of_v), i.only(of_i)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.asarray(v.mean / np.where(i.mean > 0, i.mean, np.float32(np.nan)), np.float32)
    return v._replace(mean=mean, peak=mean)


def _check_work(request: ColumnRequest, nbins: int) -> None:
    step_s = max(request.step_s, min(STEPS_S))
    most = MAX_READ_VALUES // (step_s // step_within(step_s) * nbins)
    if request.columns > most:
        raise TooMuchWorkError(max(1, most))


def _product_columns(source: TimelineSource, request: ColumnRequest, nbins: int) -> TimeBlocks:
    length_s = request.end_s - request.start_s
    step_s = max(request.step_s, min(STEPS_S))
    # The blocks tell how many rows there are, and so whether the rows can be sent.
    columns = _blocks(source, request, step_s, nbins, 1 / step_within(step_s))
    rows = int(columns.rows.sum())
    if 0 < rows <= request.columns:
        return _blocks(source, request, 0, nbins, rows / length_s)
    if rows and request.step_s < step_s and rows * nbins <= MAX_READ_VALUES:
        return _blocks(source, request, 1, nbins, rows / length_s)
    return columns


def _blocks(source: TimelineSource, request: ColumnRequest, step_s: int, nbins: int, per_s: float) -> TimeBlocks:
    """Return blocks of a step, or rows.

    Where only longer blocks are known, those are returned. `per_s` is the number of blocks or rows that are read for
    a second of time.
    """
    shortest: list[TimeBlocks] = []
    longer: list[TimeBlocks] = []
    for begin_s, end_s in _parts(request, max(1, step_s), nbins * per_s):
        parts = [_folded(part, request) for part in source.blocks(step_within(step_s), begin_s, end_s, request.product)]
        exact = [part for part in parts if part.step_s <= step_s]
        # Two sources may have rows of one column.
        merged = [joined([part.merged(step_s) for part in exact]).merged(step_s)] if exact and step_s else exact
        shortest += merged
        longer += [part for part in parts if part.step_s > step_s]
    blocks = _in_order([*shortest, *_once(longer)], step_s, -(-nbins // fold_factor(nbins, request.bins)))
    # The highest value of a signed product is not known in long blocks.
    return blocks._replace(peak=blocks.mean) if request.product in SIGNED_PRODUCTS else blocks


def _parts(request: ColumnRequest, step_s: int, values_per_s: float) -> Iterator[tuple[int, int]]:
    """Yield the limits of parts that are read at once.

    They are multiples of a step.
    """
    length_s = max(step_s, int(_PART_VALUES / values_per_s) // step_s * step_s)
    for begin_s in range(request.start_s, request.end_s, length_s):
        yield begin_s, min(begin_s + length_s, request.end_s)


def _once(parts: list[TimeBlocks]) -> list[TimeBlocks]:
    """Leave out blocks that reach beyond their part.

    Such blocks are read twice.
    """
    found: list[TimeBlocks] = []
    newest_us = -1
    for part in parts:
        new = part.only(part.begin_us > newest_us)
        if len(new.rows):
            newest_us = int(new.begin_us[-1])
            found.append(new)
    return found


def _in_order(parts: list[TimeBlocks], step_s: int, bins: int) -> TimeBlocks:
    if not parts:
        return TimeBlocks.empty(step_s, bins)
    blocks = joined([part._replace(step_s=step_s) for part in parts])
    return blocks.only(np.argsort(blocks.begin_us, kind="stable"))


def _folded(blocks: TimeBlocks, request: ColumnRequest) -> TimeBlocks:
    """Fold neighbouring bins.

    A folded bin has the mean of their means, and the highest of their highest values.
    """
    factor = fold_factor(blocks.mean.shape[1], request.bins)
    return blocks._replace(mean=folded_means(blocks.mean, factor), peak=folded_peaks(blocks.peak, factor))
