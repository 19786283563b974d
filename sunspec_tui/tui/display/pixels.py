"""From power to what is drawn: decibels, levels, pixels and braille dots.

Pure functions on arrays and numbers, tested as tables. What is not a positive number has no
decibels: it stays NaN here and is drawn as no data, never clamped to the lowest colour.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.display.axes import pixel_bins

Floats = NDArray[np.float32]


def without_warnings() -> np.errstate:
    """Suppress warnings of arithmetic on bad and huge values.

    The results are bad values too, and are shown as bad.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


MIDDLE_OF_BAND = (0.1, 0.9)
"""Levels look at this share of the bins: the edges of the band roll off."""

# The upper one leaves out what a handful of interference lines takes of the band.
_LEVEL_SLACK = 0.15
_LEVEL_PERCENTILES = (2.0, 97.5)
_LEVEL_MARGIN_DB = 0.5
_LEVEL_LEAST_SPAN_DB = 3.0
# Enough for percentiles, and so few that the page can sort them once a second.
_SAMPLED_BINS, _SAMPLED_ROWS = 64, 256
# A peak that stands this far above the mean of its pixel is drawn instead of the mean.
_PEAK_FACTOR = 2.0
# Six mean distances are nearly five standard deviations: noise alone hardly comes there.
_SIGNED_PEAK_FACTOR = 6.0


def to_db(power: Floats) -> Floats:
    """10 log10 of positive finite power; NaN elsewhere."""
    valid = np.isfinite(power) & (power > 0)
    out = np.full(power.shape, np.nan, np.float32)
    np.log10(power, out=out, where=valid)
    out *= np.float32(10)
    return out


class Levels(NamedTuple):
    """Lowest and highest value of a colour scale or an axis, in dB or in linear power."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """High - low."""
        return self.high - self.low


def middle_of_band(values: Floats) -> Floats:
    """The share of the bins, the last axis, that levels look at."""
    nbins = values.shape[-1]
    first, last = (int(share * nbins) for share in MIDDLE_OF_BAND)
    return values[..., first : max(last, first + 1)]


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` places from 0 to count - 1, evenly spaced, with both ends."""
    chosen = min(count, most)
    return np.arange(chosen) * (count - 1) // max(1, chosen - 1)


def sampled_rows(count: int) -> NDArray[np.int64]:
    """Return the rows of a picture, or its columns, that levels and background look at."""
    return evenly_spaced(count, _SAMPLED_ROWS)


def sampled_bins(values: Floats) -> Floats:
    """Return the bins that levels look at: at most 64 in the middle of the band, the last axis."""
    middle = middle_of_band(values)
    return middle[..., evenly_spaced(middle.shape[-1], _SAMPLED_BINS)]


def picture_levels(values: Floats, previous: Levels | None = None, *, signed: bool = False) -> Levels | None:
    """Automatic levels of a picture.

    The page has the same definition in `levels.mjs`; tests hold both against one table.

    Parameters
    ----------
    values
        What is shown, shape (n, nbins): in dB or, `signed`, linear.
    previous, signed
        As for `auto_levels`.
    """
    return auto_levels(sampled_bins(values[sampled_rows(len(values))]), previous, signed=signed)


def default_levels(*, signed: bool) -> Levels:
    """Levels of a picture without any valid value."""
    return Levels(-1.0, 1.0) if signed else Levels(0.0, 10.0)


def auto_levels(values: Floats, previous: Levels | None = None, *, signed: bool = False) -> Levels | None:
    """Levels for values, kept where they still fit.

    Parameters
    ----------
    values
        Any shape, in dB or, `signed`, linear; NaN where there are none. See `middle_of_band`.
    previous
        Levels so far. They stay while the wanted ones lie within a seventh of their span, so that the
        picture does not flicker with every burst.
    signed
        Levels are symmetric about zero, which a diverging palette has in its middle.

    Returns
    -------
    Levels or None
        None where there are no values and no previous levels.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return previous
    wanted = _signed_levels(finite) if signed else _percentile_levels(finite)
    if previous is not None:
        slack = _LEVEL_SLACK * previous.span
        if abs(wanted.low - previous.low) <= slack and abs(wanted.high - previous.high) <= slack:
            return previous
    return wanted


def _percentile_levels(finite: Floats) -> Levels:
    low, high = (float(value) for value in np.percentile(finite, _LEVEL_PERCENTILES))
    lacking = max(0.0, _LEVEL_LEAST_SPAN_DB - (high - low)) / 2
    return Levels(low - _LEVEL_MARGIN_DB - lacking, high + _LEVEL_MARGIN_DB + lacking)


def _signed_levels(finite: Floats) -> Levels:
    reach = float(np.percentile(np.abs(finite), _LEVEL_PERCENTILES[1]))
    return Levels(-reach, reach) if reach > 0 else default_levels(signed=True)


def bin_pixels(mean: Floats, peak: Floats | None, npixels: int) -> Floats:
    """Bins gathered into pixels, with narrow peaks kept.

    Parameters
    ----------
    mean
        Mean of each bin, shape (n, nbins); NaN where there is none.
    peak
        Highest power of each bin, the same shape; None for a signed product, where what stands out
        may be below zero too.
    npixels
        Pixels along the band; where there are more of them than bins, bins are repeated.

    Returns
    -------
    numpy.ndarray
        Shape (n, npixels): the mean of the pixel's valid bins, or their highest value where it exceeds the
        mean twofold; NaN where no bin is valid. Of a signed product the bin that is farthest from the
        pixel's mean, where it is farther than six times the row's typical distance.
    """
    starts, _ = pixel_bins(mean.shape[-1], npixels)
    if npixels >= mean.shape[-1]:
        mean = mean[:, starts]
        if peak is None:
            return mean
        peak = peak[:, starts]
        return np.where(peak > _PEAK_FACTOR * mean, peak, mean)
    average = _pixel_means(mean, starts)
    if peak is None:
        return _outstanding(mean, average, starts)
    highest = np.maximum.reduceat(np.where(np.isfinite(peak), peak, -np.inf), starts, axis=-1)
    return np.where(highest > _PEAK_FACTOR * average, highest, average).astype(np.float32, copy=False)


def _pixel_means(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Means of the valid bins of each pixel."""
    valid = np.isfinite(values)
    count = np.add.reduceat(valid, starts, axis=-1, dtype=np.float32)
    total = np.add.reduceat(np.where(valid, values, 0), starts, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / count, np.float32)


def _outstanding(mean: Floats, average: Floats, starts: NDArray[np.int64]) -> Floats:
    """The pixel's mean, or the bin that stands out from it."""
    widths = np.diff([*starts, mean.shape[-1]])
    distance = mean - np.repeat(average, widths, axis=-1)
    # The row's own noise: one line in it does not change the median over its pixels.
    typical = nan_median(_pixel_means(np.abs(distance), starts).T)[:, None]
    above = np.fmax.reduceat(distance, starts, axis=-1)
    below = np.fmin.reduceat(distance, starts, axis=-1)
    farthest = np.where(above >= -below, above, below)
    with np.errstate(invalid="ignore"):
        stands_out = np.abs(farthest) > _SIGNED_PEAK_FACTOR * typical
    return np.where(stands_out, average + farthest, average).astype(np.float32, copy=False)


def nan_median(values: Floats) -> Floats:
    """Median over the first axis of what is finite; NaN where nothing is. Unlike numpy's it does not warn."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2]).clip(0, max(0, len(values) - 1))
    # In double precision, the mean of two largest float32 numbers does not overflow.
    return np.asarray(np.take_along_axis(ordered, middle, axis=0).mean(axis=0, dtype=np.float64), np.float32)


def level_label(value: float, span: float) -> str:
    """A value of a scale in at most five characters, with as many digits as the scale's span needs.

    Where even one digit and its exponent do not fit, the exponent alone stands for the size: ``-e-12``.
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


def colour_steps(values: Floats, levels: Levels, steps: int) -> NDArray[np.int16]:
    """Place of each value in a colour table of `steps`; -1 for NaN."""
    with np.errstate(invalid="ignore"):
        places = np.clip((values - levels.low) / levels.span * steps, 0, steps - 1)
    return np.where(np.isnan(places), -1, places).astype(np.int16)


# Bit of each dot in a braille cell, rows from the top, columns left and right.
_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)


def trace_dots(values: Floats, low: float, high: float, columns: int, rows: int) -> NDArray[np.bool_]:
    """A trace as dots.

    Parameters
    ----------
    values
        Shape (n,); NaN breaks the line.
    low, high
        Values of the lowest and the highest dot. What lies outside is not drawn.
    columns, rows
        Dots across and up.

    Returns
    -------
    numpy.ndarray
        bool, shape (rows, columns), top row first. Each column spans all values that fall into it,
        lengthened to meet its neighbour, so that the line has no holes and no peak is lost.
    """
    least, most = _column_extremes(values, columns)
    scale = (rows - 1) / (high - low)
    with np.errstate(invalid="ignore"):
        bottom, top = np.rint((least - low) * scale), np.rint((most - low) * scale)
        bottom[1:] = np.fmin(bottom[1:], np.where(np.isnan(bottom[1:]), np.nan, top[:-1] + 1))
        top[1:] = np.fmax(top[1:], np.where(np.isnan(top[1:]), np.nan, np.rint((least - low) * scale)[:-1] - 1))
        heights = np.arange(rows - 1, -1, -1)[:, None]
        return np.asarray((heights >= bottom) & (heights <= top))


def _column_extremes(values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Lowest and highest value of each column of dots, NaN where it has none."""
    if columns >= len(values):
        spread = values[pixel_bins(len(values), columns)[0]].astype(np.float32)
        return spread, spread.copy()
    starts, _ = pixel_bins(len(values), columns)
    nan = np.isnan(values)
    least = np.minimum.reduceat(np.where(nan, np.inf, values), starts).astype(np.float32)
    most = np.maximum.reduceat(np.where(nan, -np.inf, values), starts).astype(np.float32)
    empty = np.isinf(least)
    least[empty] = most[empty] = np.nan
    return least, most


def braille(dots: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Dots as braille characters.

    Parameters
    ----------
    dots
        bool, shape (4 * lines, 2 * columns), top row first.

    Returns
    -------
    numpy.ndarray
        Code points, int32, shape (lines, columns); U+2800 where there is no dot.
    """
    rows, columns = dots.shape
    cells = dots.reshape(rows // 4, 4, columns // 2, 2)
    patterns: NDArray[np.int32] = np.einsum("rica,ia->rc", cells, _BRAILLE_BITS, dtype=np.int32)
    return 0x2800 + patterns


_PLAIN_DOTS = np.array([ord(character) for character in " '.:"], np.int32)


def plain_dots(dots: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Dots as ASCII characters, two a cell: an apostrophe above, a full stop below.

    Parameters
    ----------
    dots
        bool, shape (2 * lines, columns), top row first.
    """
    places = dots[0::2].astype(np.int32) + 2 * dots[1::2]
    plain: NDArray[np.int32] = _PLAIN_DOTS[places]
    return plain
