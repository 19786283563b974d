"""Compute a store's blocks of time while rows are committed.

Sums are kept in double precision, so blocks do not depend on how rows are split among commits. State and arithmetic
only.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.block_codes import decode_means, encode_means, encode_peaks
from sunspec_tui.core.products import Product, derive
from sunspec_tui.core.recording import MAX_STEP_RATIO
from sunspec_tui.core.row_blocks import Floats, Integers, group_starts, merged_peaks, merged_sums
from sunspec_tui.core.time_blocks import SECOND_US, block_numbers
from sunspec_tui.files.archive.time_layout import (
    CHUNK_US,
    DAY_S,
    RESTARTED,
    SPAN_FIELDS,
    STORED_STEPS_S,
    blocks_of_chunk,
    mean_name,
    peak_name,
    peak_products,
    span_name,
)

_DAY_US = DAY_S * SECOND_US
_SPAN = {name: number for number, name in enumerate(SPAN_FIELDS)}


class TimeChunk(NamedTuple):
    """Chunk of all arrays.

    Attributes
    ----------
    number
        Number of the chunk, counted from midnight.
    rows
        Number of its rows.
    arrays
        Codes and spans by the names of the arrays, the blocks first.
    """

    number: int
    rows: int
    arrays: dict[str, NDArray[Any]]


class _Groups(NamedTuple):
    """Span, sums, counts and highest values of groups of rows."""

    spans: Integers
    sums: NDArray[np.float64]
    counts: Integers
    peaks: Floats


@dataclass
class _OpenBlock:
    """Block that still gets rows."""

    number: int
    span: Integers
    sums: NDArray[np.float64]
    counts: Integers
    peaks: Floats

    def add(self, span: Integers, sums: NDArray[np.float64], counts: Integers, peaks: Floats) -> None:
        """Add the sums of later rows."""
        self.span[: _SPAN["first_us"]] += span[: _SPAN["first_us"]]
        self.span[_SPAN["last_us"]] = span[_SPAN["last_us"]]
        self.sums += sums
        self.counts += counts
        np.maximum(self.peaks, peaks, out=self.peaks)


@dataclass
class _StepArrays:
    """Codes of complete blocks, and the block that gets rows."""

    spans: Integers
    means: NDArray[np.uint16]
    peaks: NDArray[np.uint8]
    block: _OpenBlock | None = field(default=None)


class TimeBlockMaker:
    """Accumulate rows of one store into blocks of time.

    Parameters
    ----------
    products
        Products of a row.
    nbins
        Bins of a row.
    rows_covered, chunks_covered
        Rows of complete chunks, and number of the first chunk that is not complete, of an existing store.
    """

    def __init__(
        self, products: tuple[Product, ...], nbins: int, rows_covered: int = 0, chunks_covered: int = 0
    ) -> None:
        self.rows_covered, self.chunks_covered = rows_covered, chunks_covered
        self._products, self._nbins = products, nbins
        self._peak_products = peak_products(products)
        self._steps: dict[int, _StepArrays] = {}
        self._number, self._rows = chunks_covered, 0

    def add(self, data: Floats, times_us: Integers, missing: Integers) -> list[TimeChunk]:
        """Add rows, and return the chunks that they complete.

        Parameters
        ----------
        data
            Power, shape (n, nbins, nproducts).
        times_us
            Ends of the rows, microseconds since 1970, not decreasing, on one day.
        missing
            Number of rows missing before each row, or `RESTARTED`.
        """
        found = []
        chunks = times_us % _DAY_US // CHUNK_US
        starts = group_starts(chunks)
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(times_us)], strict=True):
            number = int(chunks[begin])
            if self._rows and number != self._number:
                found.append(self._complete_chunk())
            self._number = number
            self._rows += end - begin
            self._add_groups(data[begin:end], times_us[begin:end], missing[begin:end])
        return found

    def _add_groups(self, data: Floats, times_us: Integers, missing: Integers) -> None:
        numbers = block_numbers(times_us % _DAY_US, STORED_STEPS_S[0])
        starts = group_starts(numbers)
        groups = self._groups(data, times_us, missing, starts)
        for step_s in STORED_STEPS_S:
            ratio = step_s // STORED_STEPS_S[0]
            for number, *group in zip((numbers[starts] // ratio).tolist(), *groups, strict=True):
                self._add_to_step(step_s, number, _Groups(*group))

    def _groups(self, data: Floats, times_us: Integers, missing: Integers, starts: NDArray[np.intp]) -> _Groups:
        """Return the sums of the rows of each of the shortest blocks."""
        ends = np.append(starts[1:], len(times_us)) - 1
        ones = np.ones(len(times_us), np.int64)
        columns = (ones, np.maximum(missing, 0), missing == RESTARTED)
        counted = [np.add.reduceat(each.astype(np.int64), starts) for each in columns]
        spans = np.stack([*counted, times_us[starts], times_us[ends]], axis=1)
        # Products follow one another, so that one call sums all of them.
        flat = np.ascontiguousarray(data.transpose(0, 2, 1)).reshape(len(data), -1)
        sums, counts = merged_sums(flat, ones, starts)
        powers = [self._power(data, each) for each in self._peak_products]
        highest = [merged_peaks(power, starts) for power in powers]
        peaks = np.stack(highest, axis=1) if highest else np.empty((len(starts), 0, self._nbins), np.float32)
        shape = len(starts), len(self._products), self._nbins
        return _Groups(spans, sums.reshape(shape), np.reshape(counts, shape), peaks)

    def _power(self, data: Floats, product: Product) -> Floats:
        if product in self._products:
            return data[..., self._products.index(product)]
        return derive(data[..., [self._products.index(each) for each in (Product.XX, Product.YY)]], product)

    def _add_to_step(self, step_s: int, number: int, group: _Groups) -> None:
        if step_s not in self._steps:
            self._steps[step_s] = self._empty(step_s)
        step = self._steps[step_s]
        if step.block is not None and step.block.number != number:
            self._complete_block(step_s, step)
        if step.block is None:
            spans, sums, counts, peaks = group
            step.block = _OpenBlock(number, spans.copy(), sums.copy(), counts.copy(), peaks.copy())
        else:
            step.block.add(*group)

    def _empty(self, step_s: int) -> _StepArrays:
        n, nproducts, npeaks = blocks_of_chunk(step_s), len(self._products), len(self._peak_products)
        return _StepArrays(
            np.zeros((n, len(SPAN_FIELDS)), np.int64),
            np.zeros((n, nproducts, self._nbins), np.uint16),
            np.zeros((n, npeaks, self._nbins), np.uint8),
        )

    def _complete_block(self, step_s: int, step: _StepArrays) -> None:
        """Encode a block that gets no more rows."""
        block, step.block = step.block, None
        assert block is not None  # noqa: S101 - the callers have checked it
        place = block.number % blocks_of_chunk(step_s)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(block.counts > 0, block.sums / block.counts, np.nan).astype(np.float32)
        step.spans[place] = block.span
        step.means[place] = encode_means(mean)
        # Readers know the rounded means.
        means = decode_means(step.means[place]).T
        reference = [self._power(means, each) for each in self._peak_products]
        if reference:
            step.peaks[place] = encode_peaks(block.peaks, np.stack(reference))

    def _complete_chunk(self) -> TimeChunk:
        arrays: dict[str, NDArray[Any]] = {}
        for step_s, step in self._steps.items():
            if step.block is not None:
                self._complete_block(step_s, step)
            arrays |= {span_name(step_s): step.spans, mean_name(step_s): step.means}
            if self._peak_products:
                arrays[peak_name(step_s)] = step.peaks
        found = TimeChunk(self._number, self._rows, arrays)
        self.rows_covered += self._rows
        self.chunks_covered = self._number + 1
        self._steps, self._rows = {}, 0
        return found


def chunk_of(time_us: int) -> int:
    """Return the number of the chunk of a row, counted from midnight."""
    return time_us % _DAY_US // CHUNK_US


def missing_before(times_us: Integers, cadence_s: float, last_us: int | None, restarts: NDArray[np.bool_]) -> Integers:
    """Return the number of rows missing before each row, from their times.

    Parameters
    ----------
    times_us
        Ends of the rows in microseconds, not decreasing.
    cadence_s
        Data time from row to row; if it is not known, no row is missing.
    last_us
        End of the row before them; None if there is none.
    restarts
        True for each row that begins a sequence, before which nothing is missing.

    Returns
    -------
    numpy.ndarray
        int64, shape (n,); `RESTARTED` for a row that begins a sequence.
    """
    found = np.zeros(len(times_us), np.int64)
    if cadence_s > 0 and len(times_us):
        before_us = times_us[0] if last_us is None else last_us
        steps = np.diff(times_us, prepend=before_us) / (cadence_s * SECOND_US)
        found = np.where(steps > MAX_STEP_RATIO, np.rint(steps).astype(np.int64) - 1, 0)
    found[restarts] = RESTARTED
    return found
