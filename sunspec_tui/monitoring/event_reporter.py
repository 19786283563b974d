"""Report changes of the stream as log events, each change once.

The reporter processes rejected messages, unusual frames and snapshots. It stores the last reported state, so that it
reports no change twice.
"""

import logging
import threading
from functools import partial

from sunspec_tui.core.errors import RejectedMessage, error_text
from sunspec_tui.core.event_log import Debouncer, log_event
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.archive.status import ArchiveEvent
from sunspec_tui.monitoring.event_pacing import PacedLog
from sunspec_tui.monitoring.finding import Finding
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.plots.job import PlotEvent
from sunspec_tui.stream.frame_placer import FramePlacement
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, HealthReading, StreamState, is_long_silence
from sunspec_tui.stream.message_delay import DelayReading

_DELAY_LOG_S = 5.0


class EventReporter:
    """Reporter of the events of one stream.

    Parameters
    ----------
    log
        Logger of the events.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._debounced_delay = Debouncer(_DELAY_LOG_S)
        self._debounced_findings: dict[str, Debouncer] = {}
        # Snapshots are taken, and reported, from any thread.
        self._snapshot_lock = threading.Lock()
        self._reported_state, self._reported_silence = StreamState.CONNECTING, False
        self._reported_failures: set[str] = set()
        self._reported_tag_problem = ""
        self._paced = PacedLog(log)

    def report_rejection(self, error: RejectedMessage, arrived_s: float) -> None:
        """Log a rejected message, at most one line per second."""
        cause = {str(error.cause): 1}
        self._paced.add(
            logging.WARNING, "rejected", f"message rejected: {error}", arrived_s, sums=cause, group="causes"
        )

    def flush(self) -> None:
        """Log all waiting events."""
        self._paced.finish()

    def report_frame(self, placement: FramePlacement, arrived_s: float, *, reshaped: bool) -> None:
        """Log unusual properties of a frame, one line per second and kind."""
        # The log's time is that of the arrival; the data of a replay may be years older.
        data_s = placement.time_s
        at, add = f"data of {format_clock(data_s)}", partial(self._paced.add, now_s=arrived_s, data_s=data_s)
        if reshaped:
            text = f"the shape or the axis of the frames has changed, {at}; page up shows the rows before the change"
            add(logging.WARNING, "reshaped", text)
        if placement.mark & Mark.RESTART:
            add(logging.WARNING, "restart", f"the producer has restarted, {at}")
        if placement.mark & Mark.REVERSAL:
            add(logging.WARNING, "reversal", f"the data's time went back, {at}")
        if placement.mark & Mark.REPEAT:
            add(logging.INFO, "repeat", f"the data's time was repeated, {at}")
        if placement.unconfirmed:
            text = f"the {placement.unconfirmed} of a frame jumped and is ignored until the next one confirms it, {at}"
            add(logging.WARNING, "doubt", text)
        if placement.silence_s:
            text = f"frames arrive again after {placement.silence_s:.1f} s, {at}"
            add(logging.INFO, "stall_over", text, silence_s=round(placement.silence_s, 3))
        if placement.missing:
            missing, are = placement.missing, "frame is" if placement.missing == 1 else "frames are"
            text = f"{missing} {are} missing before {at}"
            add(logging.WARNING, "gap", text, sums={"missing": missing})

    def report_plot(self, event: PlotEvent) -> None:
        """Log a written plot, or why it failed."""
        kind, level = ("plot", logging.INFO) if event.ok else ("plot_failed", logging.ERROR)
        if event.unusual:
            kind, level = "plot_note", logging.WARNING
        log_event(self._log, level, kind, event.text)

    def report_archive(self, event: ArchiveEvent) -> None:
        """Log a message of the archive, or why it failed."""
        kind, level = ("archive", logging.INFO) if event.ok else ("archive_failed", logging.ERROR)
        log_event(self._log, level, kind, event.text)

    def report_web_failure(self, problem: str) -> None:
        """Log why the web view is not served."""
        log_event(self._log, logging.ERROR, "web_failed", problem)

    def report_check_failure(self, check: str, why: str) -> None:
        """Log once that a check has failed, and why."""
        if check in self._reported_failures:
            return
        self._reported_failures.add(check)
        text = f"the check of the {check} has failed and is shown as unknown; receiving continues: {why}"
        log_event(self._log, logging.ERROR, "check_failed", text, check=check)

    def has_unreported(self, state: StreamState, silence_s: float) -> bool:
        """Return True if the next report would log a state or events."""
        is_silent = is_long_silence(state, silence_s)
        return state is not self._reported_state or is_silent is not self._reported_silence or self._paced.has_waiting

    def report(self, snapshot: Snapshot, now_s: float) -> None:
        """Report a snapshot.

        An error in the report must not stop the caller.
        """
        try:
            self.report_snapshot(snapshot, now_s)
        except Exception as error:  # noqa: BLE001 - as above
            self.report_check_failure("report of the snapshot", error_text(error))

    def report_snapshot(self, snapshot: Snapshot, now_s: float) -> None:
        """Log what has changed since the last snapshot."""
        with self._snapshot_lock:
            self._paced.flush(now_s)
            for check, why in snapshot.check.failures.items():
                self.report_check_failure(check, why)
            self._report_state(snapshot.health)
            self._report_tags(snapshot.health.tag_problem)
            for finding in snapshot.findings:
                self._report_finding(finding, now_s)
            self._report_delay(snapshot.delay, now_s)

    def _report_finding(self, finding: Finding, now_s: float) -> None:
        """Log a finding that has changed and lasted."""
        debounced = self._debounced_findings.setdefault(finding.kind, Debouncer(finding.wait_s))
        if not debounced.update(finding.fault, now_s):
            return
        level = logging.ERROR if finding.is_alarm else logging.WARNING
        if finding.is_normal or not finding.fault:
            level = logging.INFO
        log_event(self._log, level, finding.kind, finding.text, **finding.values)

    def _report_delay(self, delay: DelayReading, now_s: float) -> None:
        if self._debounced_delay.update(delay.oddity, now_s):
            text = f"message delay {delay.value_s:.3f} s by {delay.used}, {delay.note or 'normal again'}"
            level = logging.WARNING if delay.oddity else logging.INFO
            log_event(self._log, level, "delay", text, oddity=delay.oddity, method=delay.used, delay_s=delay.value_s)

    def _report_tags(self, problem: str) -> None:
        if problem and problem != self._reported_tag_problem:
            log_event(self._log, logging.WARNING, "time_tag", problem)
        self._reported_tag_problem = problem or self._reported_tag_problem

    def _report_state(self, health: HealthReading) -> None:
        before, state = self._reported_state, health.state
        was_silent, self._reported_silence = self._reported_silence, health.is_silent
        self._reported_state = state
        if state is not before:
            level = logging.WARNING if state is StreamState.STALLED else logging.INFO
            log_event(self._log, level, "state", f"stream is {state}", state=str(state))
        if health.is_silent and not was_silent:
            text = f"no frame for {LONG_SILENCE_S:.0f} s"
            log_event(self._log, logging.ERROR, "silence", text, link=health.link.name.lower())
