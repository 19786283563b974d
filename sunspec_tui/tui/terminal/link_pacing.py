"""How much a link may be given: measured by the terminal's own answers.

After each update the terminal is asked a question; its answer tells that everything before it has
arrived. Nothing else does: sshd and TCP swallow a quarter of a megabyte without complaint. At most one
update is under way, its size follows the link's rate, and where even that keeps the link busy, the
picture is drawn less often and in a cheaper way, step by step, until the link can breathe.

Arithmetic on times that are given; no clock, no terminal.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

FIRST_BUDGET = 8192
MIN_BUDGET = 768
MAX_BUDGET = 1 << 20

# An update should be through within this time after the link's own round trip.
_AIM_S = 0.2
# Without any answer so far, this long is waited for the first one once the first screen is sent, and this long from
# update to update before and when none has come; later this long for one that may be lost.
_FIRST_ANSWER_S = 2.5
_UNANSWERED_S = 0.1
# A terminal that never answers shows its first text soon, and a slow link is not filled for long.
_FIRST_SCREEN_BYTES = 16384
_LOST_ANSWER_S = 6.0
_MAX_PENDING = 64
_SMALL_BYTES = 400
_SOON_S = 0.1
_TRIPS_S = 60.0
_RATED_UPDATES = 3
# Shares of the time in which the link is busy with updates: above, a step down; below, a step up, where it
# would leave the link this much room; without that hope one is tried now and then.
_BUSY = 0.45
_IDLE = 0.12
_ROOM = 0.25
_WINDOW_S = 1.5
_DOWN_EVERY_S = 1.0
_UP_EVERY_S = 0.5
_UP_AFTER_S = 4.0
_MAX_PATIENCE_S = 60.0


class Quality(IntEnum):
    """How pictures are drawn, the best first."""

    FULL = 0
    SLOWER = 1
    SWEEPING = 2
    LEAST = 3

    @property
    def interval_s(self) -> float:
        """Seconds from picture to picture, at least."""
        return (0.0, 0.5, 1.0, 1.5)[self]

    @property
    def sweeps(self) -> bool:
        """Whether the waterfall is drawn with a write cursor, whatever was chosen."""
        return self >= Quality.SWEEPING


class LinkReading(NamedTuple):
    """What is known of the link.

    Attributes
    ----------
    round_trip_s
        Of the last answer; NaN before the first and where none comes.
    rate_bytes_s
        Bytes sent per second over the last seconds.
    quality
        How pictures are drawn.
    answers
        Whether the terminal answers at all.
    asked_for
        Whether it is the user who wants this quality, whatever the link can carry.
    """

    round_trip_s: float = math.nan
    rate_bytes_s: float = 0.0
    quality: Quality = Quality.FULL
    answers: bool = False
    asked_for: bool = False


@dataclass(slots=True)
class _Flight:
    """An update on its way: when it was sent, its bytes, and how often the question behind it was asked."""

    sent_s: float
    nbytes: int
    finished: bool = True
    asked_s: float = 0.0
    questions: int = 1
    answers: int = 0
    first_answer_s: float = math.nan
    last_answer_s: float = math.nan


class LinkPacer:
    """Decides when the next update may go, how large it may be, and how pictures are drawn.

    Parameters
    ----------
    fixed
        Draw pictures in this quality always.
    """

    def __init__(self, fixed: Quality | None = None) -> None:
        self._fixed = fixed
        self.quality = Quality.FULL if fixed is None else fixed
        self.budget = FIRST_BUDGET
        self._flights: deque[_Flight] = deque(maxlen=_MAX_PENDING)
        self._begun_s: float | None = None
        self._answers = 0
        self._round_trip_s = math.nan
        self._bare_s = math.nan
        self._rated: deque[tuple[float, int]] = deque(maxlen=_RATED_UPDATES)
        self._demands_bytes_s: dict[Quality, float] = {}
        self._trips: deque[tuple[float, float]] = deque()
        self._busy: deque[tuple[float, float]] = deque()
        self._sent: deque[tuple[float, int]] = deque()
        self._changed_s = self._raised_s = -math.inf
        self._idle_since_s: float | None = None
        self._patience_s = _UP_AFTER_S

    # Events

    def query_sent(self, now_s: float) -> None:
        """Note a question alone: its answer takes the link's bare round trip, and nothing waits for it."""
        self._flights.append(_Flight(now_s, 0, asked_s=now_s))

    def sent(self, nbytes: int, now_s: float, *, finished: bool = True) -> None:
        """Note an update that ends with a question; `finished` where nothing is left to be sent."""
        if self._begun_s is None:
            self._begun_s = now_s
        self._flights.append(_Flight(now_s, nbytes, finished, now_s))
        self._sent.append((now_s, nbytes))
        _drop_before(self._sent, now_s - _WINDOW_S)

    def asked_again(self, now_s: float) -> None:
        """Note that the last question was asked again."""
        flight = self._flights[-1]
        flight.questions += 1
        flight.asked_s = now_s

    def answered(self, now_s: float) -> None:
        """Note an answer: the terminal gives them in the order of the questions, but one may get lost."""
        if not self._flights:
            return
        self._answers += 1
        flight = self._flights[0]
        if not flight.answers:
            flight.first_answer_s = now_s
        flight.answers += 1
        flight.last_answer_s = now_s
        if flight.answers == flight.questions:
            self._flights.popleft()
            self._learn(flight, now_s)

    def reply_overdue(self, now_s: float) -> bool:
        """Whether an answer is so late that the question is better asked again: it costs four bytes.

        Each time the wait is twice as long: what is only late should not get many questions more.
        """
        if not self._flights or not self._answers or self._flights[-1].answers:
            return False
        flight = self._flights[-1]
        seconds_per_byte = self._seconds_per_byte
        expected_s = 2 * self._bare_s + 2 * flight.nbytes * seconds_per_byte + 2 * _SOON_S
        return now_s - flight.asked_s > max(expected_s, 4 * _SOON_S) * float(1 << flight.questions - 1)

    def must_wait(self, now_s: float) -> bool:
        """Whether the next update must wait for an answer."""
        flight = next((each for each in reversed(self._flights) if each.nbytes), None)
        if flight is None:
            return False
        if not self._answers:
            is_early = self._begun_s is not None and now_s - self._begun_s < _FIRST_ANSWER_S
            if is_early and sum(each.nbytes for each in self._flights) >= _FIRST_SCREEN_BYTES:
                return True
            return now_s - flight.sent_s < _UNANSWERED_S
        if flight.answers and now_s - flight.last_answer_s >= 1.5 * self._bare_s + _SOON_S:
            # One of several answers was lost: which one, and so the trip, is not known.
            self._flights.clear()
            return False
        if now_s - flight.sent_s >= _LOST_ANSWER_S:
            self._flights.clear()
            return False
        return True

    @property
    def asks(self) -> bool:
        """Whether an answer has not come yet."""
        return bool(self._flights)

    # What is learned

    def _learn(self, flight: _Flight, now_s: float) -> None:
        trip_s = flight.first_answer_s - flight.sent_s
        self._round_trip_s = trip_s
        busy_s = max(0.0, trip_s - self._bare_trip_s(trip_s, flight.nbytes, now_s))
        if flight.nbytes > _SMALL_BYTES:
            self._rated.append((busy_s, flight.nbytes))
        grew = self._fit_budget(busy_s, flight.nbytes)
        # Where updates are cut short and cannot grow, the round trips between them take the link's time too.
        self._busy.append((now_s, busy_s if flight.finished or grew else trip_s))
        self._fit_quality(now_s)

    def _bare_trip_s(self, trip_s: float, nbytes: int, now_s: float) -> float:
        """Round trip of the link itself: the shortest one lately of what was too small to take time."""
        if nbytes <= _SMALL_BYTES:
            self._trips.append((now_s, trip_s))
            _drop_before(self._trips, now_s - _TRIPS_S)
            self._bare_s = min(trip for _, trip in self._trips)
        elif not self._bare_s <= trip_s:
            self._bare_s = trip_s
        return self._bare_s

    @property
    def _seconds_per_byte(self) -> float:
        """Of the last updates that were large enough to tell."""
        nbytes = sum(each for _, each in self._rated)
        return sum(busy_s for busy_s, _ in self._rated) / nbytes if nbytes else 0.0

    # Decisions

    def _fit_budget(self, busy_s: float, nbytes: int) -> bool:
        """Twice as much while it goes fast, in proportion less where it does not; whether it grew."""
        if busy_s > _AIM_S:
            fitting = nbytes * _AIM_S / busy_s
            self.budget = int(min(self.budget, max(MIN_BUDGET, fitting)))
        elif busy_s < _AIM_S / 2 and nbytes >= self.budget / 2 and self.budget < MAX_BUDGET:
            self.budget = min(MAX_BUDGET, self.budget * 2)
            return True
        return False

    def _fit_quality(self, now_s: float) -> None:
        _drop_before(self._busy, now_s - _WINDOW_S)
        if self._fixed is not None:
            return
        share = self.busy_share(now_s)
        if share > _BUSY:
            self._step_down(now_s)
        elif share < _IDLE and self.quality > Quality.FULL:
            self._step_up(now_s)
        else:
            self._idle_since_s = None

    def _step_down(self, now_s: float) -> None:
        self._idle_since_s = None
        if self.quality == Quality.LEAST or now_s - self._changed_s < _DOWN_EVERY_S:
            return
        if now_s - self._raised_s < 2 * _UP_AFTER_S:
            # The step up before was too much: wait longer until the next.
            self._patience_s = min(_MAX_PATIENCE_S, self._patience_s * 2)
        self._demands_bytes_s[self.quality] = self._rate_bytes_s(now_s)
        self._change(Quality(self.quality + 1), now_s)

    def _step_up(self, now_s: float) -> None:
        self._idle_since_s = now_s if self._idle_since_s is None else self._idle_since_s
        fitting = [quality for quality in Quality if self._share_at(quality) < _ROOM]
        if fitting and fitting[0] < self.quality and now_s - self._changed_s >= _UP_EVERY_S:
            self._raised_s, self._patience_s = now_s, _UP_AFTER_S
            self._change(fitting[0], now_s)
        elif now_s - self._idle_since_s >= self._patience_s:
            self._raised_s = now_s
            self._change(Quality(self.quality - 1), now_s)

    def _share_at(self, quality: Quality) -> float:
        """Share of the time that the link would be busy with what that quality sent when it was left.

        Updates of the time aimed at have a round trip between them.
        """
        return self._demands_bytes_s.get(quality, 0.0) * self._seconds_per_byte * (1 + self._bare_s / _AIM_S)

    def _change(self, quality: Quality, now_s: float) -> None:
        self.quality, self._changed_s, self._idle_since_s = quality, now_s, None

    def busy_share(self, now_s: float) -> float:
        """Share of the last seconds that updates took beyond the bare round trip."""
        since_s = now_s - _WINDOW_S
        return sum(busy_s for at_s, busy_s in self._busy if at_s > since_s) / _WINDOW_S

    def reading(self, now_s: float) -> LinkReading:
        """What is known now."""
        rate_bytes_s, asked_for = self._rate_bytes_s(now_s), self._fixed is not None
        return LinkReading(self._round_trip_s, rate_bytes_s, self.quality, self._answers > 0, asked_for)

    def _rate_bytes_s(self, now_s: float) -> float:
        return sum(nbytes for at_s, nbytes in self._sent if at_s > now_s - _WINDOW_S) / _WINDOW_S


def _drop_before(items: "deque[tuple[float, float]] | deque[tuple[float, int]]", since_s: float) -> None:
    while items and items[0][0] < since_s:
        items.popleft()
