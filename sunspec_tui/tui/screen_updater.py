"""Show new rows and readings at the rate that the link allows."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from sunspec_tui.core.burst_board import BurstSource
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.monitoring.snapshot import NO_ROWS
from sunspec_tui.tui.attention import Attention
from sunspec_tui.tui.confirmations import Confirmation
from sunspec_tui.tui.day_reader import DayReader, DayRequest
from sunspec_tui.tui.display.history_loader import LiveSource
from sunspec_tui.tui.display.layouts import day_strip_lines
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.log_lines import LogLines
from sunspec_tui.tui.monitor_screen import MonitorScreen
from sunspec_tui.tui.product_fallback import ProductFallback
from sunspec_tui.tui.receiver_worker import Preview
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, LinkReading, Quality
from sunspec_tui.tui.ticking import TICK_S

if TYPE_CHECKING:
    from sunspec_tui.files.note_follower import NoteFollower
    from sunspec_tui.monitoring.snapshot import Snapshot

READINGS_S = {Quality.PIXELS: 1.0, Quality.FULL: 1.0, Quality.SLOWER: 1.0, Quality.SWEEPING: 1.0, Quality.LOWEST: 2.0}
"""Interval of the readings at each quality of the link."""

MEMORY_S = 5.0
_COVERED_PICTURE_S = 1.0
_ROUNDED_S = 600.0


class ReadReceiver(LiveSource, Protocol):
    """Methods of a receiver that the screen reads."""

    @property
    def unit(self) -> str:
        """Unit of the powers."""
        ...

    @property
    def notes(self) -> "NoteFollower":
        """The observers' notes."""
        ...

    @property
    def bursts(self) -> BurstSource:
        """The bursts."""
        ...

    def snapshot(self, since: int = 0, *, memory: bool = True) -> "Snapshot":
        """Return the state of stream and receiver."""
        ...


class Display(Protocol):
    """Parts of the app that the updater uses."""

    scene: Scene
    pacer: LinkPacer
    confirmation: Confirmation
    attention: Attention

    @property
    def main_screen(self) -> MonitorScreen:
        """Screen below all dialogs."""

    @property
    def screen_stack(self) -> Sequence[object]:
        """All screens; more than one if a dialog is open."""

    @property
    def receiver(self) -> ReadReceiver | None:
        """The running receiver; None before it was started."""

    @property
    def preview(self) -> Preview | None:
        """Rows that are shown before there is a receiver; None without."""

    def link_reading(self) -> LinkReading:
        """Return the measurements of the link to the terminal."""

    @property
    def pixels_sweep(self) -> bool:
        """True if the picture must be drawn with a write cursor."""

    def follow_graphics(self) -> None:
        """Draw in pixels or blocks, as terminal and link allow."""

    def show_opening(self) -> None:
        """Show how far recorded rows are opened."""

    def notify(self, message: str, *, severity: Literal["information", "warning", "error"]) -> None:
        """Show a message for a moment."""


class ScreenUpdater:
    """Updates of the monitor's screen: pictures, readings and log.

    Parameters
    ----------
    display
        The app.
    log_lines
        Handler with the new lines of the log.
    on_news
        Called from another thread when the day strip has changed.
    on_layout
        Called when the pictures have got their room on a screen that was empty.

    Attributes
    ----------
    pictures_due_s, readings_due_s, memory_due_s
        Times on `time.monotonic` from which these may be updated again.
    burst_listeners
        Called in the screen's thread when there are other bursts.
    """

    def __init__(
        self, display: Display, log_lines: LogLines, on_news: Callable[[], None], on_layout: Callable[[], None]
    ) -> None:
        self._display, self._log_lines, self._on_layout = display, log_lines, on_layout
        self.pictures_due_s = self.readings_due_s = self.memory_due_s = 0.0
        self.burst_listeners = Listeners()
        self._drawn_for: object = None
        self._undrawn = False
        self._fallback = ProductFallback()
        self.day_reader = DayReader(on_news)

    def next_tick_s(self) -> float:
        """Return the time of the next tick if no news comes."""
        if self._display.scene.loading:
            return 0.0
        if self._display.receiver is None:
            return self.pictures_due_s if self._undrawn else math.inf
        if self._undrawn:
            return min(self.readings_due_s, self.pictures_due_s)
        return self.readings_due_s

    def tick(self) -> None:
        """Show the news; takes little time if there is none."""
        self._display.main_screen.show_log(self._log_lines.drain())
        receiver = self._display.receiver
        if receiver is None:
            self._display.show_opening()
            self._show_preview(self._display.preview)
            return
        scene = self._display.scene
        self._undrawn |= scene.notes is not receiver.notes.notes
        scene.notes = receiver.notes.notes
        self.follow_bursts(receiver)
        self._update_scene(receiver)
        now_s = time.monotonic()
        self._draw_if_due(now_s)
        self._update_day(receiver)
        if now_s >= self.readings_due_s:
            self._read(receiver, now_s)

    def follow_bursts(self, receiver: ReadReceiver) -> None:
        """Show the bursts of the receiver, if they have changed."""
        scene, bursts = self._display.scene, receiver.bursts.board.bursts
        if bursts is not scene.bursts:
            scene.bursts, self._undrawn = bursts, True
            self.burst_listeners.notify()

    def _show_preview(self, preview: Preview | None) -> None:
        """Show archived rows while the receiver's libraries load."""
        if preview is None or preview.timeline() is None:
            return
        self._update_scene(preview)
        self._draw_if_due(time.monotonic())
        scene = self._display.scene
        if scene.shown.picture is not None and not scene.loading and not self._undrawn:
            preview.settle()

    def _update_scene(self, source: "ReadReceiver | Preview") -> None:
        """Load new rows into the scene."""
        scene, screen = self._display.scene, self._display.main_screen
        scene.set_source(source)
        self._display.follow_graphics()
        scene.sweeps = self._display.pacer.quality.sweeps or self._display.pixels_sweep
        screen.fit_scene()
        self._undrawn |= scene.update()
        scene.unit = source.unit
        shown = scene.shown
        if shown.position is not None and (text := self._fallback.sentence(scene.view.product, shown.product)):
            self._display.notify(text, severity="warning")
        if screen.has_class("-empty") != scene.shown.is_empty:
            screen.set_class(scene.shown.is_empty, "-empty")
            screen.call_after_refresh(self._on_layout)

    def _draw_if_due(self, now_s: float) -> None:
        """Draw the pictures if they have changed and the link allows it."""
        quality, scene = self._display.pacer.quality, self._display.scene
        shape = (*self._display.main_screen.picture_sizes(), quality, scene.size.cell_px, scene.size.pixels_per_line)
        if shape == self._drawn_for and not (self._undrawn and now_s >= self.pictures_due_s):
            return
        self._drawn_for = shape
        # Below a dialog Textual draws the picture, which is slow. Once a second shows that the stream is live.
        covered_s = _COVERED_PICTURE_S if len(self._display.screen_stack) > 1 else 0.0
        self.pictures_due_s = now_s + max(covered_s, quality.interval_s - TICK_S / 2)
        self.show_pictures()

    def _update_day(self, receiver: ReadReceiver) -> None:
        """Show the day strip; another thread loads it."""
        scene, timeline = self._display.scene, receiver.timeline()
        has_room = day_strip_lines(scene.view, scene.window, is_longer=True) > 0
        # The picture is read first.
        if timeline is None or scene.shown.position is None or scene.loading or not has_room:
            return
        is_paused = scene.view.paused_at_slot is not None and math.isfinite(scene.shown.end_s)
        # Rounded, so that scrolling does not ask again and again.
        shown_s = scene.shown.end_s // _ROUNDED_S * _ROUNDED_S if is_paused else None
        self.day_reader.want(DayRequest(timeline, scene.size.columns, shown_s))
        if scene.note_day(self.day_reader.length_s):
            self._display.main_screen.follow_view()
        self._display.main_screen.show_day(self.day_reader.content)

    def _read(self, receiver: ReadReceiver, now_s: float) -> None:
        """Take a snapshot and show it; measure the memory less often."""
        self.readings_due_s = now_s + READINGS_S[self._display.pacer.quality]
        reads_memory = now_s >= self.memory_due_s
        if reads_memory:
            self.memory_due_s = now_s + MEMORY_S
        self.show_readings(receiver.snapshot(since=NO_ROWS, memory=reads_memory))

    def show_pictures(self) -> None:
        """Draw the pictures now."""
        self._undrawn = False
        display = self._display
        display.main_screen.show_pictures(display.link_reading(), display.confirmation.words)

    def show_readings(self, snapshot: "Snapshot") -> None:
        """Show a snapshot on the status line and in the panels."""
        is_receiving = self._display.receiver is not None
        self._display.main_screen.show_readings(snapshot, self._display.link_reading(), is_receiving=is_receiving)
        scene = self._display.scene
        is_paused = scene.view.paused_at_slot is not None
        self._display.attention.note(snapshot, scene.shown.product, is_paused=is_paused)
