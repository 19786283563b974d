"""Palette steps of the waterfall's pixels, cached by column.

A new row changes the steps of its own column only. The other columns keep their steps until the levels change.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Levels
from sunspec_tui.tui.display.axes import ColumnAxis
from sunspec_tui.tui.display.pixels import colour_steps
from sunspec_tui.tui.display.waterfall_image import WaterfallImage

PIXEL_STEPS = 248
"""Number of palette steps; the remaining numbers of a byte are `PixelColour`."""

# A gap is hatched with lines of this slope, so that it differs from values even without its colour.
_HATCH_PX = 8


class PixelColour(IntEnum):
    """Numbers of the colours that are no palette step."""

    NO_DATA = PIXEL_STEPS
    GAP = PIXEL_STEPS + 1
    RESTART = PIXEL_STEPS + 2
    BACKGROUND = PIXEL_STEPS + 3
    WRITE_CURSOR = PIXEL_STEPS + 4
    CURSOR = PIXEL_STEPS + 5
    CURSOR_EDGE = PIXEL_STEPS + 6
    NOT_LOADED = PIXEL_STEPS + 7


class PixelSteps:
    """Cache of the palette steps of a picture's columns."""

    def __init__(self) -> None:
        self._picture: WaterfallImage | None = None
        self._levels: Levels | None = None
        self._versions: NDArray[np.int64] = np.empty(0, np.int64)
        self._steps: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    def pixels(self, picture: WaterfallImage, axis: ColumnAxis) -> NDArray[np.uint8]:
        """Return the numbers of colours of all pixels.

        Parameters
        ----------
        picture
            Drawn picture with the axis's columns.
        axis
            Displayed columns and their pixels.

        Returns
        -------
        numpy.ndarray
            uint8, shape (lines, columns) in pixels, highest frequency first: palette steps, and `PixelColour` from
            `PIXEL_STEPS` on.
        """
        self._update(picture)
        numbers = axis.numbers_at_pixels()
        pixels = np.ascontiguousarray(self._steps[numbers % picture.store.width].T[::-1])
        self._mark_columns(pixels, picture, axis, numbers)
        return pixels

    def _update(self, picture: WaterfallImage) -> None:
        """Compute the steps of changed columns."""
        if picture is not self._picture or picture.levels != self._levels or picture.values.shape != self._steps.shape:
            self._picture, self._levels = picture, picture.levels
            self._versions = np.full(picture.versions.shape, -1, np.int64)
            self._steps = np.full(picture.values.shape, PixelColour.NO_DATA, np.uint8)
        stale = np.flatnonzero(picture.versions != self._versions)
        if len(stale) and picture.levels is not None:
            steps = colour_steps(picture.values[stale], picture.levels, PIXEL_STEPS)
            self._steps[stale] = np.where(steps < 0, PixelColour.NO_DATA, steps)
            self._versions[stale] = picture.versions[stale]

    def _mark_columns(
        self, pixels: NDArray[np.uint8], picture: WaterfallImage, axis: ColumnAxis, numbers: NDArray[np.int64]
    ) -> None:
        """Draw the columns without values, the restarts and the write cursor."""
        store, first = picture.store, picture.first_column
        stored = store.stored(numbers)
        before = np.asarray(~stored & ((numbers <= first) if first is not None else True))
        if before.any():
            pixels[:, before] = PixelColour.BACKGROUND
        gap = ~stored & ~before
        if gap.any():
            pixels[:, gap] = _hatched(pixels.shape, axis)[:, gap]
        if picture.timeline is not None and (unloaded := picture.timeline.unloaded(numbers)).any():
            pixels[:, unloaded] = PixelColour.NOT_LOADED
        restarts = store.with_restarts(numbers)
        if restarts.any():
            pixels[:, restarts] = PixelColour.RESTART
        write_cursor = numbers < axis.oldest
        if write_cursor.any():
            pixels[:, write_cursor] = PixelColour.WRITE_CURSOR


def _hatched(shape: tuple[int, ...], axis: ColumnAxis) -> NDArray[np.uint8]:
    """Return a hatched area whose lines move with the columns."""
    across = np.arange(shape[1]) + (0 if axis.sweeping else axis.end_px - axis.width_px)
    is_line = (across[None, :] + np.arange(shape[0])[:, None]) % _HATCH_PX == 0
    return np.where(is_line, PixelColour.GAP, PixelColour.BACKGROUND).astype(np.uint8)
