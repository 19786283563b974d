"""Recordings that any reader must return unchanged."""

import numpy as np

from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.recording import Recording

START_S = 1_755_552_894.787341  # 2025-08-18 21:34:54
CADENCE_S = 0.2507755


def recording(nrows=24, *, npol=4, gaps=(), nchan=768, channel_average=4, start_s=START_S, seed=1, **keys):
    """Return noise with a bad value of each kind.

    `gaps` are numbers of rows before which ten rows are missing.
    """
    rng = np.random.default_rng(seed)
    nbins = -(-nchan // channel_average)
    data = rng.lognormal(5, 2, (nrows, nbins, npol)).astype(np.float32)
    data[..., 2:] = rng.normal(0, 20, data[..., 2:].shape)
    if nrows > 4 and nbins > 7:
        data[1, 5, 0], data[2, 6, 0], data[3, 7, 0] = np.nan, 0, -3
    places = np.arange(nrows) + 10 * np.sum([np.arange(nrows) >= gap for gap in gaps], axis=0)
    fields = {
        "data": data,
        "products": WIRE_PRODUCTS[:npol],
        "times_s": start_s + (places + 1) * CADENCE_S,
        "frequencies_hz": bin_frequencies_hz(560, nchan, channel_average),
        "cadence_s": CADENCE_S,
        "station": "OVRO-LWA",
        "source": "127.0.0.1:9798",
        "software": "sunspec-tui 0.1.0",
    }
    return Recording(**(fields | keys))
