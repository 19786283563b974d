"""Build plot jobs from rows of the ring buffer and from recordings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sunspec_tui.core.colormaps import PALETTES
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
    average_bins,
    average_frequencies,
    finite_means,
    group_size,
    last_rows,
    row_edges,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIR = (Product.XX, Product.YY)


class PlotContext(NamedTuple):
    """Properties of the stream that a plot shows with its rows.

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
        Directory of the plots.
    station
        Station's name, for the title.
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
    palette: str = PALETTES[0],
) -> PlotJob | None:
    """Build a job of all rows in the ring buffer.

    It has one product, and the latest XX and YY.

    Parameters
    ----------
    ring, axis
        Ring buffer, and frequency axis of its rows.
    context
        Properties of the stream at the time of the plot.
    product
        Product of the waterfall; XX if the stream does not carry it.
    keep
        Limits of the plots that are kept.
    ratio
        True to add a second figure with V/I, if the stream carries it.
    remove_background
        True to show the waterfall without the quiet background.
    palette
        Colour map of the waterfall.

    Returns
    -------
    PlotJob or None
        None without rows.
    """
    carried = available(axis.npol)
    shown = product if product in carried else Product.XX
    products = [shown, *([Product.V_OVER_I] if ratio and Product.V_OVER_I in carried else [])]
    bins = group_size(ring.nbins, MAX_BINS)
    blocks = [_ReducedBlock.of(rows, products, group, bins) for rows, group in _row_blocks(ring)]
    if not blocks:
        return None
    job = replace(
        _live_figure(blocks, context, shown),
        spectra=_pair_spectra(blocks[-1].newest, carried, bins),
        frequencies_mhz=average_frequencies(axis.frequencies_mhz, bins),
        keep=keep or RetentionPolicy(),
        alone_mhz=axis.bin_mhz,
        remove_background=remove_background,
        palette=palette,
        unit=ring.unit,
    )
    if len(products) == 1:
        return job
    ratios = np.concatenate([each.powers[1] for each in blocks])
    return replace(job, second=_with_product(job, products[1], ratios))


def _pair_spectra(
    newest: "NDArray[np.float32]", carried: tuple[Product, ...], bins: int
) -> dict[str, "NDArray[np.float32]"]:
    """Return XX and YY of the last row, if carried."""
    return {str(each): average_bins(derive(newest, each), bins)[0] for each in _PAIR if each in carried}


@dataclass(frozen=True, slots=True)
class _ReducedBlock:
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
    def of(cls, rows: Rows, products: list[Product], group: int, bins: int) -> "_ReducedBlock":
        newest = rows.data[-1:].copy()
        powers = [average_bins(np.ascontiguousarray(derive(rows.data, each)), bins) for each in products]
        restarts = (rows.marks & Mark.RESTART).astype(np.bool_)
        edges = np.arange(len(rows))
        if group > 1:
            edges = row_edges(rows.slots, group, starts_sequence(rows.times_s, restarts))
            powers = [finite_means(power, edges) for power in powers]
        return cls(newest, powers, rows.times_s, rows.slots, restarts, edges, rows.count, group)


def _live_figure(blocks: list[_ReducedBlock], context: PlotContext, product: Product) -> PlotJob:
    """Build a job of reduced blocks, without spectra and frequencies."""
    ends_s, begins_s, restarts = _spans(blocks, context.cadence_s)
    return PlotJob(
        data=np.concatenate([each.powers[0] for each in blocks]),
        spectra={},
        times_s=ends_s,
        begins_s=begins_s,
        cadence_s=context.cadence_s,
        frequencies_mhz=np.empty(0),
        product=str(product),
        lag_s=context.lag_s,
        station=f"{context.station} ({context.source})",
        frames_missing=context.frames_missing,
        directory=context.directory,
        now_s=context.now_s,
        number=blocks[-1].count,
        rows_per_slot=blocks[-1].rows,
        rows_received=sum(len(each.times_s) for each in blocks),
        restarts_s=begins_s[restarts],
    )


def _spans(
    blocks: list[_ReducedBlock], cadence_s: float
) -> tuple["NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.bool_]"]:
    """Return end, beginning and restart of each group of rows."""
    times_s, slots, restarts = (
        np.concatenate([getattr(each, name) for each in blocks]) for name in ("times_s", "slots", "restarts")
    )
    offsets = np.cumsum([0, *(len(each.times_s) for each in blocks[:-1])])
    firsts = np.concatenate([each.edges + offset for each, offset in zip(blocks, offsets, strict=True)])
    ends_s = times_s[last_rows(firsts, len(times_s))]
    return ends_s, row_starts_s(times_s, slots, cadence_s, restarts)[firsts], restarts[firsts]


def _row_blocks(ring: RingBuffer) -> Iterator[tuple[Rows, int]]:
    """Yield blocks of all rows, with the number of rows to join."""
    start, stop = ring.count - ring.filled, ring.count
    group = group_size(stop - start, MAX_ROWS)
    size = group * group_size(BLOCK_ROWS, group)
    return ((rows, group) for rows in iter_blocks(ring, start, stop, size))


def _with_product(job: PlotJob, product: Product, data: "NDArray[np.float32]") -> PlotJob:
    return replace(job, data=data, product=str(product), spectra={str(product): data[-1].copy()})


def recorded_job(recording: Recording, product: Product | str | None = None) -> PlotJob:
    """Build a job of a recording.

    The default product is its only one, or else XX.

    Raises
    ------
    UsageError
        If the recording does not have the product, or has no row.
    """
    carried = recording.carries()
    product = recording.default_product() if product is None else product
    if product not in carried:
        raise UsageError(f"the recording has no {product}; choose one of {', '.join(carried)}")
    if not len(recording):
        raise UsageError("there is no row in that time to draw; choose another time")
    shown = Product(product)
    # The upper panel shows XX and YY if the recording has them, else the product itself.
    names = [each for each in _PAIR if each in carried] or [shown]
    times_s = recording.times_s
    places = without_even_gaps(times_s, slots(times_s, recording.cadence_s))
    last = recording.only(slice(-1, None))
    bins = group_size(len(recording.frequencies_hz), MAX_BINS)
    group = group_size(len(recording), MAX_ROWS)
    begins_s = row_starts_s(times_s, places, recording.cadence_s, recording.restarts)
    edges = row_edges(places, group, starts_sequence(times_s, recording.restarts))
    data = np.ascontiguousarray(recording.power(shown))
    return PlotJob(
        data=average_bins(data if group == 1 else finite_means(data, edges), bins),
        spectra={str(each): average_bins(last.power(each), bins)[0].copy() for each in names},
        times_s=times_s[last_rows(edges, len(recording))],
        begins_s=begins_s[edges],
        cadence_s=recording.cadence_s,
        frequencies_mhz=average_frequencies(recording.frequencies_hz / 1e6, bins),
        product=str(shown),
        lag_s=None,
        station=" ".join(filter(None, (recording.station, f"({recording.source})" if recording.source else ""))),
        frames_missing=int(places[-1] + 1 - len(places)),
        heading="last spectrum",
        rows_per_slot=group,
        rows_received=len(recording),
        restarts_s=begins_s[recording.restarts],
        unit=recording.unit,
    )
