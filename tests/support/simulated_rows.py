"""Rows of the simulated Sun as a ring has them.

Channels are averaged to bins, with noise. This is much faster than frames.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import average_channels
from sunspec_tui.producer.simulated_sun import NCHAN, NPOL, SimulatedSun

CADENCE_S = 0.25
CHANNEL_AVERAGE = 4
NBINS = NCHAN // CHANNEL_AVERAGE


def rows_of(
    sun: SimulatedSun, start_s: float, count: int, seed: int = 0
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Rows of a cadence, from `start_s` after the Sun's beginning.

    Yields
    ------
    (end_s, row)
        End of the row after the Sun's beginning, and power of shape (768, 4).
    """
    rng = np.random.default_rng([seed, 9])
    noise = np.float32(1 / math.sqrt(CHANNEL_WIDTH_HZ * CHANNEL_AVERAGE * CADENCE_S))
    row = np.empty((NBINS, NPOL), np.float32)
    for n in range(count):
        time_s = start_s + (n + 0.5) * CADENCE_S
        average_channels(sun.mean_spectrum(time_s).astype(np.float32), CHANNEL_AVERAGE, row)
        cross = np.sqrt(row[:, :1] * row[:, 1:2] / 2)
        sigma = np.concatenate([row[:, :2], cross, cross], axis=1) * noise
        yield start_s + (n + 1) * CADENCE_S, row + sigma * rng.standard_normal(row.shape, np.float32)
