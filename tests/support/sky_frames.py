"""Frames of a simulated sky for screens."""

import numpy as np

from sunspec_tui.core.instrument import channel_frequencies_hz

MHZ = channel_frequencies_hz(560, 3072) / 1e6


def sky(n):
    """Return a frame of a simulated sky.

    It has a galactic background, a burst that drifts down, two carriers, a masked block and noise.
    """
    background = 40 * (MHZ / 40) ** -2.5
    burst = 60 * np.exp(-(((MHZ - (95 - n / 4)) / 4) ** 2))
    power = background + burst + 300 * (np.abs(MHZ - 27.185) < 0.05) + 500 * (np.abs(MHZ - 77.25) < 0.05)
    # A few parts in a thousand, as a frame of a quarter of a second has.
    power = power * (1 + 0.003 * np.random.default_rng(n).standard_normal(3072))
    circular = -0.3 * burst - 1e-4 * power
    data = np.stack([power, 0.9 * power, 0.02 * power, circular], axis=-1)[None].astype(np.float32)
    if n > 250:
        data[:, 1500:1600] = np.nan
    return data
