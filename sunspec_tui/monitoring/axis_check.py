"""Check the frequency axis by comparing narrow lines with known radio carriers.

Pure arithmetic. The check measures the shift of the lines from the carriers; it never changes the axis.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.known_carriers import CARRIERS_MHZ, SERVICES_MHZ
from sunspec_tui.monitoring.finding import Finding

_SERVICE = np.array([n for n, carriers in enumerate(SERVICES_MHZ.values()) for _ in carriers])

MAX_SHIFT_CHANNELS = 200
ROWS = 16
"""Number of rows that are averaged before the search for lines."""

# A line may cover two bins, so a bin is compared with the second to fourth bins on each side.
_NEAREST_BIN, _FARTHEST_BIN = 2, 4
# Smallest power of a line divided by the power of these bins.
_MIN_RATIO = 1.15
# Three lines at random frequencies match at one of a hundred shifts by chance.
_MIN_MATCHES, _MIN_MATCHES_SHIFTED = 3, 4
_MORE_MATCHES = 2
# Carriers of one service are evenly spaced, so they match at several shifts. Analogue and digital television differ by
# only 39 channels.
_MIN_SERVICES = 2
_REACH_BINS = 0.75
_CROWD_SHARE, _MIN_CROWD = 0.05, 12
_EVENT_AFTER_S = 5.0


class AxisCheck(NamedTuple):
    """Result of the check of the axis.

    Attributes
    ----------
    lines_mhz
        Frequencies of the strong narrow lines on the current axis.
    matched
        Number of known carriers that have a line, at `shift_channels`.
    shift_channels
        Number of channels by which the axis is too low; 0 if it is right, None if the lines are not sufficient.
    """

    lines_mhz: tuple[float, ...]
    matched: int
    shift_channels: int | None


def narrow_lines(power: NDArray[np.floating], frequencies_mhz: NDArray[np.float64]) -> tuple[float, ...]:
    """Find bins with a narrow line, and return their frequencies.

    Parameters
    ----------
    power
        Linear power, shape (nbins,); NaN if unknown.
    frequencies_mhz
        Centres of the bins.
    """
    if len(power) <= 2 * _FARTHEST_BIN:
        return ()
    known = np.where(np.isfinite(power), power, np.inf)
    # A bin beside an unknown value counts as no line.
    padded = np.pad(known, _FARTHEST_BIN, constant_values=np.inf)
    beside = [
        padded[_FARTHEST_BIN + side * distance :][: len(power)]
        for side in (-1, 1)
        for distance in range(_NEAREST_BIN, _FARTHEST_BIN + 1)
    ]
    neighbours = np.maximum(padded[_FARTHEST_BIN - 1 :][: len(power)], padded[_FARTHEST_BIN + 1 :][: len(power)])
    stands_out = (known > _MIN_RATIO * np.max(beside, axis=0)) & (known >= neighbours)
    return tuple(frequencies_mhz[stands_out & np.isfinite(power) & (known > 0)].tolist())


def check_axis(rows: NDArray[np.floating], frequencies_mhz: NDArray[np.float64], channel_average: int) -> AxisCheck:
    """Compare lines with `CARRIERS_MHZ`, on the current axis and on shifted ones.

    Parameters
    ----------
    rows
        Power of one product, linear, shape (n, nbins).
    frequencies_mhz
        Centres of the bins.
    channel_average
        Channels per bin.
    """
    # Invalid values become NaN and are never reported as lines.
    with np.errstate(invalid="ignore", over="ignore"):
        lines = narrow_lines(rows.mean(axis=0), frequencies_mhz)
    bin_mhz = float(frequencies_mhz[1] - frequencies_mhz[0]) if len(frequencies_mhz) > 1 else 1.0
    max_shift = MAX_SHIFT_CHANNELS // channel_average
    if len(lines) > max(_MIN_CROWD, _CROWD_SHARE * len(frequencies_mhz)):
        # So many lines are noise, which matches any table of carriers.
        return AxisCheck(lines, 0, None)
    matches = _matches(lines, bin_mhz, max_shift)
    here = max(matches[shift] for shift in (-1, 0, 1) if shift in matches)
    best = max(matches, key=lambda shift: (matches[shift], -abs(shift)))
    services = len(set(_SERVICE[_matched(lines, bin_mhz, np.array([best]))[:, 0]].tolist()))
    if here >= _MIN_MATCHES and matches[best] < here + _MORE_MATCHES:
        return AxisCheck(lines, here, 0)
    if matches[best] >= max(_MIN_MATCHES_SHIFTED, here + _MORE_MATCHES) and services >= _MIN_SERVICES:
        return AxisCheck(lines, matches[best], best * channel_average)
    return AxisCheck(lines, here, None)


def _matches(lines_mhz: tuple[float, ...], bin_mhz: float, max_shift: int) -> dict[int, int]:
    """Count carriers with a line, per shift of up to `max_shift` bins."""
    shifts = np.arange(-max_shift, max_shift + 1)
    return dict(zip(shifts.tolist(), _matched(lines_mhz, bin_mhz, shifts).sum(axis=0).tolist(), strict=True))


def _matched(lines_mhz: tuple[float, ...], bin_mhz: float, shifts: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Return True for carriers that have a line, shape (ncarriers, nshifts)."""
    carriers = np.array(CARRIERS_MHZ)[:, None] - shifts * bin_mhz
    near = np.abs(np.array(lines_mhz)[:, None, None] - carriers) <= _REACH_BINS * bin_mhz
    return np.asarray(near.any(axis=0))


def axis_finding(check: AxisCheck | None, axis: Axis | None) -> Finding:
    """Return the finding of a frequency axis that seems shifted."""
    shift = None if check is None else check.shift_channels
    if check is None or axis is None or not shift:
        return Finding("axis", "", "narrow lines no longer indicate a shifted frequency axis", wait_s=_EVENT_AFTER_S)
    note = (
        f"the axis looks {abs(shift)} channels too {'low' if shift > 0 else 'high'}: "
        f"{check.matched} known carriers fit chan0 {axis.chan0 + shift}"
    )
    # The fault is the shift, not the number of carriers, which changes often.
    return Finding("axis", str(shift), note, label="axis shifted?", note=note, wait_s=_EVENT_AFTER_S)
