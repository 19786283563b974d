"""Drawing on the terminal by cells, beside Textual's own way, which sends too much for a slow link.

Textual keeps no picture of what the terminal holds: a changed cell costs its line from the widget's left
edge, a picture that moves costs all of itself. Here Textual's updates are laid on a `Canvas`, and the canvas
sends what differs, as much as the `LinkPacer` allows; a `CellWidget` lays its cells there itself, without
Textual's compositor, where nothing covers it.

This is the one module that leans on what Textual does not promise: `App._display`, `App._batch_count`,
`App._filters`, `App._background_screens`, `Screen._compositor`, `Widget._styles_cache`, the compositor's updates
and its map of visible widgets, and the driver's writer thread.
tests/tui/test_painting.py fails when one of them changes.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from typing import ClassVar

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
from textual.widget import Widget

from sunspec_tui.tui.terminal.canvas import CONTINUED, Canvas, Grid, Region, code_points
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.driver import QUESTION, Driver
from sunspec_tui.tui.terminal.guarded import FaultLimit, Guarded
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, LinkReading
from sunspec_tui.tui.terminal.rich_styles import ascii_text, look_of, style_of, to_ascii

log = logging.getLogger(__name__)

# Wide characters on a page that the canvas takes for narrow, because our pictures are drawn with it.
_WIDE_AMONG_OURS = "\u25fd\u25fe"
# Variation selectors, which change the width of a character in some terminals.
_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
# How soon to look again where no event will say that the link has room.
_RETRY_S = 0.05
_LAST_ANSWER_S = 0.3
# How long keys may hold the pictures up: one that is held down comes again and again.
_PICTURES_WAIT_S = 0.15


class CanvasApp(Guarded, App[int]):
    """An app whose screen goes to the terminal through a canvas.

    Parameters
    ----------
    depth
        Colours of the terminal.
    ascii_only
        The terminal has no characters beyond ASCII.
    governor
        Decides when and how much is sent.
    """

    def __init__(
        self, depth: Depth = Depth.TRUE, *, ascii_only: bool = False, governor: LinkPacer | None = None
    ) -> None:
        super().__init__(driver_class=Driver)
        self.depth = depth
        self.ascii_only = ascii_only
        self.governor = governor or LinkPacer()
        self.canvas = Canvas(1, 1)
        self.animation_level = "none"
        self._numbers: dict[Style | None, int] = {None: 0}
        self._styles: dict[int, Style] = {}
        self._send: Callable[[str], None] | None = None
        self._due: asyncio.Handle | None = None
        self.urgent = False
        """Whether the next update leaves the pictures out, because a key waits for its answer."""
        self.cell_widgets: list[CellWidget] = []
        self._closed_link = False
        self._pictures_sent_s = 0.0
        self._has_content = self._asked = self._is_blank = False
        self._faults = FaultLimit()
        self._places: tuple[Screen[object] | None, object] = (None, None)

    # Faults

    def survives(self, error: Exception) -> bool:
        """Log a fault in one message's handling; return True to continue."""
        continues = self._faults.allows(time.monotonic())
        if continues:
            self.report_fault(
                logging.ERROR, "monitor_fault", f"a message to the screen could not be handled: {error!r}"
            )
            log.debug("the fault of the screen", exc_info=error)
        return continues

    def report_fault(self, level: int, kind: str, text: str) -> None:
        """Log a fault of the screen; an app with an event log overrides this."""
        log.log(level, "%s (%s)", text, kind)

    def _handle_exception(self, error: Exception) -> None:
        self.report_fault(logging.CRITICAL, "monitor_failed", f"the screen has failed, the monitor ends: {error!r}")
        super()._handle_exception(error)

    # Textual's updates

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Lay an update on the canvas; Textual would send it."""
        if not self._paints:
            super()._display(screen, renderable)
            return
        if not self._batch_count and self._running:
            renderable = self._completed(screen, renderable)
            if renderable is not None:
                self._take(renderable)
        self.post_display_hook()

    def _completed(self, screen: Screen[object], renderable: RenderableType | None) -> RenderableType | None:
        """Return the update, or a full one if Textual's is incomplete.

        Textual sends the differences from its last layout. They are incomplete in two cases. If code queries the place
        of a widget between a change and its layout, the layout finds no moved widget. If the window becomes smaller and
        at once larger again, Textual sees no change, but the canvas is blank.
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

    def _take(self, update: RenderableType) -> None:
        self._fit_canvas()
        self._has_content = True
        if isinstance(update, LayoutUpdate):
            self._take_layout(update)
        elif isinstance(update, ChopsUpdate):
            self._take_chops(update)
        else:
            self.log.error(f"unknown update {update!r}")
        self.paint_soon()

    @property
    def _paints(self) -> bool:
        return self._send is not None or not self.is_headless

    def _fit_canvas(self) -> None:
        self._resize_canvas(self.size)

    def _resize_canvas(self, size: Size) -> bool:
        """Give the canvas another size, blank; False where it has that size already."""
        if (self.canvas.desired.columns, self.canvas.desired.lines) == tuple(size):
            return False
        self.canvas.resize(*size)
        self._is_blank = True
        return True

    def _take_layout(self, update: LayoutUpdate) -> None:
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                if strip is not None:
                    x = self._lay(x, y, strip)

    def _take_chops(self, update: ChopsUpdate) -> None:
        # Outside its spans an update holds what lies behind the widgets that it is about.
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x < right and end > left:
                    self._lay(x, y, strip if end <= right else strip.crop(0, right - x))

    def _lay(self, x: int, y: int, strip: Strip) -> int:
        """Lay a strip on the canvas, and say where it ends."""
        back = self.canvas.desired
        for text, style, control in strip:
            if control or not text:
                continue
            codes = self._codes(text)
            if 0 <= y < back.lines and x < back.columns:
                room = back.columns - x
                back.codes[y, x : x + len(codes)] = codes[:room]
                back.looks[y, x : x + len(codes)] = self.number_of(style)
            x += len(codes)
        return x

    def _codes(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        """A code a cell; a wide character takes two cells."""
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

    # Looks

    def number_of(self, style: Style | None) -> int:
        """Number of the look that a style has on this terminal."""
        found = self._numbers.get(style)
        if found is None:
            assert style is not None  # noqa: S101 - None has its number from the start
            found = self._numbers[style] = self.canvas.looks.number(look_of(style, self.depth))
        return found

    def filtered_number(self, style: Style, background: CssColor) -> int:
        """Number of the look that a style has after what Textual does to every line."""
        segments = [Segment(" ", style)]
        for line_filter in self._filters:
            if line_filter.enabled:
                segments = line_filter.apply(segments, background)
        return self.number_of(segments[0].style)

    def style_of(self, number: int) -> Style:
        """A style that has a look, for Textual's own drawing."""
        found = self._styles.get(number)
        if found is None:
            found = self._styles[number] = style_of(self.canvas.looks.known[number])
        return found

    # To the terminal

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; a change of the size with the size of now."""
        await super().on_event(self._with_size_now(event) if isinstance(event, events.Resize) else event)

    def _with_size_now(self, event: events.Resize) -> events.Resize:
        # A signal can interrupt the handler of an earlier one. Then the newer size is reported first, the older last.
        if not isinstance(self._driver, Driver):
            return event
        size = Size(*self._driver.size_now)
        return event if size == event.size else events.Resize(size, size)

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that has another size, or is back from the background, may hold anything."""
        if self._resize_canvas(event.size):
            # Textual joins sizes that follow each other at once, and may see no change in the end.
            self.screen.refresh()
        else:
            self.canvas.forget()
            self.paint_soon()

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        """The terminal's answer: all that was sent has arrived."""
        self.governor.answered(time.monotonic())
        if self.urgent or not self.canvas.finished:
            self.paint_soon()

    @property
    def message_queue_size(self) -> int:
        """Number of messages that wait to be handled; from any thread."""
        return self._message_queue.qsize()

    @property
    def is_abandoned(self) -> bool:
        """Whether the terminal has gone away, with or without a signal that says so."""
        return isinstance(self._driver, Driver) and self._driver.is_gone

    def redraw(self) -> None:
        """Send all again, because something else has written on the terminal."""
        self.canvas.forget()
        self.paint_soon()

    def paint_soon(self, after_s: float = 0.0) -> None:
        """Send what differs, once, after what is under way now."""
        if self._due is None and not self._closed_link:
            loop = asyncio.get_running_loop()
            self._due = loop.call_later(after_s, self._paint) if after_s else loop.call_soon(self._paint)

    def _paint(self) -> None:
        self._due = None
        if self._closed_link or self._driver is None or not self._has_content:
            return
        now_s = time.monotonic()
        if self.governor.must_wait(now_s) or self._writer_is_busy():
            if self.governor.reply_overdue(now_s):
                self._put(QUESTION)
                self.governor.asked_again(now_s)
            self.paint_soon(_RETRY_S)
            return
        text_only = self.urgent and now_s - self._pictures_sent_s < _PICTURES_WAIT_S
        text = self.canvas.update(self.governor.budget, self._picture_regions(), text_only=text_only)
        if not text and text_only:
            text_only, text = False, self.canvas.update(self.governor.budget, self._picture_regions())
        if not text_only:
            self._pictures_sent_s = now_s
        self.urgent = False
        if text:
            if not self._asked:
                # The link's own round trip, before anything is under way on it.
                self._asked = True
                self._put(QUESTION)
                self.governor.query_sent(now_s)
            self._write(text, now_s, finished=text_only or self.canvas.finished)
        if not self.canvas.finished:
            self.paint_soon(_RETRY_S)

    def _write(self, text: str, now_s: float, *, finished: bool) -> None:
        if self.cursor_position != (0, 0):
            # Where input methods open their windows.
            text += f"\x1b[{self.cursor_position.y + 1};{self.cursor_position.x + 1}H"
        if self._sync_available:
            text = _SYNC_START + text + _SYNC_END
        text += QUESTION
        nbytes = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.governor.sent(nbytes, now_s, finished=finished)
        self._put(text)

    def _put(self, text: str) -> None:
        if self._send is not None:
            self._send(text)
        elif self._driver is not None:
            self._driver.write(text)

    def _writer_is_busy(self) -> bool:
        """Whether an update still waits to be written: all that is known where no answer comes."""
        return isinstance(self._driver, Driver) and self._driver.is_busy

    def _picture_regions(self) -> list[Region]:
        return [
            Region(region.x, region.y, region.right, region.bottom)
            for widget in self.cell_widgets
            if widget.is_picture and widget.screen is self.screen and (region := widget.content_region)
        ]

    def link_reading(self) -> LinkReading:
        """What is known of the link to the terminal."""
        return self.governor.reading(time.monotonic())

    async def close_link(self) -> None:
        """Send no more, and wait a moment for an answer, so that the shell does not get it."""
        self._closed_link = True
        until_s = time.monotonic() + _LAST_ANSWER_S
        while self.governor.asks and self.governor.reading(until_s).answers and time.monotonic() < until_s:
            if self.is_abandoned:
                return
            await asyncio.sleep(0.01)

    # Cells

    def lay_cells(self, widget: "CellWidget", grid: Grid) -> bool:
        """Lay a widget's cells on the canvas; False where Textual has to draw it."""
        if not self._paints or not self.is_running or self._batch_count or not uncovered(widget):
            return False
        self._fit_canvas()
        region = widget.content_region
        if (grid.columns, grid.lines) != tuple(region.size):
            return False
        self.canvas.put(region.x, region.y, grid)
        self.paint_soon()
        return True


class CellWidget(Guarded, Widget):
    """A widget that is a grid of cells.

    A subclass builds its grid in `build`, of its own size, and calls `repaint` when it would be another.
    """

    is_picture: ClassVar[bool] = True
    app: "CanvasApp"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._grid: Grid | None = None
        self._grid_for: tuple[Size, int] | None = None
        self._looks: dict[str, int] = {}
        self.style_version = 0
        """Grows when colours have changed: what was made with them is of no more use."""

    def on_mount(self) -> None:
        """Be known to the app."""
        self.app.cell_widgets.append(self)

    def on_unmount(self) -> None:
        """Be forgotten."""
        self.app.cell_widgets.remove(self)

    def notify_style_update(self) -> None:
        """Forget colours that may be others now."""
        super().notify_style_update()
        self._looks.clear()
        self.style_version += 1

    def build(self, grid: Grid) -> None:
        """Draw on an empty grid of the widget's size."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Build the cells anew and show them."""
        self._build()
        # Textual keeps lines that it has drawn; these are no longer the ones.
        self._styles_cache.clear()
        if self._grid is not None and not self.app.lay_cells(self, self._grid):
            self.refresh()

    def _build(self) -> None:
        size = self.content_size
        self._grid, self._grid_for = None, (size, self.style_version)
        if size.width > 0 and size.height > 0:
            grid = Grid.filled(size.width, size.height)
            grid.looks[:] = self.background_look
            self.build(grid)
            if self.app.ascii_only:
                to_ascii(grid)
            self._grid = grid

    @property
    def background_look(self) -> int:
        """Look of an empty cell."""
        return self.look("")

    def look(self, component: str) -> int:
        """Number of the look of one of the widget's component classes; of an empty cell, where it has no name."""
        # Styles are looked up through the whole tree: once is enough.
        found = self._looks.get(component)
        if found is None:
            style = self.get_component_rich_style(component) if component else self.rich_style
            found = self._looks[component] = self.app.filtered_number(style, self.background_colors[1])
        return found

    def render_line(self, y: int) -> Strip:
        """One line, for Textual's own drawing."""
        if self._grid_for != (self.content_size, self.style_version):
            self._build()
        grid = self._grid
        if grid is None or y >= grid.lines:
            return Strip.blank(self.size.width)
        text = grid.codes[y].tobytes().decode("utf-32-le")
        looks = grid.looks[y]
        edges = [0, *(np.flatnonzero(np.diff(looks)) + 1).tolist(), grid.columns]
        segments = [
            Segment(text[start:stop], self.app.style_of(int(looks[start]))) for start, stop in itertools.pairwise(edges)
        ]
        return Strip(segments, grid.columns)


def uncovered(widget: Widget) -> bool:
    """Whether nothing lies over a widget that is wholly on the screen."""
    screen = widget.app.screen
    if widget.screen is not screen or not widget.is_attached:
        return False
    # The compositor's map goes from front to back: whatever comes before the widget lies over it.
    for other, (region, clip) in screen._compositor.visible_widgets.items():  # noqa: SLF001 - see the module
        if other is widget:
            return clip.contains_region(region)
        if region.overlaps(widget.region):
            return False
    return False
