"""Key by which the observer chooses the kind of pictures."""

from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.widgets.ability_text import graphics_message


class GraphicsKeys(CanvasApp):
    """Part of the monitor that answers this key."""

    def action_next_graphics(self) -> None:
        """Choose the next kind of pictures, and say what is drawn."""
        self.finder.choose_next_graphics()
        self.follow_terminal()
        self.notify(graphics_message(self.abilities))
