"""Picture of the waterfall in the pixels of a terminal."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.colormaps import DIVERGING, colours
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.burst_marks import BurstMark
from sunspec_tui.tui.display.interval_cells import interval_cells
from sunspec_tui.tui.display.pixel_steps import PIXEL_STEPS, PixelColour, PixelSteps
from sunspec_tui.tui.display.waterfall_image import WaterfallImage
from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelImage
from sunspec_tui.tui.widgets.waterfall_cells import GREY

Pixels = NDArray[np.uint8]
RGB = tuple[int, int, int]

_NO_DATA_RGB, _NO_DATA_IN_GREY_RGB = (96, 96, 104), (88, 80, 136)
_NOT_LOADED_RGB = (40, 44, 56)
_CURSOR_RGB, _CURSOR_EDGE_RGB = (255, 255, 255), (0, 0, 0)
# The arms of the cross begin outside the pixel whose value is shown, and end at this distance.
_ARM_GAP_PX, _ARM_END_PX = 3, 14
# The corners of a bracket lie this far outside its burst, and their arms have this length.
_CORNER_GAP_PX, _CORNER_PX = 2, 10


class SignColours(NamedTuple):
    """Colours of pixels that show no value."""

    background: RGB
    gap: RGB
    restart: RGB
    write_cursor: RGB


@lru_cache(maxsize=8)
def pixel_palette(name: str, signs: SignColours, *, signed: bool, is_grey: bool = False) -> Pixels:
    """Return the colours of a picture's numbers, uint8, shape (n, 3).

    Parameters
    ----------
    name
        Name of the colour map.
    signs
        Colours of pixels that show no value.
    signed
        True if the middle of the colour map is zero.
    is_grey
        True if the picture has lost its colours, because it is not live.
    """
    shown_name = GREY if is_grey else DIVERGING if signed else name
    own = {
        PixelColour.NO_DATA: _NO_DATA_IN_GREY_RGB if shown_name == GREY else _NO_DATA_RGB,
        PixelColour.GAP: signs.gap,
        PixelColour.RESTART: signs.restart,
        PixelColour.BACKGROUND: signs.background,
        PixelColour.WRITE_CURSOR: signs.write_cursor,
        PixelColour.CURSOR: _CURSOR_RGB,
        PixelColour.CURSOR_EDGE: _CURSOR_EDGE_RGB,
        PixelColour.NOT_LOADED: _NOT_LOADED_RGB,
    }
    steps = colours(shown_name, PIXEL_STEPS)
    return np.concatenate([steps, np.array([own[number] for number in PixelColour], np.uint8)])


class PixelScene(NamedTuple):
    """Data that a picture shows.

    Attributes
    ----------
    picture
        Drawn picture with the axis's columns.
    axis, band
        Columns and bins of the pixels.
    cursor
        Column and bin of the cursor; None without a cursor.
    brackets
        Brackets around bursts.
    """

    picture: WaterfallImage
    axis: ColumnAxis
    band: FrequencyWindow
    cursor: tuple[int, int] | None = None
    brackets: tuple[BurstMark, ...] = ()


class WaterfallPixels:
    """Pictures of a waterfall in pixels, one after the other."""

    def __init__(self) -> None:
        self._steps = PixelSteps()
        self._axis: ColumnAxis | None = None
        self._key: tuple[object, ...] | None = None
        self._palette: Pixels | None = None
        self.has_only_new_columns = False
        """True if the last picture sweeps, and differs from the one before only by new columns."""

    def image(self, scene: PixelScene, region: Region, cell: CellSize, palette: Pixels) -> PixelImage:
        """Return the next picture.

        Parameters
        ----------
        scene
            Data to show.
        region, cell
            Cells of the picture, and their size.
        palette
            Colours from `pixel_palette`.
        """
        pixels = self._steps.pixels(scene.picture, scene.axis)
        _draw_brackets(pixels, scene, cell)
        if scene.cursor is not None:
            _draw_cursor(pixels, scene, *scene.cursor)
        moved_left_px = _moved_left_px(self._axis, scene.axis)
        self._axis = scene.axis
        marks = scene.cursor, scene.brackets
        key = (scene.axis._replace(newest=0), scene.band, marks, scene.picture.levels, region, cell)
        self.has_only_new_columns = scene.axis.sweeping and key == self._key and palette is self._palette
        self._key, self._palette = key, palette
        return PixelImage(region, cell, pixels, palette, moved_left_px)


def _moved_left_px(before: ColumnAxis | None, axis: ColumnAxis) -> int:
    """Return the distance by which the columns have moved left."""
    if before is None or axis.sweeping or axis._replace(newest=before.newest) != before:
        return 0
    by = axis.end_px - before.end_px
    return by if abs(by) < axis.width_px else 0


def _draw_cursor(pixels: Pixels, scene: PixelScene, number: int, bin_number: int) -> None:
    """Draw a cross's arms around the pixel that is read."""
    across = scene.axis.pixels_of(number)
    pixel = scene.band.pixel_of_bin(bin_number, len(pixels))
    if across is None or pixel is None:
        return
    y, (left, right) = len(pixels) - 1 - pixel, across
    arms = (
        ((left, right), (y - _ARM_END_PX, y - _ARM_GAP_PX)),
        ((left, right), (y + 1 + _ARM_GAP_PX, y + 1 + _ARM_END_PX)),
        ((left - _ARM_END_PX, left - _ARM_GAP_PX), (y, y + 1)),
        ((right + _ARM_GAP_PX, right + _ARM_END_PX), (y, y + 1)),
    )
    _draw_arms(pixels, arms)


def _draw_arms(pixels: Pixels, arms: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Draw bars with an edge.

    Each has its first and last column, and its first and last line; the last ones are exclusive.
    """
    arms = tuple(arms)
    for colour, edge in ((PixelColour.CURSOR_EDGE, 1), (PixelColour.CURSOR, 0)):
        for (first, last), (top, bottom) in arms:
            columns = slice(max(0, first - edge), max(0, last + edge))
            pixels[max(0, top - edge) : max(0, bottom + edge), columns] = colour


def _draw_brackets(pixels: Pixels, scene: PixelScene, cell: CellSize) -> None:
    """Draw the corners of the brackets around bursts."""
    if not scene.brackets:
        return
    numbers = np.array(scene.axis.numbers, np.int64)
    begins_s, ends_s = (np.array([getattr(mark, name) for mark in scene.brackets]) for name in ("begin_s", "end_s"))
    firsts = scene.axis.first_pixels(numbers)
    found = interval_cells(begins_s, ends_s, scene.picture.store.times_s(numbers), firsts.tolist())
    if found is None:
        return
    _draw_arms(
        pixels,
        (
            arm
            for number, left, right in zip(found.numbers, found.first, found.last, strict=True)
            for arm in _corners(scene.brackets[number], int(left), int(right), cell.height, pixels.shape)
        ),
    )


def _corners(
    mark: BurstMark, left: int, right: int, line_px: int, shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the arms of a bracket's corners; see `_draw_arms`."""
    box, (height, width) = mark.box, shape
    top = max(1, height - (box.high + 1) * line_px - _CORNER_GAP_PX)
    bottom = min(height - 1, height - box.low * line_px + _CORNER_GAP_PX)
    x_left, x_right = max(1, left - _CORNER_GAP_PX), min(width - 1, right + 1 + _CORNER_GAP_PX)
    arm_px = min(_CORNER_PX, max(1, (bottom - top) // 3))
    for is_open, x, towards in ((box.open_left, x_left, 1), (box.open_right, x_right, -1)):
        if is_open:
            continue
        across = (x, x + _CORNER_PX // 2) if towards > 0 else (x - _CORNER_PX // 2, x)
        yield (min(x, x + towards), max(x, x + towards)), (top, top + arm_px)
        yield (min(x, x + towards), max(x, x + towards)), (bottom - arm_px, bottom)
        if not box.open_above:
            yield across, (top, top + 1)
        if not box.open_below:
            yield across, (bottom - 1, bottom)
