"""Make the tracks of slow exciters for tests."""

import numpy as np

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.measure import height_light_s

CELL_S = 0.5
BLOCK_S = CELL_S * CELLS_PER_BLOCK
MHZ = np.linspace(20.0, 100.0, 100)
HEIGHTS = height_light_s(MHZ)


def lane_mhz(blocks, start_mhz, delay):
    """Return the frequencies of an exciter.

    It moves out by a light-second in `delay` seconds.
    """
    begin = float(height_light_s(np.array([start_mhz]))[0])
    seconds = np.arange(blocks) * BLOCK_S
    return np.interp(begin + seconds / delay, HEIGHTS[::-1], MHZ[::-1])
