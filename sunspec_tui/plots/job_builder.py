"""Build plot jobs from the ring's rows and from recordings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.instrument import STATION
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.core.recording import Recording, slots
from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.core.ring_buffer import Mark, RingBuffer, Rows
from sunspec_tui.core.ring_copy import BLOCK_ROWS, iter_blocks
from sunspec_tui.core.row_spans import row_starts_s, starts_sequence, without_even_gaps
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.plot_reduction import (
    MAX_BINS,
    MAX_ROWS,
    finite_means,
    joined_bins,
    joined_count,
    joined_frequencies,
    last_of,
    row_edges,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIR = (Product.XX, Product.YY)


class PlotContext(NamedTuple):
    """What a plot says of the stream beside its rows.

    Attributes
    ----------
    now_s
        Time of the plot, seconds since 1970 UTC.
    source
        Address of the stream.
    cadence_s
        Data time from row to row.
    frames_missing
        Frames lost since the start.
    lag_s
        Message delay.
    directory
        Where plots are written.
    station
        For the title.
    """

    now_s: float
    source: str
    cadence_s: float
    frames_missing: int
    lag_s: float
    directory: str
    station: str = STATION


def live_job(
    ring: RingBuffer,
    axis: Axis,
    context: PlotContext,
    product: Product,
    *,
    keep: RetentionPolicy | None = None,
    ratio: bool = False,
    remove_background: bool = False,
) -> PlotJob | None:
    """What a figure of the ring shows: all its rows of one product, and the latest XX and YY.

    Parameters
    ----------
    ring, axis
        The rows.
    context
        The stream at the moment of the plot.
    product
        XX stands in for one that the stream does not carry.
    keep
        How many plots stay.
    ratio
        Make a second figure with V/I, where the stream carries it.
    remove_background
        Show the waterfall without the quiet background.

    Returns
    -------
    PlotJob or None
        None where there are no rows.
    """
    carried = available(axis.npol)
    shown = product if product in carried else Product.XX
    wanted = [shown, *([Product.V_OVER_I] if ratio and Product.V_OVER_I in carried else [])]
    bins = joined_count(ring.nbins, MAX_BINS)
    columns = [_Column.of(rows, wanted, many, bins) for rows, many in _all(ring)]
    if not columns:
        return None
    newest = columns[-1].newest
    ends_s, begins_s, restarts = _spans(columns, context.cadence_s)
    job = PlotJob(
        data=np.concatenate([each.powers[0] for each in columns]),
        spectra={str(each): joined_bins(derive(newest, each), bins)[0] for each in _PAIR if each in carried},
        times_s=ends_s,
        begins_s=begins_s,
        cadence_s=context.cadence_s,
        frequencies_mhz=joined_frequencies(axis.frequencies_mhz, bins),
        product=str(shown),
        lag_s=context.lag_s,
        station=f"{context.station} ({context.source})",
        frames_missing=context.frames_missing,
        directory=context.directory,
        now_s=context.now_s,
        number=columns[-1].count,
        keep=keep or RetentionPolicy(),
        rows_per_slot=columns[-1].rows,
        rows_received=sum(len(each.times_s) for each in columns),
        restarts_s=begins_s[restarts],
        alone_mhz=axis.bin_mhz,
        remove_background=remove_background,
    )
    if len(wanted) == 1:
        return job
    ratios = np.concatenate([each.powers[1] for each in columns])
    return replace(job, second=_with_product(job, wanted[1], ratios))


@dataclass(frozen=True, slots=True)
class _Column:
    """Block of rows reduced to the resolution of a figure.

    Attributes
    ----------
    newest
        Last row without reduction, shape (1, nbins, npol).
    powers
        Means of each product, shape (groups, bins).
    times_s, slots, restarts
        Time and slot of each row of the block, and True where it begins a new sequence.
    edges
        First row of each group, from 0.
    count, rows
        Number of the row after the last, and rows of a group.
    """

    newest: "NDArray[np.float32]"
    powers: list["NDArray[np.float32]"]
    times_s: "NDArray[np.float64]"
    slots: "NDArray[np.int64]"
    restarts: "NDArray[np.bool_]"
    edges: "NDArray[np.int64]"
    count: int
    rows: int

    @classmethod
    def of(cls, rows: Rows, products: list[Product], many: int, bins: int) -> "_Column":
        newest = rows.data[-1:].copy()
        powers = [joined_bins(np.ascontiguousarray(derive(rows.data, each)), bins) for each in products]
        restarts = (rows.marks & Mark.RESTART).astype(np.bool_)
        edges = np.arange(len(rows))
        if many > 1:
            edges = row_edges(rows.slots, many, starts_sequence(rows.times_s, restarts))
            powers = [finite_means(power, edges) for power in powers]
        return cls(newest, powers, rows.times_s, rows.slots, restarts, edges, rows.count, many)


def _spans(
    columns: list[_Column], cadence_s: float
) -> tuple["NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.bool_]"]:
    """Return the end and the beginning of each group of rows, and whether it begins a new sequence."""
    times_s, slots, restarts = (
        np.concatenate([getattr(each, name) for each in columns]) for name in ("times_s", "slots", "restarts")
    )
    offsets = np.cumsum([0, *(len(each.times_s) for each in columns[:-1])])
    firsts = np.concatenate([each.edges + offset for each, offset in zip(columns, offsets, strict=True)])
    ends_s = times_s[last_of(firsts, len(times_s))]
    return ends_s, row_starts_s(times_s, slots, cadence_s, restarts)[firsts], restarts[firsts]


def _all(ring: RingBuffer) -> Iterator[tuple[Rows, int]]:
    """Yield blocks of all rows, with the number of rows to join."""
    start, stop = ring.count - ring.filled, ring.count
    many = joined_count(stop - start, MAX_ROWS)
    size = many * joined_count(BLOCK_ROWS, many)
    return ((rows, many) for rows in iter_blocks(ring, start, stop, size))


def _with_product(job: PlotJob, product: Product, data: "NDArray[np.float32]") -> PlotJob:
    return replace(job, data=data, product=str(product), spectra={str(product): data[-1].copy()})


def recorded_job(recording: Recording, product: Product | str | None = None) -> PlotJob:
    """What a figure of a recording shows: a product, or the only one or XX if none is named.

    Raises
    ------
    UsageError
        If there is no such product, or no row.
    """
    carried = recording.carries()
    product = recording.default_product() if product is None else product
    if product not in carried:
        raise UsageError(f"there is no {product} in it; choose one of {', '.join(carried)}")
    if not len(recording):
        raise UsageError("there is no row in that time to draw; choose another")
    shown = Product(product)
    # Beside a signed product there is no pair to show it with, unless the recording has one.
    names = [each for each in _PAIR if each in carried] or [shown]
    times_s = recording.times_s
    places = without_even_gaps(times_s, slots(times_s, recording.cadence_s))
    last = recording.only(slice(-1, None))
    bins = joined_count(len(recording.frequencies_hz), MAX_BINS)
    many = joined_count(len(recording), MAX_ROWS)
    begins_s = row_starts_s(times_s, places, recording.cadence_s, recording.restarts)
    edges = row_edges(places, many, starts_sequence(times_s, recording.restarts))
    data = np.ascontiguousarray(recording.power(shown))
    return PlotJob(
        data=joined_bins(data if many == 1 else finite_means(data, edges), bins),
        spectra={str(each): joined_bins(last.power(each), bins)[0].copy() for each in names},
        times_s=times_s[last_of(edges, len(recording))],
        begins_s=begins_s[edges],
        cadence_s=recording.cadence_s,
        frequencies_mhz=joined_frequencies(recording.frequencies_hz / 1e6, bins),
        product=str(shown),
        lag_s=None,
        station=" ".join(filter(None, (recording.station, f"({recording.source})" if recording.source else ""))),
        frames_missing=int(places[-1] + 1 - len(places)),
        heading="last spectrum",
        rows_per_slot=many,
        rows_received=len(recording),
        restarts_s=begins_s[recording.restarts],
    )
