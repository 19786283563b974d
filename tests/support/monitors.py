"""Monitors with fixed clocks, on a terminal in memory.

They serve tests that check every cell.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyte
from publishers import message
from terminals import CURSOR_QUESTION, UNKNOWN_TO_PYTE
from textual import events
from textual.widgets import Input

from sunspec_tui import app
from sunspec_tui.app import Monitor
from sunspec_tui.core.memory_usage import MemoryReading
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.times import format_block_time, parse_block_time
from sunspec_tui.receiver import StreamReceiver
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.tui.log_lines import LogLine, LogLines
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.canvas import Canvas
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.link_pacing import LinkReading

START_S = parse_block_time("2026-06-07 18:41:30.000000")
CADENCE_S = 0.25


class StillReceiver(StreamReceiver):
    """Receiver that a test feeds.

    No thread runs, and the test controls the time.
    """

    def __init__(self, **options: Any) -> None:
        self.now_s = START_S
        self.frames = 0
        # Collections take a large part of a second in a process that has run many tests.
        clocks = {"clock": lambda: self.now_s, "monotonic": lambda: self.now_s - START_S}
        super().__init__(**{"plot_interval": 0, "gc_interval": 0} | clocks | options)

    def start(self) -> None:
        """Set the link to connected; there is no peer."""
        self.handler.on_link(LinkState.CONNECTED)

    def stop(self, *, deadline_s: float = 0.0) -> None:
        """Nothing runs."""

    def feed(self, data: np.ndarray, **keys: Any) -> None:
        """Receive a frame, one cadence after the frame before.

        The shape of the data is (nbeam, nchan, npol).
        """
        end_s = START_S + self.frames * CADENCE_S
        self.now_s = end_s + 0.1
        given = {"last_block_time": format_block_time(end_s), "timestamp": end_s + 0.04, "seq": self.frames} | keys
        with self.handler.receiving():
            self.handler.on_message(message(data, **given))
        # As the subscriber's thread does after each batch.
        self.listeners.notify()
        self.frames += 1

    def skip(self, frames: int) -> None:
        """Lose frames."""
        self.frames += frames

    def _memory(self) -> MemoryReading:
        ring = self.history.ring()
        return MemoryReading(60.0, ring.nbytes / 2**20 if ring else 0.0, 1, 23, 100, 55.0)


class StillLogLines(LogLines):
    """Log lines with the receiver's time."""

    def __init__(self, open_receiver: Any) -> None:
        super().__init__()
        self._open_receiver = open_receiver

    def drain(self) -> list[LogLine]:
        """Return the new lines."""
        return [line._replace(time_s=self._open_receiver().now_s) for line in super().drain()]


class StillMonitor(Monitor):
    """A monitor that looks at its receiver when the test says so."""

    CSS_PATH = Path(app.__file__).with_name("styles.tcss")

    def __init__(self, open_receiver: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(open_receiver, *arguments, **{"log_lines": StillLogLines(open_receiver)} | options)
        # The whole history is fetched before drawing: levels depend on what was drawn before.
        self.scene.history._clock = lambda: 0.0
        # Pictures are drawn in the quality that the test sets, however slow the machine is.
        self.pacer._adjust_quality = lambda now_s: None
        # The effect of a key stays in the caption, however slow the machine is.
        self.confirmation._clock = lambda: 0.0

    NOTIFICATION_TIMEOUT = 1000.0

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """Signals are the main thread's."""

    async def _watch(self) -> None:
        """The test calls `updater.tick`."""

    def handle_fault(self, error: Exception) -> bool:
        """Raise faults in tests instead of hiding them."""
        return False

    def link_reading(self) -> LinkReading:
        """The same at all times."""
        return LinkReading(0.05, 4000.0, self.pacer.quality, has_replied=True)


class Screen:
    """`StillMonitor` in its own thread, on a terminal in memory.

    Parameters
    ----------
    columns, lines
        Size of the terminal.
    settings
        Of the monitor.
    depth, ascii_only
        As the monitor takes them.
    receiver
        What is shown.
    """

    def __init__(
        self,
        columns: int,
        lines: int,
        receiver: StillReceiver,
        *,
        settings: Settings | None = None,
        depth: Depth = Depth.TRUE,
        ascii_only: bool = False,
    ) -> None:
        self.receiver = receiver
        self.terminal = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.terminal)
        self.answering = True
        self._unanswered = 0
        self.app = StillMonitor(
            lambda: receiver, settings or Settings(), finder=AbilityFinder.of_choices(depth), ascii_only=ascii_only
        )
        self.app._send = self._take
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(columns, lines)))
        self._thread.start()
        self._ready.result(20)
        try:
            self.do(self._wait_for_receiver)
        except BaseException:
            self.close()
            raise

    async def _run(self, columns: int, lines: int) -> None:
        try:
            self._over = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            async with self.app.run_test(size=(columns, lines), notifications=True) as self.pilot:
                self._ready.set_result(None)
                await self._over.wait()
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    def close(self) -> None:
        """End the monitor and its thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)

    def _take(self, text: str) -> None:
        """Process the bytes as a terminal does."""
        self._unanswered += text.count(CURSOR_QUESTION.decode())
        shown = text.encode().replace(CURSOR_QUESTION, b"")
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", shown))
        if self.answering:
            self._answer()

    def _answer(self) -> None:
        while self._unanswered:
            self._unanswered -= 1
            self.app.post_message(events.CursorPosition(0, 0))

    # What a test does

    def write(self, data: bytes) -> None:
        """Write to the terminal as another program does."""
        self.do(self._stream.feed, data)

    def do(self, what: Any, *arguments: Any, **options: Any) -> Any:
        """Call a function in the monitor's thread, and wait.

        It may be a coroutine function.
        """

        async def call() -> Any:
            with self.app._context():
                result = what(*arguments, **options)
                return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(120)

    async def _wait_for_receiver(self) -> None:
        while self.app.receiver is None:
            await self.pilot.pause()

    def tick(self) -> None:
        """Read the receiver at once, at any rate."""
        updater = self.app.updater
        updater.pictures_due_s = updater.readings_due_s = updater.memory_due_s = 0.0
        self.do(updater.tick)

    def look_us(self, frame: np.ndarray) -> float:
        """Measure the extra time of one more frame, in microseconds.

        It is measured in the monitor's thread, without the frame's own work.
        """
        self.receiver.feed(frame)
        self.app.updater.pictures_due_s = 0.0
        begun_s = time.perf_counter()
        self.app.updater.tick()
        self.app._paint()
        return (time.perf_counter() - begun_s) * 1e6

    def act(self, action: str) -> None:
        """Run the action of a key, and wait for the new layout."""
        self.do(self._act, action)

    async def _act(self, action: str) -> None:
        await self.app.run_action(action)
        await self._lay_out()

    def press(self, *keys: str) -> None:
        """Press keys, which go to the widget with the focus."""
        self.do(self.pilot.press, *keys)

    def set_depth(self, depth: Depth) -> None:
        """Give the terminal other colours, as its late replies do."""
        self.app.finder = AbilityFinder.of_choices(depth)
        self.do(self.app.follow_terminal)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self.do(self.terminal.resize, lines, columns)
        self.do(self.pilot.resize_terminal, columns, lines)

    def answer(self) -> None:
        """Answer everything that was asked."""
        self.answering = True
        self.do(self._answer)

    def settle(self) -> None:
        """Wait until the terminal shows the expected cells."""
        self.answer()
        self.do(self._settle)

    async def _settle(self) -> None:
        app = self.app
        await self._lay_out(lambda: app._is_finished and not (app._scheduled_paint or self._unanswered))

    async def _lay_out(self, is_done: Callable[[], bool] = lambda: True) -> None:
        """Wait until Textual has finished a layout, and for `is_done`."""
        app, deadline_s, calm = self.app, self._loop.time() + 90, 0
        while calm < 3:
            for field in app.screen.query(Input):
                field.cursor_blink = False
            for screen in app.screen_stack:
                # A covered screen does its waiting work only when it gets a message.
                screen.check_idle()
            # Textual mounts, lays out and repaints in turns; all of them leave a mark in one of these.
            await self.pilot.pause()
            dirty = any(screen._dirty_widgets or screen.message_queue_size for screen in app.screen_stack)
            # Textual's timer hands a new size on a moment later; on a busy machine that moment is long.
            resized = app._resize_event is not None or app.message_queue_size
            busy = dirty or resized or app.screen._layout_required
            calm = calm + 1 if is_done() and not busy else 0
            assert self._loop.time() < deadline_s, "the terminal does not get what it should hold"

    def cells(self) -> list[list[Any]]:
        """All cells of the terminal."""
        return cells_of(self.terminal)

    def full_repaint(self) -> list[list[Any]]:
        """Return all cells after a full redraw by Textual.

        The terminal is empty before.
        """
        return self.do(self._full_repaint)

    def _full_repaint(self) -> list[list[Any]]:
        app = self.app
        for widget in app.cell_widgets:
            widget._build()
            widget._styles_cache.clear()
        kept, app.update_writer.canvas = app.canvas, Canvas(*app.size, app.canvas.styles)
        try:
            app.update_writer.write(
                app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
            )
            text = app.canvas.update(1 << 30)
        finally:
            app.update_writer.canvas = kept
        terminal = pyte.Screen(*app.size)
        pyte.ByteStream(terminal).feed(UNKNOWN_TO_PYTE.sub(b"", text.encode()))
        return cells_of(terminal)


def cells_of(terminal: pyte.Screen) -> list[list[Any]]:
    """Characters with their colours and attributes, line by line."""
    return [[_visible_style(terminal.buffer[y][x]) for x in range(terminal.columns)] for y in range(terminal.lines)]


@lru_cache(65536)
def _visible_style(cell: Any) -> Any:
    """Return a cell as it looks.

    The colour of a blank is invisible, so it is removed.
    """
    blank = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
    return cell._replace(fg="default", bold=False, italics=False) if blank else cell


def differences(cells: list[list[Any]], wanted: list[list[Any]]) -> list[tuple[int, int, Any, Any]]:
    """Return column, line, cell and expected cell of each difference."""
    return [
        (x, y, cell, other)
        for y, (line, others) in enumerate(zip(cells, wanted, strict=True))
        for x, (cell, other) in enumerate(zip(line, others, strict=True))
        if cell != other
    ]
