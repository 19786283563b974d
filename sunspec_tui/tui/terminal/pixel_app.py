"""Textual app that draws a picture in pixels where possible.

The terminal must have pixels, and the link must carry them.
"""

import asyncio
import logging
import time
from dataclasses import replace
from typing import NamedTuple

from textual import events
from textual.worker import Worker

from sunspec_tui.tui.terminal.abilities import Abilities, Graphics, KittyDialect
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.terminal.driver import Driver
from sunspec_tui.tui.terminal.kitty_graphics import delete_all
from sunspec_tui.tui.terminal.kitty_painter import KittyPainter
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, Quality
from sunspec_tui.tui.terminal.passthrough_rate import PassthroughRate
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelPainter
from sunspec_tui.tui.terminal.placeholder_painter import PlaceholderPainter
from sunspec_tui.tui.terminal.placeholders import LINE_LIMIT, pane_number
from sunspec_tui.tui.terminal.sixel_painter import SixelPainter
from sunspec_tui.tui.terminal.strip_painter import StripPainter
from sunspec_tui.tui.terminal.tmux_state import TmuxState, read_tmux

log = logging.getLogger(__name__)

# Pictures take about a third of the screen, and a pixel about a byte.
_PICTURE_SHARE = 3
# Intervals of queries to tmux: while pictures are drawn through it, and otherwise.
_DRAWN_EVERY_S, _OTHER_EVERY_S = 2.0, 10.0
_MIN_LINES = 7
_MAX_SCREEN_PX = 1 << 24


class _DrawnPixels(NamedTuple):
    """Protocol of the pixels that are drawn."""

    graphics: Graphics = Graphics.BLOCKS
    dialect: KittyDialect = KittyDialect.FRAMES
    cell: CellSize | None = None


class PixelApp(CanvasApp):
    """App whose picture is in pixels or in blocks.

    If the user has chosen pixels, they stay on a slow link too: pictures come less often, with a write cursor.
    Otherwise the pacer decides whether the link is fast enough for pixels.
    """

    _drawn = _DrawnPixels()
    _followed_quality = Quality.FULL
    _has_removed_old_pictures = False

    def __init__(
        self, finder: AbilityFinder | None = None, *, ascii_only: bool = False, pacer: LinkPacer | None = None
    ) -> None:
        super().__init__(finder, ascii_only=ascii_only, pacer=pacer)
        self._passthrough = PassthroughRate()
        self._tmux: TmuxState | None = None
        self._tmux_worker: Worker[None] | None = None
        self._pixels_have_failed = False

    @property
    def pixels_sweep(self) -> bool:
        """True if the terminal cannot move the picture.

        Then it must be drawn with a write cursor.
        """
        return self._drawn.graphics is Graphics.SIXEL or self._is_through_tmux

    def known_abilities(self, now_s: float) -> Abilities:
        """Return the abilities as far as they are known.

        Without pixels if this screen can have none.
        """
        abilities = super().known_abilities(now_s)
        if abilities.graphics is Graphics.BLOCKS:
            return abilities
        if self.ascii_only:
            return replace(abilities, graphics=Graphics.BLOCKS, is_ascii_only=True)
        cell = CellSize(abilities.cell_width_px, abilities.cell_height_px)
        if not can_draw_pixels(*self.size, cell):
            return replace(abilities, graphics=Graphics.BLOCKS, has_unfit_size=True)
        return abilities

    def follow_graphics(self) -> None:
        """Draw in pixels or blocks, as terminal and link allow."""
        possible = self._possible_pixels()
        is_chosen = self.abilities.chosen_graphics is not None
        estimate = self.size.width * self.size.height * (possible.cell.area if possible.cell else 0) // _PICTURE_SHARE
        self.pacer.picture_nbytes = 0 if is_chosen else estimate
        if not is_chosen and self._is_tmux_slow(possible):
            possible = _DrawnPixels()
        drawn = possible if is_chosen or self.pacer.quality is Quality.PIXELS else _DrawnPixels()
        if self._pixels_have_failed:
            drawn = _DrawnPixels()
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self.pixel_layer.use(self._painter(drawn))
        self.pixel_cell = drawn.cell
        self._set_farewell()
        self.paint_soon()

    def pixels_failed(self, error: Exception) -> None:
        """Report a fault of the pixels, and draw in blocks.

        The observer's next choice of a kind of pictures tries pixels again.
        """
        self.send_text(self._removing_text())
        self.pixel_layer.use(None)
        self.redraw()
        self._pixels_have_failed = True
        self.follow_graphics()
        self.quality_changed()
        text = f"the picture in pixels has failed and is drawn in blocks; --graphics blocks avoids this: {error!r}"
        self.report_fault(logging.ERROR, "pixels_failed", text)
        log.debug("traceback of the fault of the pixels", exc_info=error)

    def try_pixels_again(self) -> None:
        """Draw in pixels again after a fault."""
        self._pixels_have_failed = False

    def next_text(self, *, text_only: bool = False) -> str:
        """Return the next text to send.

        Also set the text that removes its pictures at the end.
        """
        text = super().next_text(text_only=text_only)
        self._set_farewell()
        return text

    def _set_farewell(self) -> None:
        """Let the driver remove the pictures at the end."""
        if isinstance(self._driver, Driver):
            self._driver.farewell = self._removing_text()

    def _removing_text(self) -> str:
        """Return the text that removes all pictures; text overwrites sixels."""
        painter = self.pixel_layer.painter
        if isinstance(painter, PlaceholderPainter):
            return painter.farewell
        return delete_all() if self._drawn.graphics is Graphics.KITTY else ""

    @property
    def _has_kitty(self) -> bool:
        """True if the terminal itself knows kitty's protocol."""
        return Graphics.KITTY in self.abilities.available_graphics and not self.abilities.in_tmux

    def _remove_old_pictures(self) -> None:
        """Remove all pictures.

        A monitor that was killed or lost its link leaves its picture, which would lie over the new screen.
        """
        self.send_text(delete_all())
        self.pixel_layer.forget()

    def redraw(self) -> None:
        """Send all again, because another program has written to the terminal."""
        if self._has_kitty:
            self._remove_old_pictures()
        super().redraw()

    def _possible_pixels(self) -> _DrawnPixels:
        """Return the protocol that the terminal has, without regard to the link."""
        abilities = self.abilities
        cell = CellSize(abilities.cell_width_px, abilities.cell_height_px)
        if abilities.graphics is Graphics.BLOCKS or self.ascii_only or not can_draw_pixels(*self.size, cell):
            return _DrawnPixels()
        dialect = abilities.dialect if abilities.graphics is Graphics.KITTY else KittyDialect.FRAMES
        return _DrawnPixels(abilities.graphics, dialect, cell)

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """Send the pacer's probe, and follow its changes of quality.

        A probe is a large update that measures the link.
        """
        if self.pacer.take_probe():
            # The probe sends all cells again, so the screen does not change.
            self.canvas.invalidate()
            self.paint_soon()
        if self.pacer.quality is not self._followed_quality:
            self._followed_quality = self.pacer.quality
            self.quality_changed()

    def quality_changed(self) -> None:
        """Draw the pictures soon; a subclass extends this method."""

    def _painter(self, drawn: _DrawnPixels) -> PixelPainter | None:
        """Return a painter of a protocol; None for blocks."""
        if drawn.dialect is KittyDialect.PLACEHOLDERS:
            return PlaceholderPainter(pane_number(self.finder.environment.get("TMUX_PANE", "")))
        if drawn.graphics is Graphics.KITTY:
            return KittyPainter() if drawn.dialect is KittyDialect.FRAMES else StripPainter()
        return SixelPainter() if drawn.graphics is Graphics.SIXEL else None

    # tmux

    def first_queries(self, now_s: float) -> str:
        """Return the text that asks for the abilities.

        If no reply is due, also ask tmux.
        """
        text = super().first_queries(now_s)
        self._ask_tmux()
        return text

    def follow_terminal(self) -> None:
        """Use the known abilities; ask tmux for its state."""
        super().follow_terminal()
        if not self._has_removed_old_pictures and self._has_kitty:
            self._has_removed_old_pictures = True
            self._remove_old_pictures()
        self._ask_tmux()

    def _ask_tmux(self) -> None:
        if self._tmux_worker is None and self.finder.must_ask_tmux(time.monotonic()):
            self._tmux_worker = self.run_worker(self._follow_tmux(), name="tmux")

    async def _follow_tmux(self) -> None:
        """Ask tmux for its state until it reports none."""
        while (state := await asyncio.to_thread(read_tmux, self.finder.environment)) is not None:
            self._note_tmux(state, time.monotonic())
            await asyncio.sleep(_DRAWN_EVERY_S if self._is_through_tmux else _OTHER_EVERY_S)
        self.finder.note_tmux(None)
        self.follow_terminal()

    def _note_tmux(self, state: TmuxState, now_s: float) -> None:
        """Use a state of tmux; resend pictures that may be lost."""
        before, self._tmux = self._tmux, state
        self.finder.note_tmux(state)
        is_same = before is not None and state.keeps_pictures_of(before)
        if is_same and state.is_visible:
            self._passthrough.note_report(self.pixel_layer.sent_nbytes, state.written_nbytes, now_s)
        else:
            self._passthrough.forget_reports()
        if self._is_through_tmux and not is_same:
            self.pixel_layer.forget()
            self.paint_soon()
        self.follow_terminal()

    @property
    def _is_through_tmux(self) -> bool:
        """True while pixels are drawn through tmux."""
        return self._drawn.dialect is KittyDialect.PLACEHOLDERS

    def _is_tmux_slow(self, drawn: _DrawnPixels) -> bool:
        """Return True if pixels would go through tmux's slow link."""
        return drawn.dialect is KittyDialect.PLACEHOLDERS and not self._passthrough.is_useful

    def pixels_budget(self, budget: int) -> int:
        """Return how much of an update's budget pixels may take."""
        budget = super().pixels_budget(budget)
        if not self._is_through_tmux:
            return budget
        return min(budget, self._passthrough.budget(self.pixel_layer.sent_nbytes, time.monotonic()))


def can_draw_pixels(columns: int, lines: int, cell: CellSize) -> bool:
    """Return True if a screen of this size can have pixels.

    On a screen with few lines the picture does not fit, and a painter cannot send a part of a picture. With more than
    twice the pixels of a 4K screen, each row takes too long. Such a number may also come from a wrong cell size in a
    terminal's reply.
    """
    return bool(cell.area) and _MIN_LINES <= lines <= LINE_LIMIT and columns * lines * cell.area <= _MAX_SCREEN_PX
