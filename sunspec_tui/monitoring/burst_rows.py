"""Read the rows of a burst from a timeline, in bounded memory.

The rows are read in pieces, of which one product is kept. A burst of hours, or one whose first rows are not known any
more, is shown by means of blocks of time.
"""

import logging
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording, measured_cadence_s
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks
from sunspec_tui.core.timeline_source import TimelineAxis
from sunspec_tui.plots.burst_picture import limits_around_peak
from sunspec_tui.plots.plot_reduction import MAX_ROWS
from sunspec_tui.timeline.row_joining import joined_recordings

log = logging.getLogger(__name__)

MAX_FILE_S = 1800.0
"""Longest time of the rows in a file; of a longer burst, it has the time around the peak."""

MAX_FILE_NBYTES = 2**26
"""Memory of the rows of a file, one product; the oldest rows beyond it are left out."""

MAX_SHOWN_S = 86_400.0
"""Longest time in a picture."""

PIECE_S = 60.0
"""Time of the rows that are read at once, with all products."""


class BurstTimeline(Protocol):
    """Timeline from which the rows of a burst are read."""

    def axis(self) -> TimelineAxis | None:
        """Return bins and products; None without rows."""

    def known_rows(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times that can be read."""

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return blocks of time; see `TimelineSource.blocks`."""


class BurstRows(NamedTuple):
    """Rows of a burst; both have one product.

    Attributes
    ----------
    rows
        Rows of at most `MAX_FILE_S`, for a file.
    shown
        Rows, or means of blocks, of the whole burst, for its picture.
    """

    rows: Recording
    shown: Recording


def read_burst_rows(timeline: BurstTimeline, burst: Burst) -> BurstRows | None:
    """Read the rows of a burst, with a margin around it.

    Returns
    -------
    BurstRows or None
        None if no row of the burst is known.
    """
    axis = timeline.axis()
    if axis is None or not axis.products:
        return None
    product = Product.I if Product.I in axis.products else axis.products[0]
    near_s, whole_s = limits_around_peak(burst, MAX_FILE_S), limits_around_peak(burst, MAX_SHOWN_S)
    newest_s = max(whole_s[0], whole_s[1] - MAX_FILE_S), whole_s[1]
    # Without an archive, the time around an early peak may be forgotten already.
    rows = _rows(timeline, *near_s, product) or _rows(timeline, *newest_s, product)
    if rows is None or rows.starts_s[0] > burst.end_s or rows.times_s[-1] < burst.begin_s:
        return None
    if near_s == whole_s and not is_begin_missing(rows, burst):
        return BurstRows(rows, rows)
    means = _means_or_none(timeline, burst, rows, whole_s)
    return BurstRows(rows, rows if means is None else means)


def is_begin_missing(rows: Recording, burst: Burst) -> bool:
    """Return True if the first row is later than the burst's begin."""
    tolerance_s = 2 * rows.cadence_s if rows.cadence_s > 0 else 0.0
    return float(rows.starts_s[0]) > burst.begin_s + tolerance_s


def _rows(timeline: BurstTimeline, begin_s: float, end_s: float, product: Product) -> Recording | None:
    """Return one product of the rows between two times; None without rows."""
    pieces, nbytes, stop_s = list[Recording](), 0, end_s
    # The newest rows come first, because those of another axis than theirs are left out.
    while stop_s > begin_s and nbytes < MAX_FILE_NBYTES:
        first_s = max(begin_s, stop_s - PIECE_S)
        piece = timeline.known_rows(first_s, stop_s)
        if piece is not None and len(piece) and product in piece.carries():
            pieces.append(replace(piece, data=piece.power(product)[..., None], products=(product,)))
            nbytes += pieces[-1].data.nbytes
        stop_s = first_s
    rows = joined_recordings(pieces[::-1])
    if rows is None:
        return None
    cadence_s = measured_cadence_s(rows.times_s)
    return replace(rows, cadence_s=cadence_s) if cadence_s > 0 else rows


def _means_or_none(
    timeline: BurstTimeline, burst: Burst, rows: Recording, limits_s: tuple[float, float]
) -> Recording | None:
    """Return means of the burst; None if rows show as much."""
    try:
        means = _means(timeline, rows, limits_s)
    except SunspecError as error:
        log.warning("the picture of the burst %s has no means: %s", printable(burst.short_text), error)
        return None
    is_longer = means is not None and (
        means.starts_s[0] < rows.starts_s[0] - means.cadence_s or means.times_s[-1] > rows.times_s[-1] + means.cadence_s
    )
    return means if is_longer else None


def _means(timeline: BurstTimeline, rows: Recording, limits_s: tuple[float, float]) -> Recording | None:
    """Return the means of blocks between two times as a recording.

    The blocks are the shortest of which a figure shows each one.
    """
    (begin_s, end_s), (product,) = limits_s, rows.products
    step_s = next((step_s for step_s in STEPS_S if end_s - begin_s <= MAX_ROWS * step_s), STEPS_S[-1])
    parts = timeline.blocks(step_s, begin_s // step_s * step_s, -(-end_s // step_s) * step_s, product)
    axis = timeline.axis()
    if axis is None or not parts:
        return None
    times_s = np.concatenate([part.end_us for part in parts]) / SECOND_US
    # Where only longer blocks are known, these are returned.
    cadence_s = measured_cadence_s(times_s)
    return replace(
        rows,
        data=np.concatenate([part.mean for part in parts])[..., None],
        times_s=times_s,
        frequencies_hz=axis.frequencies_hz,
        cadence_s=cadence_s if cadence_s > 0 else float(parts[-1].step_s),
        restart_ends_s=times_s[np.concatenate([part.restarts for part in parts])],
    )
