"""Part of the monitor that shows recorded rows instead of a stream."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from sunspec_tui.core.settings import Settings
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.tui.confirmations import Confirmation
from sunspec_tui.tui.display.recorded_view import begin_at
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.key_bindings import FOOTER, RECORDED_FOOTER, FooterHint
from sunspec_tui.tui.monitor_screen import MonitorScreen
from sunspec_tui.tui.receiver_actions import ControlledReceiver, ReceiverActions
from sunspec_tui.tui.recorded_actions import PlayedReceiver, RecordedActions
from sunspec_tui.tui.screen_updater import ReadReceiver, ScreenUpdater
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.widget_data import initial_snapshot

if TYPE_CHECKING:
    from sunspec_tui.core.playback_settings import PlaybackSettings


_SIZE_TRIES, _SIZE_EACH_S = 40, 0.05


class RecordedRows(CanvasApp):
    """Methods of the monitor for recorded rows."""

    scene: Scene
    updater: ScreenUpdater
    confirmation: Confirmation
    _settings: Settings
    _receiver_actions: ReceiverActions
    _recorded: "PlaybackSettings | None"
    _opening: Callable[[], str]

    @property
    def receiver(self) -> ReadReceiver | None:
        """The running receiver; the monitor has it."""
        raise NotImplementedError

    @property
    def main_screen(self) -> MonitorScreen:
        """The screen below all dialogs; the monitor has it."""
        raise NotImplementedError

    def view_changed(self) -> None:
        """Show the changed view; the monitor does it."""
        raise NotImplementedError

    @property
    def footer(self) -> tuple[FooterHint, ...]:
        """Keys of the last line."""
        return FOOTER if self._recorded is None else RECORDED_FOOTER

    def first_view(self, saved: View) -> View:
        """Return the first view: that of the last run.

        Recorded rows are shown without panels at first, because these are about a stream. The first picture shows all
        rows, whatever the last run showed of other files.
        """
        if self._recorded is None:
            return saved
        view = replace(saved, layout=saved.layout or "watch")
        return view if self._recorded.span is not None else replace(view, span_s=None, grows=True)

    def key_actions(self, refresh: Callable[[], None]) -> ReceiverActions:
        """Return the actions of keys on a stream, or on recorded rows."""
        common = (refresh, self.confirmation.show, self._settings.station)
        if self._recorded is None:
            return ReceiverActions(self, self.scene, lambda: cast("ControlledReceiver | None", self.receiver), *common)

        def playback() -> PlayedReceiver | None:
            return cast("PlayedReceiver | None", self.receiver)

        return RecordedActions(self, self.scene, playback, *common, self.view_changed)

    def first_snapshot(self) -> Snapshot:
        """Return the snapshot before there is a receiver."""
        return initial_snapshot(self._settings, None if self._recorded is None else self._opening())

    def show_opening(self) -> None:
        """Show how far recorded rows are opened."""
        if self._recorded is not None:
            self.updater.show_readings(self.first_snapshot())

    def show_recorded(self) -> None:
        """Show the first picture of recorded rows."""
        recorded, playback, scene = self._recorded, self.receiver, self.scene
        if recorded is None or playback is None:
            return
        scene.set_source(playback)
        scene.update()
        if recorded.product is None and scene.shown.product is not scene.view.product:
            scene.apply_action("choose_product", scene.shown.product)
        self.view_changed()
        if recorded.start_s is not None or recorded.play:
            self._begin_when_sized(recorded, _SIZE_TRIES)

    def _begin_when_sized(self, recorded: "PlaybackSettings", tries: int) -> None:
        """Show the first picture of the settings when its width is known.

        The waterfall has no size before the first rows, nor while a panel is alone on the screen.
        """
        self.main_screen.fit_scene()
        if tries and not self.main_screen.picture_sizes()[0]:
            self.set_timer(_SIZE_EACH_S, partial(self._begin_when_sized, recorded, tries - 1))
            return
        if recorded.start_s is not None:
            begin_at(self.scene, recorded.start_s)
        if recorded.play:
            self._receiver_actions.play()
        self.view_changed()
