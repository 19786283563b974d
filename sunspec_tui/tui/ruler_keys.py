"""Keys of the drift ruler."""

import math
from collections.abc import Callable

from sunspec_tui.tui.display.cursor_point import cursor_point
from sunspec_tui.tui.display.drift_ruler import Emission, Ruler
from sunspec_tui.tui.view_keys import ViewKeys


class RulerKeys(ViewKeys):
    """Part of the monitor that answers these keys."""

    # The choice is kept for the next ruler of this run.
    _emission = Emission()

    def action_ruler(self) -> None:
        """Set the first point of the ruler at the cursor."""
        cursor, point = self.scene.view.cursor, cursor_point(self.scene)
        if cursor is None or cursor.number is None or point is None or not math.isfinite(point.time_s):
            self.notify("put the cursor on the first point, by a click or the arrows, then press R")
            return
        self.scene.ruler = Ruler(point, self._emission)
        self.view_changed()

    def action_ruler_model(self) -> None:
        """Use the ruler with the next model of the density."""
        self._choose(Emission.with_next_model)

    def action_ruler_harmonic(self) -> None:
        """Use the ruler for the other harmonic."""
        self._choose(Emission.with_other_harmonic)

    def _choose(self, choose: Callable[[Emission], Emission]) -> None:
        ruler = self.scene.ruler
        if ruler is None:
            self.notify("this key is for the ruler; R sets its first point at the cursor")
            return
        self._emission = choose(ruler.emission)
        self.scene.ruler = ruler.with_emission(self._emission)
        self.view_changed()
