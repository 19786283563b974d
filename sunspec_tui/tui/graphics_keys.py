"""Keys that select graphics and redraw the screen; advice about tmux."""

import time

from sunspec_tui.tui.terminal.abilities import Graphics
from sunspec_tui.tui.terminal.ability_finder import SETTLE_S
from sunspec_tui.tui.terminal.pixel_app import PixelApp
from sunspec_tui.tui.widgets.ability_text import PASSTHROUGH_ADVICE, graphics_message

_ADVICE_S = 10.0


class GraphicsKeys(PixelApp):
    """Part of the monitor that answers these keys."""

    _has_advised = _has_explained = False

    def abilities_changed(self) -> None:
        """Say once that an option of tmux keeps pixels from this terminal."""
        super().abilities_changed()
        if self.abilities.lacks_passthrough and not self._has_advised:
            self._has_advised = True
            self.notify(PASSTHROUGH_ADVICE, timeout=_ADVICE_S)

    def follow_terminal(self) -> None:
        """Use the known abilities; soon say why chosen pixels are missing."""
        super().follow_terminal()
        if not self._has_explained and self.finder.is_settled(time.monotonic()):
            self._has_explained = True
            # The size of a cell may come after the reply that should be the last.
            self.set_timer(2 * SETTLE_S, self._explain_missing_pixels)

    def _explain_missing_pixels(self) -> None:
        if self._lacks_chosen_pixels():
            self.notify(graphics_message(self.abilities), timeout=_ADVICE_S)

    def _lacks_chosen_pixels(self) -> bool:
        """Return True if blocks are drawn against the user's choice.

        Inside tmux kitty's pixels come later, or the advice about tmux does.
        """
        abilities = self.abilities
        if abilities.in_tmux and abilities.chosen_graphics is Graphics.KITTY:
            return False
        return abilities.chosen_graphics in (Graphics.KITTY, Graphics.SIXEL) and abilities.graphics is Graphics.BLOCKS

    def action_next_graphics(self) -> None:
        """Select the next kind of graphics, and name it."""
        self._has_explained = True
        self.finder.choose_next_graphics()
        self.try_pixels_again()
        self.follow_terminal()
        self.notify(graphics_message(self.abilities))

    def action_redraw(self) -> None:
        """Ask what the terminal can show, and send the whole screen again."""
        self.ask_and_redraw()
