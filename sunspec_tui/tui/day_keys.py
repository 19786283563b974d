"""Keys and mouse of the day strip."""

from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.day_signs import Sign, neighbour
from sunspec_tui.tui.messages import TimePointed
from sunspec_tui.tui.view_keys import ViewKeys
from sunspec_tui.tui.widget_data import mark_signs

_SAME_S = 1.0


class DayKeys(ViewKeys):
    """Part of the monitor that answers these keys."""

    # The sign of the last jump, and the end of the picture after it.
    _last_jump: tuple[Sign, float] | None = None

    def go_to_time(self, time_s: float) -> None:
        """Pause the picture with a time in its middle."""
        begin_s, end_s = self.scene.timeline.mode.known_range_s()
        # The first and the last column of the strip reach beyond the rows.
        self.action_change_view("at_time", min(max(time_s, begin_s), end_s))

    def on_time_pointed(self, event: TimePointed) -> None:
        """Show the time that the mouse points at."""
        self.go_to_time(event.time_s)

    def action_next_sign(self, by: int) -> None:
        """Go to the strip's next sign, counted from the picture's middle."""
        content = self.updater.day_reader.content
        signs = () if content is None else (*content.signs, *mark_signs(self.scene))
        begin_s, end_s = self.scene.shown.interval_s
        middle_s = (begin_s + end_s) / 2
        if self._last_jump is not None and self._last_jump[1] == end_s:
            # Near the ends of the timeline a sign cannot be in the middle.
            middle_s = self._last_jump[0].time_s
        sign = neighbour(signs, middle_s, by, _SAME_S)
        if sign is None:
            self.notify(f"no {'later' if by > 0 else 'earlier'} sign on the day strip")
            return
        self.go_to_time(sign.time_s)
        self._last_jump = sign, self.scene.shown.interval_s[1]
        self.notify(f"{sign.kind} at {format_clock(sign.time_s)} UTC")
