"""Keys for bursts: the list, jumps, exports and verdicts."""

import math
from typing import TYPE_CHECKING

from sunspec_tui.core.bursts import Burst, BurstList
from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.burst_page import BurstPage
from sunspec_tui.tui.day_keys import DayKeys
from sunspec_tui.tui.display.burst_marks import marked_bursts, next_burst
from sunspec_tui.tui.display.view_state import Interval
from sunspec_tui.tui.receiver_actions import ReceiverActions
from sunspec_tui.tui.widgets.burst_table import why_no_bursts

if TYPE_CHECKING:
    from sunspec_tui.tui.screen_updater import ReadReceiver

EXPORT_MARGIN_S = 30.0
"""Time before and after a burst in its export, so that the file has the background too."""

_SAME_S = 0.001


class BurstKeys(DayKeys):
    """Part of the monitor that answers these keys."""

    _receiver_actions: ReceiverActions
    # The burst of the last jump, and the end of the picture after it.
    _last_burst: tuple[Burst, float] | None = None

    @property
    def receiver(self) -> "ReadReceiver | None":
        """The running receiver; the monitor has it."""
        raise NotImplementedError

    def action_bursts(self) -> None:
        """Show the list of bursts, unless a dialog is open."""
        if len(self.screen_stack) == 1:
            self.push_screen(BurstPage(self, self.updater.burst_listeners))

    def action_next_burst(self, by: int) -> None:
        """Go to the next or previous burst, from the picture's middle."""
        begin_s, end_s = self.scene.shown.interval_s
        from_s = (begin_s + end_s) / 2
        if self._last_burst is not None and self._last_burst[1] == end_s:
            # Near the ends of the timeline a burst cannot be in the middle.
            from_s = self._last_burst[0].begin_s
        bursts = marked_bursts(self.scene.bursts)
        burst = next_burst(bursts, from_s, by, _SAME_S) if math.isfinite(from_s) else None
        if burst is not None:
            self.show_burst(burst)
        elif len(bursts):
            self.notify(f"no {'later' if by > 0 else 'earlier'} burst")
        elif len(self.scene.bursts):
            self.notify("no burst has a bracket: all are interference or wrong; B and i list them")
        else:
            self.notify(self.why_no_bursts(0))

    # The list

    def bursts_now(self) -> BurstList:
        """Return all bursts that were not withdrawn."""
        bursts = self.scene.bursts
        if not any(burst.is_withdrawn for burst in bursts):
            return bursts
        return BurstList(burst for burst in bursts if not burst.is_withdrawn)

    def why_no_bursts(self, hidden: int) -> str:
        """Return the reason for an empty list."""
        receiver = self.receiver
        return why_no_bursts(hidden, "There are no rows yet." if receiver is None else receiver.bursts.why_none)

    def show_burst(self, burst: Burst) -> bool:
        """Move the picture to a burst.

        Return False if its rows are not known any more. The picture shows the first part of a burst that is longer
        than it.
        """
        begin_s, end_s = self.scene.shown.interval_s
        middle_s = burst.begin_s + min(burst.duration_s, 0.9 * (end_s - begin_s)) / 2
        known_begin_s, known_end_s = self.scene.timeline.mode.known_range_s()
        if burst.end_s < known_begin_s or burst.begin_s > known_end_s:
            self.notify(f"the rows of the burst of {format_clock(burst.begin_s)} are not known any more")
            return False
        self.go_to_time(middle_s)
        self._last_burst = burst, self.scene.shown.interval_s[1]
        self.confirmation.show(burst.short_text)
        return True

    def export_burst(self, burst: Burst) -> None:
        """Ask for a file, and write a burst's rows to it."""
        begin_s, end_s = burst.begin_s - EXPORT_MARGIN_S, burst.end_s + EXPORT_MARGIN_S
        self._receiver_actions.export_interval(
            Interval(0, 0, begin_s, end_s, marked=True), f"{burst.short_text}, with {EXPORT_MARGIN_S:.0f} s around it"
        )

    def mark_burst(self, burst: Burst) -> None:
        """Mark a burst as wrong, or take that back."""
        receiver = self.receiver
        if receiver is None:
            return
        if not receiver.bursts.board.mark_wrong(burst.name, is_wrong=not burst.is_wrong):
            self.notify("this burst is not kept any more", severity="warning")
        self.updater.follow_bursts(receiver)
