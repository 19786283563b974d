"""Recordings: rows with their axes and origin, for files and figures.

A value and pure functions on it. This module opens no file and depends on no file format.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import escape
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, STATION
from sunspec_tui.core.notes import Note, NoteList, note_metadata
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, available, derive
from sunspec_tui.core.row_spans import cadence_changes, row_lengths_s
from sunspec_tui.core.times import format_date_and_clock

MAX_NAME = 1000
"""Longest name of a station, a source or a program in a file."""

MAX_STEP_RATIO = 1.5
"""A step that is longer than this number of rows is a gap."""

_NO_GAP, _SAME_CADENCE = 0.5, 0.1  # largest difference from the usual step, as a share of it
_GRID_TOLERANCE_CHANNELS = 0.02
_CHANNELS = 4096  # of the instrument
MIN_CADENCE_S, MAX_CADENCE_S = 1e-6, 86_400.0
"""Shortest and longest accepted data time from row to row, in seconds."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that were averaged into bins.

    Attributes
    ----------
    chan0
        First channel.
    channel_average
        Channels per bin.
    nchan
        Channels of all bins; the last bin may have fewer than the others.
    """

    chan0: int
    channel_average: int
    nchan: int


@dataclass(frozen=True, slots=True, repr=False)
class Recording:
    """Rows, oldest first, with their axes and their origin.

    Attributes
    ----------
    data
        Power, float32, shape (n, nbins, nproducts).
    products
        Name of each product in `data`, as received.
    times_s
        End of each row's averaging, seconds since 1970 UTC, shape (n,).
    frequencies_hz
        Centres of the bins, ascending, shape (nbins,).
    cadence_s
        Data time from row to row without missing rows; NaN while unknown.
    station
        Station that observed the data.
    source
        The stream's address, or the file.
    software
        Name and version of the program that wrote it.
    restart_ends_s
        End times of the rows that begin a new sequence, if known; files do not store them.
    unit
        Unit of power: `ARBITRARY`, as received, or `SFU`. V/I has none.
    notes
        Observers' notes; those of other times are ignored.
    """

    draw_png: ClassVar["Callable[[Recording], bytes] | None"] = None
    """Draws a recording for notebooks; the package sets it, because `core` must not import `plots`."""

    data: NDArray[np.float32]
    products: tuple[Product, ...]
    times_s: NDArray[np.float64]
    frequencies_hz: NDArray[np.float64]
    cadence_s: float
    station: str = STATION
    source: str = ""
    software: str = ""
    restart_ends_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    unit: str = ARBITRARY
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        return f"<Recording {', '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        """Return the facts as a table, for notebooks."""
        lines = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in self._facts().items())
        return f"<table>{lines}</table>"

    def _repr_png_(self) -> bytes | None:
        """Return the figure as a PNG, for notebooks.

        The result is None if there is nothing to draw.
        """
        draw = type(self).draw_png
        return None if draw is None or not len(self) else draw(self)

    def _facts(self) -> dict[str, str]:
        """Return shape, times, frequencies, products and origin, for people."""
        facts = {"size": f"{len(self)} rows x {len(self.frequencies_hz)} bins"}
        if len(self):
            first, last = (format_date_and_clock(float(self.times_s[i])) for i in (0, -1))
            facts["time"] = f"{first} to {last} UTC"
        if len(self.frequencies_hz):
            low, high = self.frequencies_hz[[0, -1]] / 1e6
            facts["frequency"] = f"{low:.1f} to {high:.1f} MHz"
        facts["products"] = " ".join(self.products)
        return facts | {"station": printable(self.station)}

    @property
    def restarts(self) -> NDArray[np.bool_]:
        """True for each row that begins a new sequence, shape (n,)."""
        return np.isin(self.times_s, self.restart_ends_s)

    @property
    def starts_s(self) -> NDArray[np.float64]:
        """Start of each row's averaging, seconds since 1970 UTC.

        While the cadence is unknown, it is the row's end.
        """
        return self.times_s - self.lengths_s

    @property
    def lengths_s(self) -> NDArray[np.float64]:
        """Data time that each row averages; 0 while the cadence is unknown."""
        return row_lengths_s(self.times_s, self.cadence_s)

    def with_notes(self, notes: NoteList) -> "Recording":
        """Return the same rows with the notes about their time."""
        if not len(self):
            return self
        return replace(self, notes=notes.between(float(self.starts_s[0]), float(self.times_s[-1])))

    def notes_within(self) -> tuple[Note, ...]:
        """Return the notes about the time of the rows, the oldest first."""
        if not self.notes or not len(self):
            return ()
        return NoteList(self.notes).between(float(self.starts_s[0]), float(self.times_s[-1]))

    def carries(self) -> tuple[Product, ...]:
        """Return the products that can be shown.

        They are those in the data, and those derived from them.
        """
        count = len(self.products)
        whole = count in (1, 2, 4) and self.products == WIRE_PRODUCTS[:count]
        return available(count) if whole else self.products

    def default_product(self) -> Product:
        """Return the product to use if the user names none.

        It is the only product, or else XX.
        """
        return self.products[0] if len(self.products) == 1 else Product.XX

    def power(self, product: Product) -> NDArray[np.float32]:
        """Return one product of all rows, shape (n, nbins)."""
        if product in self.products:
            return self.data[..., self.products.index(product)]
        return derive(self.data, product)

    def between(self, start_s: float | None = None, end_s: float | None = None) -> "Recording":
        """Return the rows that end after `start_s` and not after `end_s`.

        None sets no limit.
        """
        return self.only(in_time_range(self.times_s, start_s, end_s))

    def only(self, which: NDArray[np.bool_] | slice) -> "Recording":
        """Return some of the rows."""
        return replace(self, data=self.data[which], times_s=self.times_s[which])


def in_time_range(times_s: NDArray[np.float64], start_s: float | None, end_s: float | None) -> NDArray[np.bool_]:
    """Select the times after `start_s` and not after `end_s`.

    None sets no limit. Times are compared to the microsecond, the precision of users' input and of files.
    """
    low, high = (None if each is None else np.rint(each * 1e6) for each in (start_s, end_s))
    with np.errstate(over="ignore"):
        times_us = np.rint(times_s * 1e6)
    after = np.ones(len(times_s), np.bool_) if low is None else times_us > low
    return np.asarray(after if high is None else after & (times_us <= high), np.bool_)


def slots(times_s: NDArray[np.float64], cadence_s: float) -> NDArray[np.int64]:
    """Return the slots of rows, from their times.

    A slot is a place on a time axis of even steps. A step above 1 is a gap; no step is below 1.
    """
    if not cadence_s > 0:
        return np.arange(len(times_s), dtype=np.int64)
    steps = np.maximum(1, np.rint(np.diff(times_s) / cadence_s)).astype(np.int64)
    return np.concatenate([np.zeros(min(1, len(times_s)), np.int64), np.cumsum(steps)])


def measured_cadence_s(times_s: NDArray[np.float64]) -> float:
    """Return the data time from row to row; NaN if not plausible.

    It is the mean of the steps that are not gaps. Where the cadence changes, it is the usual one, not their mean.
    """
    nearness = _SAME_CADENCE if cadence_changes(times_s) else _NO_GAP
    steps = np.diff(times_s)
    steps = steps[steps > 0]
    if not steps.size:
        return math.nan
    # Take one of the steps: the mean of the middle two may be close to no step.
    usual = float(np.percentile(steps, 50, method="lower"))
    mean_s = float(steps[np.abs(steps - usual) < nearness * usual].mean())
    return mean_s if MIN_CADENCE_S <= mean_s <= MAX_CADENCE_S else math.nan


def continuous_runs(times_s: NDArray[np.float64], cadence_s: float) -> list[slice]:
    """Return runs of consecutive rows.

    A run has no gap, no step back and no change of cadence.
    """
    if not cadence_s > 0:
        return [slice(0, len(times_s))]
    steps, lengths_s = np.diff(times_s), row_lengths_s(times_s, cadence_s)
    apart = (steps > MAX_STEP_RATIO * lengths_s[1:]) | (steps < lengths_s[1:] / 2) | (np.diff(lengths_s) != 0)
    broken = np.flatnonzero(apart) + 1
    edges = [0, *broken.tolist(), len(times_s)]
    return [slice(begin, end) for begin, end in pairwise(edges) if end > begin]


def channels_of(frequencies_hz: NDArray[np.float64]) -> Channels | None:
    """Return the instrument's channels whose averages have these frequencies.

    The result is None if no channels fit.

    Parameters
    ----------
    frequencies_hz
        Centres of the bins, shape (nbins,), at least two.
    """
    places = np.asarray(frequencies_hz, np.float64) / CHANNEL_WIDTH_HZ
    if len(places) < 2 or not np.isfinite(places).all():
        return None
    average = round(float(places[1] - places[0]))
    if average < 1:
        return None
    chan0 = round(float(places[0]) - (average - 1) / 2)
    begin = chan0 + average * (len(places) - 1)
    last = round(2 * (float(places[-1]) - begin) + 1)
    if not 1 <= last <= average or chan0 < 0:
        return None
    wanted = chan0 + average * np.arange(len(places)) + (average - 1) / 2
    wanted[-1] = begin + (last - 1) / 2
    if np.abs(places - wanted).max() > _GRID_TOLERANCE_CHANNELS:
        return None
    nchan = average * (len(places) - 1) + last
    return Channels(chan0, average, nchan) if nchan <= _CHANNELS else None


def recording_metadata(recording: Recording) -> dict[str, str | int | float]:
    """Return the metadata of a recording, by the names that files use."""
    found: dict[str, str | int | float] = {
        "station": recording.station,
        "source": recording.source,
        "software": recording.software,
        "units": recording.unit,
        "products": ",".join(recording.products),
        "time_is": "end of averaging, UTC",
    }
    if recording.cadence_s > 0:
        found["cadence_s"] = recording.cadence_s
    channels = channels_of(recording.frequencies_hz)
    if channels is not None:
        found |= {"chan0": channels.chan0, "channel_average": channels.channel_average, "nchan": channels.nchan}
    return found | note_metadata(recording.notes_within())
