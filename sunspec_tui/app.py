"""Textual app of the monitor: connects keys, receiver, scene and screen.

Keys change the view or call the receiver. The scene turns rows into pictures. `CanvasApp` sends them to the terminal.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from sunspec_tui.core.burst_reports import parse_notify
from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_USAGE, HandledSignals, log_signal
from sunspec_tui.core.memory_usage import resume_collection
from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.app_commands import key_bindings
from sunspec_tui.tui.attention import Attention, Bell, ReportSigns
from sunspec_tui.tui.burst_keys import BurstKeys
from sunspec_tui.tui.confirmations import Confirmation
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.graphics_keys import GraphicsKeys
from sunspec_tui.tui.help_keys import HelpKeys
from sunspec_tui.tui.log_lines import LogLines
from sunspec_tui.tui.log_page import LogPage
from sunspec_tui.tui.messages import KeyClicked
from sunspec_tui.tui.monitor_screen import (
    HEIGHT_CLASSES,
    WIDTH_CLASSES,
    MonitorScreen,
    ShownAbilities,
    initial_classes,
    monitor_widgets,
    theme_name,
)
from sunspec_tui.tui.note_keys import NoteKeys
from sunspec_tui.tui.notifications import Notifications
from sunspec_tui.tui.receiver_actions import follow_view
from sunspec_tui.tui.receiver_keys import ReceiverKeys
from sunspec_tui.tui.receiver_worker import Preview, ReceiverWorker
from sunspec_tui.tui.recorded_rows import RecordedRows
from sunspec_tui.tui.ruler_keys import RulerKeys
from sunspec_tui.tui.screen_updater import ScreenUpdater
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.dialog import acts_at_once
from sunspec_tui.tui.terminal.driver import Driver
from sunspec_tui.tui.terminal.link_pacing import LinkPacer, Quality
from sunspec_tui.tui.terminal.pixel_app import PixelApp
from sunspec_tui.tui.ticking import Ticker
from sunspec_tui.tui.view_saver import ViewSaver

if TYPE_CHECKING:
    from sunspec_tui.core.playback_settings import PlaybackSettings
    from sunspec_tui.playback import Playback
    from sunspec_tui.receiver import StreamReceiver

log = logging.getLogger(__name__)

AFTER_FAULT_S = 1.0
COLLECT_AFTER_S = 1.0
START_WITHIN_S = 1.0
END_WITHIN_S = 4.5


class Monitor(
    BurstKeys, RulerKeys, ReceiverKeys, NoteKeys, HelpKeys, GraphicsKeys, RecordedRows, Notifications, PixelApp
):
    """The live monitor.

    It has many methods because Textual calls actions of keys and handlers of messages as methods of the app.

    Parameters
    ----------
    open_receiver
        Makes the receiver. It is called in the worker thread, so that the first screen does not wait for it.
    settings
        Settings of the user.
    finder
        Finder of the terminal's abilities; None for a terminal with 24-bit colours and without pixels.
    ascii_only
        True if the terminal has only ASCII characters.
    view_path
        File of the saved view; None saves nothing.
    log_lines
        Handler with the log lines from before the first screen; None shows none of them.
    open_preview
        Makes the rows that are shown before there is a receiver, also in the worker thread; None for no such rows.
    recorded, opening, end_opening
        Settings of recorded rows, and functions that return how far they are opened, and end that; None for a stream.
    """

    CSS_PATH = "styles.tcss"
    TITLE = "sunspec-tui"
    NOTIFICATION_TIMEOUT = 3.0
    VERTICAL_BREAKPOINTS = HEIGHT_CLASSES
    HORIZONTAL_BREAKPOINTS = WIDTH_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [*key_bindings()]

    def __init__(
        self,
        open_receiver: "Callable[[], StreamReceiver | Playback]",
        settings: Settings,
        *,
        finder: AbilityFinder | None = None,
        ascii_only: bool = False,
        view_path: Path | None = None,
        log_lines: LogLines | None = None,
        open_preview: Callable[[], Preview | None] = lambda: None,
        recorded: "PlaybackSettings | None" = None,
        opening: Callable[[], str] = lambda: "",
        end_opening: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            finder, ascii_only=ascii_only, pacer=LinkPacer(Quality.LOWEST if settings.low_bandwidth else None)
        )
        self._settings, self._recorded, self._opening = settings, recorded, opening
        self.signals = HandledSignals()
        self._end_signal: int | None = None
        self._log_lines = log_lines or LogLines()
        self._log_lines.setLevel(settings.log_level)
        self._ticker = Ticker()
        self._worker = ReceiverWorker(
            open_receiver,
            prepare=self._follow_receiver,
            on_ready=self._show_receiver,
            open_preview=open_preview,
            on_news=self._ticker.update_often,
            on_end=end_opening,
        )
        self._log_lines.listeners.add(self._ticker.news.set)
        self._saver = ViewSaver(view_path, settings, lambda: self.scene.view, self.set_timer)
        self.scene = Scene(self.first_view(self._saver.first_view()))
        self.scene.timeline.loader.fetcher.on_fetched = self._ticker.news.set
        ways = parse_notify(settings.notify)
        self.attention = Attention(
            self.show_terminal_title,
            Bell(self.bell) if settings.bell else None,
            ReportSigns(ways, self.bell, self.show_desktop_notification) if ways else None,
        )
        self.updater = ScreenUpdater(self, self._log_lines, self._ticker.news.set, self._ticker.update_now)
        self.confirmation = Confirmation(self.set_timer, self._show_caption)
        self._receiver_actions = self.key_actions(self._show_soon)
        self._has_text = self._is_started = False

    # Start and end

    def report_fault(self, level: int, kind: str, text: str) -> None:
        """Log a fault of the screen as an event."""
        log_event(log, level, kind, text)

    def get_default_screen(self) -> Screen[object]:
        """Return the monitor's screen, with its style classes for the present size."""
        return MonitorScreen(
            self.scene, self._shown_abilities, initial_classes(self.scene, self._shown_abilities, self.size)
        )

    @property
    def _shown_abilities(self) -> ShownAbilities:
        return ShownAbilities(self.abilities, self.ascii_only)

    @property
    def main_screen(self) -> MonitorScreen:
        """The screen below all dialogs."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MonitorScreen)  # noqa: S101 - for the type checker
        return screen

    def compose(self) -> ComposeResult:
        """Yield the widgets of the monitor's screen."""
        return monitor_widgets(self.footer)

    def on_load(self) -> None:
        """Handle signals before the driver takes over the terminal."""
        self._handle_signals(asyncio.get_running_loop())

    def on_mount(self) -> None:
        """Start the receiver and the updates of the screen."""
        logging.getLogger("sunspec_tui").addHandler(self._log_lines)
        self._ticker.update_often(COLLECT_AFTER_S)
        self._arrange()
        # A terminal without a size never has a layout, but the receiver must start all the same: it may archive.
        self.set_timer(START_WITHIN_S, self._start_receiver)
        self.run_worker(self._watch(), name="screen")
        self.set_timer(COLLECT_AFTER_S, resume_collection)

    def on_unmount(self) -> None:
        """Let the worker stop the receiver."""
        self._saver.finish()
        self.updater.day_reader.end()
        logging.getLogger("sunspec_tui").removeHandler(self._log_lines)
        self._worker.end()
        self.scene.close()

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the monitor on a signal, even if the loop is busy.

        A signal that was ignored at the start stays ignored.
        """

        def handle(number: int, status: int) -> None:
            self._end_signal = self._end_signal or number
            self._limit_end_time()
            # A closed loop raises `RuntimeError`; the monitor has ended then.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end_on_signal, number, status)

        self.signals.install(handle)

    def _end_on_signal(self, number: int, status: int) -> None:
        log_signal(number)
        self.call_later(self.action_end, status)

    def _limit_end_time(self) -> None:
        """Limit the time that the end may take, in case something hangs."""
        if isinstance(self._driver, Driver):
            self._driver.end_within(END_WITHIN_S, EXIT_FAILED)

    def _start_receiver(self) -> None:
        """Start the receiver's worker once.

        Its libraries load there, so that they do not delay the first text.
        """
        if not self._is_started:
            self._is_started = True
            self.run_worker(self._run_receiver, thread=True, exit_on_error=False, name="receiver")

    def _run_receiver(self) -> None:
        self._worker.run()
        if self._worker.failure is not None:
            self.call_from_thread(self.exit, EXIT_USAGE)

    def _follow_receiver(self, receiver: "StreamReceiver | Playback") -> None:
        """Prepare a receiver for the screen, in its worker."""
        follow_view(receiver, self.scene.view)
        if self._recorded is not None:
            cast("Playback", receiver).is_paused = lambda: self.scene.view.paused_at_slot is not None
        receiver.listeners.add(self._ticker.news.set)
        receiver.bursts.board.listeners.add(self._ticker.news.set)

    def _show_receiver(self) -> None:
        self._ticker.update_often()
        self.call_later(self.show_recorded)

    @property
    def receiver(self) -> "StreamReceiver | Playback | None":
        """The receiver that runs; None before it was started."""
        return self._worker.receiver

    @property
    def preview(self) -> Preview | None:
        """Archived rows that are shown before there is a receiver; None without."""
        return self._worker.preview

    @property
    def failure(self) -> SunspecError | None:
        """The error, if the receiver could not be made."""
        return self._worker.failure

    # Updates of the screen

    async def _watch(self) -> None:
        """Show new rows and readings until the app ends."""
        while not self.is_abandoned:
            try:
                self.updater.tick()
            except Exception as error:
                if not self.handle_fault(error):
                    raise
                await asyncio.sleep(AFTER_FAULT_S)
            await self._ticker.wait(self.updater.next_tick_s())
        if not self._exit and self._end_signal is None:
            # Neither a key nor a signal has ended the monitor.
            log_event(log, logging.ERROR, "terminal_gone", "the terminal has gone away, the monitor ends")
            self.exit(EXIT_FAILED)

    def post_display_hook(self) -> None:
        """Show text with the first layout, before the receiver's libraries are loaded."""
        if not self._has_text and self.main_screen.has_layout:
            self._has_text = True
            if self.receiver is None:
                self.updater.show_readings(self.first_snapshot())
            # Start after the pending paint.
            asyncio.get_running_loop().call_soon(self._start_receiver)

    def _show_soon(self) -> None:
        """Show readings with the next tick, after a key has changed something."""
        self.updater.readings_due_s = self.updater.memory_due_s = 0.0
        self._ticker.news.set()

    async def on_key_clicked(self, event: KeyClicked) -> None:
        """Run the action of a clicked key."""
        await self.run_action(event.action)

    # The view

    async def on_event(self, event: events.Event) -> None:
        """Send the reply to a key before the pictures."""
        if isinstance(event, events.Key):
            self.urgent = True
        if isinstance(event, events.InputEvent | events.Resize):
            self._ticker.update_often()
        if not isinstance(event, events.Key) or event.is_forwarded or not await acts_at_once(self, event):
            await super().on_event(event)

    def _show_caption(self) -> None:
        if self.screen_stack:
            # A timer may fire while the app ends.
            self.main_screen.show_caption(self.link_reading(), self.confirmation.words)

    def view_changed(self) -> None:
        """Show the changed view, and save it soon."""
        gets_strip = self.scene.note_day(self.updater.day_reader.length_s)
        self._arrange()
        if self.receiver is not None:
            follow_view(self.receiver, self.scene.view)
        if gets_strip:
            # The strip changes the size of the picture.
            self.call_after_refresh(self._draw)
        else:
            self._draw()
        self._show_soon()
        self._saver.note_change()

    def _draw(self) -> None:
        """Load and draw the pictures in their present size."""
        if not self.screen_stack:
            # The call was delayed, and the app has ended meanwhile.
            return
        self.main_screen.fit_scene()
        self.scene.update()
        self.updater.show_pictures()

    def _arrange(self) -> None:
        """Apply the layout and the theme of the view."""
        self.main_screen.follow_view()
        theme = theme_name(self.scene.view.theme, self.depth)
        if theme != self.theme:
            self.theme = theme

    def abilities_changed(self) -> None:
        """Draw the screen with other abilities of the terminal."""
        super().abilities_changed()
        self.follow_graphics()
        self.main_screen.set_abilities(self._shown_abilities)
        self._arrange()
        self._draw()
        self._show_soon()

    def quality_changed(self) -> None:
        """Draw the pictures soon in another quality of the link."""
        self._ticker.news.set()

    # Log and end

    def action_log(self) -> None:
        """Show the whole log."""
        if len(self.screen_stack) == 1:
            self.push_screen(LogPage(self.main_screen.log_history))

    async def action_end(self, status: int) -> None:
        """End the monitor with an exit status."""
        self._limit_end_time()
        await self.close_link()
        self.exit(status)
