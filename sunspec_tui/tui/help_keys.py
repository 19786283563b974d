"""Keys for help and command palette, and answers to unknown keys."""

from typing import Any

from textual import events

from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.key_search import choice_actions, key_actions
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.unknown_keys import UnknownKeys
from sunspec_tui.tui.widgets.search_screens import HelpScreen, PaletteScreen


class HelpKeys(CanvasApp):
    """Part of the monitor that answers these keys."""

    scene: Scene

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unknown_keys = UnknownKeys()

    def on_key(self, event: events.Key) -> None:
        """Name the help after an unknown key, unless a dialog is open."""
        if len(self.screen_stack) == 1 and (text := self._unknown_keys.answer(event)):
            self.notify(text)

    def action_help(self) -> None:
        """Show all keys, unless a dialog is open."""
        if len(self.screen_stack) == 1:
            self.push_screen(HelpScreen(list(key_actions())))

    def action_command_palette(self) -> None:
        """Find and run an action, unless a dialog is open."""
        if len(self.screen_stack) == 1:
            actions = [*key_actions(), *choice_actions(self.scene.context.products)]
            self.push_screen(PaletteScreen(actions), self._run_found)

    def _run_found(self, action: str | None) -> None:
        if action is not None:
            self.call_later(self.run_action, action)
