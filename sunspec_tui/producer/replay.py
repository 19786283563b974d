"""Replay a recording as the recorder would have sent it.

Bins that are averages of the instrument's channels are repeated in these channels. Other frequencies are interpolated
to the channel grid, and channels outside their band are NaN. After missing rows a new sequence begins, as after a
restart of a recorder.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.instrument import CLOCK_HZ, channel_frequencies_hz
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import SIGNED_PRODUCTS, WIRE_PRODUCTS, Product
from sunspec_tui.core.recording import MAX_CADENCE_S, MIN_CADENCE_S, Channels, Recording, channels_of, continuous_runs
from sunspec_tui.core.times import unix_to_tag
from sunspec_tui.producer.ring_feeder import Gulps, SourceSequence

if TYPE_CHECKING:
    from sunspec_tui.files.file_series import FileSeries

log = logging.getLogger(__name__)

NCHAN = 3072
_GULP_S = 0.1
_ROUNDING_S = 1e-5


class Replay:
    """Source that sends a recording on the channel grid.

    Parameters
    ----------
    recording
        Rows in memory, or files whose rows are read when needed.
    chan0
        First channel of the grid, if the recording's frequencies are not those of channels.
    start_s
        Time of the first spectrum, seconds since 1970, or a clock that is read when the first sequence begins; None
        for the recording's own time.
    name
        Name of the recording in messages.
    frames_as_recorded
        True to send each row as a frame with its own time; else rows are spectra of even steps, to be averaged.

    Raises
    ------
    SourceError
        If the recording cannot be sent.
    """

    def __init__(
        self,
        recording: "Recording | FileSeries",
        chan0: int,
        start_s: float | Callable[[], float] | None = None,
        *,
        name: str = "the recording",
        frames_as_recorded: bool = True,
    ) -> None:
        if len(recording.frequencies_hz) < 2:
            raise SourceError(f"{name} has a single frequency, so it has no spectrum and cannot be replayed")
        if not MIN_CADENCE_S <= recording.cadence_s <= MAX_CADENCE_S:
            raise SourceError(f"{name} has only one row, or no regular step, and no cadence, so it cannot be sent")
        self._recording = recording
        channels = channels_of(recording.frequencies_hz)
        self._exact = channels is not None
        self._channels = channels or Channels(chan0, 1, NCHAN)
        self._grid_hz = channel_frequencies_hz(self._channels.chan0, self._channels.nchan)
        self._npol = _npol(recording, name)
        self.spectrum_s = recording.cadence_s
        self.frames_as_recorded = frames_as_recorded
        self.nspectra = len(recording)
        self.ntime_gulp = max(1, int(_GULP_S / self.spectrum_s))
        self._starts_s, self._lengths_s = recording.starts_s, recording.lengths_s
        self._first_s = float(self._starts_s[0])
        self._start_s = self._first_s if start_s is None else start_s
        self._runs = continuous_runs(recording.times_s, recording.cadence_s)
        self._check_band(name)

    def header(self, shift_s: float = 0.0, run: slice | None = None) -> dict[str, Any]:
        """Return the header of a run, `shift_s` after the first spectrum."""
        if callable(self._start_s):
            self._start_s = self._start_s()
        header: dict[str, Any] = {
            "time_tag": unix_to_tag(self._start_s + shift_s),
            "chan0": self._channels.chan0,
            "nbeam": 1,
            "nchan": self._channels.nchan,
            "npol": self._npol,
            "spectrum_ticks": round(self._spectrum_s(run) * CLOCK_HZ),
            "recorded": True,
        }
        if self._recording.station:
            header["station"] = printable_name(self._recording.station)
        recorded_s = self._first_s if run is None else float(self._starts_s[run.start])
        time_shift_s = round(self._start_s + shift_s - recorded_s, 6)
        # Seconds since 1970 are only precise to less than a microsecond.
        if abs(time_shift_s) > _ROUNDING_S:
            header["time_shift"] = time_shift_s
        if run is not None and self.frames_as_recorded:
            # Each row has its own time, because evenly spaced times would drift away from uneven steps.
            ends_s = self._recording.times_s[run] - self._starts_s[run.start]
            header["end_ticks"] = [unix_to_tag(end_s) for end_s in ends_s.tolist()]
        return header

    def sequences(self, shift_s: float = 0.0) -> Iterator[SourceSequence]:
        """Yield each run of rows without a gap as a sequence."""
        for run in self._runs:
            begin_s = float(self._starts_s[run.start]) - self._first_s
            yield SourceSequence(begin_s, self.header(shift_s + begin_s, run), self._gulps(run), self._spectrum_s(run))

    def _spectrum_s(self, run: slice | None) -> float:
        """Return the length of a run's rows, or the usual length."""
        return self.spectrum_s if run is None else float(self._lengths_s[run.start])

    @property
    def recording(self) -> "Recording | FileSeries":
        """The replayed recording."""
        return self._recording

    def gulps(self) -> Gulps:
        """Yield all power in gulps of shape (ntime, 1, nchan, npol)."""
        for sequence in self.sequences():
            yield from sequence.gulps

    def _gulps(self, run: slice) -> Gulps:
        spread = self._repeat_bins if self._exact else self._interpolate
        for start in range(run.start, run.stop, self.ntime_gulp):
            rows = self._recording.only(slice(start, min(start + self.ntime_gulp, run.stop)))
            products = [spread(rows.power(product), product) for product in rows.products]
            yield _wire_products(dict(zip(rows.products, products, strict=True)), self._npol)[:, None]

    def _repeat_bins(self, power: NDArray[np.float32], _: Product) -> NDArray[np.float32]:
        """Repeat each bin in all channels of which it is the mean."""
        return np.repeat(power, self._channels.channel_average, axis=1)[:, : self._channels.nchan]

    def _interpolate(self, power: NDArray[np.float32], product: Product) -> NDArray[np.float32]:
        """Interpolate one product to the channel grid, powers in dB.

        NaN outside the band.
        """
        if product in SIGNED_PRODUCTS:
            return self._on_grid(power.astype(np.float64)).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithms = np.log10(power.astype(np.float64))
        return np.asarray(10 ** self._on_grid(logarithms), np.float32)

    def _on_grid(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        # Some stations tune several channels to one frequency, so interpolate their mean.
        file_hz, begins, counts = np.unique(self._recording.frequencies_hz, return_index=True, return_counts=True)
        values = np.add.reduceat(values, begins, axis=1) / counts
        grid_hz = self._grid_hz
        return np.array([np.interp(grid_hz, file_hz, row, left=math.nan, right=math.nan) for row in values])

    def _check_band(self, name: str) -> None:
        """Raise an error if no frequency is on the channel grid."""
        low, high = self._recording.frequencies_hz[[0, -1]] / 1e6
        grid_low, grid_high = self._grid_hz[[0, -1]] / 1e6
        if high < grid_low or low > grid_high:
            raise SourceError(
                f"{name} covers {low:.1f}-{high:.1f} MHz, but the channels {grid_low:.1f}-{grid_high:.1f} MHz; "
                "choose another --chan0 or another file"
            )


def open_replay(
    path: str | Path | Sequence[str | Path],
    chan0: int,
    start_s: float | Callable[[], float] | None = None,
    *,
    between_s: tuple[float | None, float | None] = (None, None),
    observation: int | None = None,
    tuning: int | None = None,
    file_chan0: int | None = None,
    frames_as_recorded: bool = True,
) -> Replay:
    """Open a replay of a file, an archive or several files.

    See `Replay` and `files.read.read_recording`.
    """
    # The import of the file readers takes a tenth of the time to the first screen. The recorded flare needs no reader.
    from sunspec_tui.files.file_series import FileSeries, open_rows
    from sunspec_tui.files.read_limits import RowSelection

    words = [path] if isinstance(path, str | Path) else path
    rows = open_rows(words, RowSelection(*between_s, observation, tuning, file_chan0))
    name = rows.name if isinstance(rows, FileSeries) else printable_name(words[0])
    if not len(rows):
        raise SourceError(f"{name} has no rows in that time; choose another --start or --end")
    only = rows.products[0] if len(rows.products) == 1 else Product.XX
    if only not in (Product.XX, Product.I):
        log.warning("%s has only %s; show it with --product %s", name, only, only)
    if rows.unit != ARBITRARY:
        log.warning("%s has powers in %s; the stream does not say so, show it without --flux-scale", name, rows.unit)
    return Replay(rows, chan0, start_s, name=name, frames_as_recorded=frames_as_recorded)


def _npol(recording: "Recording | FileSeries", name: str) -> int:
    """Return the number of products that a stream of the recording needs."""
    if recording.products == WIRE_PRODUCTS[: len(recording.products)]:
        return len(recording.products) if len(recording.products) in (1, 2, 4) else 4
    products = set(recording.products)
    sendable = products & {*WIRE_PRODUCTS, Product.I, Product.U, Product.V} or ({Product.Q, Product.I} <= products)
    if not sendable:
        raise SourceError(f"{name} has only {', '.join(recording.products)}, which no stream carries")
    return 4


def _wire_products(powers: dict[Product, NDArray[np.float32]], npol: int) -> NDArray[np.float32]:
    """Compute the products on the wire; NaN if unknown.

    They are XX, YY, XY_real and XY_imag, shape (n, nchan, npol).
    """
    first = next(iter(powers.values()))
    wire = np.full((*first.shape, npol), np.nan, np.float32)
    if Product.I in powers:
        half = powers.get(Product.Q, np.float32(0))
        wire[..., 0], wire[..., 1] = powers[Product.I] + half, powers[Product.I] - half
    for product, i in ((Product.U, 2), (Product.V, 3), *((each, i) for i, each in enumerate(WIRE_PRODUCTS[:npol]))):
        if product in powers:
            wire[..., i] = powers[product]
    return wire
