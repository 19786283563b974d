"""Textual app that draws a picture in pixels where possible.

The terminal must have pixels, and the link must carry them.
"""

from typing import NamedTuple

from textual import events

from sunspec_tui.tui.terminal.abilities import Graphics, KittyDialect
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.terminal.driver import Driver
from sunspec_tui.tui.terminal.kitty_graphics import delete_all
from sunspec_tui.tui.terminal.kitty_painter import KittyPainter
from sunspec_tui.tui.terminal.link_pacing import Quality
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelPainter
from sunspec_tui.tui.terminal.sixel_painter import SixelPainter
from sunspec_tui.tui.terminal.strip_painter import StripPainter

# Pictures take about a third of the screen, and a pixel about a byte.
_PICTURE_SHARE = 3


class _DrawnPixels(NamedTuple):
    """Protocol of the pixels that are drawn."""

    graphics: Graphics = Graphics.BLOCKS
    dialect: KittyDialect = KittyDialect.FRAMES
    cell: CellSize | None = None


class PixelApp(CanvasApp):
    """App whose picture is in pixels or in blocks.

    Pixels that the user has chosen stay on a slow link too, less often and with a write cursor. Otherwise the pacer
    decides when the link carries them.
    """

    _drawn = _DrawnPixels()
    _followed_quality = Quality.FULL

    @property
    def pixels_sweep(self) -> bool:
        """True if the terminal cannot move the picture.

        Then it must be drawn with a write cursor.
        """
        return self._drawn.graphics is Graphics.SIXEL

    def follow_graphics(self) -> None:
        """Draw in pixels or blocks, as terminal and link allow."""
        possible = self._possible_pixels()
        is_chosen = self.abilities.chosen_graphics is not None
        estimate = self.size.width * self.size.height * (possible.cell.area if possible.cell else 0) // _PICTURE_SHARE
        self.pacer.picture_nbytes = 0 if is_chosen else estimate
        drawn = possible if is_chosen or self.pacer.quality is Quality.PIXELS else _DrawnPixels()
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self.pixel_layer.use(_painter(drawn))
        self.pixel_cell = drawn.cell
        if isinstance(self._driver, Driver):
            self._driver.farewell = delete_all() if drawn.graphics is Graphics.KITTY else ""
        self.paint_soon()

    def _possible_pixels(self) -> _DrawnPixels:
        """Return the protocol that the terminal has, without regard to the link."""
        abilities = self.abilities
        cell = CellSize(abilities.cell_width_px, abilities.cell_height_px)
        if abilities.graphics is Graphics.BLOCKS or not cell.area or self.ascii_only:
            return _DrawnPixels()
        return _DrawnPixels(abilities.graphics, abilities.dialect, cell)

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """Draw soon in another quality if the pacer has changed it.

        Help the pacer to measure the link.
        """
        if self.pacer.take_probe():
            # All cells are sent again, which changes nothing on the screen.
            self.canvas.invalidate()
            self.paint_soon()
        if self.pacer.quality is not self._followed_quality:
            self._followed_quality = self.pacer.quality
            self.quality_changed()

    def quality_changed(self) -> None:
        """Draw the pictures soon; a subclass extends this method."""


def _painter(drawn: _DrawnPixels) -> PixelPainter | None:
    """Return a painter of a protocol; None for blocks."""
    if drawn.graphics is Graphics.KITTY:
        return KittyPainter() if drawn.dialect is KittyDialect.FRAMES else StripPainter()
    return SixelPainter() if drawn.graphics is Graphics.SIXEL else None
