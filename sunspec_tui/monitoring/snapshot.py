"""Define the snapshot: one immutable value with all that front ends show.

It has only value types, so that front ends, the web view and plots do not depend on the receiver.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.memory_usage import MemoryReading
from sunspec_tui.core.notes import NoteCounts
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.files.archive.status import ArchiveState, ArchiveStatus
from sunspec_tui.monitoring.burst_status import BurstState, BurstStatus, CommandState
from sunspec_tui.monitoring.finding import Finding
from sunspec_tui.monitoring.instrument_check import InstrumentCheck
from sunspec_tui.monitoring.sun_reading import SunReading
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.stream.health_reading import HealthReading
from sunspec_tui.stream.message_delay import DelayReading, DelayStatistics, delay_statistics

NO_ROWS = 2**62
"""Value of `since` in `StreamReceiver.snapshot` for no rows: larger than any row number."""


class ViewedRows(NamedTuple):
    """What is viewed, if there is no stream.

    Attributes
    ----------
    state
        One or two words in capitals, such as ``VIEW`` or ``PLAY 10x``.
    text
        Times and files, such as ``2012-07-04 16:00 to 17:00, 4 files``.
    """

    state: str
    text: str


@dataclass(frozen=True)
class Snapshot:
    """State of the monitor at one moment.

    Attributes
    ----------
    taken_s
        Time of the snapshot, seconds since 1970 UTC.
    source
        The stream's address, for users.
    health, delay, memory, plots, archive, web
        State of each part.
    observer_notes
        Number of observers' notes.
    bursts
        State of the burst search, the bursts in memory, and their reports.
    problems
        One sentence for each problem of the program itself, such as a failed output or an ended thread.
    lines_lost
        Number of lines of status, log and events that were not written.
    delay_history
        (seconds before `taken_s`, delay) of the last minute, oldest first.
    data_age_s
        Now minus the end of the newest row's data; NaN before the first row.
    axis
        Frequency axis of the rows; None before the first frame.
    epoch
        Number that grows when the shape or the axis of the rows changes.
    rows
        Rows that the caller does not have yet.
    check
        Results of the checks of the instrument.
    station
        Station of the data, if the stream gives it; else empty.
    recorded_s
        Time at which the newest row was recorded, if the stream is a replay with shifted times; else NaN.
    unit, flux_scale, bins_without_flux
        Unit of the powers in `rows`, name of the flux scale (empty without one), and number of bins outside it.
    sun
        Position of the Sun when the snapshot was taken.
    viewed
        Recorded rows that are viewed; None for a stream.
    """

    taken_s: float
    source: str
    health: HealthReading = field(default_factory=HealthReading)
    delay: DelayReading = field(default_factory=DelayReading)
    memory: MemoryReading = field(default_factory=MemoryReading)
    plots: PlotStatus = field(default_factory=PlotStatus)
    archive: ArchiveStatus = field(default_factory=ArchiveStatus)
    web: WebStatus = field(default_factory=WebStatus)
    observer_notes: NoteCounts = field(default_factory=NoteCounts)
    bursts: BurstStatus = field(default_factory=BurstStatus)
    problems: tuple[str, ...] = ()
    lines_lost: int = 0
    delay_history: tuple[tuple[float, float], ...] = ()
    data_age_s: float = math.nan
    axis: Axis | None = None
    epoch: int = 0
    rows: Rows | None = None
    check: InstrumentCheck = field(default_factory=InstrumentCheck)
    station: str = ""
    recorded_s: float = math.nan
    unit: str = ARBITRARY
    flux_scale: str = ""
    bins_without_flux: int = 0
    sun: SunReading = field(default_factory=SunReading)
    viewed: ViewedRows | None = None

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the checks of the instrument, in words."""
        return self.check.findings(self.axis)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on time tags, findings, failed checks and the flux scale.

        Each is one sentence.
        """
        failed = (f"{name} unknown: its check has failed ({why})" for name, why in self.check.failures.items())
        notes = (self.health.tag_problem, *(finding.note for finding in self.findings))
        return tuple(filter(None, (*notes, *failed, self._flux_note)))

    @property
    def _flux_note(self) -> str:
        """Sentence about bins outside the flux scale; empty if there are none."""
        count = self.bins_without_flux
        bins = "1 bin is" if count == 1 else f"{count} bins are"
        return f"{bins} outside the flux scale {self.flux_scale} and without values" if count else ""

    @property
    def alarms(self) -> tuple[str, ...]:
        """Faults that hide the Sun, in a few words each."""
        return tuple(finding.label for finding in self.findings if finding.label and finding.is_alarm)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notice of a replay, and faults of data or outputs.

        Each has a few words.
        """
        # A replay whose times are shifted would otherwise look like the Sun of today.
        texts = [self.replay] if self.replay else []
        texts += [finding.label for finding in self.findings if finding.label and not finding.is_alarm]
        texts += ["archive failing"] if self.archive.state is ArchiveState.FAILING else []
        texts += ["burst search failing"] if self.bursts.state is BurstState.FAILING else []
        texts += ["--on-event failing"] if self.bursts.command.state is CommandState.FAILING else []
        count = len(self.problems)
        return (*texts, f"{count} problem{'s' * (count > 1)} of the program") if count else tuple(texts)

    @property
    def replay(self) -> str:
        """Notice of a replay with shifted times; else empty."""
        return f"replay of {format_date_and_clock(self.recorded_s)[:16]}" if math.isfinite(self.recorded_s) else ""

    @cached_property
    def delay_statistics(self) -> DelayStatistics:
        """Statistics of the message delays of the last minute."""
        return delay_statistics(delay_s for _, delay_s in self.delay_history)
