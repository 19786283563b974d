"""Constants of the telescope and of its recorder: site, clock and channels."""

import numpy as np
from numpy.typing import NDArray

CLOCK_HZ = 196_000_000
"""Ticks of a time tag per second."""


TICKS_PER_SPECTRUM = 8192
"""Ticks that one unaveraged spectrum lasts; a recorder averages ``navg`` of them."""


CHANNEL_WIDTH_HZ = CLOCK_HZ / TICKS_PER_SPECTRUM
"""Width of one channel: 23 925.78125 Hz."""


CHANNELS_PER_PIPELINE = 96
"""A spectrum is put together from 32 pipelines of 96 channels; faults come in such blocks."""


def channel_frequencies_hz(chan0: int, nchan: int) -> NDArray[np.float64]:
    """Centres of ``nchan`` channels from ``chan0`` on, in Hz."""
    return np.arange(chan0, chan0 + nchan, dtype=np.float64) * CHANNEL_WIDTH_HZ


def bin_frequencies_hz(chan0: int, nchan: int, channel_average: int) -> NDArray[np.float64]:
    """Centres of the bins that average ``channel_average`` channels each, in Hz.

    A last bin of fewer channels, where the factor does not divide ``nchan``, has the centre
    of the channels that it holds.
    """
    starts = np.arange(0, nchan, channel_average)
    last = np.minimum(starts + channel_average, nchan) - 1
    return np.asarray((chan0 + (starts + last) / 2) * CHANNEL_WIDTH_HZ, np.float64)


STATION = "OVRO-LWA"
SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG, SITE_HEIGHT_M = 37.23977, -118.281667, 1183.48
"""Where the telescope stands, in geodetic coordinates; east is positive."""
