"""Frequency axis of rows, and the ring's state (`Position`)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz


@dataclass(frozen=True)
class Axis:
    """Frequency axis of a row.

    Attributes
    ----------
    chan0
        First channel, from the header or the setting.
    nchan
        Channels of a frame.
    channel_average
        Channels per bin.
    npol
        Polarisation products of a row.
    chan0_stated
        True if `chan0` is from the stream's header.
    """

    chan0: int
    nchan: int
    channel_average: int
    npol: int
    chan0_stated: bool = False

    @property
    def chan0_text(self) -> str:
        """The first channel and its origin, as text."""
        return f"{self.chan0}, {'from the header' if self.chan0_stated else 'a setting'}"

    @cached_property
    def frequencies_mhz(self) -> NDArray[np.float64]:
        """Centres of the bins in MHz, shape (nbins,)."""
        return bin_frequencies_hz(self.chan0, self.nchan, self.channel_average) / 1e6

    @property
    def bin_mhz(self) -> float:
        """Width of the first bin in MHz.

        The last one may be narrower.
        """
        return min(self.channel_average, self.nchan) * CHANNEL_WIDTH_HZ / 1e6


@dataclass(frozen=True)
class BinAxis(Axis):
    """Frequency axis of rows without a stream, as of an archive.

    Attributes
    ----------
    frequencies_hz, bin_hz
        Centres of the bins, and the width of a bin.
    """

    frequencies_hz: tuple[float, ...] = ()
    bin_hz: float = 0.0

    @classmethod
    def of(cls, frequencies_hz: NDArray[np.float64], bin_hz: float, npol: int) -> "BinAxis":
        """Return the axis of bins; its channels are the bins."""
        chan0 = round(float(frequencies_hz[0]) / CHANNEL_WIDTH_HZ) if len(frequencies_hz) else 0
        average = max(1, round(bin_hz / CHANNEL_WIDTH_HZ)) if np.isfinite(bin_hz) else 1
        return cls(
            max(0, chan0), len(frequencies_hz) * average, average, npol, True, tuple(frequencies_hz.tolist()), bin_hz
        )

    @cached_property
    def frequencies_mhz(self) -> NDArray[np.float64]:
        """Centres of the bins in MHz, shape (nbins,)."""
        return np.asarray(self.frequencies_hz) / 1e6

    @property
    def bin_mhz(self) -> float:
        """Width of a bin in MHz."""
        return self.bin_hz / 1e6


@dataclass(frozen=True, slots=True)
class Position:
    """Position of the stream in its ring.

    It is cheap enough to read many times a second.

    Attributes
    ----------
    count
        Number of the next row.
    length
        Largest number of rows in the ring.
    oldest, newest
        Slots of the oldest and the newest kept row.
    cadence_s
        Data time from row to row; NaN while unknown.
    axis, epoch
        As in `Snapshot`.
    index
        Index of the next row in the ring, 0 to length - 1.
    """

    count: int
    length: int
    oldest: int
    newest: int
    cadence_s: float
    axis: Axis
    epoch: int
    index: int = 0
