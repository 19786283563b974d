"""Define plot jobs, the status of the plot writer, and its events.

No drawing library is imported here, so that front ends, the receiver and the plot process can share these types at no
cost.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import SIGNED_PRODUCTS
from sunspec_tui.core.retention import RetentionPolicy

INTERVALS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 0)
"""Plot intervals in seconds that the keys select, from frequent to rare; 0 is off."""


@dataclass(frozen=True, slots=True)
class PlotJob:
    """Data and settings of one figure.

    Attributes
    ----------
    data
        Power of one product, float32, shape (nrows, nbins), oldest row first.
    spectra
        Latest spectrum, shape (nbins,), by the product's name.
    times_s
        End of each row's averaging, seconds since 1970 UTC, shape (nrows,).
    begins_s
        Beginning of each row's averaging, seconds since 1970 UTC, shape (nrows,).
    cadence_s
        Data time from row to row, for the title; NaN while unknown.
    frequencies_mhz
        Centres of the bins, shape (nbins,).
    product
        Name of the product in `data`.
    lag_s
        Message delay; NaN while unknown, None for recorded data.
    station
        Origin of the stream, for the title.
    frames_missing
        Frames lost so far; None if headers do not allow to count them.
    directory
        Directory of the file.
    now_s
        Time of the plot, seconds since 1970 UTC, for the file's name.
    number
        Number of the row after the newest; unchanged if there is nothing new to draw.
    keep
        Limits of the plots that are kept in the directory.
    heading
        Description of the spectra in the upper panel.
    note
        Text of the title in place of the losses; empty for the losses.
    second
        Second figure of the same time, written to another file; None for no second figure.
    clock_agrees
        True if the wall clock is trusted, so that old plots may be removed.
    rows_per_slot
        Number of rows averaged into each row of `data`, 1 unless there are too many; times are those of the last row.
    rows_received
        Number of rows in the figure; None means the rows of `data`.
    restarts_s
        Beginnings of the rows that begin a new sequence, seconds since 1970 UTC.
    alone_mhz
        Width of a bin if there is only one.
    remove_background
        True if the waterfall shows `data` without their quiet background.
    palette
        Colour map of the waterfall, one of `colormaps.PALETTES`; a signed product has the diverging map.
    levels
        Floor and ceiling of the waterfall; None for automatic levels.
    unit
        Unit of the powers.
    stem
        Name of the file without its extension; empty for a name from the time of the plot. A file with a given name
        replaces an earlier one, and is no plot of the schedule: no plot is deleted, and ``latest.png`` stays.
    """

    data: NDArray[np.float32]
    spectra: dict[str, NDArray[np.float32]]
    times_s: NDArray[np.float64]
    begins_s: NDArray[np.float64]
    cadence_s: float
    frequencies_mhz: NDArray[np.float64]
    product: str
    lag_s: float | None = math.nan
    station: str = ""
    frames_missing: int | None = 0
    directory: str = "figs"
    now_s: float = 0.0
    number: int = 0
    keep: RetentionPolicy = field(default_factory=RetentionPolicy)
    heading: str = "latest spectrum"
    note: str = ""
    second: "PlotJob | None" = None
    clock_agrees: bool = False
    rows_per_slot: int = 1
    rows_received: int | None = None
    restarts_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    alone_mhz: float = 1.0
    remove_background: bool = False
    palette: str = PALETTES[0]
    levels: Levels | None = None
    unit: str = ARBITRARY
    stem: str = ""

    @property
    def signed(self) -> bool:
        """True if the product's values may be negative."""
        return self.product in SIGNED_PRODUCTS


def newest_seconds(job: PlotJob, span_s: float) -> PlotJob:
    """Return a job of the rows of the last seconds.

    A row whose length is unknown begins where it ends. The newest row is always kept.
    """
    begins_s = np.where(np.isfinite(job.begins_s), job.begins_s, job.times_s)
    # Half a row of tolerance: the sum of many cadences is not exact.
    tolerance_s = float(job.times_s[-1] - begins_s[-1]) / 2
    older = np.flatnonzero(begins_s[:-1] < job.times_s[-1] - span_s - tolerance_s)
    first = int(older[-1]) + 1 if older.size else 0
    received = len(job.times_s) if job.rows_received is None else job.rows_received
    return replace(
        job,
        data=job.data[first:],
        times_s=job.times_s[first:],
        begins_s=job.begins_s[first:],
        restarts_s=job.restarts_s[job.restarts_s >= begins_s[first]],
        rows_received=max(1, received - first * job.rows_per_slot),
    )


@dataclass(frozen=True, slots=True)
class PlotStatus:
    """Status of the plot writer.

    Attributes
    ----------
    interval_s
        Seconds from plot to plot; 0 is off.
    directory
        Directory of the plots.
    running, busy
        True if the writer is running, and if it is drawing.
    written, failed
        Counts since the start.
    last_path, last_time_s, last_seconds, last_bytes
        Last written plot: file, time (since 1970), duration of drawing and writing, size.
    last_error
        Last failure, until a plot succeeds; else empty.
    kept, kept_bytes
        Number and size of this program's plots in the directory after the last plot; None before it.
    removed
        Number of old plots removed since the start.
    note
        Anything unusual about the plot directory, such as another monitor in it; else empty.
    """

    interval_s: float = 0.0
    directory: Path = Path("figs")
    running: bool = False
    busy: bool = False
    written: int = 0
    failed: int = 0
    last_path: str | None = None
    last_time_s: float | None = None
    last_seconds: float | None = None
    last_bytes: int | None = None
    last_error: str = ""
    kept: int | None = None
    kept_bytes: int | None = None
    removed: int = 0
    note: str = ""


class PlotEvent(NamedTuple):
    """Report of the plot writer: a plot was written, failed or moved."""

    ok: bool
    text: str
    unusual: bool = False


def next_interval(seconds: float, direction: int) -> float:
    """Return the next rarer (1) or more frequent (-1) of `INTERVALS_S`.

    At an end, that end.
    """

    def rarity(interval_s: float) -> float:
        return interval_s or math.inf

    if direction > 0:
        return next((other for other in INTERVALS_S if rarity(other) > rarity(seconds)), INTERVALS_S[-1])
    return next((other for other in reversed(INTERVALS_S) if rarity(other) < rarity(seconds)), INTERVALS_S[0])
