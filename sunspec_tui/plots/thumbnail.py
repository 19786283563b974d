"""Draw the thumbnail of a day: 24 hours without axes.

All days have the same width, so that the thumbnails below each other have one time axis. Hours without rows are
transparent, so that the thumbnail fits a dark and a light page.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sunspec_tui.core.background import quiet_median, without_background
from sunspec_tui.core.colormaps import DIVERGING, PALETTES, colours
from sunspec_tui.core.levels import default_levels, picture_levels, to_db, without_warnings
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.retention import SOFTWARE
from sunspec_tui.plots.column_reduction import Reduced, join_columns
from sunspec_tui.plots.plot_reduction import average_bins, group_size

WIDTH_PX, HEIGHT_PX = 1440, 144
"""Size of a thumbnail; a pixel is a minute wide. A page may show it smaller."""

_DAY_S = 86_400.0
_LEVELS = 255  # code 0 is transparent


def thumbnail_png(parts: Sequence[Reduced], product: Product, day_begin_s: float) -> bytes:
    """Draw the highest values of a day as a PNG, without background.

    Parameters
    ----------
    parts
        Reduced rows of one frequency axis, in the order of time.
    product
        Product of the highest values.
    day_begin_s
        Begin of the day, seconds since 1970 UTC.
    """
    whole, signed = join_columns(parts), product in SIGNED_PRODUCTS
    with without_warnings():
        values = average_bins(whole.highest, group_size(whole.highest.shape[1], HEIGHT_PX))
        clean = without_background(values, quiet_median(values), signed=signed)
        shown = clean if signed else to_db(clean)
        codes = _codes(shown, signed=signed)
    begins_s, ends_s = _column_spans_s(whole)
    minutes = pixels(begins_s - day_begin_s, ends_s - day_begin_s, codes)
    rows = np.arange(HEIGHT_PX) * minutes.shape[1] // HEIGHT_PX
    # The lowest frequency is at the bottom.
    return _png(minutes[:, rows[::-1]].T, DIVERGING if signed else PALETTES[0])


def pixels(begins_s: NDArray[np.float64], ends_s: NDArray[np.float64], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the highest code of each minute and bin, shape (1440, nbins).

    Parameters
    ----------
    begins_s, ends_s
        Begin and end of each column, seconds of the day.
    codes
        Codes of the columns, shape (n, nbins); 0 is no value.
    """
    out = np.zeros((WIDTH_PX, codes.shape[1]), np.uint8)
    minute_s = _DAY_S / WIDTH_PX
    for begin_s, end_s, column in zip(begins_s, ends_s, codes, strict=True):
        first = max(0, int(begin_s // minute_s))
        last = min(WIDTH_PX, max(first + 1, round(end_s / minute_s)))
        np.maximum(out[first:last], column, out=out[first:last])
    return out


def _codes(values: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
    """Return codes 1 to 255 between automatic levels; 0 for NaN."""
    low, high = picture_levels(values, signed=signed) or default_levels(signed=signed)
    scaled = (values - low) / max(high - low, 1e-6) * (_LEVELS - 1)
    known = np.isfinite(values)
    return np.where(known, np.where(known, scaled, 0).clip(0, _LEVELS - 1).round() + 1, 0).astype(np.uint8)


def _column_spans_s(whole: Reduced) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ends_s = whole.means.times_s
    length_s = whole.column_s or (whole.cadence_s if whole.cadence_s > 0 else 0.0)
    return np.maximum(ends_s - length_s, whole.begin_s), np.minimum(ends_s, whole.end_s)


def _png(codes: NDArray[np.uint8], palette: str) -> bytes:
    steps = np.linspace(0, 255, _LEVELS).round().astype(int)
    table = np.concatenate([np.zeros((1, 3)), colours(palette)[steps]]).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(codes))
    picture.putpalette(table.tobytes())
    text, out = PngInfo(), BytesIO()
    text.add_text("Software", SOFTWARE)
    picture.save(out, format="PNG", compress_level=6, pnginfo=text, transparency=0)
    return out.getvalue()
