"""Bursts of drift hits, which are too weak for runs."""

from collections.abc import Sequence

from sunspec_tui.bursts.classify import DURATION_S_MHZ
from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.measure import drift_of_delay
from sunspec_tui.core.bursts import Burst, BurstType

ATTACHED_S = 5.0
"""A drift hit so close to a burst is a part of it."""

DRIFT_ERROR_SHARE = 0.1
"""Standard error of the drift as a share: the speeds of the tracks are a third apart."""


def faint_burst(hit: DriftHit, frequencies_mhz: Sequence[float], cell_s: float, source: str) -> Burst:
    """Return a drift hit as a burst of type III.

    Parameters
    ----------
    hit
        The hit.
    frequencies_mhz
        Centres of all bins.
    cell_s
        Length of a cell.
    source
        Address of the stream, or name of the file.
    """
    low_mhz, high_mhz = frequencies_mhz[hit.low_bin], frequencies_mhz[hit.high_bin]
    drift = drift_of_delay(1 / hit.speed, (low_mhz + high_mhz) / 2)
    return Burst(
        "",
        hit.begin * cell_s,
        (hit.begin + hit.end) / 2 * cell_s,
        hit.end * cell_s + DURATION_S_MHZ / low_mhz,
        low_mhz,
        high_mhz,
        BurstType.III,
        round(min(0.9, 0.5 + 0.04 * (hit.sum - hit.undrifted)), 2),
        hit.mean_db,
        drift,
        abs(drift) * DRIFT_ERROR_SHARE,
        reason=f"lines up on the track of {hit.speed:g} c: sum {hit.sum:.0f}, without drift {hit.undrifted:.0f}",
        source=source,
    )


def explains(burst: Burst, faint: Burst) -> bool:
    """Return True if a burst lies where a drift hit was found."""
    is_in_time = burst.begin_s - ATTACHED_S <= faint.end_s and faint.begin_s <= burst.end_s + ATTACHED_S
    return is_in_time and burst.low_mhz <= faint.high_mhz and faint.low_mhz <= burst.high_mhz
