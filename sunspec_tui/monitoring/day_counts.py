"""Count what a receiver has received and lost during an observing day.

Values and arithmetic: this module reads no clock and no file. `DayCounter` adds snapshots to the counts.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sunspec_tui.core.observing_day import ObservingDay
from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import format_iso, parse_block_time
from sunspec_tui.monitoring.snapshot import Snapshot

MAX_NAMES = 16
"""Largest number of causes, and of faults, that are counted by name."""

OTHERS = "others"
"""Name of all causes or faults beyond `MAX_NAMES`."""

_MAX_CHARACTERS = 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MAX_COUNT = 2**53
_MAX_SECONDS = 2 * 86_400.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a receiver since its start.

    Attributes
    ----------
    frames, missing, restarts, repeats, reversals, stalls
        As in `HealthReading`.
    archive_rows, archive_rows_lost
        Rows written to the archive, and rows that were lost before.
    plots_failed
        Plots that could not be written.
    rejected
        Rejected messages by cause.
    bursts
        Bursts that have ended, by type.
    """

    frames: int = 0
    missing: int = 0
    restarts: int = 0
    repeats: int = 0
    reversals: int = 0
    stalls: int = 0
    archive_rows: int = 0
    archive_rows_lost: int = 0
    plots_failed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    bursts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Totals":
        """Return the counts of a snapshot."""
        health, archive = snapshot.health, snapshot.archive
        return cls(
            health.frames_received,
            health.frames_missing,
            health.restarts,
            health.repeats,
            health.reversals,
            health.stalls,
            archive.rows_written,
            archive.rows_missed,
            snapshot.plots.failed,
            dict(health.rejected),
            {str(kind): count for kind, count in snapshot.bursts.total.items()},
        )

    def plus(self, other: "Totals", sign: int = 1) -> "Totals":
        """Return the sum with other counts; negative sums become 0."""
        names = [name for name in Totals.__slots__ if name not in ("rejected", "bursts")]
        numbers = {name: max(0, getattr(self, name) + sign * getattr(other, name)) for name in names}
        rejected = _sums(self.rejected, other.rejected, sign)
        return Totals(**numbers, rejected=rejected, bursts=_sums(self.bursts, other.bursts, sign))


def _sums(counts: Mapping[str, int], other: Mapping[str, int], sign: int) -> dict[str, int]:
    """Return the positive sums of counts by name."""
    sums = {name: counts.get(name, 0) + sign * other.get(name, 0) for name in {**counts, **other}}
    return {name: count for name, count in sums.items() if count > 0}


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Counts of one observing day.

    Attributes
    ----------
    day
        Name of the day, ``YYYY-MM-DD``.
    begin_s, end_s
        Beginning and end of the day, seconds since 1970 UTC.
    totals
        Frames and rows of the day.
    watched_s
        Time for which the monitor ran.
    data_s
        Data time of the frames received.
    starts
        Number of starts of the monitor.
    losses_known
        False if headers did not allow to count missing frames.
    faults_s
        Time with each fault of the instrument, in seconds.
    is_reported
        True if the day's summary was logged.
    """

    day: str
    begin_s: float
    end_s: float
    totals: Totals = field(default_factory=Totals)
    watched_s: float = 0.0
    data_s: float = 0.0
    starts: int = 0
    losses_known: bool = True
    faults_s: Mapping[str, float] = field(default_factory=dict)
    is_reported: bool = False

    @classmethod
    def of(cls, day: ObservingDay) -> "DayCounts":
        """Return the counts at the beginning of a day."""
        return cls(day.name, day.begin_s, day.end_s)

    @property
    def is_empty(self) -> bool:
        """True if the monitor has not run on this day."""
        return self.watched_s <= 0

    @property
    def missing(self) -> int | None:
        """Number of missing frames; None if it is unknown."""
        return self.totals.missing if self.losses_known else None

    def plus(self, snapshot: Snapshot, added: Totals, elapsed_s: float) -> "DayCounts":
        """Return the counts after a snapshot.

        Parameters
        ----------
        snapshot
            State of the receiver.
        added
            Counts since the last snapshot.
        elapsed_s
            Time since the last snapshot.
        """
        cadence_s = snapshot.health.cadence_s
        data_s = added.frames * cadence_s if math.isfinite(cadence_s) else 0.0
        faults_s = dict(self.faults_s)
        for finding in snapshot.findings:
            if finding.fault and not finding.is_normal:
                name = _limited(printable(f"{finding.kind}: {finding.fault}", _MAX_CHARACTERS), faults_s)
                faults_s[name] = faults_s.get(name, 0.0) + elapsed_s
        return replace(
            self,
            totals=self.totals.plus(added),
            watched_s=self.watched_s + elapsed_s,
            data_s=self.data_s + data_s,
            losses_known=self.losses_known and (snapshot.health.losses_known or not added.frames),
            faults_s=faults_s,
        )


def _limited(name: str, known: Mapping[str, object]) -> str:
    """Return a name, or `OTHERS` if there are many names already."""
    return name if name in known or len(known) < MAX_NAMES else OTHERS


def counts_record(counts: DayCounts) -> dict[str, Any]:
    """Return counts as plain values for JSON."""
    totals = counts.totals
    return {
        "day": counts.day,
        "begin": format_iso(counts.begin_s),
        "end": format_iso(counts.end_s),
        "data_s": round(counts.data_s, 1),
        "watched_s": round(counts.watched_s, 1),
        "starts": counts.starts,
        "frames_received": totals.frames,
        "frames_missing": counts.missing,
        "frames_rejected": sum(totals.rejected.values()),
        "rejected": dict(totals.rejected),
        "restarts": totals.restarts,
        "repeats": totals.repeats,
        "reversals": totals.reversals,
        "stalls": totals.stalls,
        "archive_rows": totals.archive_rows,
        "archive_rows_lost": totals.archive_rows_lost,
        "plots_failed": totals.plots_failed,
        "bursts": dict(totals.bursts),
        "faults_s": {name: round(time_s, 1) for name, time_s in counts.faults_s.items()},
    }


def counts_from_record(record: Any) -> DayCounts | None:
    """Return the counts of a record; None if its day is invalid.

    The record may come from a foreign or damaged file: another invalid value counts as 0.
    """
    if not isinstance(record, dict):
        return None
    day, begin_s, end_s = record.get("day"), _time_s(record.get("begin")), _time_s(record.get("end"))
    if not isinstance(day, str) or not _DAY.fullmatch(day) or begin_s is None or end_s is None or not begin_s < end_s:
        return None
    return DayCounts(
        day,
        begin_s,
        end_s,
        _totals(record),
        _seconds(record.get("watched_s")),
        _seconds(record.get("data_s")),
        _count(record.get("starts")),
        record.get("frames_missing") is not None,
        {name: _seconds(value) for name, value in _named(record.get("faults_s")).items()},
    )


def _totals(record: Mapping[str, Any]) -> Totals:
    rejected = {cause: _count(count) for cause, count in _named(record.get("rejected")).items()}
    names = (
        "frames_received", "frames_missing", "restarts", "repeats", "reversals", "stalls", "archive_rows",
        "archive_rows_lost", "plots_failed",
    )  # fmt: skip
    numbers = {name.removesuffix("_received").removeprefix("frames_"): _count(record.get(name)) for name in names}
    bursts = {kind: _count(count) for kind, count in _named(record.get("bursts")).items()}
    return Totals(**numbers, rejected=rejected, bursts=bursts)


def _named(record: Any) -> dict[str, Any]:
    """Return the first values of a record, with printable names."""
    items = list(record.items())[: MAX_NAMES + 1] if isinstance(record, dict) else []
    return {printable(name, _MAX_CHARACTERS): value for name, value in items}


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < _MAX_COUNT else 0


def _seconds(value: Any) -> float:
    is_valid = type(value) in (int, float) and 0 <= value < _MAX_SECONDS
    return float(value) if is_valid else 0.0


def _time_s(value: Any) -> float | None:
    """Return the time of an ISO date; None if it is invalid."""
    try:
        return parse_block_time(value) if isinstance(value, str) and len(value) < _MAX_CHARACTERS else None
    except ValueError:
        return None
