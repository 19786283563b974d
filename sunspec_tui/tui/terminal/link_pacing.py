"""Pace updates to a slow terminal link, measured by the terminal's replies.

Each update ends with a query. The terminal's reply shows that all data before the query have arrived. No other signal
shows this, because sshd and TCP buffer a quarter of a megabyte. At most one update is in flight, and its size follows
the link's rate. If the link is still busy, pictures are drawn less often and at a lower quality, step by step, until
the link has spare capacity.

The caller passes all times; this module reads no clock and no terminal.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from sunspec_tui.tui.terminal.pixel_pacing import PixelJudge

FIRST_BUDGET = 8192
MIN_BUDGET = 768
MAX_BUDGET = 1 << 20

# An update should arrive within this time after the link's base round trip.
_TARGET_S = 0.2
# Limits before the first reply: the longest wait for it after the first screen, and the shortest time between updates.
_FIRST_REPLY_S = 2.5
_UNANSWERED_S = 0.1
# Limit of the bytes sent before the first reply. It is enough for the first text, and fills a slow link only briefly.
_FIRST_SCREEN_BYTES = 16384
# A reply that is later than this counts as lost.
_LOST_REPLY_S = 6.0
_MAX_PENDING = 64
_SMALL_BYTES = 400
_SOON_S = 0.1
_BASE_TRIPS_S = 60.0
_MEASURED_UPDATES = 3
# Shares of the time in which the link is busy with updates. Above `_BUSY`, the quality goes down by one step. Below
# `_IDLE`, it goes up to the best quality with an expected share below `_ROOM_AFTER_STEP_UP`. If there is none, one step
# up is tried after a wait.
_BUSY = 0.45
_IDLE = 0.12
_ROOM_AFTER_STEP_UP = 0.25
_WINDOW_S = 1.5
_DOWN_EVERY_S = 1.0
_UP_EVERY_S = 0.5
_UP_AFTER_S = 4.0
_MAX_STEP_UP_WAIT_S = 60.0


class Quality(IntEnum):
    """Quality of the drawn pictures, from best to worst.

    The best one is in pixels. The others are in blocks, unless the user has chosen pixels.
    """

    PIXELS = -1
    FULL = 0
    SLOWER = 1
    SWEEPING = 2
    LOWEST = 3

    @property
    def interval_s(self) -> float:
        """Shortest time between pictures, in seconds."""
        return (0.0, 0.0, 0.5, 1.0, 1.5)[self - Quality.PIXELS]

    @property
    def sweeps(self) -> bool:
        """True if the waterfall must be drawn with a write cursor.

        This overrides the observer's choice.
        """
        return self >= Quality.SWEEPING


_BLOCKS = tuple(Quality)[1:]


class LinkReading(NamedTuple):
    """Measurements of the link to the terminal.

    Attributes
    ----------
    round_trip_s
        Round trip of the last reply; NaN before the first one.
    rate_bytes_s
        Bytes sent per second over the last seconds.
    quality
        Quality of the drawn pictures.
    has_replied
        True if the terminal has replied at least once.
    is_fixed
        True if the user has set this quality, so that it does not follow the link.
    """

    round_trip_s: float = math.nan
    rate_bytes_s: float = 0.0
    quality: Quality = Quality.FULL
    has_replied: bool = False
    is_fixed: bool = False


@dataclass(slots=True)
class _Flight:
    """Update in flight and the query at its end."""

    sent_s: float
    nbytes: int
    finished: bool = True
    queried_s: float = 0.0
    queries: int = 1
    replies: int = 0
    first_reply_s: float = math.nan
    last_reply_s: float = math.nan


class LinkPacer:
    """Pacer of the updates: their times, sizes and picture quality.

    Parameters
    ----------
    fixed
        Quality that never changes; None to follow the link.
    """

    def __init__(self, fixed: Quality | None = None) -> None:
        self._fixed = fixed
        self.quality = Quality.FULL if fixed is None else fixed
        self.budget = FIRST_BUDGET
        self._flights: deque[_Flight] = deque(maxlen=_MAX_PENDING)
        self._first_update_s: float | None = None
        self._reply_count = 0
        self._round_trip_s = math.nan
        self._base_trip_s = math.nan
        self._measured_updates: deque[tuple[float, int]] = deque(maxlen=_MEASURED_UPDATES)
        self._rates_bytes_s: dict[Quality, float] = {}
        self._base_trips: deque[tuple[float, float]] = deque()
        self._busy_times: deque[tuple[float, float]] = deque()
        self._sent: deque[tuple[float, int]] = deque()
        self._changed_s = self._stepped_up_s = -math.inf
        self._idle_since_s: float | None = None
        self._step_up_wait_s = _UP_AFTER_S
        self._pixels = PixelJudge()

    @property
    def picture_nbytes(self) -> int:
        """Bytes of a whole picture; 0 if pixels are never drawn."""
        return self._pixels.picture_nbytes

    @picture_nbytes.setter
    def picture_nbytes(self, nbytes: int) -> None:
        self._pixels.picture_nbytes = nbytes
        if not nbytes and self.quality is Quality.PIXELS:
            self.quality = Quality.FULL

    def take_probe(self) -> bool:
        """Return True, once, if a large update should measure the link."""
        return self._pixels.take_probe()

    # Events

    def query_sent(self, now_s: float) -> None:
        """Note a query without an update.

        Its reply measures the base round trip. No update waits for this reply.
        """
        self._flights.append(_Flight(now_s, 0, queried_s=now_s))

    def update_sent(self, nbytes: int, now_s: float, *, finished: bool = True) -> None:
        """Note an update that ends with a query.

        Parameters
        ----------
        nbytes
            Size of the update.
        now_s
            Time in seconds of a monotonic clock.
        finished
            True if nothing is left to send.
        """
        if self._first_update_s is None:
            self._first_update_s = now_s
        self._flights.append(_Flight(now_s, nbytes, finished, now_s))
        self._sent.append((now_s, nbytes))
        _drop_before(self._sent, now_s - _WINDOW_S)

    def query_repeated(self, now_s: float) -> None:
        """Note that the last query was repeated."""
        flight = self._flights[-1]
        flight.queries += 1
        flight.queried_s = now_s

    def reply_received(self, now_s: float) -> None:
        """Note a reply.

        Replies come in the order of the queries, but a reply may be lost.
        """
        if not self._flights:
            return
        self._reply_count += 1
        flight = self._flights[0]
        if not flight.replies:
            flight.first_reply_s = now_s
        flight.replies += 1
        flight.last_reply_s = now_s
        if flight.replies == flight.queries:
            self._flights.popleft()
            self._measure(flight, now_s)

    def reply_overdue(self, now_s: float) -> bool:
        """Return True if a late reply's query should be repeated.

        A repeated query costs four bytes. The wait doubles each time, because a reply that is only late should not
        cause many queries.
        """
        if not self._flights or not self._reply_count or self._flights[-1].replies:
            return False
        flight = self._flights[-1]
        seconds_per_byte = self._seconds_per_byte
        expected_s = 2 * self._base_trip_s + 2 * flight.nbytes * seconds_per_byte + 2 * _SOON_S
        return now_s - flight.queried_s > max(expected_s, 4 * _SOON_S) * float(1 << flight.queries - 1)

    def must_wait(self, now_s: float) -> bool:
        """Return True if the next update must wait for a reply."""
        flight = next((each for each in reversed(self._flights) if each.nbytes), None)
        if flight is None:
            return False
        if not self._reply_count:
            is_early = self._first_update_s is not None and now_s - self._first_update_s < _FIRST_REPLY_S
            if is_early and sum(each.nbytes for each in self._flights) >= _FIRST_SCREEN_BYTES:
                return True
            return now_s - flight.sent_s < _UNANSWERED_S
        if flight.replies and now_s - flight.last_reply_s >= 1.5 * self._base_trip_s + _SOON_S:
            # One of several replies was lost. The pacer cannot know which, so it discards the measurement.
            self._flights.clear()
            return False
        if now_s - flight.sent_s >= _LOST_REPLY_S:
            self._flights.clear()
            return False
        return True

    @property
    def awaits_reply(self) -> bool:
        """True while a reply has not come yet."""
        return bool(self._flights)

    # Measurements

    def _measure(self, flight: _Flight, now_s: float) -> None:
        trip_s = flight.first_reply_s - flight.sent_s
        self._round_trip_s = trip_s
        busy_s = max(0.0, trip_s - self._update_base_trip_s(trip_s, flight.nbytes, now_s))
        self._pixels.note_update(busy_s, flight.nbytes)
        if flight.nbytes > _SMALL_BYTES:
            self._measured_updates.append((busy_s, flight.nbytes))
        grew = self._adjust_budget(busy_s, flight.nbytes)
        # If an update is incomplete and the next one cannot be larger, its round trip also counts as busy time.
        self._busy_times.append((now_s, busy_s if flight.finished or grew else trip_s))
        self._adjust_quality(now_s)

    def _update_base_trip_s(self, trip_s: float, nbytes: int, now_s: float) -> float:
        """Return the base round trip: the shortest recent one of small updates.

        The transfer time of a small update is negligible.
        """
        if nbytes <= _SMALL_BYTES:
            self._base_trips.append((now_s, trip_s))
            _drop_before(self._base_trips, now_s - _BASE_TRIPS_S)
            self._base_trip_s = min(trip for _, trip in self._base_trips)
        elif not self._base_trip_s <= trip_s:
            self._base_trip_s = trip_s
        return self._base_trip_s

    @property
    def _seconds_per_byte(self) -> float:
        """Transfer time per byte, measured with the last large updates."""
        nbytes = sum(each for _, each in self._measured_updates)
        return sum(busy_s for busy_s, _ in self._measured_updates) / nbytes if nbytes else 0.0

    # Decisions

    def _adjust_budget(self, busy_s: float, nbytes: int) -> bool:
        """Adapt the budget to the link; return True if it was increased.

        The budget is doubled on a fast link and reduced on a slow one.
        """
        if busy_s > _TARGET_S:
            fitting = nbytes * _TARGET_S / busy_s
            self.budget = int(min(self.budget, max(MIN_BUDGET, fitting)))
        elif busy_s < _TARGET_S / 2 and nbytes >= self.budget / 2 and self.budget < MAX_BUDGET:
            self.budget = min(MAX_BUDGET, self.budget * 2)
            return True
        return False

    def _adjust_quality(self, now_s: float) -> None:
        _drop_before(self._busy_times, now_s - max(_WINDOW_S, self._pixels.window_s))
        if self._fixed is not None:
            return
        share = self.busy_share(now_s)
        if self.quality is Quality.PIXELS:
            if self._pixels.must_end(self.busy_share(now_s, self._pixels.window_s), now_s):
                self._pixels.end(now_s)
                self._set_quality(Quality.FULL, now_s)
        elif share > _BUSY:
            self._step_down(now_s)
        elif share >= _IDLE:
            self._idle_since_s = None
        elif self.quality > Quality.FULL:
            self._step_up(now_s)
        elif self._pixels.may_begin(now_s):
            self._pixels.begin(now_s)
            self._set_quality(Quality.PIXELS, now_s)

    def _step_down(self, now_s: float) -> None:
        self._idle_since_s = None
        if self.quality == Quality.LOWEST or now_s - self._changed_s < _DOWN_EVERY_S:
            return
        if now_s - self._stepped_up_s < 2 * _UP_AFTER_S:
            # The last step up was too large, so wait longer before the next one.
            self._step_up_wait_s = min(_MAX_STEP_UP_WAIT_S, self._step_up_wait_s * 2)
        self._rates_bytes_s[self.quality] = self._rate_bytes_s(now_s)
        self._set_quality(Quality(self.quality + 1), now_s)

    def _step_up(self, now_s: float) -> None:
        self._idle_since_s = now_s if self._idle_since_s is None else self._idle_since_s
        fitting = [each for each in _BLOCKS if self._expected_busy_share(each) < _ROOM_AFTER_STEP_UP]
        if fitting and fitting[0] < self.quality and now_s - self._changed_s >= _UP_EVERY_S:
            self._stepped_up_s, self._step_up_wait_s = now_s, _UP_AFTER_S
            self._set_quality(fitting[0], now_s)
        elif now_s - self._idle_since_s >= self._step_up_wait_s:
            self._stepped_up_s = now_s
            self._set_quality(Quality(self.quality - 1), now_s)

    def _expected_busy_share(self, quality: Quality) -> float:
        """Return the expected share of busy time at a quality.

        The share follows from the data rate when this quality was last used. A round trip separates updates of the
        target duration.
        """
        return self._rates_bytes_s.get(quality, 0.0) * self._seconds_per_byte * (1 + self._base_trip_s / _TARGET_S)

    def _set_quality(self, quality: Quality, now_s: float) -> None:
        self.quality, self._changed_s, self._idle_since_s = quality, now_s, None

    def busy_share(self, now_s: float, window_s: float = _WINDOW_S) -> float:
        """Return the link's busy share of the last seconds.

        An update keeps the link busy for the time beyond the base round trip.
        """
        return sum(busy_s for at_s, busy_s in self._busy_times if at_s > now_s - window_s) / window_s

    def reading(self, now_s: float) -> LinkReading:
        """Return the current measurements."""
        rate_bytes_s, is_fixed = self._rate_bytes_s(now_s), self._fixed is not None
        return LinkReading(self._round_trip_s, rate_bytes_s, self.quality, self._reply_count > 0, is_fixed)

    def _rate_bytes_s(self, now_s: float) -> float:
        return sum(nbytes for at_s, nbytes in self._sent if at_s > now_s - _WINDOW_S) / _WINDOW_S


def _drop_before(items: "deque[tuple[float, float]] | deque[tuple[float, int]]", since_s: float) -> None:
    while items and items[0][0] < since_s:
        items.popleft()
