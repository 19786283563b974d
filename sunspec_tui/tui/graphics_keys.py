"""Key that selects the graphics, and advice about tmux."""

from sunspec_tui.tui.terminal.pixel_app import PixelApp
from sunspec_tui.tui.widgets.ability_text import PASSTHROUGH_ADVICE, graphics_message

_ADVICE_S = 10.0


class GraphicsKeys(PixelApp):
    """Part of the monitor that answers this key."""

    _has_advised = False

    def abilities_changed(self) -> None:
        """Say once that an option of tmux keeps pixels from this terminal."""
        super().abilities_changed()
        if self.abilities.lacks_passthrough and not self._has_advised:
            self._has_advised = True
            self.notify(PASSTHROUGH_ADVICE, timeout=_ADVICE_S)

    def action_next_graphics(self) -> None:
        """Select the next kind of graphics, and name it."""
        self.finder.choose_next_graphics()
        self.try_pixels_again()
        self.follow_terminal()
        self.notify(graphics_message(self.abilities))
