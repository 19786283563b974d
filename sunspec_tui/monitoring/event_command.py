"""Run the observer's command for each burst report, in a thread.

One call runs at a time, some wait, and each hour has a largest number of calls. Further calls are left out and counted;
the bursts themselves stay in the list, the log and the table.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from shutil import which
from typing import Any

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.bursts import burst_record
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.printable import printable_name, printable_values
from sunspec_tui.monitoring.burst_reporter import BurstReport
from sunspec_tui.monitoring.burst_status import CommandState, CommandStatus
from sunspec_tui.monitoring.command_run import run_command
from sunspec_tui.monitoring.event_pacing import PacedLog

HOUR_S = 3600.0
REMEDY = "correct --on-event; the bursts are in the list and in the log"
_JOIN_MORE_S = 0.3
_DROPPED_PAUSE_S = 60.0


@dataclass(frozen=True)
class CommandLimits:
    """Limits of the calls of a command.

    Attributes
    ----------
    time_s
        Longest time of a call, seconds; then the command is terminated.
    kill_after_s
        Time from then on after which it is killed.
    stop_s
        Time that a call has left when the program ends.
    waiting
        Largest number of calls that wait.
    per_hour
        Largest number of calls that begin within an hour.
    """

    time_s: float = 10.0
    kill_after_s: float = 0.5
    stop_s: float = 0.3
    waiting: int = 20
    per_hour: int = 120


class EventCommand:
    """Command that is run for each report.

    It gets the report as a line of JSON on its standard input.

    Parameters
    ----------
    words
        The command and its arguments; None for no command.
    log
        Logger of the events.
    limits
        Limits of the calls.
    monotonic
        Monotonic clock of the limit of each hour, in seconds.
    """

    def __init__(
        self,
        words: tuple[str, ...] | None,
        log: logging.Logger,
        limits: CommandLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._words, self._log, self._limits = words, log, limits or CommandLimits()
        self._monotonic = monotonic
        self._dropped_log = PacedLog(log, _DROPPED_PAUSE_S)
        self._changed, self._ending = threading.Condition(), threading.Event()
        self._lines: deque[str] = deque()
        self._started_s: deque[float] = deque(maxlen=self._limits.per_hour)
        self._started = self._failed = self._dropped = 0
        self._problem = ""
        self._thread: threading.Thread | None = None

    def status(self) -> CommandStatus:
        """Return the counts and the state."""
        with self._changed:
            state = CommandState.FAILING if self._problem else CommandState.READY
            return CommandStatus(
                CommandState.OFF if self._words is None else state,
                self._started,
                self._failed,
                self._dropped,
                len(self._lines),
                self._problem,
            )

    # Start and stop

    def start(self) -> None:
        """Start the thread; without effect while it runs or without a command."""
        if self._words is None or self._thread is not None:
            return
        if which(self._words[0]) is None:
            self._report(f"{printable_name(self._words[0])} cannot be started: no such command is found")
        self._ending = threading.Event()
        run = partial(self._run, self._words, self._ending)
        self._thread = threading.Thread(target=run, name="sunspec-on-event", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the command that runs, and the thread.

        Calls that wait are left out and counted.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._ending.set()
            left_out = len(self._lines)
            self._lines.clear()
            self._changed.notify_all()
        # Earlier calls were left out for another reason, which has its own line.
        self._dropped_log.finish()
        if left_out:
            self._drop("the program ends", left_out)
        self._dropped_log.finish()
        join_within(thread, self._limits.stop_s + self._limits.kill_after_s + _JOIN_MORE_S)

    # Calls

    def submit(self, report: BurstReport) -> None:
        """Call the command soon, or leave the call out; returns at once."""
        if self._words is None:
            return
        line = report_line(report)
        with self._changed:
            is_full = len(self._lines) >= self._limits.waiting
            if not is_full:
                self._lines.append(line)
                self._changed.notify_all()
        if is_full:
            self._drop(f"{self._limits.waiting} calls wait already")

    def _run(self, words: tuple[str, ...], ending: threading.Event) -> None:
        while (line := self._next_line(ending)) is not None:
            if not self._may_start():
                self._drop(f"{self._limits.per_hour} calls have begun within an hour")
                continue
            limits = self._limits
            failure = run_command(words, line, limits.time_s, limits.kill_after_s, ending, limits.stop_s)
            with self._changed:
                self._failed += bool(failure)
            if failure and ending.is_set():
                # The end of the program is no fault of the command.
                log_event(self._log, logging.INFO, "on_event", f"--on-event: {failure}")
            else:
                self._report(failure)

    def _next_line(self, ending: threading.Event) -> str | None:
        """Wait for the next call; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or ending.is_set())
            return None if ending.is_set() else self._lines.popleft()

    def _may_start(self) -> bool:
        """Return True and count a call, unless the hour has its calls."""
        now_s, begun = self._monotonic(), self._started_s
        if len(begun) == self._limits.per_hour and now_s - begun[0] < HOUR_S:
            return False
        begun.append(now_s)
        with self._changed:
            self._started += 1
        return True

    # Reports

    def _drop(self, why: str, count: int = 1) -> None:
        """Count calls that are left out, and log them once a minute."""
        with self._changed:
            self._dropped += count
        text = f"a call of --on-event is left out because {why}; the burst is in the list and in the log"
        self._dropped_log.add(logging.WARNING, "on_event_dropped", text, self._monotonic(), sums={"dropped": count})

    def _report(self, failure: str) -> None:
        """Log the first failure, and the first call that works again."""
        with self._changed:
            before, self._problem = self._problem, f"--on-event: {failure}; {REMEDY}" if failure else ""
            now, failed, dropped = self._problem, self._failed, self._dropped
        if now and not before:
            log_event(self._log, logging.ERROR, "on_event_failed", now)
        elif before and not now:
            text = f"--on-event works again: {failed} calls have failed and {dropped} were left out since the start"
            log_event(self._log, logging.INFO, "on_event", text, failed=failed, dropped=dropped)


def report_line(report: BurstReport) -> str:
    """Return a report as one line of JSON."""
    record: dict[str, Any] = {"state": str(report.state), **burst_record(report.burst)}
    return json.dumps(printable_values(record), allow_nan=False) + "\n"
