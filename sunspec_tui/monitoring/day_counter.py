"""Count frames by observing day, and log each day's summary.

The counts are saved, so that a restart of the program continues them. A replay is not counted, because its rows are not
of the present day.
"""

import logging
import math
import threading
from dataclasses import replace

from sunspec_tui.core.bursts import burst_record
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.observing_day import ObservingDay
from sunspec_tui.monitoring.burst_status import MAX_STRONGEST, strongest
from sunspec_tui.monitoring.day_count_files import DayCountFile
from sunspec_tui.monitoring.day_counts import DayCounts, Totals, counts_record
from sunspec_tui.monitoring.day_text import counts_sentence
from sunspec_tui.monitoring.snapshot import Snapshot

SAVE_EVERY_S = 60.0
MAX_PAUSE_S = 60.0
"""Longest time between snapshots in which the monitor counts as running; after a suspension it is longer."""


class DayCounter:
    """Counter of a receiver's observing days, for any thread.

    Parameters
    ----------
    file
        File that keeps the counts between runs.
    source
        Address of the stream.
    log
        Logger of the summaries.
    """

    def __init__(self, file: DayCountFile, source: str, log: logging.Logger) -> None:
        self._file, self._source, self._log = file, source, log
        self._lock = threading.Lock()
        self._days: dict[str, DayCounts] = {}
        self._totals, self._counted_s, self._saved_s = Totals(), math.nan, -math.inf
        self._started_days: set[str] = set()

    def load(self) -> None:
        """Load the counts of earlier runs."""
        loaded = self._file.load()
        with self._lock:
            self._days = {each.day: each for each in loaded} | self._days

    def update(self, snapshot: Snapshot) -> None:
        """Add what has happened since the last snapshot."""
        with self._lock:
            self._add(snapshot)
            ended = self._ended(snapshot.taken_s)
            self._save(snapshot.taken_s, at_once=bool(ended))
        for counts in ended:
            self._report(counts, snapshot)

    def counts(self, day: str) -> DayCounts | None:
        """Return the counts of a day; None if there are none."""
        with self._lock:
            return self._days.get(day)

    def finish(self) -> None:
        """Save the counts, and wait for the disk for a limited time."""
        with self._lock:
            days = list(self._days.values())
        if days and not self._file.save(days):
            # The last write has not finished yet. On a disk that hangs, do not begin another one.
            self._file.finish()
            if not self._file.save(days):
                return
        self._file.finish()

    def _add(self, snapshot: Snapshot) -> None:
        """Add what came since the last snapshot to its day."""
        totals, taken_s, day = Totals.of(snapshot), snapshot.taken_s, snapshot.sun.day
        added, elapsed_s = totals.plus(self._totals, -1), taken_s - self._counted_s
        self._totals, self._counted_s = totals, taken_s
        if day is None or snapshot.replay or not day.contains(taken_s):
            return
        # Neither the NaN of the first snapshot nor a clock that was set back adds time.
        elapsed_s = elapsed_s if 0 <= elapsed_s <= MAX_PAUSE_S else 0.0
        self._days[day.name] = self._counts_of(day).plus(snapshot, added, elapsed_s)

    def _counts_of(self, day: ObservingDay) -> DayCounts:
        """Return a day's counts, with this start of the monitor."""
        counts = self._days.get(day.name) or DayCounts.of(day)
        if day.name not in self._started_days:
            self._started_days.add(day.name)
            counts = replace(counts, starts=counts.starts + 1)
        return counts

    def _ended(self, now_s: float) -> list[DayCounts]:
        """Return the days that have ended since the last call."""
        found = [
            each for each in self._days.values() if each.end_s <= now_s and not each.is_reported and not each.is_empty
        ]
        for each in found:
            self._days[each.day] = replace(each, is_reported=True)
        return found

    def _report(self, counts: DayCounts, snapshot: Snapshot) -> None:
        """Log the summary of a day, with its strongest bursts."""
        found = strongest(snapshot.bursts.bursts, counts.begin_s, counts.end_s, MAX_STRONGEST)
        bursts = {"strongest_bursts": [burst_record(burst) for burst in found]}
        record = counts_record(counts) | bursts | {"source": self._source}
        log_event(self._log, logging.INFO, "day_summary", f"day {counts.day}: {counts_sentence(counts)}", **record)

    def _save(self, now_s: float, *, at_once: bool) -> None:
        """Save the counts every minute, and after each summary."""
        if not self._days or (0 <= now_s - self._saved_s < SAVE_EVERY_S and not at_once):
            return
        if self._file.save(self._days.values()):
            self._saved_s = now_s
