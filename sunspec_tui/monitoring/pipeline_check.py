"""Find faulty pipelines of the instrument, which are blocks of 96 channels.

Pure arithmetic on the last rows. Faults are only reported: the rows are not changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNELS_PER_PIPELINE
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.monitoring.finding import Finding

ROWS = 8
"""Number of rows that are checked: two seconds at a cadence of 0.25 s."""

_MAX_SHARE = 0.5
_LOW = 0.1
_MIN_ROWS_STUCK = 3
_NEIGHBOURS = 2
_EVENT_AFTER_S = 2.0


class Fault(IntEnum):
    """Fault of a pipeline, in order of severity."""

    NONE = 0
    SOME_NAN = 1
    SOME_ZERO = 2
    PART = 3
    LOW = 4
    STUCK = 5
    ZERO = 6
    NAN = 7


SIGNS = {
    Fault.NONE: "·",
    Fault.SOME_NAN: "m",
    Fault.SOME_ZERO: "o",
    Fault.PART: "p",
    Fault.LOW: "l",
    Fault.STUCK: "=",
    Fault.ZERO: "0",
    Fault.NAN: "n",
}
WORDS = {
    Fault.SOME_NAN: "some no numbers",
    Fault.SOME_ZERO: "some zeros",
    Fault.PART: "power missing",
    Fault.LOW: "low",
    Fault.STUCK: "stuck",
    Fault.ZERO: "zero",
    Fault.NAN: "no numbers",
}

_MANY_IN_PIPELINE = 4 / CHANNELS_PER_PIPELINE
_MANY_IN_BAND = 0.005
"""Single bad channels may be masked on purpose; at these shares or more they are scattered losses."""


@dataclass(frozen=True, eq=False)
class PipelineMap:
    """State of the pipelines of each product.

    All arrays have the shape (npol, npipelines).

    Attributes
    ----------
    nan, zero, stuck
        Share of values that are not finite, that are 0, and that have not changed over the rows, 0 to 1.
    level
        Median power divided by that of the neighbours; NaN if unknown.
    partial
        True if a part of the power is missing, according to the steps at the edges.
    channels
        Share of bad channels in the last frames; None if they were not checked.
    """

    nan: NDArray[np.float64]
    zero: NDArray[np.float64]
    stuck: NDArray[np.float64]
    level: NDArray[np.float64]
    partial: NDArray[np.bool_]
    channels: "BadChannels | None" = None

    @property
    def faults(self) -> NDArray[np.int8]:
        """`Fault` of each pipeline.

        Losses of power and of single channels are checked in XX and YY only. A product without any value is either not
        carried or lost as a whole, which is not a fault of a pipeline.
        """
        result = np.zeros(self.nan.shape, np.int8)
        if self.channels is not None:
            result[:2][_scattered(self.channels.nan)] = Fault.SOME_NAN
            result[:2][_scattered(self.channels.zero)] = Fault.SOME_ZERO
        result[:2][self.partial] = Fault.PART
        result[:2][self.level[:2] < _LOW] = Fault.LOW
        for share, fault in ((self.stuck, Fault.STUCK), (self.zero, Fault.ZERO), (self.nan, Fault.NAN)):
            result[share > _MAX_SHARE] = fault
        result[((self.zero + self.nan) >= 1).all(axis=1)] = Fault.NONE
        return result


@dataclass(frozen=True, eq=False)
class BadChannels:
    """Share of bad channels in each pipeline of XX and YY.

    The arrays have the shape (npol, npipelines). The shares are measured in frames and not in rows, because a bin of
    several channels hides a channel that is zero.

    Attributes
    ----------
    zero, nan
        Share of channels that are 0, and that are not finite.
    """

    zero: NDArray[np.float64]
    nan: NDArray[np.float64]


def bad_channels(spectrum: NDArray[np.floating]) -> BadChannels:
    """Measure the share of bad channels in one frame.

    Parameters
    ----------
    spectrum
        Power, shape (nchan, npol).
    """
    powers = spectrum[:, :2]
    first = np.arange(0, len(powers), CHANNELS_PER_PIPELINE)
    counts = np.diff(first, append=len(powers))
    return BadChannels(_shares((powers == 0)[None], first, counts), _shares(~np.isfinite(powers)[None], first, counts))


def mean_bad_channels(frames: Sequence[BadChannels]) -> BadChannels | None:
    """Return the mean over frames of one shape; None without frames."""
    if not frames:
        return None
    return BadChannels(np.mean([each.zero for each in frames], axis=0), np.mean([each.nan for each in frames], axis=0))


def _scattered(share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return True for pipelines with many bad channels.

    If the whole band has many bad channels, one bad channel in a pipeline suffices.
    """
    partly = np.where(share > _MAX_SHARE, 0.0, share)
    band = partly.mean(axis=1, keepdims=True)
    return np.asarray((partly >= _MANY_IN_PIPELINE) | ((partly > 0) & (band >= _MANY_IN_BAND)))


def pipeline_map(
    rows: NDArray[np.float32],
    channel_average: int,
    *,
    partial: NDArray[np.bool_] | None = None,
    channels: BadChannels | None = None,
    recorded: bool = False,
    foreign: bool = False,
) -> PipelineMap:
    """Measure the state of the pipelines over some rows.

    Parameters
    ----------
    rows
        Power, shape (n, nbins, npol), n at least 1.
    channel_average
        Channels per bin; a bin on an edge belongs to the pipeline of its first channel.
    partial
        True for pipelines that have lost a part of their power, as returned by `PartialLosses`; none by default.
    channels
        Bad channels of the last frames.
    recorded
        True for a recording, where bins below and above its frequencies are NaN by design.
    foreign
        True for data of another instrument, whose levels do not depend on these pipelines.
    """
    _, nbins, npol = rows.shape
    pipeline = np.arange(nbins) * channel_average // CHANNELS_PER_PIPELINE
    first = np.flatnonzero(np.diff(pipeline, prepend=-1))
    counts = np.diff(first, append=nbins)
    finite = np.isfinite(rows)
    missing = ~finite & ~_outside_band(finite) if recorded else ~finite
    # Invalid values become NaN, which needs no warning.
    with np.errstate(invalid="ignore", over="ignore"):
        power = np.where(finite, rows, 0).sum(axis=0) / finite.sum(axis=0)
    zeros = np.zeros((npol, len(first)))
    return PipelineMap(
        _shares(missing, first, counts),
        _shares(rows == 0, first, counts),
        zeros if foreign else _shares(_unchanged(rows, finite)[None], first, counts),
        np.full(zeros.shape, np.nan) if foreign else _relative_to_neighbours(_medians(power, first, counts)),
        zeros[:2] > 0 if foreign or partial is None else partial,
        None if recorded else channels,
    )


def _outside_band(finite: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return True for bins outside the finite ones, shape (1, nbins, npol)."""
    any_row = np.asarray(finite.any(axis=0))
    above_lowest = np.logical_or.accumulate(any_row, axis=0)
    below_highest = np.logical_or.accumulate(any_row[::-1], axis=0)[::-1]
    return np.asarray(~(above_lowest & below_highest)[None])


def _unchanged(rows: NDArray[np.float32], finite: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return True for bins that have not changed, shape (nbins, npol)."""
    if len(rows) < _MIN_ROWS_STUCK:
        return np.zeros(rows.shape[1:], bool)
    changes = (rows[1:] != rows[:-1]).any(axis=0)
    return np.asarray(~changes & finite.all(axis=0) & (rows[-1] != 0))


def _shares(wrong: NDArray[np.bool_], first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of True in each pipeline.

    The shape is (npol, npipelines), from (n, nbins, npol).
    """
    if not wrong.any():
        return np.zeros((wrong.shape[2], len(first)))
    return np.asarray((np.add.reduceat(wrong.mean(axis=0), first, axis=0) / counts[:, None]).T)


def _medians(power: NDArray[np.floating], first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median power of each pipeline, shape (npol, npipelines)."""
    if (counts == counts[0]).all():
        # Pipelines of equal size, as in the instrument's frames, need one call instead of 32.
        return np.asarray(np.median(power.reshape(len(counts), counts[0], -1), axis=1), np.float64).T
    medians = [np.median(power[start : start + count], axis=0) for start, count in zip(first, counts, strict=True)]
    return np.asarray(medians, np.float64).T


def _relative_to_neighbours(medians: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each median by a reference from its neighbours.

    The level of a side is the higher median of the two neighbours there. The reference is the lower level of both
    sides, because towards the edge of the band the levels of one side are naturally low.
    """
    known = np.where(np.isfinite(medians), medians, 0)
    padded = np.pad(known, ((0, 0), (_NEIGHBOURS, _NEIGHBOURS)), constant_values=-np.inf)
    highest = sliding_window_view(padded, _NEIGHBOURS, axis=1).max(axis=-1)
    count = medians.shape[1]
    reference = np.minimum(highest[:, :count], highest[:, _NEIGHBOURS + 1 :])
    result = np.full(medians.shape, np.nan)
    np.divide(medians, reference, out=result, where=reference > 0)
    # At the ends of the band, a fault cannot be distinguished from the antenna's response.
    result[:, [0, -1]] = np.nan
    return result


def pipelines_by_fault(faults: NDArray[np.int8]) -> dict[Fault, list[int]]:
    """Group the numbers of one product's faulty pipelines by fault."""
    return {fault: np.flatnonzero(faults == fault).tolist() for fault in WORDS if (faults == fault).any()}


def describe_faults(pipelines: PipelineMap | None) -> str:
    """Describe all faults; empty without faults.

    An example is ``XX 7 zero, 15-17 no numbers; YY 7 zero``.
    """
    if pipelines is None:
        return ""
    products = zip(WIRE_PRODUCTS, pipelines.faults, strict=False)
    result = [(product, pipelines_by_fault(faults)) for product, faults in products]
    return "; ".join(
        f"{product} " + ", ".join(f"{format_ranges(numbers)} {WORDS[fault]}" for fault, numbers in faults.items())
        for product, faults in result
        if faults
    )


def format_ranges(numbers: list[int]) -> str:
    """Format sorted numbers as text with ranges: ``7, 15-17``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def pipelines_finding(pipelines: PipelineMap | None) -> Finding:
    """Return the finding of pipelines at fault."""
    faults = describe_faults(pipelines)
    count = 0 if pipelines is None else int((pipelines.faults > 0).any(axis=0).sum())
    return Finding(
        "pipelines",
        faults,
        f"pipelines at fault: {faults}" if faults else "no pipelines are at fault any more",
        label=f"{count} pipeline{'s' * (count > 1)} at fault" if count else "",
        wait_s=_EVENT_AFTER_S,
        values={"faults": faults},
    )
