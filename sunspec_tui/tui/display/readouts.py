"""Data under the cursor, in the waterfall and in the spectrum."""

import math
from typing import TYPE_CHECKING

from sunspec_tui.core.levels import Floats, without_warnings
from sunspec_tui.tui.display.picture_values import Readout
from sunspec_tui.tui.display.scene_spectrum import power_of

if TYPE_CHECKING:
    from sunspec_tui.tui.display.scene import Scene

_OUTSIDE = Readout(math.nan, math.nan, None, inside=False)


@without_warnings()
def readout_of(scene: "Scene") -> Readout | None:
    """Return the data under the cursor; None without a cursor."""
    cursor, band = scene.view.cursor, scene.shown.band
    if cursor is None or scene.shown.position is None or scene.shown.picture is None:
        return None
    if cursor.number is None:
        return _spectrum_readout(scene, cursor.bin)
    pixels = scene.size.height_px
    pixel = band.pixel_of_bin(cursor.bin, pixels)
    if pixel is None or scene.shown.time_axis.cell_of(cursor.number) is None:
        return _OUTSIDE
    cell = scene.shown.picture.cell_value(cursor.number, pixel)
    low, high = band.edges_mhz(*band.bins_of(pixel, pixels, 1))
    begin_s = cell.begin_s if scene.shown.in_timeline else cell.first_s - scene.shown.position.cadence_s
    if not begin_s < cell.time_s:
        # The data time goes back within the column.
        begin_s = math.nan
    return Readout(low, high, cell, cell.power, cell.shown, begin_s, cell.time_s)


def _spectrum_readout(scene: "Scene", bin_number: int) -> Readout:
    """Return the data of a bin in the last row."""
    power = power_of(scene, scene.shown.product)
    if scene.shown.shows_column_mean and power is not None:
        return _bin_readout(scene, bin_number, power, *_last_column_times(scene))
    if power is None:
        return _OUTSIDE
    cadence_s = scene.history.position.cadence_s if scene.history.position else math.nan
    return _bin_readout(scene, bin_number, power, scene.shown.end_s - cadence_s, scene.shown.end_s)


def _last_column_times(scene: "Scene") -> tuple[float, float]:
    """Return begin and end of a timeline's last column."""
    timeline = scene.shown.picture.timeline if scene.shown.picture else None
    numbers = timeline.stored_numbers() if timeline else []
    if timeline is None or not numbers:
        return math.nan, math.nan
    return timeline.begin_s(numbers[-1]), timeline.time_s(numbers[-1])


def _bin_readout(scene: "Scene", bin_number: int, power: Floats, begin_s: float, end_s: float) -> Readout:
    """Return the data of a bin of the spectrum."""
    band = scene.shown.band
    if not band.start <= bin_number < band.stop:
        return _OUTSIDE
    value = float(power[bin_number])
    decibels = 10 * math.log10(value) if value > 0 and math.isfinite(value) else math.nan
    low, high = band.edges_mhz(bin_number, bin_number + 1)
    shown = value if scene.shown.signed else decibels
    return Readout(low, high, None, value, shown, begin_s, end_s)


@without_warnings()
def spectrum_under_cursor(scene: "Scene") -> tuple[Floats, float] | None:
    """Return the mean of the column under the cursor, and its end.

    The mean has the shape (nbins,). Return None without data.
    """
    cursor, picture = scene.view.cursor, scene.shown.picture
    if cursor is None or cursor.number is None or picture is None or not picture.store.has_rows(cursor.number):
        return None
    mean, _ = picture.store.statistics([cursor.number])
    return mean[0], picture.store.time_s(cursor.number)
