"""A day of rows: noise, a burst, a gap and a restart."""

import numpy as np
from timelines import RowTimeline

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ

DAY_S = 86_400
BEGIN_S = 1_795_737_600
"""Midnight, a multiple of all lengths of columns up to 128 s."""
CHANNELS_PER_BIN = 4


def stream_frequencies_hz(nbins: int, chan0: int = 560) -> np.ndarray:
    """Return the bins of a stream that averages four channels."""
    return (chan0 + (CHANNELS_PER_BIN - 1) / 2 + CHANNELS_PER_BIN * np.arange(nbins)) * CHANNEL_WIDTH_HZ


def day(cadence_s: float = 8.0, nbins: int = 64, *, begin_s: float = BEGIN_S, length_s: float = DAY_S) -> RowTimeline:
    """Return a day of rows, or the beginning of one.

    The quiet level is 10 in all products but for 3 % of noise. A burst of 4 s at noon is a hundred times as strong.
    Rows are missing from 6:00 to 6:30, and the producer restarts at 18:00.
    """
    rng = np.random.default_rng(17)
    n = int(length_s / cadence_s)
    data = (10 * (1 + 0.03 * rng.standard_normal((n, nbins, 4), np.float32))).astype(np.float32)
    timeline = RowTimeline.steady(begin_s, cadence_s, data)
    timeline.frequencies_hz = stream_frequencies_hz(nbins)
    hours = (timeline.times_s - begin_s) / 3600
    data[(hours >= 12) & (hours < 12 + max(4, cadence_s) / 3600)] = 1000
    timeline.restarts |= (hours >= 18) & (hours < 18 + cadence_s / 3600)
    received = (hours <= 6) | (hours > 6.5)
    timeline.missing[1:][received[1:] & ~received[:-1]] = np.count_nonzero(~received)
    for name in ("times_s", "data", "cadence_s", "missing", "restarts"):
        setattr(timeline, name, getattr(timeline, name)[received])
    return timeline
