"""Decide the type of a structure from its measured numbers.

The limits are speeds and lifetimes from the literature, not numbers fitted to files:

- Exciters of type III are electron beams of 0.03 to 1 c (Suzuki and Dulk 1985, in McLean and Labrum, Solar
  Radiophysics). The duration at half power is about 220 s MHz / f (Suzuki and Dulk 1985).
- Exciters of type II are shocks of 200 to 5000 km/s, and the bursts last for minutes (Nelson and Melrose 1985, same
  book).
- Continuum (type IV) lasts for minutes to hours and does not drift as a whole (Robinson 1985, same book).
- Bursts of type I last for less than a few seconds and are a few MHz wide (Kai, Melrose and Suzuki 1985, same book).
- Nothing solar begins in the same half second over tens of MHz and ends so: an exciter would be faster than light.
"""

import math
from dataclasses import dataclass

from sunspec_tui.bursts.measure import LIGHT_KM_S, Measures
from sunspec_tui.core.bursts import BurstType

III_DELAYS = (1.0, 33.0)
"""Delays of type III, seconds per light-second: 1 c to 0.03 c."""

II_DELAYS = (60.0, 1500.0)
"""Delays of type II: 5000 km/s to 200 km/s."""

DURATION_S_MHZ = 220.0
"""Duration of a burst of type III at half power times its frequency."""

LONGEST_GROUP_S = 120.0
"""Longest run of a group of type III."""

LONGEST_GROUP_SPREAD_S = 20.0
"""Longest time in which a burst or group of type III begins at all frequencies."""

MIN_LANE_S = 30.0
"""Least time that a lane of type II stays at a frequency: it is tens of MHz wide at the height of its shock."""

MIN_TRACK_S = 90.0
"""Least time over which a narrow lane drifts: its drift is then known, however short it stays at a frequency."""

MIN_DESCENT = 0.025
"""Least share by which the frequency of a lane falls while it lasts: a band that is switched on does not move."""

MIN_CONTINUUM_S = 60.0
"""Least length of the runs of a continuum."""

MIN_V_S = 30.0
"""The same for a continuum right after a burst: type V lasts for half a minute to three minutes."""

MIN_CONTINUUM_RATIO = 1.3
"""Least ratio of the limits of a continuum's band: narrower ones are lanes."""

MAX_UNKNOWN_SHARE = 0.5
"""Largest share of runs whose begin, or whose end, is not known: with more, that of the burst is not known either."""

MAX_GAIN_DRIFT_DB = 5.0
"""Peak below which a rise of a minute or more may be a drift of the gain, if its begin or its end is not known."""

IONOSPHERE_MHZ = 36.0
"""Highest frequency at which the ionosphere disturbs: ionosondes sweep up to it, and distant stations come and go."""

SOUNDER_MHZ_S = (0.04, 0.25)
"""Rates at which ionosondes sweep upward; most sweep by 0.05 to 0.125 MHz/s."""

MIN_LATER_CELLS = 3
"""Least excess, in cells, of the usual duration at the lowest frequency over that at the highest, to be seen."""

MIN_FILLED_SHARE = 0.5
"""Least share of the bins of its band in which a burst of type III is seen: signals in single channels leave gaps."""

_MIN_WIDTH_MHZ = 8.0
_MIN_RATIO, _MIN_RATIO_WITHOUT_DRIFT, _MIN_RATIO_OF_GROUP = 1.15, 1.5, 2.0
# A burst in so much of the receiver's band (logarithmic) may go on outside it.
_WHOLE_SHARE = 0.9
_SIGNIFICANT = 3.0
_MIN_II_SIGNIFICANCE = 5.0
_MIN_II_SPREAD_S, _MIN_II_SPREAD_SHARE, _MIN_TRACK_SIGNIFICANCE = 15.0, 0.33, 20.0
_SOUNDER_SIGNIFICANCE, _MAX_SOUNDER_SHARE = 10.0, 0.5
_MIN_STROKES = 1.5
_MAX_HALF_FACTOR, _MAX_SINGLE_FACTOR, _MAX_RUN_FACTOR = 4.0, 2.0, 3.0
_MAX_RESIDUAL_S = 5.0
_MAX_TAIL_SHARE = 0.5
_SHARP_SHARE_OF_SWITCHED, _SHARP_SHARE = 0.5, 0.8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Type, its confidence (0 to 1), and the numbers behind it."""

    type: BurstType
    confidence: float
    reason: str


def verdict(found: Measures, cell_s: float, band_ratio: float = math.inf) -> Verdict:
    """Return the type of a structure.

    Parameters
    ----------
    found
        Its numbers.
    cell_s
        Length of a cell, the resolution of times.
    band_ratio
        Highest frequency that is searched over the lowest.
    """
    if found.unknown_begin_share > MAX_UNKNOWN_SHARE:
        return _steady_continuum(found) or Verdict(BurstType.UNKNOWN, 0.3, "in progress at the first known row")
    if _is_sharp(found, cell_s):
        return Verdict(BurstType.INTERFERENCE, 0.9, f"{found.width_mhz:.0f} MHz begin within {cell_s:g} s")
    if _is_at_once(found, cell_s):
        return Verdict(BurstType.INTERFERENCE, 0.8, f"{found.width_mhz:.0f} MHz begin at once, faster than light")
    if _ends_at_once(found, cell_s):
        return Verdict(BurstType.INTERFERENCE, 0.8, f"{found.width_mhz:.0f} MHz end within {cell_s:g} s")
    if _is_sounder(found):
        return _sounder(found, 0.8)
    if found.tail_share > _MAX_TAIL_SHARE:
        return _continuum(found, MIN_V_S) or Verdict(BurstType.UNKNOWN, 0.3, "the end of a burst")
    decided = _type_iii(found, band_ratio) or _type_ii(found) or _steady_continuum(found)
    if decided is not None:
        return decided
    if _may_be_sounder(found):
        return _sounder(found, 0.6)
    return Verdict(BurstType.UNKNOWN, 0.3, f"no known drift: {_drift_words(found)}")


def may_be_gain_drift(found: Measures) -> bool:
    """Return True for a weak, long signal of unknown begin or end."""
    is_whole = max(found.unknown_begin_share, found.unknown_end_share) <= MAX_UNKNOWN_SHARE
    return not is_whole and found.run_s >= MIN_CONTINUUM_S and found.peak_db < MAX_GAIN_DRIFT_DB


def _is_sharp(found: Measures, cell_s: float) -> bool:
    """Return True if many bins rise at once, as no burst can.

    Cells that are longer than the rise of a burst of type III cannot tell.
    """
    rise_s = DURATION_S_MHZ / found.middle_mhz / 2
    if found.width_mhz < _MIN_WIDTH_MHZ or found.spread_s > cell_s or cell_s > rise_s:
        return False
    if found.end_spread_s <= cell_s and found.run_s > 2 * cell_s:
        return found.sharp_share > _SHARP_SHARE_OF_SWITCHED
    return found.sharp_share > _SHARP_SHARE and found.residual_s <= cell_s


def _is_at_once(found: Measures, cell_s: float) -> bool:
    """Return True if onsets and peaks are surely faster than light.

    Times are known to two cells, because cells are means over three. A band that light crosses within two cells
    cannot tell. A continuum may begin everywhere at once. An exciter that comes towards the Earth looks faster than it
    is: the doubt must cover this.
    """
    if found.width_mhz < _MIN_WIDTH_MHZ or found.run_s >= MIN_CONTINUUM_S or not found.residual_s <= cell_s:
        return False
    doubt = max(_SIGNIFICANT * found.delay_error, 2 * cell_s / found.span_light_s)
    # The onsets of a strong burst drift faster than its peaks.
    return max(abs(found.delay), abs(found.ridge_delay)) + doubt < III_DELAYS[0]


def _ends_at_once(found: Measures, cell_s: float) -> bool:
    """Return True if a short signal ends everywhere within a cell.

    A burst ends later at low frequencies, because it lasts longer there. In a narrow band that cannot be seen.
    """
    later_s = DURATION_S_MHZ / found.low_mhz - DURATION_S_MHZ / found.high_mhz
    is_short = found.width_mhz >= _MIN_WIDTH_MHZ and found.run_s < MIN_CONTINUUM_S
    return is_short and found.end_spread_s <= cell_s and later_s >= MIN_LATER_CELLS * cell_s


def _is_sounder(found: Measures) -> bool:
    """Return True if a narrow signal sweeps upward, slower than a beam."""
    is_slow = found.delay < -III_DELAYS[1] and found.significance <= -_SOUNDER_SIGNIFICANCE
    return is_slow and found.run_s <= _MAX_SOUNDER_SHARE * found.spread_s


def _may_be_sounder(found: Measures) -> bool:
    """Return True if a signal without a type sweeps as ionosondes do.

    In wide bins it stays for long, and its runs are few.
    """
    return found.significance <= -_SIGNIFICANT and is_sounder_sweep(found.drift_mhz_s, found.high_mhz)


def is_sounder_sweep(rate_mhz_s: float, high_mhz: float) -> bool:
    """Return True for the rate and the highest frequency of an ionosonde."""
    return SOUNDER_MHZ_S[0] <= rate_mhz_s <= SOUNDER_MHZ_S[1] and high_mhz <= IONOSPHERE_MHZ


def sounder_words(drift_mhz_s: float) -> str:
    """Return the reason for the type of an ionosonde."""
    return f"sweeps upward by {drift_mhz_s:.2g} MHz/s, as a sounder"


def _sounder(found: Measures, confidence: float) -> Verdict:
    return Verdict(BurstType.INTERFERENCE, confidence, sounder_words(found.drift_mhz_s))


def _type_iii(found: Measures, band_ratio: float) -> Verdict | None:
    """Return type III or a group of it, if the numbers fit."""
    if found.filled_share < MIN_FILLED_SHARE:
        return None
    # A drift that is known must be that of a beam; one that is not known may be.
    doubt = 0.0 if found.significance >= _SIGNIFICANT else 2 * found.delay_error
    fits = found.delay - doubt <= III_DELAYS[1] and found.delay + doubt >= III_DELAYS[0]
    is_on_track = fits and found.significance >= _SIGNIFICANT and found.residual_s <= _MAX_RESIDUAL_S
    is_fast = found.run_s <= LONGEST_GROUP_S and (found.spread_s <= LONGEST_GROUP_SPREAD_S or is_on_track)
    # A group of several strokes may begin anywhere in its band, which may be wider than the receiver's.
    fits = fits or found.ratio >= min(_MIN_RATIO_OF_GROUP, band_ratio**_WHOLE_SHARE)
    is_significant = found.significance >= _SIGNIFICANT
    min_ratio = _MIN_RATIO if is_significant else _MIN_RATIO_WITHOUT_DRIFT
    if not is_fast or not fits or found.width_mhz < _MIN_WIDTH_MHZ or found.ratio < min_ratio:
        return None
    lifetime_s = DURATION_S_MHZ / found.middle_mhz
    # A narrow patch that lasts long is a group only if strokes are seen.
    max_factor = _MAX_HALF_FACTOR if found.strokes >= _MIN_STROKES else _MAX_SINGLE_FACTOR
    if found.half_s > max_factor * lifetime_s and found.ratio < _MIN_RATIO_WITHOUT_DRIFT:
        return None
    is_long = found.half_s > _MAX_SINGLE_FACTOR * lifetime_s or found.run_s > _MAX_RUN_FACTOR * lifetime_s
    is_group = is_long or found.strokes >= _MIN_STROKES
    sure = 0.5 + 0.2 * is_significant + 0.2 * min(1.0, found.ratio - 1) + 0.1 * (found.peak_db > 3)
    kind = BurstType.GROUP if is_group else BurstType.III
    words = f"{_drift_words(found)}; {found.half_s:.1f} s at half power ({lifetime_s:.1f} s is usual for type III)"
    return Verdict(kind, min(sure, 0.95), words)


def drifts_as_shock(found: Measures) -> bool:
    """Return True if the drift is surely that of a shock."""
    return II_DELAYS[0] <= found.delay <= II_DELAYS[1] and found.significance >= _MIN_II_SIGNIFICANCE


def _type_ii(found: Measures) -> Verdict | None:
    """Return type II, if the numbers fit."""
    if not drifts_as_shock(found):
        return None
    if not found.descent <= -MIN_DESCENT:
        return None
    is_lane = found.run_s >= MIN_LANE_S and found.spread_s >= max(_MIN_II_SPREAD_S, _MIN_II_SPREAD_SHARE * found.run_s)
    is_track = found.spread_s >= MIN_TRACK_S and found.significance >= _MIN_TRACK_SIGNIFICANCE
    if not is_lane and not is_track:
        return None
    sure = 0.5 + 0.2 * min(1.0, found.significance / 20) + 0.2 * min(1.0, found.width_mhz / 20)
    return Verdict(BurstType.II, sure, f"{_drift_words(found)} for {found.end_s - found.begin_s:.0f} s")


def _steady_continuum(found: Measures) -> Verdict | None:
    """Return continuum, unless it may be a drift of the gain."""
    return None if may_be_gain_drift(found) else _continuum(found)


def _continuum(found: Measures, least_s: float = MIN_CONTINUUM_S) -> Verdict | None:
    """Return continuum, if the numbers fit."""
    if found.run_s < least_s or found.ratio < MIN_CONTINUUM_RATIO or found.width_mhz < _MIN_WIDTH_MHZ:
        return None
    sure = 0.4 + 0.2 * min(1.0, found.run_s / 300) + 0.2 * min(1.0, found.ratio - 1)
    return Verdict(BurstType.CONTINUUM, sure, f"{found.run_s:.0f} s long over {found.width_mhz:.0f} MHz without drift")


def _drift_words(found: Measures) -> str:
    """Return the speed of the exciter in words."""
    if found.significance < _SIGNIFICANT:
        return f"begins within {found.spread_s:.1f} s"
    speed = 1 / found.ridge_delay
    text = f"{speed:.2f} c" if speed > 0.03 else f"{speed * LIGHT_KM_S:.0f} km/s"
    return f"drift {found.drift_mhz_s:.2g} MHz/s, as an exciter of {text}"
