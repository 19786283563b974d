"""From power to what is drawn: decibels, levels, ticks, pixels and braille dots.

Pure functions on arrays and numbers, tested as tables. What is not a positive number has no
decibels: it stays NaN here and is drawn as no data, never clamped to the lowest colour.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MIDDLE_OF_BAND = (0.1, 0.9)
"""Levels look at this share of the bins: the edges of the band roll off."""

# The upper one leaves out what a handful of interference lines takes of the band.
_LEVEL_PERCENTILES = (2.0, 97.5)
_LEVEL_MARGIN_DB = 0.5
_LEVEL_LEAST_SPAN_DB = 3.0
# A peak that stands this far above the mean of its pixel is drawn instead of the mean.
_PEAK_FACTOR = 2.0


def to_db(power: Floats) -> Floats:
    """10 log10 of positive finite power; NaN elsewhere."""
    valid = np.isfinite(power) & (power > 0)
    out = np.full(power.shape, np.nan, np.float32)
    np.log10(power, out=out, where=valid)
    out *= np.float32(10)
    return out


@dataclass(frozen=True, slots=True)
class Levels:
    """Lowest and highest value of a colour scale or an axis, in dB."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """High - low in dB."""
        return self.high - self.low


def auto_levels(values_db: Floats, previous: Levels | None = None) -> Levels | None:
    """Levels for values, kept where they still fit.

    Parameters
    ----------
    values_db
        Shape (..., nbins); NaN where there are none.
    previous
        Levels so far. They stay while the wanted ones lie within a tenth of their span, so that the
        picture does not flicker.

    Returns
    -------
    Levels or None
        None where there are no values and no previous levels.
    """
    nbins = values_db.shape[-1]
    first, last = (int(share * nbins) for share in MIDDLE_OF_BAND)
    middle = values_db[..., first : max(last, first + 1)]
    values = middle[np.isfinite(middle)]
    if not values.size:
        return previous
    low, high = (float(value) for value in np.percentile(values, _LEVEL_PERCENTILES))
    lacking = max(0.0, _LEVEL_LEAST_SPAN_DB - (high - low)) / 2
    wanted = Levels(low - _LEVEL_MARGIN_DB - lacking, high + _LEVEL_MARGIN_DB + lacking)
    if previous is not None:
        slack = 0.1 * previous.span
        if abs(wanted.low - previous.low) <= slack and abs(wanted.high - previous.high) <= slack:
            return previous
    return wanted


def pixel_edges(nbins: int, npixels: int) -> NDArray[np.int64]:
    """First bin of each pixel, and the end: shape (npixels + 1,)."""
    return np.linspace(0, nbins, npixels + 1).round().astype(np.int64)


def bin_pixels(mean: Floats, peak: Floats, npixels: int) -> Floats:
    """Bins gathered into pixels, with narrow peaks kept.

    Parameters
    ----------
    mean, peak
        Mean and highest power of each bin, shape (n, nbins); NaN where there is none.
    npixels
        Pixels along the band; where there are more of them than bins, bins are repeated.

    Returns
    -------
    numpy.ndarray
        Power, shape (n, npixels): the mean of the pixel's valid bins, or their highest value where
        it exceeds the mean twofold; NaN where no bin is valid.
    """
    nbins = mean.shape[-1]
    if npixels >= nbins:
        pick = np.arange(npixels) * nbins // npixels
        mean, peak = mean[:, pick], peak[:, pick]
        return np.where(peak > _PEAK_FACTOR * mean, peak, mean)
    starts = pixel_edges(nbins, npixels)[:-1]
    valid = np.isfinite(mean)
    count = np.add.reduceat(valid, starts, axis=-1, dtype=np.float32)
    total = np.add.reduceat(np.where(valid, mean, 0), starts, axis=-1)
    highest = np.maximum.reduceat(np.where(np.isfinite(peak), peak, -np.inf), starts, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        average = total / count
    return np.where(highest > _PEAK_FACTOR * average, highest, average).astype(np.float32, copy=False)


def colour_steps(values_db: Floats, levels: Levels, steps: int) -> NDArray[np.int16]:
    """Place of each value in a colour table of `steps`; -1 for NaN."""
    with np.errstate(invalid="ignore"):
        places = np.clip((values_db - levels.low) / levels.span * steps, 0, steps - 1)
    return np.where(np.isnan(places), -1, places).astype(np.int16)


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that divides `span` into at most `most` parts."""
    if not span > 0 or most < 1:
        return 1.0
    raw = span / most
    magnitude = 10.0 ** math.floor(math.log10(raw))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= raw * (1 - 1e-9))


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, at most about `most` of them."""
    step = nice_step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def clock_step(span_s: float, most: int) -> int:
    """The shortest round time in seconds that divides `span_s` into at most `most` parts."""
    return next((step for step in _CLOCK_STEPS_S if span_s / step <= most), _CLOCK_STEPS_S[-1])


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
        spread = values[np.arange(columns) * len(values) // columns].astype(np.float32)
        return spread, spread.copy()
    starts = pixel_edges(len(values), columns)[:-1]
    nan = np.isnan(values)
    least = np.minimum.reduceat(np.where(nan, np.inf, values), starts).astype(np.float32)
    most = np.maximum.reduceat(np.where(nan, -np.inf, values), starts).astype(np.float32)
    empty = np.isinf(least)
    least[empty] = most[empty] = np.nan
    return least, most


def braille(dots: NDArray[np.bool_]) -> list[str]:
    """Dots as lines of braille.

    Parameters
    ----------
    dots
        bool, shape (4 * lines, 2 * columns), top row first.
    """
    rows, columns = dots.shape
    cells = dots.reshape(rows // 4, 4, columns // 2, 2)
    codes = 0x2800 + np.einsum("rica,ia->rc", cells.transpose(0, 1, 2, 3), _BRAILLE_BITS, dtype=np.int64)
    text = codes.astype("<u4").tobytes().decode("utf-32-le").replace("\u2800", " ")
    width = columns // 2
    return [text[i : i + width] for i in range(0, len(text), width)]
