"""Streams whose rows have known times.

A check compares each pixel of a figure with the row of its time.
"""

import io

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

LEFT, RIGHT, MIDDLE = 126, 1638, 1080  # pixels of the waterfall's edges, and of a line through it
_NO_DATA = "#c9c9cf"


def sequence(begin_s, cadence_s, count):
    """Beginnings and ends of rows without a gap."""
    begins_s = begin_s + cadence_s * np.arange(count)
    return np.stack([begins_s, begins_s + cadence_s], axis=1)


# Beginnings and ends of rows, and the numbers of those that begin a new sequence.
STREAMS = {
    "even": (sequence(0, 0.25, 40), []),
    "a shorter cadence": (np.concatenate([sequence(0, 1.0272, 40), sequence(41.088, 0.5136, 40)]), []),
    "a longer cadence": (np.concatenate([sequence(0, 0.5136, 40), sequence(20.544, 1.0272, 40)]), []),
    "a gap": (np.concatenate([sequence(0, 0.5136, 30), sequence(30, 0.5136, 30)]), []),
    "a restart": (np.concatenate([sequence(0, 1.0272, 40), sequence(44.3, 0.5136, 40)]), [40]),
    "a restart with a gap shorter than a row": (
        np.concatenate([sequence(0, 1.0272, 40), sequence(41.3, 0.5136, 40)]),
        [40],
    ),
    "half an hour back": (np.concatenate([sequence(1800, 15, 20), sequence(300, 15, 20)]), []),
    "one row a minute back": (
        np.concatenate([sequence(60, 0.5136, 40), sequence(10, 0.5136, 1), sequence(60 + 41 * 0.5136, 0.5136, 40)]),
        [],
    ),
    "half an hour back at the usual cadence": (np.concatenate([sequence(1800, 0.25, 40), sequence(0, 0.25, 40)]), []),
}
WIDE_ENOUGH = [name for name in STREAMS if "usual" not in name]
"""Streams whose rows are several pixels wide."""


def tag_of(row, restarts):
    """Return the time tag of a row.

    It changes after each restart, in ticks of 196 MHz.
    """
    return 344_176_543_210_000_000 + 196_000_000_000 * sum(row >= each for each in restarts)


def power_of(row):
    """Power of all bins of a row: two values that alternate."""
    return 100.0 if row % 2 else 1.0


def check_pixels(picture, spans, restarts=()):
    """Check that each pixel shows the row of its time.

    One pixel of tolerance is allowed.

    Parameters
    ----------
    picture
        The PNG.
    spans
        Beginning and end of each row in any seconds, shape (n, 2). All rows are shown.
    restarts
        Numbers of the rows whose beginnings are marked by a line.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        line = np.asarray(opened.convert("RGB"), float)[MIDDLE, LEFT:RIGHT] / 255
    left_s, right_s = spans.min(), spans.max()
    pixel_s = (right_s - left_s) / len(line)
    centres_s = left_s + (np.arange(len(line)) + 0.5) * pixel_s
    # What is expected: 0 and 1 for the two powers, 2 for a gap.
    within = (centres_s[:, None] >= spans[:, 0]) & (centres_s[:, None] < spans[:, 1])
    expected = np.where(within.any(axis=1), within.argmax(axis=1) % 2, 2)
    palette = colormaps["viridis"]
    colours = np.array([palette(0.0)[:3], palette(1.0)[:3], to_rgb(_NO_DATA)])
    seen = np.abs(line[:, None] - colours).sum(axis=2).argmin(axis=1)
    near = np.stack([np.roll(expected, shift) for shift in (-1, 0, 1)])
    right = (near == seen).any(axis=0)
    for row in restarts:  # the line of a restart is drawn over its edge
        right |= np.abs(centres_s - spans[row, 0]) < 3 * pixel_s
    assert right.all(), f"pixels {np.flatnonzero(~right).tolist()} show another row"
    assert set(seen.tolist()) >= {0, 1}
