"""Keys and mouse movements that change the view."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.confirmations import Confirmation, effect_of
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import Cursor, View
from sunspec_tui.tui.messages import CellPointed, WheelTurned
from sunspec_tui.tui.screen_updater import ScreenUpdater
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.toasts import Toasts
from sunspec_tui.tui.view_json import initial_view
from sunspec_tui.tui.widget_data import epoch_text
from sunspec_tui.tui.widgets.dialogs import LevelsScreen
from sunspec_tui.tui.widgets.time_dialog import TimeScreen

if TYPE_CHECKING:
    from sunspec_tui.core.ring_epochs import Epoch


class ViewKeys(CanvasApp):
    """Part of the monitor that answers these keys."""

    scene: Scene
    updater: ScreenUpdater
    confirmation: Confirmation
    _settings: Settings
    _toasts: Toasts

    def view_changed(self) -> None:
        """Show the changed view; the monitor does it."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys that change the view while a dialog is open."""
        if action == "change_view" and len(self.screen_stack) > 1:
            return False
        return super().check_action(action, parameters)

    def action_change_view(self, name: str, first: Any = None, second: Any = None) -> None:
        """Change the view by one of `VIEW_ACTIONS`.

        Escape first removes the toast, then ends the ruler.
        """
        if name == "escape" and self._toasts.clear():
            self.clear_notifications()
            return
        if name == "escape" and self.scene.ruler is not None:
            self.scene.ruler = None
            self.view_changed()
            return
        before, old_view = self.scene.past_epoch, self.scene.view
        refusal = self.scene.apply_action(name, *(argument for argument in (first, second) if argument is not None))
        if refusal:
            self.notify(refusal)
        self.view_changed()
        self.confirmation.show(self._effect_of(name, old_view))
        if self.scene.past_epoch is not before:
            self._report_epoch(self.scene.past_epoch)

    def _effect_of(self, name: str, old_view: View) -> str:
        if self.scene.shown.position is None:
            # Some actions wait for the first row; the screen says so.
            return ""
        cadence_s = self.scene.shown.position.cadence_s
        has_colours = self.depth is not Depth.NONE
        return effect_of(name, old_view, self.scene.view, self.scene.context, cadence_s, has_colours=has_colours)

    def _report_epoch(self, epoch: "Epoch | None") -> None:
        """Report a change to an earlier axis, or to the present one."""
        self.notify("the present shape and axis again" if epoch is None else epoch_text(epoch))

    def choose(self, **choices: Any) -> None:
        """Set parts of the view."""
        self.scene.view = replace(self.scene.view, **choices)
        self.view_changed()

    def on_cell_pointed(self, event: CellPointed) -> None:
        """Put the cursor where the mouse points."""
        self.choose(cursor=Cursor(event.number, event.bin))

    def on_wheel_turned(self, event: WheelTurned) -> None:
        """Scroll through time, or zoom."""
        if event.zoom:
            self.action_change_view("zoom", event.by)
        else:
            self.action_change_view("scroll_back", event.by / 8)

    def action_levels(self) -> None:
        """Ask for floor and ceiling and use them."""
        scene = self.scene
        screen = LevelsScreen(scene.context.levels, signed=scene.view.signed, unit=scene.shown.product_unit)
        self.push_screen(screen, self._set_levels)

    def _set_levels(self, numbers: tuple[float, ...] | None) -> None:
        if numbers is not None:
            self.action_change_view("set_levels", *numbers)

    def action_go_to_time(self) -> None:
        """Ask for a time and go there."""
        self.push_screen(TimeScreen(), self._go_to_time)

    def _go_to_time(self, text: str | None) -> None:
        if text is not None:
            self.action_change_view("go_to", text)

    def action_reset_traces(self) -> None:
        """Reset the maximum, minimum and average traces."""
        self.scene.traces.reset()
        self.updater.show_pictures()

    def action_reset_view(self) -> None:
        """Reset the view to that of a first run."""
        self.scene.apply_action("reset_view", initial_view(self._settings, {}))
        self.view_changed()
