"""Bursts as values with their measured numbers.

The room `bursts` finds them. Screens, pages, tables and notifications show these values. Pure functions on values.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np

from sunspec_tui.core.notes import utc_text
from sunspec_tui.core.times import format_clock


class BurstType(StrEnum):
    """Type of a burst, and how tables and lists write it.

    II, III, IV and I are the usual names of solar radio bursts; the other names are this program's.
    """

    III = "III"
    GROUP = "IIIG"
    II = "II"
    CONTINUUM = "IV"
    STORM = "I"
    INTERFERENCE = "RFI"
    UNKNOWN = "?"

    @property
    def words(self) -> str:
        """The type in words."""
        return _WORDS[self]


_WORDS = {
    BurstType.III: "type III",
    BurstType.GROUP: "group of type III",
    BurstType.II: "type II",
    BurstType.CONTINUUM: "continuum (type IV)",
    BurstType.STORM: "noise storm (type I)",
    BurstType.INTERFERENCE: "interference",
    BurstType.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst, finished or in progress.

    A number that was not measured is NaN.

    Attributes
    ----------
    name
        Name that stays while the numbers change: UTC of the detection and a count, such as ``20260607T184130-1``.
    begin_s, peak_s, end_s
        Times, seconds since 1970 UTC; of a burst in progress, `end_s` is the newest time at which it was seen.
    low_mhz, high_mhz
        Lowest and highest frequency at which it was seen, MHz.
    type
        Its type.
    confidence
        How sure the type is, from 0 to 1.
    peak_db
        Peak over the background, decibels.
    drift_mhz_s, drift_error_mhz_s
        Drift rate of the ridge and its standard error, MHz/s; negative from high to low frequencies.
    lanes, lane_ratio
        Number of lanes, and the ratio of their frequencies if there are two.
    half_power_s
        Pairs of a frequency in MHz and the duration at half power there, seconds.
    circular
        Degree of circular polarisation V/I at the peak, from -1 to 1.
    is_saturated
        True if the receiver was saturated during the burst.
    is_open
        True if the burst is still in progress.
    is_wrong
        True if an observer has marked it as wrong, or the detector has withdrawn it.
    is_withdrawn
        True if it has become a part of another burst, or is no burst after all; lists do not show it.
    reason
        The numbers that decided the type, in words.
    source
        Address of the stream, or name of the file.
    """

    name: str
    begin_s: float
    peak_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    type: BurstType = BurstType.UNKNOWN
    confidence: float = 0.0
    peak_db: float = math.nan
    drift_mhz_s: float = math.nan
    drift_error_mhz_s: float = math.nan
    lanes: int = 1
    lane_ratio: float = math.nan
    half_power_s: tuple[tuple[float, float], ...] = ()
    circular: float = math.nan
    is_saturated: bool = False
    is_open: bool = False
    is_wrong: bool = False
    is_withdrawn: bool = False
    reason: str = ""
    source: str = ""

    @property
    def is_solar(self) -> bool:
        """True unless it is interference."""
        return self.type is not BurstType.INTERFERENCE

    @property
    def duration_s(self) -> float:
        """Time from begin to end, in seconds."""
        return self.end_s - self.begin_s

    @property
    def short_text(self) -> str:
        """Type, begin, band and peak in one line."""
        peak = "" if math.isnan(self.peak_db) else f" {self.peak_db:.1f} dB"
        return f"{self.type} {format_clock(self.begin_s)} {self.low_mhz:.0f}-{self.high_mhz:.0f} MHz{peak}"


def burst_record(burst: Burst) -> dict[str, Any]:
    """Return a burst as values for JSON; unknown numbers are None.

    The times are texts in UTC; their keys end in ``_utc``.
    """
    record: dict[str, Any] = {}
    for field in fields(burst):
        value = getattr(burst, field.name)
        if field.name in ("begin_s", "peak_s", "end_s"):
            record[field.name.removesuffix("_s") + "_utc"] = utc_text(value)
        elif isinstance(value, float):
            record[field.name] = value if math.isfinite(value) else None
        else:
            record[field.name] = str(value) if isinstance(value, StrEnum) else value
    return record


class BurstList:
    """Bursts in the order of their begins; a list never changes.

    Parameters
    ----------
    bursts
        The bursts, in any order.

    Attributes
    ----------
    begins_s, ends_s
        Times of the bursts, shape (n,).
    """

    def __init__(self, bursts: Iterable[Burst] = ()) -> None:
        self._bursts = tuple(sorted(bursts, key=lambda burst: (burst.begin_s, burst.name)))
        self.begins_s = np.array([burst.begin_s for burst in self._bursts])
        self.ends_s = np.array([burst.end_s for burst in self._bursts])

    def __len__(self) -> int:
        return len(self._bursts)

    def __iter__(self) -> Iterator[Burst]:
        return iter(self._bursts)

    def __getitem__(self, number: int) -> Burst:
        return self._bursts[number]

    def between(self, begin_s: float, end_s: float) -> tuple[Burst, ...]:
        """Return the bursts that touch an interval, the oldest first."""
        touching = np.flatnonzero((self.begins_s <= end_s) & (self.ends_s >= begin_s))
        return tuple(self._bursts[i] for i in touching)

    def changed(self, changes: Iterable[Burst], most: int | None = None) -> "BurstList":
        """Return the list after some bursts were opened, updated or closed.

        Parameters
        ----------
        changes
            New values; a burst with a known name replaces the old value.
        most
            Largest number of bursts, see `_without_oldest`.
        """
        known = {burst.name: burst for burst in self._bursts} | {burst.name: burst for burst in changes}
        bursts = sorted(known.values(), key=lambda burst: (burst.begin_s, burst.name))
        return BurstList(bursts if most is None else _without_oldest(bursts, most))

    def counts(self) -> Mapping[BurstType, int]:
        """Return the number of bursts of each type."""
        return {kind: sum(burst.type is kind for burst in self._bursts) for kind in BurstType}


def _without_oldest(bursts: list[Burst], most: int) -> list[Burst]:
    """Drop the oldest bursts beyond a number, interference and wrong ones first.

    Open bursts stay, and so does the newest tenth: whoever writes a table must see each burst that has just ended.
    """
    surplus = len(bursts) - most
    if surplus <= 0:
        return bursts
    older = [burst for burst in bursts[: len(bursts) - most // 10] if not burst.is_open]
    # The sorting keeps the order of the begins within both kinds.
    older.sort(key=lambda burst: burst.is_solar and not burst.is_wrong)
    dropped = {burst.name for burst in older[:surplus]}
    return [burst for burst in bursts if burst.name not in dropped]


NO_BURSTS = BurstList()
