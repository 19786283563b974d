"""Join what is known of an observing day.

Its sources are the counts of the receiver, the archive, event logs, observers' notes and pictures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunspec_tui.core.bursts import BurstList
from sunspec_tui.core.notes import Note
from sunspec_tui.core.observing_day import ObservingDay
from sunspec_tui.core.printable import printable
from sunspec_tui.core.sun import ObservingSite
from sunspec_tui.core.times import format_iso
from sunspec_tui.files.archive.day_rows import ArchivedRows
from sunspec_tui.monitoring.burst_log import end_text
from sunspec_tui.monitoring.burst_status import MAX_STRONGEST, strongest
from sunspec_tui.monitoring.day_counts import DayCounts, counts_record
from sunspec_tui.monitoring.day_events import DayEvents

MAX_GAPS = 100
"""Largest number of gaps in a record: the longest ones."""


@dataclass(frozen=True)
class DaySummary:
    """Summary of an observing day.

    Attributes
    ----------
    day, site
        The observing day, and its site.
    until_s
        End of the day, or the present time if it has not ended.
    counts, source
        Counts of the receiver, and the address of its stream; None if they are unknown.
    archive, archived
        Directory of the archive, and its rows of the day; None without an archive.
    events
        Events of the day; None without an event log.
    notes, quicklooks
        Observers' notes, and pictures of the day.
    bursts
        Bursts of the day's table; None without a table.
    remarks
        Sentences on what is not known.
    """

    day: ObservingDay
    site: ObservingSite
    until_s: float
    counts: DayCounts | None = None
    source: str = ""
    archive: Path | None = None
    archived: ArchivedRows | None = None
    events: DayEvents | None = None
    notes: Sequence[Note] = ()
    quicklooks: Sequence[Path] = ()
    remarks: Sequence[str] = ()
    bursts: BurstList | None = None

    @property
    def has_data(self) -> bool:
        """True if rows or frames of the day are known."""
        return bool((self.archived and self.archived.rows) or (self.counts and self.counts.totals.frames))

    @property
    def is_complete(self) -> bool:
        """True if the day has ended."""
        return self.until_s >= self.day.end_s

    @property
    def length_s(self) -> float:
        """Length of the day so far, in seconds."""
        return max(0.0, self.until_s - self.day.begin_s)

    @property
    def data_s(self) -> float | None:
        """Data time of the day.

        It is that of the archive, or else of the frames received.
        """
        if self.archived is not None and self.archived.rows:
            return self.archived.covered_s
        return None if self.counts is None else self.counts.data_s

    @property
    def missing(self) -> int | None:
        """Number of missing frames; None if it is unknown."""
        return self.counts.missing if self.counts is not None else None if self.events is None else self.events.missing

    @property
    def rejected(self) -> Mapping[str, int] | None:
        """Rejected messages by cause; None if they are unknown."""
        if self.counts is not None:
            return self.counts.totals.rejected
        return None if self.events is None else self.events.rejected

    @property
    def burst_counts(self) -> Mapping[str, int] | None:
        """Number of bursts of each type; None if it is unknown.

        It is that of the table, or else of the receiver, or else of the event log.
        """
        if self.bursts is not None:
            return Counter(str(burst.type) for burst in self.bursts if not burst.is_wrong)
        if self.counts is not None:
            return self.counts.totals.bursts
        return None if self.events is None else self.events.burst_types

    @property
    def strongest_bursts(self) -> list[str]:
        """The strongest bursts, one line for each."""
        if self.bursts is not None:
            found = strongest(self.bursts, self.day.begin_s, self.day.end_s, MAX_STRONGEST)
            return [end_text(burst) for burst in found]
        return [] if self.events is None else [burst.text for burst in self.events.strongest]

    def number_of(self, name: str, kind: str) -> int | None:
        """Return a number of the counts, or else of events.

        It is None if both are unknown.
        """
        if self.counts is not None:
            return int(getattr(self.counts.totals, name))
        if self.events is None:
            return None
        return self.events.stalls if name == "stalls" else self.events.counts[kind]


def summary_record(summary: DaySummary) -> dict[str, Any]:
    """Return a summary as plain values for JSON; unknown values are None."""
    day, archived, rejected = summary.day, summary.archived, summary.rejected
    return {
        "day": day.name,
        "complete": summary.is_complete,
        "latitude_deg": summary.site.latitude_deg,
        "longitude_deg": summary.site.longitude_deg,
        "begin": format_iso(day.begin_s),
        "end": format_iso(day.end_s),
        "until": format_iso(summary.until_s),
        "rise": None if day.rise_s is None else format_iso(day.rise_s),
        "transit": format_iso(day.transit_s),
        "set": None if day.set_s is None else format_iso(day.set_s),
        "source": summary.source,
        "data_s": None if summary.data_s is None else round(summary.data_s, 1),
        "data_share": round(summary.data_s / summary.length_s, 4) if summary.data_s and summary.length_s else None,
        "frames_missing": summary.missing,
        "frames_rejected": None if rejected is None else sum(rejected.values()),
        "rejected": None if rejected is None else dict(rejected),
        **{f"{name}s": summary.number_of(f"{name}s", name) for name in ("restart", "repeat", "reversal", "stall")},
        "archive": None if archived is None else _archive_record(summary, archived),
        "receiver": None if summary.counts is None else counts_record(summary.counts),
        "events": None if summary.events is None else dict(summary.events.counts),
        "faults": None if summary.events is None else _fault_records(summary.events),
        "bursts": None if summary.burst_counts is None else dict(summary.burst_counts),
        "strongest_bursts": summary.strongest_bursts,
        "failures": None if summary.events is None else _failure_records(summary.events),
        "notes": [_note_record(note) for note in summary.notes],
        "quicklooks": [str(path) for path in summary.quicklooks],
        "remarks": list(summary.remarks),
    }


def _archive_record(summary: DaySummary, archived: ArchivedRows) -> dict[str, Any]:
    gaps, spans = archived.gaps, archived.spans
    longest = sorted(gaps.tolist(), key=lambda gap: gap[0] - gap[1])[:MAX_GAPS]
    return {
        "path": str(summary.archive),
        "rows": archived.rows,
        "first": format_iso(float(spans[0, 0])) if archived.rows else None,
        "last": format_iso(float(spans[-1, 1])) if archived.rows else None,
        "gaps": len(gaps),
        "gaps_s": round(float((gaps[:, 1] - gaps[:, 0]).sum()), 1),
        "longest_gaps": [[format_iso(begin_s), format_iso(end_s)] for begin_s, end_s in longest],
    }


def _fault_records(events: DayEvents) -> list[dict[str, Any]]:
    return [
        {
            "kind": fault.kind,
            "text": fault.text,
            "begin": format_iso(fault.begin_s),
            "end": None if fault.end_s is None else format_iso(fault.end_s),
        }
        for fault in events.faults
    ]


def _failure_records(events: DayEvents) -> list[dict[str, Any]]:
    return [
        {"kind": each.kind, "text": each.text, "time": format_iso(each.time_s), "events": each.events}
        for each in events.failures.values()
    ]


def _note_record(note: Note) -> dict[str, Any]:
    end = None if note.end_s is None else format_iso(note.end_s)
    return {"time": format_iso(note.time_s), "end": end, "text": printable(note.text), "author": printable(note.author)}


def other_events(events: DayEvents) -> Counter[str]:
    """Return the numbers of events that have no other line."""
    shown = ("gap", "rejected", "restart", "repeat", "reversal", "state", "stall_over", "link", "plot", "archive")
    bursts = ("burst_begin", "burst_end", "burst_withdrawn")
    faults = {fault.kind for fault in events.faults} | {each.kind for each in events.failures.values()}
    return Counter({kind: count for kind, count in events.counts.items() if kind not in {*shown, *bursts, *faults}})
