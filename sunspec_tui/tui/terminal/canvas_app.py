"""Textual app that sends only changed cells to the terminal.

Textual alone sends too much for a slow link. It does not track the terminal's cells: a changed cell resends its line
from the widget's left edge, and a picture that moves resends all its cells. Here Textual's updates go to a `Canvas`,
which sends as many differences as the `LinkPacer` allows. A `CellWidget` that nothing covers writes its cells to
the canvas directly, without Textual's compositor.

This module uses private parts of Textual: `App._display`, `App._batch_count`, `App._filters`,
`App._background_screens`, `Screen._compositor`, `Widget._styles_cache`, `LayoutUpdate`, the compositor's map of visible
widgets, and the driver's writer thread. tests/tui/test_painting.py fails when one of them changes.
"""

import asyncio
import os
import time

from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import LayoutUpdate
from textual.color import Color as CssColor
from textual.geometry import Size
from textual.screen import Screen

from sunspec_tui.tui.terminal.ability_app import AbilityApp
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.canvas import Canvas, Grid
from sunspec_tui.tui.terminal.cell_widget import CellWidget, picture_regions, uncovered
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.driver import CURSOR_QUERY, Driver
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, LinkReading
from sunspec_tui.tui.terminal.pixel_image import CellSize
from sunspec_tui.tui.terminal.pixel_layer import PixelLayer
from sunspec_tui.tui.terminal.synchronized_updates import SynchronizedUpdates
from sunspec_tui.tui.terminal.terminal_notification import notification_sequence
from sunspec_tui.tui.terminal.update_writer import UpdateWriter

# Time to the next attempt. No event reports that the link can accept data again.
_RETRY_S = 0.05
# Longest waits at the end: for the reply to an update, and for the replies about abilities.
_LAST_REPLY_S, _LAST_ABILITY_S = 0.3, 1.0
# Longest time for which keys may delay the pictures. A key that is held down would delay them without end.
_PICTURES_WAIT_S = 0.15
# A key waits for the end of the current update, so pixels are sent in pieces even if the link was fast so far.
_PIXELS_BUDGET = 1 << 16


class CanvasApp(AbilityApp):
    """Textual app that draws its screen through a canvas.

    Parameters
    ----------
    finder
        Finder of the terminal's abilities; None for a terminal with 24-bit colours and without pixels.
    ascii_only
        True if the terminal has only ASCII characters.
    pacer
        Pacer that decides when and how much to send.
    """

    def __init__(
        self, finder: AbilityFinder | None = None, *, ascii_only: bool = False, pacer: LinkPacer | None = None
    ) -> None:
        super().__init__(finder or AbilityFinder.of_choices(Depth.TRUE))
        self.ascii_only = ascii_only
        self.pacer = pacer or LinkPacer()
        self.update_writer = UpdateWriter(Canvas(1, 1), self.depth, ascii_only=ascii_only)
        self.synchronized = SynchronizedUpdates()
        self.animation_level = "none"
        self._scheduled_paint: asyncio.Handle | None = None
        self.urgent = False
        """True if the next update omits the pictures, so that the effect of a key is shown first."""
        self.cell_widgets: list[CellWidget] = []
        self.pixel_layer = PixelLayer()
        self._strip_timer: asyncio.Handle | None = None
        self.pixel_cell: CellSize | None = None
        """Size of a cell while pictures are drawn in pixels; None for blocks."""
        self._link_closed = False
        self._pictures_sent_s = 0.0
        self._has_content = self._base_trip_queried = self._is_blank = self._must_ask_again = False
        self._last_places: tuple[Screen[object] | None, object] = (None, None)

    @property
    def canvas(self) -> Canvas:
        """Cells of the terminal."""
        return self.update_writer.canvas

    # Textual's updates

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write an update to the canvas instead of sending it."""
        if not self._uses_canvas:
            super()._display(screen, renderable)
            return
        if not self._batch_count and self._running:
            renderable = self._completed_update(screen, renderable)
            if renderable is not None:
                self._put_update(renderable)
        self.post_display_hook()

    def _completed_update(self, screen: Screen[object], renderable: RenderableType | None) -> RenderableType | None:
        """Return the update, or a full one if Textual's is incomplete.

        Textual sends the differences from its last layout. They are incomplete in two cases. First, if code queries the
        place of a widget between a change and its layout, the layout finds no moved widget. Second, if the window
        becomes smaller and at once larger again, Textual finds no change, but the canvas is blank.
        """
        compositor = screen._compositor  # noqa: SLF001 - see the module
        places = compositor.visible_widgets
        before, self._last_places = self._last_places, (screen, places)
        if isinstance(renderable, LayoutUpdate):
            self._is_blank &= compositor.size != self.size
            return renderable
        has_moved = before[0] is screen and before[1] is not places and before[1] != places
        if not has_moved and not (self._is_blank and compositor.size == self.size):
            return renderable
        self._is_blank = False
        return compositor.render_update(full=True, screen_stack=self._background_screens)

    def _put_update(self, update: RenderableType) -> None:
        self._resize_canvas(self.size)
        self._has_content = True
        if not self.update_writer.write(update):
            self.log.error(f"unknown update {update!r}")
        self.paint_soon()

    @property
    def _uses_canvas(self) -> bool:
        """True on a terminal; False if Textual runs headless."""
        return self._send is not None or not self.is_headless

    def _resize_canvas(self, size: Size) -> bool:
        """Resize and blank the canvas.

        Return False if it already has this size.
        """
        if (self.canvas.desired.columns, self.canvas.desired.lines) == tuple(size):
            return False
        self.canvas.resize(*size)
        self.pixel_layer.forget()
        self._is_blank = True
        return True

    # Styles

    def filtered_style_number(self, style: Style, background: CssColor) -> int:
        """Return the number of a Rich style after Textual's line filters.

        If the contrast of its text is too low, the text has another colour.
        """
        segments = [Segment(" ", style)]
        for line_filter in self._filters:
            if line_filter.enabled:
                segments = line_filter.apply(segments, background)
        return self.update_writer.legible_style_number(segments[0].style, light=not self.current_theme.dark)

    # To the terminal

    def on_resize(self, event: events.Resize) -> None:
        """Draw all cells again.

        After a resize or a return from the background, the content of the terminal is unknown.
        """
        if self._resize_canvas(event.size):
            # Textual merges resize events in quick succession, and may find no change in the end.
            self.screen.refresh()
        else:
            self.redraw()
        self.follow_screen(event.size)

    def abilities_changed(self) -> None:
        """Draw all cells in the colours that the terminal has."""
        if self.update_writer.depth is self.depth:
            return
        self.update_writer.change_depth(self.depth)
        # Textual sees no change, but the canvas needs all cells again, with new styles.
        self._is_blank = True
        for widget in self.cell_widgets:
            widget.notify_style_update()
            widget.repaint()
        self.screen.refresh()

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """Note the terminal's reply: all data before the query have arrived."""
        now_s = time.monotonic()
        self.pacer.reply_received(now_s)
        self._redraw_lost(now_s, has_replied=not self.pacer.awaits_update)
        if self.urgent or not self._is_finished:
            self.paint_soon()

    def show_terminal_title(self, text: str) -> None:
        """Show a title of the terminal's window until the app ends."""
        if isinstance(self._driver, Driver) and not self._link_closed:
            self._driver.title.show(text)

    def show_desktop_notification(self, title: str, text: str) -> None:
        """Let the terminal show a notification, if it can."""
        if isinstance(self._driver, Driver) and not self._link_closed:
            self._driver.write(notification_sequence(title, text, os.environ))

    def ask_and_redraw(self) -> None:
        """Ask the terminal, which may be another one; send all cells."""
        self._must_ask_again = True
        self.redraw()

    def redraw(self) -> None:
        """Send all cells again, because the content of the terminal is unknown."""
        self.canvas.invalidate()
        self.pixel_layer.forget()
        self.paint_soon()

    def _redraw_lost(self, now_s: float, *, has_replied: bool) -> None:
        """Send all cells again if the terminal may have lost some."""
        if self.synchronized.may_be_lost(now_s, has_replied=has_replied):
            self.redraw()

    def paint_soon(self, after_s: float = 0.0) -> None:
        """Schedule one update, after the current callbacks or after `after_s` seconds."""
        if self._scheduled_paint is None and not self._link_closed:
            loop = asyncio.get_running_loop()
            self._scheduled_paint = loop.call_later(after_s, self._paint) if after_s else loop.call_soon(self._paint)

    def _paint(self) -> None:
        self._scheduled_paint = None
        if self._link_closed or self._driver is None or not self._has_content:
            return
        now_s = time.monotonic()
        if self.pacer.must_wait(now_s) or self.is_writer_busy:
            if self.pacer.reply_overdue(now_s):
                self.send_text(CURSOR_QUERY)
                self.pacer.query_repeated(now_s)
            self.paint_soon(_RETRY_S)
            return
        self._redraw_lost(now_s, has_replied=False)
        self._send_update(now_s)
        if self.pixel_layer.failure is not None:
            self.pixels_failed(self.pixel_layer.failure)
        if not self._is_finished:
            self.paint_soon(_RETRY_S)
        elif self.pixel_layer.is_waiting and self._strip_timer is None:
            # Another callback, because a scheduled update would delay the effect of a key.
            loop = asyncio.get_running_loop()
            self._strip_timer = loop.call_later(self.pixel_layer.strip_every_s, self._paint_strip)

    def _send_update(self, now_s: float) -> None:
        """Send what differs: first text after a key, else pictures too."""
        text_only = self.urgent and now_s - self._pictures_sent_s < _PICTURES_WAIT_S
        text = self.next_text(text_only=text_only)
        if not text and text_only:
            text_only, text = False, self.next_text()
        if not text_only:
            self._pictures_sent_s = now_s
        self.urgent = False
        if text:
            if not self._base_trip_queried:
                # Measure the link's base round trip while nothing else is in flight.
                self._base_trip_queried = True
                self.send_text(CURSOR_QUERY)
                self.pacer.query_sent(now_s)
                text = self.first_queries(now_s) + text
            elif self._must_ask_again:
                text = self.repeated_queries(now_s) + text
            # If a terminal prints a query that it does not know, the screen covers the print.
            self._must_ask_again = False
            self._write(text, now_s, finished=text_only or self._is_finished)

    def _paint_strip(self) -> None:
        """Draw the strip that has waited."""
        self._strip_timer = None
        self.paint_soon()

    def next_text(self, *, text_only: bool = False) -> str:
        """Return the next text to send: changed cells, and then pixels."""
        budget = self.pacer.budget
        text = self.pixel_layer.prepare(self.canvas)
        text += self.canvas.update(budget, picture_regions(self.cell_widgets, self.screen), text_only=text_only)
        pixels_budget = self.pixels_budget(budget) - len(text)
        if (text_only or pixels_budget <= 0) and not self.pixel_layer.must_follow(self.canvas):
            return text
        return text + self.pixel_layer.update(self.canvas, 0 if text_only else pixels_budget, time.monotonic())

    def pixels_failed(self, error: Exception) -> None:
        """Draw without pixels after a fault of their painter."""
        raise error

    def pixels_budget(self, budget: int) -> int:
        """Return the bytes of a budget for pixels; a subclass extends this."""
        return min(budget, _PIXELS_BUDGET)

    @property
    def _is_finished(self) -> bool:
        """True if the terminal displays all cells and pixels."""
        return self.canvas.finished and self.pixel_layer.finished

    def _write(self, text: str, now_s: float, *, finished: bool) -> None:
        if self.cursor_position != (0, 0):
            # Input methods open their windows at the cursor.
            text += f"\x1b[{self.cursor_position.y + 1};{self.cursor_position.x + 1}H"
        if self._sync_available:
            text = self.synchronized.bracketed(text, now_s)
        text += CURSOR_QUERY
        nbytes = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.pacer.update_sent(nbytes, now_s, finished=finished)
        self.send_text(text)

    def link_reading(self) -> LinkReading:
        """Return the measurements of the link to the terminal."""
        return self.pacer.reading(time.monotonic())

    async def close_link(self) -> None:
        """Send nothing more, and wait briefly for replies.

        Without the wait, the shell would read the replies as input.
        """
        self._link_closed = True
        begun_s = now_s = time.monotonic()
        while self._awaits_reply(now_s - begun_s) and not self.is_abandoned:
            await asyncio.sleep(0.01)
            now_s = time.monotonic()

    def _awaits_reply(self, waited_s: float) -> bool:
        """Return True if a reply is likely to come soon."""
        now_s = time.monotonic()
        if self.finder.must_wait(now_s) and waited_s < _LAST_ABILITY_S:
            return True
        return waited_s < _LAST_REPLY_S and self.pacer.awaits_reply and self.pacer.reading(now_s).has_replied

    # Cells

    def put_cells(self, widget: "CellWidget", grid: Grid) -> bool:
        """Write a widget's cells to the canvas.

        Return False if Textual has to draw the widget.
        """
        if not self._uses_canvas or not self.is_running or self._batch_count or not uncovered(widget):
            return False
        self._resize_canvas(self.size)
        region = widget.content_region
        if (grid.columns, grid.lines) != tuple(region.size):
            return False
        self.canvas.put(region.x, region.y, grid)
        self.paint_soon()
        return True
