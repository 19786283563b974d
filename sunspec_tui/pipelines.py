"""Which of the instrument's pipelines are at fault: what comes in blocks of 96 channels and is no Sun.

Pure arithmetic on the last rows. A fault is named, never mended: the rows stay as they came.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.products import WIRE_PRODUCTS
from sunspec_tui.times import CHANNELS_PER_PIPELINE

ROWS = 8
"""Rows that are looked at: two seconds at a quarter of one."""

_MOST_SHARE = 0.5
_LOW = 0.1
_LEAST_ROWS_STUCK = 3
_NEIGHBOURS = 2


class Fault(IntEnum):
    """What is wrong with a pipeline, the worst last."""

    NONE = 0
    LOW = 1
    STUCK = 2
    ZERO = 3
    NAN = 4


SIGNS = {Fault.NONE: "·", Fault.LOW: "l", Fault.STUCK: "=", Fault.ZERO: "0", Fault.NAN: "n"}
WORDS = {Fault.LOW: "low", Fault.STUCK: "stuck", Fault.ZERO: "zero", Fault.NAN: "no numbers"}


@dataclass(frozen=True, eq=False)
class PipelineMap:
    """The pipelines of each product.

    Attributes
    ----------
    nan, zero, stuck
        Share of values that are no number, that are 0, and that have not changed over the rows; each of shape
        (npol, npipelines), 0 to 1.
    level
        Median power over that of the neighbours, the same shape; NaN where there is none.
    """

    nan: NDArray[np.float64]
    zero: NDArray[np.float64]
    stuck: NDArray[np.float64]
    level: NDArray[np.float64]

    @property
    def faults(self) -> NDArray[np.int8]:
        """A `Fault` for each, shape (npol, npipelines).

        A low level is one of XX and YY alone. A product that is nothing at all is not carried, which is no
        pipeline's fault.
        """
        found = np.zeros(self.nan.shape, np.int8)
        found[:2][self.level[:2] < _LOW] = Fault.LOW
        for share, fault in ((self.stuck, Fault.STUCK), (self.zero, Fault.ZERO), (self.nan, Fault.NAN)):
            found[share > _MOST_SHARE] = fault
        found[((self.zero + self.nan) >= 1).all(axis=1)] = Fault.NONE
        return found


def pipeline_map(rows: NDArray[np.float32], channel_average: int) -> PipelineMap:
    """Look at the pipelines over some rows.

    Parameters
    ----------
    rows
        Power, shape (n, nbins, npol), n at least 1.
    channel_average
        Channels a bin; a bin on an edge belongs to the pipeline of its first channel.
    """
    _, nbins, npol = rows.shape
    pipeline = np.arange(nbins) * channel_average // CHANNELS_PER_PIPELINE
    first = np.flatnonzero(np.diff(pipeline, prepend=-1))
    counts = np.diff(first, append=nbins)
    finite = np.isfinite(rows)
    changes = (rows[1:] != rows[:-1]).any(axis=0) if len(rows) >= _LEAST_ROWS_STUCK else np.ones((nbins, npol), bool)
    still = ~changes & finite.all(axis=0) & (rows[-1] != 0)
    # What comes of bad values is no number: no warning is needed to see it.
    with np.errstate(invalid="ignore", over="ignore"):
        power = np.where(finite, rows, 0).sum(axis=0) / finite.sum(axis=0)
        return PipelineMap(
            _shares(~finite, first, counts),
            _shares(rows == 0, first, counts),
            _shares(still[None], first, counts),
            _over_neighbours(_medians(power, first, counts)),
        )


def _shares(wrong: NDArray[np.bool_], first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of values of each pipeline, shape (npol, npipelines), from (n, nbins, npol)."""
    return np.asarray((np.add.reduceat(wrong.mean(axis=0), first, axis=0) / counts[:, None]).T)


def _medians(power: NDArray[np.floating], first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median power of each pipeline, shape (npol, npipelines)."""
    medians = [np.median(power[start : start + count], axis=0) for start, count in zip(first, counts, strict=True)]
    return np.asarray(medians, np.float64).T


def _over_neighbours(medians: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each over the lower of both sides, each the higher of two: towards the edge of the band one is naturally low."""
    found = np.full(medians.shape, np.nan)
    # Of the first and the last one nobody can tell whether it is a fault or the antenna.
    for number in range(1, medians.shape[1] - 1):
        beside = [medians[:, max(0, number - _NEIGHBOURS) : number], medians[:, number + 1 : number + 1 + _NEIGHBOURS]]
        reference = np.min([np.where(np.isfinite(each), each, 0).max(axis=1) for each in beside], axis=0)
        positive = reference > 0
        found[positive, number] = medians[positive, number] / reference[positive]
    return found


def named(faults: NDArray[np.int8]) -> dict[Fault, list[int]]:
    """Pipelines of one product by what is wrong with them."""
    return {fault: np.flatnonzero(faults == fault).tolist() for fault in WORDS if (faults == fault).any()}


def described(pipelines: PipelineMap | None) -> str:
    """All faults in words, ``XX 7 zero, 15-17 no numbers; YY 7 zero``; empty where there is none."""
    if pipelines is None:
        return ""
    products = zip(WIRE_PRODUCTS, pipelines.faults, strict=False)
    found = [(product, named(faults)) for product, faults in products]
    return "; ".join(
        f"{product} " + ", ".join(f"{ranges(numbers)} {WORDS[fault]}" for fault, numbers in faults.items())
        for product, faults in found
        if faults
    )


def ranges(numbers: list[int]) -> str:
    """Numbers as people write them: ``7, 15-17``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
