"""State of the burst search and its reports, for front ends."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList, BurstType

MAX_STRONGEST = 5
"""Number of bursts that the summary of a day names."""


class BurstState(StrEnum):
    """State of the burst search."""

    OFF = "off"
    WATCHING = "watching"
    FAILING = "failing"


class CommandState(StrEnum):
    """State of the command that is run for each report."""

    OFF = "off"
    READY = "ready"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class CommandStatus:
    """State of the command of ``--on-event``.

    Attributes
    ----------
    state
        Its state; failing from a failed call to the next one that works.
    started, failed, dropped
        Number of calls that were started, that failed, and that were left out.
    waiting
        Number of calls that wait.
    problem
        One sentence about the failure; else empty.
    """

    state: CommandState = CommandState.OFF
    started: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of the stream that were searched.

    Attributes
    ----------
    seen
        Rows that were given to a detector.
    skipped
        Rows that no detector has seen: they had left the ring, had no valid time, or the detector had failed.
    waiting
        Rows of the ring that were not read yet.
    """

    seen: int = 0
    skipped: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class BurstStatus:
    """State of the burst search.

    Attributes
    ----------
    state
        Its state.
    rows
        Rows that were searched.
    bursts
        The bursts in memory.
    total
        Number of bursts of each type since the start, counted when they end.
    today
        The same on the observing day of the newest row.
    data_s
        Time of the newest row that was read, seconds since 1970 UTC; NaN before the first one.
    reports, held_back
        Number of bursts that were reported, and of those left out because one of their type came just before.
    reported
        The last burst that was reported, as it was then; None before the first one.
    command
        State of the command of ``--on-event``.
    problem
        One sentence about a detector that fails; else empty.
    table_problem
        One sentence about the day's table if it cannot be read or written; else empty.
    """

    state: BurstState = BurstState.OFF
    rows: RowCounts = field(default_factory=RowCounts)
    bursts: BurstList = NO_BURSTS
    total: Mapping[BurstType, int] = field(default_factory=dict)
    today: Mapping[BurstType, int] = field(default_factory=dict)
    data_s: float = math.nan
    reports: int = 0
    held_back: int = 0
    reported: Burst | None = None
    command: CommandStatus = field(default_factory=CommandStatus)
    problem: str = ""
    table_problem: str = ""

    @property
    def newest(self) -> Burst | None:
        """The solar burst that began last; None if there is none."""
        return newest_solar(self.bursts)

    @property
    def since_last_s(self) -> float:
        """Time from the end of the newest burst to the newest row.

        It is 0 during a burst, and NaN before the first one.
        """
        newest = self.newest
        if newest is None:
            return math.nan
        return 0.0 if newest.is_open else max(0.0, self.data_s - newest.end_s)

    @property
    def open(self) -> int:
        """Number of solar bursts in progress."""
        return sum(burst.is_open and is_shown(burst) for burst in self.bursts)

    @property
    def seen_s(self) -> float:
        """Time when a solar burst was last seen, seconds since 1970 UTC.

        It is NaN before the first one.
        """
        return max((burst.end_s for burst in self.bursts if is_shown(burst)), default=math.nan)


def newest_solar(bursts: BurstList) -> Burst | None:
    """Return the solar burst that began last, without wrong ones."""
    newest_first = (bursts[i] for i in range(len(bursts) - 1, -1, -1))
    return next((burst for burst in newest_first if is_shown(burst)), None)


def is_shown(burst: Burst) -> bool:
    """Return True for a solar burst of known type, not wrong."""
    return burst.is_solar and burst.type is not BurstType.UNKNOWN and not burst.is_wrong


def strongest(bursts: BurstList, begin_s: float, end_s: float, most: int) -> list[Burst]:
    """Return the strongest solar bursts that begin between two times."""
    found = [each for each in bursts.between(begin_s, end_s) if is_shown(each) and each.begin_s >= begin_s]
    return sorted(found, key=lambda burst: (math.isnan(burst.peak_db), -burst.peak_db))[:most]


def counts_text(counts: Mapping[BurstType, int] | Mapping[str, int]) -> str:
    """Describe the numbers of solar bursts, such as ``3 III, 1 II``."""
    numbers = {str(kind): count for kind, count in counts.items()}
    return ", ".join(f"{numbers[kind]} {kind}" for kind in _SHOWN_TYPES if numbers.get(kind))


_SHOWN_TYPES = (BurstType.III, BurstType.GROUP, BurstType.II, BurstType.CONTINUUM, BurstType.STORM)
