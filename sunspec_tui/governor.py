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

FIRST_BUDGET = 8192
LEAST_BUDGET = 768
MOST_BUDGET = 1 << 20

# An update should be through within this time after the link's own round trip.
_AIM_S = 0.2
# Without any answer so far, this long is waited for the first one, and this long from update to update
# when none has come; later this long for one that may be lost.
_FIRST_ANSWER_S = 2.5
_UNANSWERED_S = 0.1
_LOST_ANSWER_S = 6.0
_MOST_PENDING = 64
_SMALL_BYTES = 400
_SOON_S = 0.1
_TRIPS_S = 60.0
# Shares of the time in which the link is busy with updates: above, a step down; below, a step up.
_BUSY = 0.45
_IDLE = 0.12
_QUIET = 0.03
_WINDOW_S = 1.5
_DOWN_EVERY_S = 1.0
_UP_EVERY_S = 0.5
_UP_AFTER_S = 4.0
_MOST_PATIENCE_S = 60.0


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


@dataclass(frozen=True, slots=True)
class LinkReading:
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
    """

    round_trip_s: float = math.nan
    rate_bytes_s: float = 0.0
    quality: Quality = Quality.FULL
    answers: bool = False


class Governor:
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
        self._pending: deque[tuple[float, int]] = deque(maxlen=_MOST_PENDING)
        self._begun_s: float | None = None
        self._answers = 0
        self._round_trip_s = math.nan
        self._bare_s = math.nan
        self._again_s: float | None = None
        self._second_per_byte = 0.0
        self._trips: deque[tuple[float, float]] = deque()
        self._busy: deque[tuple[float, float]] = deque()
        self._sent: deque[tuple[float, int]] = deque()
        self._changed_s = self._raised_s = -math.inf
        self._idle_since_s: float | None = None
        self._patience_s = _UP_AFTER_S

    # Events

    def asked(self, now_s: float) -> None:
        """Note a question alone: its answer takes the link's bare round trip, and nothing waits for it."""
        self._pending.append((now_s, 0))

    def sent(self, nbytes: int, now_s: float) -> None:
        """Note an update that ends with a question."""
        if self._begun_s is None:
            self._begun_s = now_s
        self._pending.append((now_s, nbytes))
        self._sent.append((now_s, nbytes))
        _drop_before(self._sent, now_s - _WINDOW_S)

    def answered(self, now_s: float) -> None:
        """Note the answer."""
        if not self._pending:
            return
        asked_s, nbytes = self._pending.popleft()
        if self._again_s is not None and now_s - self._again_s < 1.5 * self._bare_s + _SOON_S:
            # The second question was answered at once: the first one's answer was lost on the way.
            asked_s, nbytes = self._again_s, 0
            self._pending.clear()
        self._again_s = None
        trip_s = now_s - asked_s
        self._answers += 1
        self._round_trip_s = trip_s
        busy_s = max(0.0, trip_s - self._bare_trip_s(trip_s, nbytes, now_s))
        if nbytes > _SMALL_BYTES and busy_s > _SOON_S / 2:
            self._second_per_byte = busy_s / nbytes
        self._busy.append((now_s, busy_s))
        self._fit_budget(busy_s, nbytes)
        self._fit_quality(now_s)

    def doubts(self, now_s: float) -> bool:
        """Whether an answer is so late that the question is better asked again: it costs four bytes."""
        if not self._pending or not self._answers:
            return False
        asked_s, nbytes = self._pending[-1]
        expected_s = 2 * self._bare_s + 2 * nbytes * self._second_per_byte + 2 * _SOON_S
        return now_s - max(asked_s, self._again_s or asked_s) > max(expected_s, 4 * _SOON_S)

    def asked_again(self, now_s: float) -> None:
        """Note that the question was asked again."""
        self._again_s = now_s

    def _bare_trip_s(self, trip_s: float, nbytes: int, now_s: float) -> float:
        """Round trip of the link itself: the shortest one lately of what was too small to take time."""
        if nbytes <= _SMALL_BYTES:
            self._trips.append((now_s, trip_s))
            _drop_before(self._trips, now_s - _TRIPS_S)
            self._bare_s = min(trip for _, trip in self._trips)
        elif not self._bare_s <= trip_s:
            self._bare_s = trip_s
        return self._bare_s

    def waits(self, now_s: float) -> bool:
        """Whether the next update must wait for an answer."""
        if not any(nbytes for _, nbytes in self._pending):
            return False
        since_s = now_s - self._pending[-1][0]
        if self._answers:
            if since_s < _LOST_ANSWER_S:
                return True
            self._pending.clear()
            self._again_s = None
            return False
        if self._begun_s is not None and now_s - self._begun_s < _FIRST_ANSWER_S:
            return True
        return since_s < _UNANSWERED_S

    @property
    def asks(self) -> bool:
        """Whether an answer has not come yet."""
        return bool(self._pending)

    # Decisions

    def _fit_budget(self, busy_s: float, nbytes: int) -> None:
        """Twice as much while it goes fast, in proportion less where it does not."""
        if busy_s > _AIM_S:
            fitting = nbytes * _AIM_S / busy_s
            self.budget = int(min(self.budget, max(LEAST_BUDGET, fitting)))
        elif busy_s < _AIM_S / 2 and nbytes >= self.budget / 2:
            self.budget = min(MOST_BUDGET, self.budget * 2)

    def _fit_quality(self, now_s: float) -> None:
        _drop_before(self._busy, now_s - _WINDOW_S)
        if self._fixed is not None:
            return
        share = self.busy_share(now_s)
        if share > _BUSY:
            self._idle_since_s = None
            if self.quality < Quality.LEAST and now_s - self._changed_s >= _DOWN_EVERY_S:
                if now_s - self._raised_s < 2 * _UP_AFTER_S:
                    # The step up before was too much: wait longer until the next.
                    self._patience_s = min(_MOST_PATIENCE_S, self._patience_s * 2)
                self._change(Quality(self.quality + 1), now_s)
        elif share < _IDLE and self.quality > Quality.FULL:
            self._idle_since_s = now_s if self._idle_since_s is None else self._idle_since_s
            quiet = share < _QUIET and now_s - self._changed_s >= _UP_EVERY_S
            if quiet or now_s - self._idle_since_s >= self._patience_s:
                self._patience_s = _UP_AFTER_S if quiet else self._patience_s
                self._raised_s = now_s
                # A link that does not feel the updates at all gets two steps at once.
                self._change(Quality(max(0, self.quality - (2 if quiet else 1))), now_s)
        else:
            self._idle_since_s = None

    def _change(self, quality: Quality, now_s: float) -> None:
        self.quality, self._changed_s, self._idle_since_s = quality, now_s, None

    def busy_share(self, now_s: float) -> float:
        """Share of the last seconds that updates took beyond the bare round trip."""
        since_s = now_s - _WINDOW_S
        return sum(busy_s for at_s, busy_s in self._busy if at_s > since_s) / _WINDOW_S

    def reading(self, now_s: float) -> LinkReading:
        """What is known now."""
        since_s = now_s - _WINDOW_S
        rate = sum(nbytes for at_s, nbytes in self._sent if at_s > since_s) / _WINDOW_S
        return LinkReading(self._round_trip_s, rate, self.quality, self._answers > 0)


def _drop_before(items: "deque[tuple[float, float]] | deque[tuple[float, int]]", since_s: float) -> None:
    while items and items[0][0] < since_s:
        items.popleft()
