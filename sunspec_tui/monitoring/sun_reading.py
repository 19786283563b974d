"""Read the Sun's position and next event for front ends."""

import math
import threading
from dataclasses import dataclass

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.observing_day import (
    USUAL_HORIZON_DEG,
    ObservingDay,
    SunEvent,
    SunEventKind,
    observing_day_at,
    sun_events,
)
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite, sun_position
from sunspec_tui.core.times import format_clock

_REUSED_S = 1.0
_SEARCH_S = 2 * 86_400.0
_VERBS = {SunEventKind.RISE: "rises", SunEventKind.SET: "sets"}


@dataclass(frozen=True, slots=True)
class SunReading:
    """Position of the Sun, and its next rise or set.

    Attributes
    ----------
    elevation_deg, azimuth_deg
        Position of the Sun's centre, without refraction; NaN if it is unknown.
    day
        Observing day of the site; None if it is unknown.
    next_event
        The next rise or set; None if there is none within two days.
    """

    elevation_deg: float = math.nan
    azimuth_deg: float = math.nan
    day: ObservingDay | None = None
    next_event: SunEvent | None = None

    @property
    def is_known(self) -> bool:
        """True if the position is known."""
        return math.isfinite(self.elevation_deg)

    @property
    def is_up(self) -> bool:
        """True from sunrise to sunset."""
        return self.elevation_deg >= USUAL_HORIZON_DEG

    @property
    def position_text(self) -> str:
        """Elevation and azimuth; empty if they are unknown."""
        return f"{self.elevation_deg:.1f} deg, az {self.azimuth_deg:.0f} deg" if self.is_known else ""

    @property
    def next_text(self) -> str:
        """Next rise or set with its UTC time.

        Without one, it is the remark of the day; empty if unknown.
        """
        if self.next_event is not None:
            return f"{_VERBS[self.next_event.kind]} {format_clock(self.next_event.time_s)[:5]}"
        return "" if self.day is None else self.day.remark.removeprefix("the Sun ")


class SunReader:
    """Reader of the Sun's position at a site, for any thread.

    The position is computed at most once a second, the next event when the last one is over.

    Parameters
    ----------
    site
        Site of the telescope.
    """

    def __init__(self, site: ObservingSite = OVRO_LWA) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._read_s, self._reading = -math.inf, SunReading()
        self._next_event: SunEvent | None = None
        # Times for which the next event is known.
        self._searched = math.inf, -math.inf

    def read(self, time_s: float) -> SunReading:
        """Return the reading of a time in seconds since 1970 UTC.

        It is unknown if the clock is wrong by centuries.
        """
        with self._lock:
            if not 0 <= time_s - self._read_s < _REUSED_S:
                try:
                    self._reading = self._compute(time_s)
                except (UsageError, ValueError, OverflowError):
                    self._reading = SunReading()
                self._read_s = time_s
            return self._reading

    def _compute(self, time_s: float) -> SunReading:
        position = sun_position(time_s, self._site)
        return SunReading(*position, observing_day_at(time_s, self._site), self._next(time_s))

    def _next(self, time_s: float) -> SunEvent | None:
        """Return the next rise or set.

        It is searched for when the last one is over.
        """
        begin_s, end_s = self._searched
        if not begin_s <= time_s < end_s:
            events = sun_events(time_s, time_s + _SEARCH_S, self._site)
            self._next_event = next((event for event in events if event.kind is not SunEventKind.TRANSIT), None)
            self._searched = (time_s, time_s + _SEARCH_S / 4 if self._next_event is None else self._next_event.time_s)
        return self._next_event
