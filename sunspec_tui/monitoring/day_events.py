"""Read the events of an observing day from event logs.

A log may be of any size, and any user may have written it: the bytes that are read are limited, lines that are no
events are counted, and texts are made printable.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.observing_day import ObservingDay
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.core.times import parse_block_time
from sunspec_tui.monitoring.burst_status import MAX_STRONGEST
from sunspec_tui.monitoring.day_counts import DayCounts, counts_from_record

MAX_LOG_BYTES = 1 << 30
"""Largest part of a log that is read: its end."""

MAX_LINE_BYTES = 1 << 16
MAX_ITEMS = 50
"""Largest number of faults, of errors, and of kinds of events that are named."""

OTHERS = "others"
SUMMARY = "day_summary"

_UNNAMED = (BurstType.INTERFERENCE, BurstType.UNKNOWN)
_FAULT_KINDS = ("pipelines", "gain", "signal", "axis", "clock")
_MAX_TEXT = 300
_MAX_COUNT = 2**40
_DAY_S = 86_400.0


class Fault(NamedTuple):
    """Fault of the instrument.

    Times are in seconds since 1970 UTC; the end is None if the log has none.
    """

    kind: str
    text: str
    begin_s: float
    end_s: float | None


class Failure(NamedTuple):
    """Error of the program.

    The time is that of the first of its events.
    """

    kind: str
    text: str
    time_s: float
    events: int


class LoggedBurst(NamedTuple):
    """Burst that has ended.

    Attributes
    ----------
    peak_db
        Peak over the background, decibels; minus infinity if unknown.
    text
        Text of its event.
    """

    peak_db: float
    text: str


@dataclass
class DayEvents:
    """Events of an observing day.

    Attributes
    ----------
    counts
        Number of events of each kind.
    missing
        Sum of the missing frames.
    rejected
        Sum of the rejected messages, by cause.
    stalls
        Number of stalls of the stream.
    faults, failures
        Faults of the instrument, and errors of the program, at most `MAX_ITEMS` of each.
    burst_types, strongest
        Number of logged bursts of each type, and the strongest ones of known types.
    summaries
        The last logged summary of the day for each stream.
    unreadable
        Number of lines of the day that are no events.
    remarks
        Sentences on logs that were read in part.
    """

    counts: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    stalls: int = 0
    faults: list[Fault] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    burst_types: Counter[str] = field(default_factory=Counter)
    strongest: list[LoggedBurst] = field(default_factory=list)
    summaries: dict[str, DayCounts] = field(default_factory=dict)
    unreadable: int = 0
    remarks: list[str] = field(default_factory=list)


def read_day_events(paths: Iterable[Path], day: ObservingDay) -> DayEvents:
    """Return the events of a day from logs of ``--event-log``.

    Parameters
    ----------
    paths
        The logs; those of a day that was rotated in the order of time.
    day
        The observing day.

    Raises
    ------
    SourceError
        If a log cannot be read.
    """
    reader = _DayReader(day)
    for path in paths:
        try:
            with open_regular(path) as file:
                _skip_to_end_part(file, path, reader.events)
                for line in _lines(file):
                    reader.add_line(line)
        except OSError as error:
            why = error.strerror or str(error)
            raise SourceError(
                f"the event log {printable_name(path)} cannot be read: {why}; check --event-log"
            ) from error
    return reader.finish()


def _skip_to_end_part(file: BinaryIO, path: Path, events: DayEvents) -> None:
    """Skip the beginning of a log that is too large."""
    size = file.seek(0, 2)
    file.seek(max(0, size - MAX_LOG_BYTES))
    if size > MAX_LOG_BYTES:
        events.remarks.append(f"only the last {MAX_LOG_BYTES >> 20} MiB of {printable_name(path)} were read")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of a line that is too long, only its beginning."""
    is_whole = True
    while line := file.readline(MAX_LINE_BYTES):
        if is_whole:
            yield line
        is_whole = line.endswith(b"\n")


class _DayReader:
    """Reader of the lines of logs."""

    def __init__(self, day: ObservingDay) -> None:
        self.events = DayEvents()
        self._day = day
        # Most lines of a log are of other days: a search for the date is much faster than JSON.
        dates = {datetime.fromtimestamp(time_s, UTC).date().isoformat() for time_s in (day.begin_s, day.end_s)}
        self._dates = [date.encode() for date in dates]
        self._summary = f'"{SUMMARY}"'.encode()
        self._open_faults: dict[str, Fault] = {}

    def add_line(self, line: bytes) -> None:
        """Add a line, if it is an event of the day."""
        if not any(date in line[:200] for date in self._dates) and self._summary not in line[:200]:
            return
        event, time_s = _parsed(line)
        if time_s is None:
            self.events.unreadable += 1
            return
        kind = _name(event.get("event"))
        if kind == SUMMARY:
            self._add_summary(event)
        elif kind in _FAULT_KINDS and time_s <= self._day.end_s:
            self._add_fault(kind, event, time_s)
        if kind != SUMMARY and self._day.contains(time_s):
            self._count(kind, event, time_s)

    def finish(self) -> DayEvents:
        """Return the events, with the faults that have not ended."""
        for fault in self._open_faults.values():
            self._close_fault(fault, None)
        self.events.faults.sort(key=lambda fault: fault.begin_s)
        return self.events

    def _add_summary(self, event: dict[str, Any]) -> None:
        counts = counts_from_record(event)
        source = _name(event.get("source"))
        is_new = source in self.events.summaries or len(self.events.summaries) < MAX_ITEMS
        if counts is not None and counts.day == self._day.name and is_new:
            self.events.summaries[source] = counts

    def _add_fault(self, kind: str, event: dict[str, Any], time_s: float) -> None:
        """Begin a fault, or end the last one of its kind."""
        if kind in self._open_faults:
            self._close_fault(self._open_faults.pop(kind), time_s)
        if event.get("level") in ("warning", "error"):
            self._open_faults[kind] = Fault(kind, printable(event.get("text"), _MAX_TEXT), time_s, None)

    def _close_fault(self, fault: Fault, end_s: float | None) -> None:
        if (end_s is None or end_s >= self._day.begin_s) and len(self.events.faults) < MAX_ITEMS:
            self.events.faults.append(fault._replace(begin_s=max(fault.begin_s, self._day.begin_s), end_s=end_s))

    def _count(self, kind: str, event: dict[str, Any], time_s: float) -> None:
        events, count = self.events, _count_of(event.get("count"), 1)
        events.counts[kind if kind in events.counts or len(events.counts) < MAX_ITEMS else OTHERS] += count
        if kind == "gap":
            events.missing += _count_of(event.get("missing"), 0)
        if kind == "state" and event.get("state") == "stalled":
            events.stalls += count
        causes = event.get("causes")
        if kind == "rejected" and isinstance(causes, dict):
            for cause, number in list(causes.items())[:MAX_ITEMS]:
                name = _name(cause)
                known = name in events.rejected or len(events.rejected) < MAX_ITEMS
                events.rejected[name if known else OTHERS] += _count_of(number, 0)
        if kind == "burst_end":
            self._add_burst(event)
        if event.get("level") == "error" and kind not in _FAULT_KINDS:
            self._add_failure(kind, printable(event.get("text"), _MAX_TEXT), time_s, count)

    def _add_burst(self, event: dict[str, Any]) -> None:
        """Count a burst; keep the strongest ones of known types."""
        name, peak_db, events = _name(event.get("type")), event.get("peak_db"), self.events
        if name not in set(BurstType):
            return
        events.burst_types[name] += 1
        if BurstType(name) in _UNNAMED:
            # It was taken for a burst of another type while it lasted.
            return
        peak = peak_db if isinstance(peak_db, float) and math.isfinite(peak_db) else -math.inf
        text = printable(event.get("text"), _MAX_TEXT).removeprefix("burst: ")
        events.strongest = sorted([*events.strongest, LoggedBurst(peak, text)], reverse=True)[:MAX_STRONGEST]

    def _add_failure(self, kind: str, text: str, time_s: float, count: int) -> None:
        known = self.events.failures.get(text)
        if known is not None:
            self.events.failures[text] = known._replace(events=known.events + count)
        elif len(self.events.failures) < MAX_ITEMS:
            self.events.failures[text] = Failure(kind, text, time_s, count)


def _parsed(line: bytes) -> tuple[dict[str, Any], float | None]:
    """Return a line's event and its time; None for no event."""
    try:
        event = json.loads(line)
        if isinstance(event, dict) and all(isinstance(event.get(name), str) for name in ("event", "time")):
            return event, parse_block_time(event["time"])
    except (ValueError, RecursionError):
        pass
    return {}, None


def _name(value: Any) -> str:
    return printable(value, 60) if isinstance(value, str) else ""


def _count_of(value: Any, default: int) -> int:
    return value if type(value) is int and 0 < value < _MAX_COUNT else default
