"""Choose the bursts that are reported, by the observer's rules.

State and arithmetic: the clock and the Sun's elevation are arguments.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from sunspec_tui.core.burst_reports import ReportRules
from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.observing_day import USUAL_HORIZON_DEG
from sunspec_tui.monitoring.recent_names import RecentNames


class ReportState(StrEnum):
    """State of a burst when it is reported."""

    BEGIN = "begin"
    END = "end"


class BurstReport(NamedTuple):
    """Report of one burst.

    Attributes
    ----------
    burst
        The burst as it is now.
    state
        Whether it is in progress, or has ended.
    is_first
        True unless the same burst was reported before.
    """

    burst: Burst
    state: ReportState
    is_first: bool


class BurstReporter:
    """Reporter of one stream's bursts; used by one thread.

    A burst is reported when it first meets the rules, and again when it ends. A burst that meets them only at its end
    is reported once.

    Parameters
    ----------
    rules
        Rules of the observer.
    elevation_deg
        Returns the Sun's elevation at a time, degrees; it raises `ValueError` if that is unknown.

    Attributes
    ----------
    held_back
        Number of bursts that were left out because one of their type came just before.
    """

    def __init__(self, rules: ReportRules, elevation_deg: Callable[[float], float]) -> None:
        self._rules, self._elevation_deg = rules, elevation_deg
        self.held_back = 0
        self._open: set[str] = set()
        self._ended = RecentNames()
        self._last_s: dict[BurstType, float] = {}

    def add(self, changes: Iterable[Burst], now_s: float) -> list[BurstReport]:
        """Return the reports of changes.

        Parameters
        ----------
        changes
            Bursts that were opened, updated or closed.
        now_s
            Time of a monotonic clock, seconds.
        """
        found = (self._report(burst, now_s) for burst in changes)
        return [report for report in found if report is not None]

    def _report(self, burst: Burst, now_s: float) -> BurstReport | None:
        if burst.is_open:
            self._ended.discard(burst.name)
            if burst.name in self._open or not self._is_due(burst, now_s):
                return None
            self._open.add(burst.name)
            return BurstReport(burst, ReportState.BEGIN, is_first=True)
        if burst.name in self._ended:
            return None
        self._ended.add(burst.name)
        if burst.name in self._open:
            self._open.remove(burst.name)
            return BurstReport(burst, ReportState.END, is_first=False)
        is_due = self._is_due(burst, now_s)
        return BurstReport(burst, ReportState.END, is_first=True) if is_due else None

    def _is_due(self, burst: Burst, now_s: float) -> bool:
        """Return True if a burst meets the rules, and note its time."""
        if not self._meets_rules(burst):
            return False
        if now_s - self._last_s.get(burst.type, float("-inf")) < self._rules.every_s:
            # An open burst may still be reported later.
            self.held_back += not burst.is_open
            return False
        self._last_s[burst.type] = now_s
        return True

    def _meets_rules(self, burst: Burst) -> bool:
        rules = self._rules
        is_strong = rules.min_db <= 0 or burst.peak_db >= rules.min_db
        is_wanted = burst.type in rules.types and burst.confidence >= rules.min_confidence and not burst.is_wrong
        return is_wanted and is_strong and (rules.at_night or self._is_sun_up(burst.begin_s))

    def _is_sun_up(self, time_s: float) -> bool:
        """Return True if the Sun is up, or its elevation is unknown."""
        try:
            return self._elevation_deg(time_s) >= USUAL_HORIZON_DEG
        except (ValueError, OverflowError):
            return True
