"""Constants of the telescope and of its recorder: site, clock and channels.

The instrument has a digitiser clock of 196 MHz and 4096 channels, each ``196e6 / 8192`` = 23 925.78125 Hz wide.
"""

import numpy as np
from numpy.typing import NDArray

CLOCK_HZ = 196_000_000
"""Ticks of a time tag per second."""


TICKS_PER_SPECTRUM = 8192
"""Duration of one unaveraged spectrum in ticks; a recorder averages ``navg`` spectra."""


CHANNEL_WIDTH_HZ = CLOCK_HZ / TICKS_PER_SPECTRUM
"""Width of one channel: 23 925.78125 Hz."""


CHANNELS_PER_PIPELINE = 96
"""Channels of one of the 32 pipelines that make a spectrum; a fault affects all channels of a pipeline."""


def channel_frequencies_hz(chan0: int, nchan: int) -> NDArray[np.float64]:
    """Return the centres of ``nchan`` channels from ``chan0`` on, in Hz."""
    return np.arange(chan0, chan0 + nchan, dtype=np.float64) * CHANNEL_WIDTH_HZ


def bin_frequencies_hz(chan0: int, nchan: int, channel_average: int) -> NDArray[np.float64]:
    """Return the centres of bins of ``channel_average`` channels each, in Hz.

    If the factor does not divide ``nchan``, the last bin has fewer channels; its centre is that of its channels.
    """
    starts = np.arange(0, nchan, channel_average)
    last = np.minimum(starts + channel_average, nchan) - 1
    return np.asarray((chan0 + (starts + last) / 2) * CHANNEL_WIDTH_HZ, np.float64)


STATION = "OVRO-LWA"
SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG, SITE_HEIGHT_M = 37.23977, -118.281667, 1183.48
"""Geodetic coordinates of the telescope; east is positive."""
