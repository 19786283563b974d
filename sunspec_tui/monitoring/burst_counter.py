"""Count bursts by type, since the start and on one observing day."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.observing_day import day_name_at
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite

MAX_COUNTED = 20_000
"""Largest number of bursts that the counts of a day know by name."""

_NO_DAY = "withdrawn"


class BurstCounter:
    """Counter of the bursts that have ended, for any thread.

    A day is a date of the site's mean solar time, so it has the nights before sunrise and after sunset too.

    Parameters
    ----------
    site
        Site of the telescope.

    Attributes
    ----------
    total
        Number of bursts of each type; replaced, never changed. The type is that of the first end.
    """

    def __init__(self, site: ObservingSite = OVRO_LWA) -> None:
        self._site = site
        self._lock = threading.Lock()
        self.total: Mapping[BurstType, int] = {}
        # Type and day of each burst by its name.
        self._ended: dict[str, tuple[BurstType, str]] = {}
        self._today: tuple[str, Mapping[BurstType, int]] = "", {}

    def add(self, changes: Iterable[Burst]) -> None:
        """Count the bursts that have ended; an open one counts later.

        The detector may withdraw a burst after its end. Then it leaves the counts of its day, while the total, which
        never falls, keeps it.
        """
        ended = [burst for burst in changes if not burst.is_open]
        if not ended:
            return
        total = Counter(self.total)
        with self._lock:
            for burst in ended:
                is_known = burst.name in self._ended
                if not burst.is_wrong:
                    total.update(() if is_known else (burst.type,))
                    self._ended[burst.name] = burst.type, self._day_at(burst.begin_s)
                elif is_known:
                    self._ended[burst.name] = burst.type, _NO_DAY
            self.total = dict(total)
            self._forget_oldest()

    def add_earlier(self, bursts: Iterable[Burst]) -> None:
        """Count bursts from before the start in the counts of their days."""
        with self._lock:
            for burst in bursts:
                if not burst.is_wrong and burst.name not in self._ended:
                    self._ended[burst.name] = burst.type, self._day_at(burst.begin_s)
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._ended) > MAX_COUNTED:
            del self._ended[next(iter(self._ended))]
        self._today = "", {}

    def today(self, time_s: float) -> Mapping[BurstType, int]:
        """Return the numbers of bursts of a day by type.

        The day is that of `time_s`, seconds since 1970. A type that has changed after the end is counted as it is now.
        """
        day = self._day_at(time_s)
        with self._lock:
            if day != self._today[0]:
                self._today = day, dict(Counter(kind for kind, begun in self._ended.values() if begun == day))
            return self._today[1]

    def _day_at(self, time_s: float) -> str:
        """Return the date of a time.

        It is empty if the clock is wrong by centuries.
        """
        try:
            return day_name_at(time_s, self._site)
        except (UsageError, ValueError, OverflowError):
            return ""
