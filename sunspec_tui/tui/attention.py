"""Signs outside the screen: the terminal's title, bell and notifications.

They reach an observer who does not look at the screen.
"""

import re
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import format_clock
from sunspec_tui.stream.health_reading import StreamState

if TYPE_CHECKING:
    from sunspec_tui.monitoring.burst_status import BurstStatus
    from sunspec_tui.monitoring.snapshot import Snapshot

_AGES_S = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)
_MAX_STATE_CHARACTERS = 40

# A short stream may stall before any reading shows it as live.
_CHANGES_THAT_MATTER = {
    (StreamState.CONNECTING, StreamState.STALLED),
    (StreamState.LIVE, StreamState.STALLED),
    (StreamState.STALLED, StreamState.LIVE),
}

REPORT_IN_TITLE_S = 60.0
MIN_BETWEEN_BELLS_S = 5.0
QUIET_S = 60.0
"""A repeated change rings the bell again only after this time without it."""


def coarse_age(seconds: float) -> str:
    """Return a rounded age; empty below the smallest step.

    Examples: ``10 s``, ``5 min``, ``2 h``.
    """
    reached = [age_s for age_s in _AGES_S if age_s <= seconds]
    if not reached:
        return ""
    age_s = reached[-1]
    if age_s < 60:
        return f"{age_s} s"
    return f"{age_s // 60} min" if age_s < 3600 else f"{age_s // 3600} h"


def title_words(snapshot: "Snapshot", product: str, *, is_paused: bool) -> str:
    """Return the terminal's title: state, product and source.

    The age of a stall has few steps, so the title changes rarely.
    """
    health = snapshot.health
    if snapshot.viewed is not None:
        return f"{snapshot.viewed.state} {product} – {printable(snapshot.viewed.text, 80)}"
    state = health.state.upper()
    if health.state is StreamState.STALLED:
        state = " ".join(filter(None, (state, coarse_age(health.silence_s))))
    parts = [state, *snapshot.alarms[:1], *(["PAUSED"] if is_paused else [])]
    state = printable(", ".join(parts), _MAX_STATE_CHARACTERS)
    source = f"{snapshot.station} {snapshot.source}" if snapshot.station else snapshot.source
    return f"{state} {product} – {printable(source, 80)}"


class Bell:
    """Bell that rings at changes of the stream that matter.

    It rings when a live stream stalls, when it comes back, and when an alarm appears.

    Parameters
    ----------
    ring
        Rings the bell.
    clock
        Monotonic clock in seconds.
    """

    def __init__(self, ring: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._ring, self._clock = ring, clock
        self._state: StreamState | None = None
        self._alarms: frozenset[str] = frozenset()
        self._quiet_until_s: dict[str, float] = {}
        self._next_ring_s = -1e300

    def note(self, state: StreamState, alarms: tuple[str, ...]) -> None:
        """Compare state and alarms with the previous ones; ring at most once."""
        # Numbers in an alarm change, but it is the same alarm.
        known = frozenset(re.sub(r"\d+", "#", alarm) for alarm in alarms)
        changes = [f"alarm {alarm}" for alarm in known - self._alarms]
        if (self._state, state) in _CHANGES_THAT_MATTER:
            changes.append(state)
        self._state, self._alarms = state, known
        now_s = self._clock()
        new = [change for change in changes if self._is_new(change, now_s)]
        if new and now_s >= self._next_ring_s:
            self._next_ring_s = now_s + MIN_BETWEEN_BELLS_S
            self._ring()

    def _is_new(self, change: str, now_s: float) -> bool:
        """Return True if a change has not occurred for a while."""
        is_new = now_s >= self._quiet_until_s.get(change, now_s)
        self._quiet_until_s = {each: until_s for each, until_s in self._quiet_until_s.items() if until_s > now_s}
        self._quiet_until_s[change] = now_s + QUIET_S
        return is_new


class ReportSigns:
    """Signs of reported bursts, in the ways that the observer wants.

    Parameters
    ----------
    ways
        Of ``bell``, ``title`` and ``osc``.
    ring
        Rings the bell.
    notify
        Shows a notification of the desktop, with a title and a text.
    clock
        Monotonic clock in seconds.
    """

    def __init__(
        self,
        ways: Collection[str],
        ring: Callable[[], object],
        notify: Callable[[str, str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ways, self._ring, self._notify, self._clock = ways, ring, notify, clock
        self._reports = 0
        self._words, self._until_s = "", -1e300

    @property
    def title_words(self) -> str:
        """The last report in a few words, for a minute after it."""
        return self._words if "title" in self._ways and self._clock() < self._until_s else ""

    def note(self, bursts: "BurstStatus") -> None:
        """Show the newest report, if one has come since the last call."""
        added, self._reports = bursts.reports - self._reports, bursts.reports
        burst = bursts.reported
        if added <= 0 or burst is None:
            return
        self._words = f"{burst.type} {format_clock(burst.begin_s)[:5]}"
        self._until_s = self._clock() + REPORT_IN_TITLE_S
        if "bell" in self._ways:
            self._ring()
        if "osc" in self._ways:
            more = f", and {added - 1} more" if added > 1 else ""
            self._notify(f"burst of {burst.type.words}", f"{burst.short_text}{more}")


class Attention:
    """Title, bell and notifications of one monitor.

    Parameters
    ----------
    show_title
        Shows a title of the terminal.
    bell
        Bell; None if the observer wants none.
    reports
        Signs of reported bursts; None for none.
    """

    def __init__(
        self, show_title: Callable[[str], object], bell: Bell | None, reports: ReportSigns | None = None
    ) -> None:
        self._show_title, self._bell, self._reports = show_title, bell, reports

    def note(self, snapshot: "Snapshot", product: str, *, is_paused: bool) -> None:
        """Show a new reading in the title; ring the bell if necessary."""
        words = title_words(snapshot, product, is_paused=is_paused)
        if self._reports is not None:
            self._reports.note(snapshot.bursts)
            words = ", ".join(filter(None, (self._reports.title_words, words)))
        self._show_title(words)
        if self._bell is not None and snapshot.viewed is None:
            self._bell.note(snapshot.health.state, snapshot.alarms)
