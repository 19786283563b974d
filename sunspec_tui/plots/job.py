"""Plots as values: what is to be drawn, how the writer is doing, what has just happened.

No drawing library is named here, so that front ends, the receiver and the writer's process can
share these types for nothing.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import SIGNED_PRODUCTS
from sunspec_tui.core.retention import RetentionPolicy

INTERVALS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 0)
"""Seconds from plot to plot that the keys go through, from often to never: 0 is off."""


@dataclass(frozen=True, slots=True)
class PlotJob:
    """One figure's worth of data.

    Attributes
    ----------
    data
        Power of one product, float32, shape (nrows, nbins), oldest row first.
    spectra
        Latest spectrum, shape (nbins,), by the name of its product.
    times_s
        End of each row's averaging, seconds since 1970 UTC, shape (nrows,).
    begins_s
        Beginning of each row's averaging, seconds since 1970 UTC, shape (nrows,).
    cadence_s
        Data time from row to row as the title says it; NaN while unknown.
    frequencies_mhz
        Centres of the bins, shape (nbins,).
    product
        Name of the product in `data`.
    lag_s
        Message delay; NaN while unknown, None for what was recorded.
    station
        Where the stream comes from, for the title.
    frames_missing
        Frames lost so far; None where headers cannot tell.
    directory
        Where the file goes.
    now_s
        Moment of the plot, seconds since 1970 UTC: the file's name.
    number
        Number of the row after the newest: tells whether there is anything new to draw.
    keep
        How many plots stay in the directory.
    heading
        What the spectra of the upper panel are.
    note
        What the title says in place of the losses; empty for these.
    second
        Another figure of the same moment, which goes to a file of its own; None for none.
    clock_agrees
        True if the wall clock is trusted, so that old plots may be removed.
    rows_per_slot
        Number of rows averaged into each row of `data`, 1 unless there are too many; times are those of the last row.
    rows_received
        Number of rows in the figure; None means the rows of `data`.
    restarts_s
        Beginnings of the rows that begin a new sequence, seconds since 1970 UTC.
    alone_mhz
        Width of the bin where there is only one.
    remove_background
        True if the waterfall shows `data` without their quiet background.
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

    @property
    def signed(self) -> bool:
        """Whether the product is negative as a matter of course."""
        return self.product in SIGNED_PRODUCTS


@dataclass(frozen=True, slots=True)
class PlotStatus:
    """How the plot writer is doing.

    Attributes
    ----------
    interval_s
        From plot to plot; 0 is off.
    directory
        Where plots go.
    running, busy
        Whether the writer is there, and whether it draws at this moment.
    written, failed
        Counts since the start.
    last_path, last_time_s, last_seconds, last_bytes
        Of the last plot that was written: file, when (since 1970), how long it took, size.
    last_error
        What went wrong last, until a plot succeeds; else empty.
    kept, kept_bytes
        Plots of ours in the directory after the last one, and their size; None before it.
    removed
        Plots removed since the start because newer ones take their place.
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
    """The next rarer (1) or more frequent (-1) of `INTERVALS_S`; the end where there is none."""

    def rarity(interval_s: float) -> float:
        return interval_s or math.inf

    if direction > 0:
        return next((other for other in INTERVALS_S if rarity(other) > rarity(seconds)), INTERVALS_S[-1])
    return next((other for other in reversed(INTERVALS_S) if rarity(other) < rarity(seconds)), INTERVALS_S[0])
