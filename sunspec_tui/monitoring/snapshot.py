"""Define the snapshot: one immutable value with all that front ends show.

It has only value types, so that front ends, the web view and plots do not depend on the receiver.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.memory_usage import MemoryReading
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.files.archive.status import ArchiveState, ArchiveStatus
from sunspec_tui.monitoring import signal_loss
from sunspec_tui.monitoring.axis_check import AxisCheck
from sunspec_tui.monitoring.data_clock import ClockFault, ClockReading
from sunspec_tui.monitoring.gain_check import GainCheck, describe_gain_loss
from sunspec_tui.monitoring.pipeline_check import PipelineMap
from sunspec_tui.monitoring.signal_loss import NO_LOSS, SignalLoss
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.stream.health_reading import HealthReading
from sunspec_tui.stream.message_delay import DelayReading, DelayStatistics, delay_statistics

NO_ROWS = 2**62
"""Value of `since` in `StreamReceiver.snapshot` for no rows: larger than any row number."""


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
    pipelines
        State of the pipelines over the last rows; None before the first frame.
    axis_check
        Result of the check of the axis; None before the first frame.
    gain
        Quiet level relative to its floor, and losses of gain.
    signal
        Products without a signal.
    clock
        Comparison of the data's clock with the local clock.
    station
        Station of the data, if the stream gives it; else empty.
    check_failures
        Reasons why checks of the instrument failed, by the check's name; empty if all checks work.
    """

    taken_s: float
    source: str
    health: HealthReading = field(default_factory=HealthReading)
    delay: DelayReading = field(default_factory=DelayReading)
    memory: MemoryReading = field(default_factory=MemoryReading)
    plots: PlotStatus = field(default_factory=PlotStatus)
    archive: ArchiveStatus = field(default_factory=ArchiveStatus)
    web: WebStatus = field(default_factory=WebStatus)
    problems: tuple[str, ...] = ()
    lines_lost: int = 0
    delay_history: tuple[tuple[float, float], ...] = ()
    data_age_s: float = math.nan
    axis: Axis | None = None
    epoch: int = 0
    rows: Rows | None = None
    pipelines: PipelineMap | None = None
    axis_check: AxisCheck | None = None
    gain: GainCheck = field(default_factory=GainCheck)
    signal: SignalLoss = NO_LOSS
    clock: ClockReading = field(default_factory=ClockReading)
    station: str = ""
    check_failures: dict[str, str] = field(default_factory=dict)

    @property
    def axis_note(self) -> str:
        """Description of an axis that seems shifted; else empty."""
        check, axis = self.axis_check, self.axis
        if check is None or axis is None or not check.shift_channels:
            return ""
        shift = check.shift_channels
        return (
            f"the axis looks {abs(shift)} channels too {'low' if shift > 0 else 'high'}: "
            f"{check.matched} known carriers fit chan0 {axis.chan0 + shift}"
        )

    @property
    def gain_note(self) -> str:
        """Description of a gain that seems lost; else empty."""
        return describe_gain_loss(WIRE_PRODUCTS, self.gain)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on time tags, axis, gain, clock and failed checks.

        Each is one sentence.
        """
        failed = (f"{name} unknown: its check has failed ({why})" for name, why in self.check_failures.items())
        notes = (self.health.tag_problem, self.axis_note, self.gain_note, self.clock.note)
        return tuple(filter(None, (*notes, *failed)))

    @property
    def alarms(self) -> tuple[str, ...]:
        """Lost signals, in a few words each.

        Without these signals there is no image of the Sun.
        """
        lost = signal_loss.describe_signal_loss(WIRE_PRODUCTS, self.signal)
        return (lost,) if lost else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Other faults of data or outputs, in a few words each."""
        faulty = 0 if self.pipelines is None else int((self.pipelines.faults > 0).any(axis=0).sum())
        texts = [f"{faulty} pipeline{'s' * (faulty > 1)} at fault"] if faulty else []
        texts += ["axis shifted?"] if self.axis_note else []
        texts += ["gain lost?"] if self.gain.lost else []
        texts += [str(self.clock.fault)] if self.clock.fault not in (ClockFault.NONE, ClockFault.RECORDED) else []
        texts += ["archive failing"] if self.archive.state is ArchiveState.FAILING else []
        count = len(self.problems)
        return (*texts, f"{count} problem{'s' * (count > 1)} of the program") if count else tuple(texts)

    @cached_property
    def delay_statistics(self) -> DelayStatistics:
        """Statistics of the message delays of the last minute."""
        return delay_statistics(delay_s for _, delay_s in self.delay_history)
