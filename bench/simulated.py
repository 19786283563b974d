"""Rows of the simulated Sun."""

import numpy as np
from homes import SimulatedSun, average_channels
from numpy.typing import NDArray


def sun(nrows: int, seed: int = 1) -> NDArray[np.float32]:
    """Rows of power, shape (nrows, 768, 4)."""
    gulps = SimulatedSun(seed).gulps()
    rows = np.empty((nrows, 768, 4), np.float32)
    for row in rows:
        average_channels(next(gulps).mean(axis=0)[0], 4, row)
    return rows
