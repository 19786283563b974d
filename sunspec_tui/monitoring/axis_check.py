"""Whether the frequency axis can be trusted: strong narrow lines beside the table of carriers that an antenna hears.

Pure arithmetic. It says how far the lines lie from where they belong; it never moves the axis.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.known_carriers import CARRIERS_MHZ, SERVICES_MHZ

_SERVICE = np.array([n for n, carriers in enumerate(SERVICES_MHZ.values()) for _ in carriers])

MAX_SHIFT_CHANNELS = 200
ROWS = 16
"""Rows that are averaged before lines are looked for."""

# A line may fall on two bins; from the second bin on nothing of it is left, and the sky has not changed much yet.
_NEAREST_BIN, _FARTHEST_BIN = 2, 4
_STRONG = 1.15
# Among a hundred shifts, three lines at random places fit one by chance.
_MIN_MATCHES, _MIN_MATCHES_SHIFTED = 3, 4
_MORE_MATCHES = 2
# The carriers of one service are evenly spaced: analogue and digital television differ by 39 channels alone.
_MIN_SERVICES = 2
_REACH_BINS = 0.75
_CROWD_SHARE, _MIN_CROWD = 0.05, 12


class AxisCheck(NamedTuple):
    """What the lines say of the axis.

    Attributes
    ----------
    lines_mhz
        Strong narrow lines, on the axis as it is.
    matched
        Known carriers that have a line, at `shift_channels`.
    shift_channels
        How many channels higher the axis should be; 0 where it is right, None where the lines do not tell.
    """

    lines_mhz: tuple[float, ...]
    matched: int
    shift_channels: int | None


def narrow_lines(power: NDArray[np.floating], frequencies_mhz: NDArray[np.float64]) -> tuple[float, ...]:
    """Frequencies of bins that stand out from those beside them.

    Parameters
    ----------
    power
        Linear, shape (nbins,); NaN where there is none.
    frequencies_mhz
        Centres of the bins.
    """
    if len(power) <= 2 * _FARTHEST_BIN:
        return ()
    known = np.where(np.isfinite(power), power, np.inf)
    # Beside what is not known nothing stands out.
    padded = np.pad(known, _FARTHEST_BIN, constant_values=np.inf)
    beside = [
        padded[_FARTHEST_BIN + side * distance :][: len(power)]
        for side in (-1, 1)
        for distance in range(_NEAREST_BIN, _FARTHEST_BIN + 1)
    ]
    neighbours = np.maximum(padded[_FARTHEST_BIN - 1 :][: len(power)], padded[_FARTHEST_BIN + 1 :][: len(power)])
    stands_out = (known > _STRONG * np.max(beside, axis=0)) & (known >= neighbours)
    return tuple(frequencies_mhz[stands_out & np.isfinite(power) & (known > 0)].tolist())


def check_axis(rows: NDArray[np.floating], frequencies_mhz: NDArray[np.float64], channel_average: int) -> AxisCheck:
    """Compare lines with `CARRIERS_MHZ`, on the axis as it is and shifted.

    Parameters
    ----------
    rows
        Power of one product, linear, shape (n, nbins).
    frequencies_mhz
        Centres of the bins.
    channel_average
        Channels a bin.
    """
    # What comes of bad values is no number, and no line.
    with np.errstate(invalid="ignore", over="ignore"):
        lines = narrow_lines(rows.mean(axis=0), frequencies_mhz)
    bin_mhz = float(frequencies_mhz[1] - frequencies_mhz[0]) if len(frequencies_mhz) > 1 else 1.0
    most = MAX_SHIFT_CHANNELS // channel_average
    if len(lines) > max(_MIN_CROWD, _CROWD_SHARE * len(frequencies_mhz)):
        # Noise: so many lines fit anything.
        return AxisCheck(lines, 0, None)
    matches = _matches(lines, bin_mhz, most)
    here = max(matches[shift] for shift in (-1, 0, 1) if shift in matches)
    best = max(matches, key=lambda shift: (matches[shift], -abs(shift)))
    services = len(set(_SERVICE[_matched(lines, bin_mhz, np.array([best]))[:, 0]].tolist()))
    if here >= _MIN_MATCHES and matches[best] < here + _MORE_MATCHES:
        return AxisCheck(lines, here, 0)
    if matches[best] >= max(_MIN_MATCHES_SHIFTED, here + _MORE_MATCHES) and services >= _MIN_SERVICES:
        return AxisCheck(lines, matches[best], best * channel_average)
    return AxisCheck(lines, here, None)


def _matches(lines_mhz: tuple[float, ...], bin_mhz: float, most: int) -> dict[int, int]:
    """Number of carriers that have a line if all lines were so many bins higher, for each shift up to `most`."""
    shifts = np.arange(-most, most + 1)
    return dict(zip(shifts.tolist(), _matched(lines_mhz, bin_mhz, shifts).sum(axis=0).tolist(), strict=True))


def _matched(lines_mhz: tuple[float, ...], bin_mhz: float, shifts: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Carriers that have a line, shape (ncarriers, nshifts)."""
    carriers = np.array(CARRIERS_MHZ)[:, None] - shifts * bin_mhz
    near = np.abs(np.array(lines_mhz)[:, None, None] - carriers) <= _REACH_BINS * bin_mhz
    return np.asarray(near.any(axis=0))
