"""Convert power to decibels, and choose the limits of a colour scale."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.view_options import parse_levels

Floats = NDArray[np.float32]


def without_warnings() -> np.errstate:
    """Suppress warnings of arithmetic on bad and huge values.

    The results are bad values, and are shown as bad values.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


MIDDLE_OF_BAND = (0.1, 0.9)
"""Levels are computed from this share of the bins, because the band's edges roll off."""

LEVEL_SLACK = 0.15
"""Share of their span by which automatic levels may be wrong before they change."""

STEADY_SLACK = 0.3
"""Slack of levels that should change rarely, because each change sends a whole picture."""

# The upper percentile excludes a few interference lines.
_LEVEL_PERCENTILES = (2.0, 97.5)
_LEVEL_MARGIN_DB = 0.5
_LEVEL_MIN_SPAN_DB = 3.0
# Enough for percentiles, and few enough for the web page to sort them once a second.
_SAMPLED_BINS, _SAMPLED_ROWS = 64, 256


def to_db(power: Floats) -> Floats:
    """Return 10 log10 of positive finite power; NaN elsewhere."""
    valid = np.isfinite(power) & (power > 0)
    out = np.full(power.shape, np.nan, np.float32)
    np.log10(power, out=out, where=valid)
    out *= np.float32(10)
    return out


class Levels(NamedTuple):
    """Limits of a colour scale or an axis.

    They are in dB or in linear power.
    """

    low: float
    high: float

    @property
    def span(self) -> float:
        """High - low."""
        return self.high - self.low


def chosen_levels(text: str | None) -> Levels | None:
    """Return the levels of the setting `levels`; None for automatic levels."""
    limits = None if text is None else parse_levels(text, "--levels")
    return None if limits is None else Levels(*limits)


def middle_of_band(values: Floats) -> Floats:
    """Return the middle bins (the last axis), from which levels are computed."""
    nbins = values.shape[-1]
    first, last = (int(share * nbins) for share in MIDDLE_OF_BAND)
    return values[..., first : max(last, first + 1)]


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` evenly spaced indices.

    They are from 0 to count - 1, including both ends.
    """
    chosen = min(count, most)
    return np.arange(chosen) * (count - 1) // max(1, chosen - 1)


def sampled_rows(count: int) -> NDArray[np.int64]:
    """Return the rows or columns that determine levels and background."""
    return evenly_spaced(count, _SAMPLED_ROWS)


def sampled_bins(values: Floats) -> Floats:
    """Return the bins for levels.

    They are at most 64, in the middle of the last axis.
    """
    middle = middle_of_band(values)
    return middle[..., evenly_spaced(middle.shape[-1], _SAMPLED_BINS)]


def picture_levels(values: Floats, previous: Levels | None = None, *, signed: bool = False) -> Levels | None:
    """Return automatic levels of a picture.

    The web page has the same definition in `levels.mjs`; tests compare both with one table.

    Parameters
    ----------
    values
        Shown values, shape (n, nbins): in dB or, if `signed`, linear.
    previous, signed
        As for `auto_levels`.
    """
    return auto_levels(sampled_bins(values[sampled_rows(len(values))]), previous, signed=signed)


def default_levels(*, signed: bool) -> Levels:
    """Return the levels of a picture without valid values."""
    return Levels(-1.0, 1.0) if signed else Levels(0.0, 10.0)


def auto_levels(
    values: Floats, previous: Levels | None = None, *, signed: bool = False, slack: float = LEVEL_SLACK
) -> Levels | None:
    """Return levels for values; keep the previous levels if they still fit.

    Parameters
    ----------
    values
        Any shape, in dB or, if `signed`, linear; NaN is ignored. See `middle_of_band`.
    previous
        Previous levels. They are kept while the new ones differ by at most a share of their span. So the picture
        does not flicker with every burst.
    signed
        True for levels that are symmetric about zero, the middle of a diverging palette.
    slack
        This share; `LEVEL_SLACK` by default.

    Returns
    -------
    Levels or None
        None without values and without previous levels.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return previous
    wanted = _signed_levels(finite) if signed else _percentile_levels(finite)
    if previous is not None:
        most = slack * previous.span
        if abs(wanted.low - previous.low) <= most and abs(wanted.high - previous.high) <= most:
            return previous
    return wanted


def _percentile_levels(finite: Floats) -> Levels:
    low, high = (float(value) for value in np.percentile(finite, _LEVEL_PERCENTILES))
    lacking = max(0.0, _LEVEL_MIN_SPAN_DB - (high - low)) / 2
    return Levels(low - _LEVEL_MARGIN_DB - lacking, high + _LEVEL_MARGIN_DB + lacking)


def _signed_levels(finite: Floats) -> Levels:
    reach = float(np.percentile(np.abs(finite), _LEVEL_PERCENTILES[1]))
    return Levels(-reach, reach) if reach > 0 else default_levels(signed=True)


def nan_median(values: Floats) -> Floats:
    """Return the median of the finite values over the first axis.

    The result is NaN if there is no finite value. Unlike numpy's function, it does not warn.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2]).clip(0, max(0, len(values) - 1))
    # In double precision, the mean of two of the largest float32 numbers does not overflow.
    return np.asarray(np.take_along_axis(ordered, middle, axis=0).mean(axis=0, dtype=np.float64), np.float32)


def level_label(value: float, span: float) -> str:
    """Format a value of a scale in at most five characters.

    It has the digits that the span needs. If even one digit and its exponent do not fit, the exponent alone is shown:
    ``-e-12``.
    """
    digits = 0 if span >= 10 else 1 if span >= 1 else 2 if span >= 0.1 else 3
    plain, short = f"{value:.{digits}f}", f"{value:.1e}"
    if len(plain) <= 5 and (span >= 0.01 or value == 0):
        return plain
    short = _without_padding(short)
    if len(short) > 5:
        short = _without_padding(f"{value:.0e}")
    return short if len(short) <= 5 else short[: short.index("e") - 1] + short[short.index("e") :]


def _without_padding(text: str) -> str:
    return text.replace(".0e", "e").replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
