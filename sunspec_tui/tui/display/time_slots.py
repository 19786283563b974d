"""Slots of the timeline: units of time, counted since 1970.

In the ring, a slot is the place of a row. In the timeline, a row is in the slot in which its data end. Pure arithmetic.
"""

import math
from typing import NamedTuple

from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.core.time_blocks import STEPS_S
from sunspec_tui.tui.display.span_growth import SPANS_S

LONGEST_SLOT_S = 0.25

# A microsecond times the slots of a second must fit into 64 bits.
SHORTEST_SLOT_S = 1 / 1024
DAY_S = 86_400

TIMELINE_SPANS_S = (*SPANS_S, *(days * DAY_S for days in (2, 3, 5, 10, 20, 30)))
"""Time spans that the keys select beyond the ring."""

# A cadence that is shorter by less than this has the same slots.
_CADENCE_SLACK = 1.02
_SPAN_SLACK = 1.02
_MICROSECONDS = 1_000_000


class TimeSlots(NamedTuple):
    """Slots of one length.

    Attributes
    ----------
    slot_s
        Length in seconds: a quarter of a second, or that divided by a power of two.
    """

    slot_s: float

    @classmethod
    def of_cadence(cls, cadence_s: float) -> "TimeSlots":
        """Return slots so short that each has at most one row.

        Rows of more than a thousand a second share slots.
        """
        if not 0 < cadence_s < LONGEST_SLOT_S:
            return cls(LONGEST_SLOT_S)
        longest_s = max(SHORTEST_SLOT_S, cadence_s * _CADENCE_SLACK)
        return cls(LONGEST_SLOT_S / 2 ** max(0, math.ceil(math.log2(LONGEST_SLOT_S / longest_s))))

    @property
    def _per_second(self) -> int:
        return round(1 / self.slot_s)

    @property
    def steps(self) -> tuple[int, ...]:
        """Number of slots in each of `STEPS_S`."""
        return tuple(step_s * self._per_second for step_s in STEPS_S)

    def step_s(self, slots: int) -> int:
        """Return the length of a block in seconds; 0 for rows."""
        return slots // self._per_second if slots in self.steps else 0

    def slot_at(self, time_s: float) -> int:
        """Return the slot that contains a time."""
        return round(time_s * _MICROSECONDS) * self._per_second // _MICROSECONDS

    def slots_at_us(self, times_us: Integers) -> Integers:
        """Return the slots that contain times."""
        return times_us * self._per_second // _MICROSECONDS

    def begin_s(self, slot: int) -> float:
        """Return the begin of a slot, in seconds since 1970."""
        return slot * self.slot_s

    def cell_slots(self, span_s: float, cells: int) -> int:
        """Return the slots of a cell for a span."""
        return max(1, math.ceil(span_s / (self.slot_s * max(1, cells)) - 1e-6))


def next_span_s(now_s: float, by: int, known_s: float) -> float | None:
    """Return the next longer or shorter time span.

    Parameters
    ----------
    now_s
        Present time span.
    by
        1 for a longer one, -1 for a shorter one.
    known_s
        Time from the first to the last row. The longest span is the first one that holds it.

    Returns
    -------
    float or None
        One of `TIMELINE_SPANS_S`; None at the end of the list.
    """
    if by > 0:
        longer = next((span_s for span_s in TIMELINE_SPANS_S if span_s > now_s * _SPAN_SLACK), None)
        return longer if now_s < known_s else None
    return next((span_s for span_s in reversed(TIMELINE_SPANS_S) if span_s < now_s / _SPAN_SLACK), None)


def longest_span_s(known_s: float) -> float:
    """Return the shortest of `TIMELINE_SPANS_S` that holds all rows."""
    return next((span_s for span_s in TIMELINE_SPANS_S if span_s >= known_s), TIMELINE_SPANS_S[-1])
