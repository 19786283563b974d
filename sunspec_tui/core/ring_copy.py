"""Rows of the ring as recordings and figures, copied a few at a time so that nobody who fills it waits.

It asks no clock and starts nothing.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.recording import STATION, Recording, measured_cadence_s, slots
from sunspec_tui.core.retention import Keep
from sunspec_tui.core.ring_buffer import Mark, RingBuffer, Rows
from sunspec_tui.core.row_spans import begins_anew, row_begins_s, without_even_gaps
from sunspec_tui.monitoring.snapshot import Axis, Snapshot
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

_BLOCK_ROWS = 16
_PAIR = (Product.XX, Product.YY)


def blocks(ring: RingBuffer, start: int, stop: int, size: int = _BLOCK_ROWS) -> Iterator[Rows]:
    """Yield rows in blocks, the oldest first, without lost rows."""
    while start < stop:
        found = ring.between(start, min(start + size, stop))
        if len(found):
            yield found
        # Who holds the interpreter for long lets others in only after 5 ms, and the next frame may be one of them.
        time.sleep(0)
        start = max(min(start + size, stop), ring.count - ring.filled)


def ring_recording(
    ring: RingBuffer,
    axis: Axis,
    cadence_s: float,
    *,
    numbers: tuple[int, int] | None = None,
    station: str = STATION,
    source: str = "",
    software: str = "",
) -> Recording:
    """Rows of a ring as a recording.

    Parameters
    ----------
    ring, axis, cadence_s
        The rows and what is known of them.
    numbers
        Of the first row and of the one after the last; all by default.
    station, source, software
        As in `Recording`.
    """
    start, stop = numbers or (ring.count - ring.filled, ring.count)
    found = list(blocks(ring, start, stop))
    data = [rows.data for rows in found] or [np.empty((0, ring.nbins, ring.npol), np.float32)]
    times_s = np.concatenate([rows.times_s for rows in found] or [np.empty(0)])
    marks = np.concatenate([rows.marks for rows in found] or [np.empty(0, np.uint8)])
    # The mean of its own steps: the receiver's is the median, which a stream of uneven steps does not add up to.
    measured_s = measured_cadence_s(times_s)
    return Recording(
        np.concatenate(data),
        WIRE_PRODUCTS[: ring.npol],
        times_s,
        axis.frequencies_mhz * 1e6,
        measured_s if measured_s > 0 else cadence_s,
        station=station,
        source=source,
        software=software,
        restart_ends_s=times_s[(marks & Mark.RESTART).astype(np.bool_)],
    )


def live_job(
    ring: RingBuffer,
    axis: Axis,
    snapshot: Snapshot,
    product: Product,
    *,
    station: str = STATION,
    keep: Keep | None = None,
    ratio: bool = False,
    remove_background: bool = False,
) -> PlotJob | None:
    """What a figure of the ring shows: all its rows of one product, and the latest XX and YY.

    Parameters
    ----------
    ring, axis
        The rows.
    snapshot
        The monitor at the moment of the plot; it needs no rows.
    product
        XX stands in for one that the stream does not carry.
    station
        For the title.
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
    ends_s, begins_s, restarts = _spans(columns, snapshot.health.cadence_s)
    job = PlotJob(
        data=np.concatenate([each.powers[0] for each in columns]),
        spectra={str(each): joined_bins(derive(newest, each), bins)[0] for each in _PAIR if each in carried},
        times_s=ends_s,
        begins_s=begins_s,
        cadence_s=snapshot.health.cadence_s,
        frequencies_mhz=joined_frequencies(axis.frequencies_mhz, bins),
        product=str(shown),
        lag_s=snapshot.delay.value_s,
        station=f"{station} ({snapshot.source})",
        frames_missing=snapshot.health.missing,
        directory=str(snapshot.plots.directory),
        now_s=snapshot.taken_s,
        number=columns[-1].count,
        keep=keep or Keep(),
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
            edges = row_edges(rows.slots, many, begins_anew(rows.times_s, restarts))
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
    return ends_s, row_begins_s(times_s, slots, cadence_s, restarts)[firsts], restarts[firsts]


def _all(ring: RingBuffer) -> Iterator[tuple[Rows, int]]:
    """Yield blocks of all rows, with the number of rows to join."""
    start, stop = ring.count - ring.filled, ring.count
    many = joined_count(stop - start, MAX_ROWS)
    size = many * joined_count(_BLOCK_ROWS, many)
    return ((rows, many) for rows in blocks(ring, start, stop, size))


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
    begins_s = row_begins_s(times_s, places, recording.cadence_s, recording.restarts)
    edges = row_edges(places, many, begins_anew(times_s, recording.restarts))
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
