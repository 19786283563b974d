"""Textual app that sends only changed cells to the terminal.

Textual alone sends too much for a slow link. It does not track the terminal's cells: a changed cell resends its line
from the widget's left edge, and a picture that moves resends all its cells. Here Textual's updates go to a `Canvas`,
which sends as many differences as the `LinkPacer` allows. A `CellWidget` that nothing covers writes its cells to
the canvas directly, without Textual's compositor.

This module uses private parts of Textual: `App._display`, `App._batch_count`, `App._filters`,
`App._background_screens`, `Screen._compositor`, `Widget._styles_cache`, the compositor's updates and its map of
visible widgets, and the driver's writer thread. tests/tui/test_painting.py fails when one of them changes.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import numpy as np
from rich.cells import cell_len
from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.color import Color as CssColor
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

from sunspec_tui.tui.terminal.canvas import CONTINUED, Canvas, Grid, Region, code_points
from sunspec_tui.tui.terminal.cell_widget import CellWidget, uncovered
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.driver import CURSOR_QUERY, Driver
from sunspec_tui.tui.terminal.guarded import FaultLimit, Guarded
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, LinkReading
from sunspec_tui.tui.terminal.rich_styles import ascii_text, cell_style, rich_style

log = logging.getLogger(__name__)

# Wide characters on a page of code points that the canvas treats as narrow, because the pictures use this page.
_WIDE_AMONG_OURS = "\u25fd\u25fe"
# Variation selectors, which change the width of a character in some terminals.
_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
# Time to the next attempt. No event reports that the link can accept data again.
_RETRY_S = 0.05
_LAST_REPLY_S = 0.3
# Longest time for which keys may delay the pictures. A key that is held down would delay them without end.
_PICTURES_WAIT_S = 0.15


class CanvasApp(Guarded, App[int]):
    """Textual app that draws its screen through a canvas.

    Parameters
    ----------
    depth
        Colours of the terminal.
    ascii_only
        True if the terminal has only ASCII characters.
    pacer
        Pacer that decides when and how much to send.
    """

    def __init__(self, depth: Depth = Depth.TRUE, *, ascii_only: bool = False, pacer: LinkPacer | None = None) -> None:
        super().__init__(driver_class=Driver)
        self.depth = depth
        self.ascii_only = ascii_only
        self.pacer = pacer or LinkPacer()
        self.canvas = Canvas(1, 1)
        self.animation_level = "none"
        self._numbers: dict[Style | None, int] = {None: 0}
        self._styles: dict[int, Style] = {}
        self._send: Callable[[str], None] | None = None
        self._due: asyncio.Handle | None = None
        self.urgent = False
        """True if the next update leaves out the pictures, so that the reply to a key comes first."""
        self.cell_widgets: list[CellWidget] = []
        self._closed_link = False
        self._pictures_sent_s = 0.0
        self._has_content = self._queried = self._is_blank = False
        self._faults = FaultLimit()
        self._places: tuple[Screen[object] | None, object] = (None, None)

    # Faults

    def survives(self, error: Exception) -> bool:
        """Log a fault of a message handler; return True to continue."""
        continues = self._faults.allows(time.monotonic())
        if continues:
            self.report_fault(logging.ERROR, "monitor_fault", f"the screen failed to handle a message: {error!r}")
            log.debug("traceback of the screen's fault", exc_info=error)
        return continues

    def report_fault(self, level: int, kind: str, text: str) -> None:
        """Log a fault of the screen.

        An app with an event log overrides this method.
        """
        log.log(level, "%s (%s)", text, kind)

    def _handle_exception(self, error: Exception) -> None:
        self.report_fault(logging.CRITICAL, "monitor_failed", f"the screen has failed, the monitor ends: {error!r}")
        super()._handle_exception(error)

    # Textual's updates

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write an update to the canvas instead of sending it."""
        if not self._paints:
            super()._display(screen, renderable)
            return
        if not self._batch_count and self._running:
            renderable = self._completed(screen, renderable)
            if renderable is not None:
                self._put_update(renderable)
        self.post_display_hook()

    def _completed(self, screen: Screen[object], renderable: RenderableType | None) -> RenderableType | None:
        """Return the update, or a full one if Textual's is incomplete.

        Textual sends the differences from its last layout. They are incomplete in two cases. First, if code queries the
        place of a widget between a change and its layout, the layout finds no moved widget. Second, if the window
        becomes smaller and at once larger again, Textual finds no change, but the canvas is blank.
        """
        compositor = screen._compositor  # noqa: SLF001 - see the module
        places = compositor.visible_widgets
        before, self._places = self._places, (screen, places)
        if isinstance(renderable, LayoutUpdate):
            self._is_blank &= compositor.size != self.size
            return renderable
        has_moved = before[0] is screen and before[1] is not places and before[1] != places
        if not has_moved and not (self._is_blank and compositor.size == self.size):
            return renderable
        self._is_blank = False
        return compositor.render_update(full=True, screen_stack=self._background_screens)

    def _put_update(self, update: RenderableType) -> None:
        self._fit_canvas()
        self._has_content = True
        if isinstance(update, LayoutUpdate):
            self._put_layout(update)
        elif isinstance(update, ChopsUpdate):
            self._put_chops(update)
        else:
            self.log.error(f"unknown update {update!r}")
        self.paint_soon()

    @property
    def _paints(self) -> bool:
        return self._send is not None or not self.is_headless

    def _fit_canvas(self) -> None:
        self._resize_canvas(self.size)

    def _resize_canvas(self, size: Size) -> bool:
        """Resize and blank the canvas.

        Return False if it already has this size.
        """
        if (self.canvas.desired.columns, self.canvas.desired.lines) == tuple(size):
            return False
        self.canvas.resize(*size)
        self._is_blank = True
        return True

    def _put_layout(self, update: LayoutUpdate) -> None:
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                if strip is not None:
                    x = self._put_strip(x, y, strip)

    def _put_chops(self, update: ChopsUpdate) -> None:
        # Outside its spans, an update contains the widgets behind the updated widgets: skip these parts.
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x < right and end > left:
                    self._put_strip(x, y, strip if end <= right else strip.crop(0, right - x))

    def _put_strip(self, x: int, y: int, strip: Strip) -> int:
        """Write a strip to the canvas; return the column after its end."""
        desired = self.canvas.desired
        for text, style, control in strip:
            if control or not text:
                continue
            codes = self._codes(text)
            if 0 <= y < desired.lines and x < desired.columns:
                room = desired.columns - x
                desired.codes[y, x : x + len(codes)] = codes[:room]
                desired.styles[y, x : x + len(codes)] = self.style_number(style)
            x += len(codes)
        return x

    def _codes(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        """Return one code for each cell; a wide character takes two cells."""
        if text.isascii() and text.isprintable():
            return code_points(text)
        if self.ascii_only:
            text = ascii_text(text)
        if cell_len(text) == len(text) and all(map(cell_len, set(text))):
            return code_points(text)
        codes: list[int] = []
        for each in text:
            width = cell_len(each)
            if width == 0:
                # Keep a combining mark with its letter; drop invisible characters, which may control the terminal.
                if codes and codes[-1] != CONTINUED and each.isprintable() and each not in _SELECTORS:
                    codes[-1] = self.canvas.cluster(self.canvas.text_of(codes[-1]) + each)
            elif (width > 1 and each in _WIDE_AMONG_OURS) or not each.isprintable():
                codes += [ord("?")] * width
            else:
                codes += [ord(each)] + [CONTINUED] * (width - 1)
        return np.array(codes, np.int32)

    # Styles

    def style_number(self, style: Style | None) -> int:
        """Return the number of the cell style for a Rich style."""
        number = self._numbers.get(style)
        if number is None:
            assert style is not None  # noqa: S101 - None has its number from the start
            number = self._numbers[style] = self.canvas.styles.number(cell_style(style, self.depth))
        return number

    def filtered_style_number(self, style: Style, background: CssColor) -> int:
        """Return the number of a Rich style after Textual's line filters."""
        segments = [Segment(" ", style)]
        for line_filter in self._filters:
            if line_filter.enabled:
                segments = line_filter.apply(segments, background)
        return self.style_number(segments[0].style)

    def rich_style_of(self, number: int) -> Style:
        """Return a Rich style for a style number, for Textual's own drawing."""
        style = self._styles.get(number)
        if style is None:
            style = self._styles[number] = rich_style(self.canvas.styles.known[number])
        return style

    # To the terminal

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; update the size in a resize event."""
        await super().on_event(self._with_size_now(event) if isinstance(event, events.Resize) else event)

    def _with_size_now(self, event: events.Resize) -> events.Resize:
        # A signal can interrupt the handler of an earlier signal. Then Textual reports the newer size first.
        if not isinstance(self._driver, Driver):
            return event
        size = Size(*self._driver.size_now)
        return event if size == event.size else events.Resize(size, size)

    def on_resize(self, event: events.Resize) -> None:
        """Draw all cells again.

        After a resize or a return from the background, the content of the terminal is unknown.
        """
        if self._resize_canvas(event.size):
            # Textual merges resize events in quick succession, and may find no change in the end.
            self.screen.refresh()
        else:
            self.canvas.forget()
            self.paint_soon()

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """Note the terminal's reply: all data before the query have arrived."""
        self.pacer.reply_received(time.monotonic())
        if self.urgent or not self.canvas.finished:
            self.paint_soon()

    @property
    def message_queue_size(self) -> int:
        """Number of messages in the queue; any thread may read it."""
        return self._message_queue.qsize()

    @property
    def is_abandoned(self) -> bool:
        """True if the terminal has gone away, with or without a signal."""
        return isinstance(self._driver, Driver) and self._driver.is_gone

    def redraw(self) -> None:
        """Send all cells again, because another program has written to the terminal."""
        self.canvas.forget()
        self.paint_soon()

    def paint_soon(self, after_s: float = 0.0) -> None:
        """Schedule one update, after the current callbacks or after `after_s` seconds."""
        if self._due is None and not self._closed_link:
            loop = asyncio.get_running_loop()
            self._due = loop.call_later(after_s, self._paint) if after_s else loop.call_soon(self._paint)

    def _paint(self) -> None:
        self._due = None
        if self._closed_link or self._driver is None or not self._has_content:
            return
        now_s = time.monotonic()
        if self.pacer.must_wait(now_s) or self._writer_is_busy():
            if self.pacer.reply_overdue(now_s):
                self._send_text(CURSOR_QUERY)
                self.pacer.query_repeated(now_s)
            self.paint_soon(_RETRY_S)
            return
        text_only = self.urgent and now_s - self._pictures_sent_s < _PICTURES_WAIT_S
        text = self.canvas.update(self.pacer.budget, self._picture_regions(), text_only=text_only)
        if not text and text_only:
            text_only, text = False, self.canvas.update(self.pacer.budget, self._picture_regions())
        if not text_only:
            self._pictures_sent_s = now_s
        self.urgent = False
        if text:
            if not self._queried:
                # Measure the link's base round trip while nothing else is in flight.
                self._queried = True
                self._send_text(CURSOR_QUERY)
                self.pacer.query_sent(now_s)
            self._write(text, now_s, finished=text_only or self.canvas.finished)
        if not self.canvas.finished:
            self.paint_soon(_RETRY_S)

    def _write(self, text: str, now_s: float, *, finished: bool) -> None:
        if self.cursor_position != (0, 0):
            # Input methods open their windows at the cursor.
            text += f"\x1b[{self.cursor_position.y + 1};{self.cursor_position.x + 1}H"
        if self._sync_available:
            text = _SYNC_START + text + _SYNC_END
        text += CURSOR_QUERY
        nbytes = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.pacer.update_sent(nbytes, now_s, finished=finished)
        self._send_text(text)

    def _send_text(self, text: str) -> None:
        if self._send is not None:
            self._send(text)
        elif self._driver is not None:
            self._driver.write(text)

    def _writer_is_busy(self) -> bool:
        """Return True if an update is still queued.

        This is the only measurement of a terminal that does not reply.
        """
        return isinstance(self._driver, Driver) and self._driver.is_busy

    def _picture_regions(self) -> list[Region]:
        return [
            Region(region.x, region.y, region.right, region.bottom)
            for widget in self.cell_widgets
            if widget.is_picture and widget.screen is self.screen and (region := widget.content_region)
        ]

    def link_reading(self) -> LinkReading:
        """Return the measurements of the link to the terminal."""
        return self.pacer.reading(time.monotonic())

    async def close_link(self) -> None:
        """Send nothing more, and wait briefly for a reply.

        Without the wait, the shell would read the reply as input.
        """
        self._closed_link = True
        until_s = time.monotonic() + _LAST_REPLY_S
        while self.pacer.awaits_reply and self.pacer.reading(until_s).replies and time.monotonic() < until_s:
            if self.is_abandoned:
                return
            await asyncio.sleep(0.01)

    # Cells

    def lay_cells(self, widget: "CellWidget", grid: Grid) -> bool:
        """Write a widget's cells to the canvas.

        Return False if Textual has to draw the widget.
        """
        if not self._paints or not self.is_running or self._batch_count or not uncovered(widget):
            return False
        self._fit_canvas()
        region = widget.content_region
        if (grid.columns, grid.lines) != tuple(region.size):
            return False
        self.canvas.put(region.x, region.y, grid)
        self.paint_soon()
        return True
