"""Frequency axis of rows, and the ring's state (`Position`)."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz
from sunspec_tui.core.products import Product, available
from sunspec_tui.core.timeline_source import TimelineAxis


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

    @property
    def products(self) -> tuple[Product, ...]:
        """Products that can be shown."""
        return available(self.npol)

    def folded(self, factor: int) -> "Axis":
        """Return the axis with several neighbouring bins in one."""
        return self if factor == 1 else replace(self, channel_average=self.channel_average * factor)

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


class RecordedAxis(Axis):
    """Frequency axis of recorded files, whose bins need not be channels.

    Parameters
    ----------
    axis
        Bins and products of a timeline.
    """

    def __init__(self, axis: TimelineAxis) -> None:
        super().__init__(chan0=-1, nchan=len(axis.frequencies_hz), channel_average=1, npol=len(axis.products))
        object.__setattr__(self, "timeline_axis", axis)

    timeline_axis: TimelineAxis

    @property
    def products(self) -> tuple[Product, ...]:
        """Products that can be shown."""
        return self.timeline_axis.products

    @cached_property
    def frequencies_mhz(self) -> NDArray[np.float64]:
        """Centres of the bins in MHz, shape (nbins,)."""
        return self.timeline_axis.frequencies_hz / 1e6

    @property
    def bin_mhz(self) -> float:
        """Width of a bin in MHz."""
        return self.timeline_axis.bin_hz / 1e6


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
