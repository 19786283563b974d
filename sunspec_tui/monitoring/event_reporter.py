"""What of the stream is worth an event: it remembers what was said, and says what is new.

It is told of each rejection, each unusual frame and each look at the whole; it counts nothing that a status shows.
"""

import logging
import threading
from functools import partial

from sunspec_tui.core.errors import RejectedMessage, error_text
from sunspec_tui.core.event_log import Debouncer, log_event
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.archive.status import ArchiveEvent
from sunspec_tui.monitoring.data_clock import ClockFault
from sunspec_tui.monitoring.event_pacing import PacedLog
from sunspec_tui.monitoring.pipeline_check import described
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.plots.job import PlotEvent
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, HealthReading, StreamState, is_long_silence
from sunspec_tui.stream.message_delay import DelayReading
from sunspec_tui.stream.stream_health import FramePlacement

_PIPELINES_LOG_S, _AXIS_LOG_S, _GAIN_LOG_S, _DELAY_LOG_S = 2.0, 5.0, 0.0, 5.0
_SIGNAL_LOG_S, _CLOCK_LOG_S = 0.0, 5.0


class EventReporter:
    """Tells events of one stream.

    Parameters
    ----------
    log
        Where they go.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._standing_pipelines, self._standing_axis = Debouncer(_PIPELINES_LOG_S), Debouncer(_AXIS_LOG_S)
        self._standing_gain, self._standing_delay = Debouncer(_GAIN_LOG_S), Debouncer(_DELAY_LOG_S)
        self._standing_signal, self._standing_clock = Debouncer(_SIGNAL_LOG_S), Debouncer(_CLOCK_LOG_S)
        # Whoever asks for a snapshot looks, from any thread.
        self._looking = threading.Lock()
        self._said_state, self._said_silence = StreamState.CONNECTING, False
        self._said_failures: set[str] = set()
        self._said_tags = ""
        self._paced = PacedLog(log)

    def report_rejection(self, error: RejectedMessage, arrived_s: float) -> None:
        """Log a rejected message, at most one line per second."""
        cause = {str(error.cause): 1}
        self._paced.add(
            logging.WARNING, "rejected", f"message rejected: {error}", arrived_s, sums=cause, group="causes"
        )

    def flush(self) -> None:
        """Log the events that still wait."""
        self._paced.finish()

    def report_frame(self, placement: FramePlacement, arrived_s: float, *, reshaped: bool) -> None:
        """Log unusual properties of a frame, one line per second and kind."""
        # The log's own time is that of the arrival; a replay's data may be years older.
        data_s = placement.time_s
        at, add = f"data of {format_clock(data_s)}", partial(self._paced.add, now_s=arrived_s, data_s=data_s)
        if reshaped:
            text = f"the shape or the axis of the frames has changed, {at}; page up goes back to the rows before it"
            add(logging.WARNING, "reshaped", text)
        if placement.mark & Mark.RESTART:
            add(logging.WARNING, "restart", f"the producer has restarted, {at}")
        if placement.mark & Mark.REVERSAL:
            add(logging.WARNING, "reversal", f"the data's time went back, {at}")
        if placement.mark & Mark.REPEAT:
            add(logging.INFO, "repeat", f"the same time came twice, {at}")
        if placement.unconfirmed:
            text = f"the {placement.unconfirmed} of a frame jumped and is ignored until the next one confirms it, {at}"
            add(logging.WARNING, "doubt", text)
        if placement.silence_s:
            text = f"frames come again after {placement.silence_s:.1f} s, {at}"
            add(logging.INFO, "stall_over", text, silence_s=round(placement.silence_s, 3))
        if placement.missing:
            missing, are = placement.missing, "frame is" if placement.missing == 1 else "frames are"
            text = f"{missing} {are} missing before {at}"
            add(logging.WARNING, "gap", text, sums={"missing": missing})

    def report_plot(self, event: PlotEvent) -> None:
        """Tell of a plot, or why there is none."""
        kind, level = ("plot", logging.INFO) if event.ok else ("plot_failed", logging.ERROR)
        if event.unusual:
            kind, level = "plot_note", logging.WARNING
        log_event(self._log, level, kind, event.text)

    def report_archive(self, event: ArchiveEvent) -> None:
        """Tell that the archive goes on, or why it does not."""
        kind, level = ("archive", logging.INFO) if event.ok else ("archive_failed", logging.ERROR)
        log_event(self._log, level, kind, event.text)

    def report_web_failure(self, problem: str) -> None:
        """Tell why the web view is not served."""
        log_event(self._log, logging.ERROR, "web_failed", problem)

    def report_check_failure(self, check: str, why: str) -> None:
        """Log once that a check has failed, and why."""
        if check in self._said_failures:
            return
        self._said_failures.add(check)
        text = f"the check of the {check} has failed and is shown as unknown; receiving continues: {why}"
        log_event(self._log, logging.ERROR, "check_failed", text, check=check)

    def is_behind(self, state: StreamState, silence_s: float) -> bool:
        """Return True if a stream in this state has something to be reported."""
        is_silent = is_long_silence(state, silence_s)
        return state is not self._said_state or is_silent is not self._said_silence or self._paced.has_waiting

    def report(self, snapshot: Snapshot, now_s: float) -> None:
        """Log what a snapshot shows; an error in the log must not stop the caller."""
        try:
            self.report_snapshot(snapshot, now_s)
        except Exception as error:  # noqa: BLE001 - as above
            self.report_check_failure("report of the snapshot", error_text(error))

    def report_snapshot(self, snapshot: Snapshot, now_s: float) -> None:
        """Tell what has changed since the last look at the whole."""
        with self._looking:
            self._paced.flush(now_s)
            for check, why in snapshot.check_failures.items():
                self.report_check_failure(check, why)
            self._say_state(snapshot.health)
            self._say_tags(snapshot.health.tag_problem)
            self._say_signal(snapshot, now_s)
            self._say_pipelines(described(snapshot.pipelines), now_s)
            self._say_axis(snapshot, now_s)
            self._say_gain(snapshot, now_s)
            self._say_delay(snapshot.delay, now_s)
            self._say_clock(snapshot, now_s)

    def _say_signal(self, snapshot: Snapshot, now_s: float) -> None:
        lost = "; ".join(snapshot.alarms)
        if self._standing_signal.update(lost, now_s):
            products = [str(WIRE_PRODUCTS[i]) for i in snapshot.signal.values]
            level = logging.ERROR if lost else logging.INFO
            log_event(self._log, level, "signal", lost or "all products carry a signal again", products=products)

    def _say_clock(self, snapshot: Snapshot, now_s: float) -> None:
        clock = snapshot.clock
        if self._standing_clock.update(clock.fault, now_s):
            wrong = clock.fault not in (ClockFault.NONE, ClockFault.RECORDED)
            text, level = clock.note or "the data's clock agrees again", logging.WARNING if wrong else logging.INFO
            log_event(self._log, level, "clock", text, fault=clock.fault, age_s=clock.age_s)

    def _say_delay(self, delay: DelayReading, now_s: float) -> None:
        if self._standing_delay.update(delay.oddity, now_s):
            text = f"message delay {delay.value_s:.3f} s by {delay.used}, {delay.note or 'as it should be again'}"
            level = logging.WARNING if delay.oddity else logging.INFO
            log_event(self._log, level, "delay", text, oddity=delay.oddity, method=delay.used, delay_s=delay.value_s)

    def _say_pipelines(self, faults: str, now_s: float) -> None:
        if self._standing_pipelines.update(faults, now_s):
            text = f"pipelines at fault: {faults}" if faults else "all pipelines are well again"
            log_event(self._log, logging.WARNING if faults else logging.INFO, "pipelines", text, faults=faults)

    def _say_axis(self, snapshot: Snapshot, now_s: float) -> None:
        # By how much, not by how many carriers: those come and go.
        check, shifted = snapshot.axis_check, snapshot.axis_note
        if self._standing_axis.update(str(check.shift_channels) if check and shifted else "", now_s):
            text = shifted or "narrow lines do not speak against the frequency axis any more"
            log_event(self._log, logging.WARNING if shifted else logging.INFO, "axis", text)

    def _say_gain(self, snapshot: Snapshot, now_s: float) -> None:
        # Which products, not how many decibels: those change with every look.
        lost = ",".join(WIRE_PRODUCTS[i] for i in snapshot.gain.lost)
        if self._standing_gain.update(lost, now_s):
            text = snapshot.gain_note or "the level is back at its quiet floor, or has stood for an hour"
            log_event(self._log, logging.WARNING if lost else logging.INFO, "gain", text, products=lost)

    def _say_tags(self, problem: str) -> None:
        if problem and problem != self._said_tags:
            log_event(self._log, logging.WARNING, "time_tag", problem)
        self._said_tags = problem or self._said_tags

    def _say_state(self, health: HealthReading) -> None:
        before, state = self._said_state, health.state
        was_silent, self._said_silence = self._said_silence, health.is_silent
        self._said_state = state
        if state is not before:
            level = logging.WARNING if state is StreamState.STALLED else logging.INFO
            log_event(self._log, level, "state", f"stream is {state}", state=str(state))
        if health.is_silent and not was_silent:
            text = f"nothing has come for {LONG_SILENCE_S:.0f} s"
            log_event(self._log, logging.ERROR, "silence", text, link=health.link.name.lower())
