"""Find, list, log and report the bursts of a live stream."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.burst_reports import ReportRules
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite, sun_elevation_deg
from sunspec_tui.monitoring.burst_counter import BurstCounter
from sunspec_tui.monitoring.burst_follower import BurstFollower, Detector, MakeDetector
from sunspec_tui.monitoring.burst_keeper import BurstKeeper
from sunspec_tui.monitoring.burst_log import BurstLog
from sunspec_tui.monitoring.burst_reporter import BurstReporter
from sunspec_tui.monitoring.burst_rows import BurstTimeline
from sunspec_tui.monitoring.burst_status import BurstState, BurstStatus, RowCounts
from sunspec_tui.monitoring.event_command import CommandLimits, EventCommand
from sunspec_tui.monitoring.event_pacing import PacedLog

POLL_S = 0.5
"""Longest time from one look at the ring to the next."""

_POLL_SHARE = 0.05  # seconds for each row of the ring: a fifth of the ring at the usual four rows a second
_SKIPPED_PAUSE_S = 60.0
_NONE_YET = "No burst has been found yet. Bursts are found as soon as the quiet background is known."
_IS_OFF = "Rows are not searched for bursts, because the monitor was started with --no-bursts."


def usual_detector(frequencies_hz: NDArray[np.float64], products: tuple[Product, ...], source: str) -> Detector:
    """Return a detector of bursts.

    Its room is imported when the first rows have come, so that it does not delay the first screen.
    """
    from sunspec_tui.bursts.detector import BurstDetector

    return BurstDetector(frequencies_hz, products, source=source)


@dataclass(frozen=True)
class BurstOptions:
    """Parameters of the burst search.

    Attributes
    ----------
    is_on
        False to search for no bursts.
    source
        Address of the stream.
    buffer_length
        Number of rows of the ring.
    site
        Site of the telescope.
    rules
        Rules of the reports.
    command
        Command that is run for each report; None for none.
    directory
        Directory of the archive, which also keeps the bursts; None to keep none.
    files_db
        Smallest peak over the background (dB) of bursts that get a picture and a FITS file; None for no files.
    """

    is_on: bool
    source: str
    buffer_length: int
    site: ObservingSite = OVRO_LWA
    rules: ReportRules = field(default_factory=ReportRules)
    command: tuple[str, ...] | None = None
    directory: Path | None = None
    files_db: float | None = None


class LiveBursts:
    """Bursts of a stream: the search, the list, and the reports.

    Parameters
    ----------
    options
        Parameters of the search.
    epochs
        Returns the epochs of the ring, oldest first.
    log
        Logger of the events.
    timeline
        Timeline of the rows, for pictures of bursts; None for no pictures.
    make_detector
        Makes a detector, see `MakeDetector`.
    limits
        Limits of the calls of the command.
    monotonic
        Monotonic clock, in seconds.

    Attributes
    ----------
    board
        List of the newest bursts, with its listeners.
    """

    def __init__(
        self,
        options: BurstOptions,
        epochs: Callable[[], tuple[Epoch, ...]],
        log: logging.Logger,
        *,
        timeline: BurstTimeline | None = None,
        make_detector: MakeDetector = usual_detector,
        limits: CommandLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = BurstBoard()
        self._is_on, self._log, self._monotonic = options.is_on, log, monotonic
        self._counter, self._burst_log = BurstCounter(options.site), BurstLog(log)
        self._reporter = BurstReporter(options.rules, partial(sun_elevation_deg, site=options.site))
        # Number of reports and the last one, together, because another thread reads them.
        self._reported: tuple[int, Burst | None] = 0, None
        self._command = EventCommand(options.command if options.is_on else None, log, limits, monotonic)
        self._unused_command = "" if options.is_on or not options.command else printable_name(options.command[0])
        directory = options.directory if options.is_on else None
        self._keeper = (
            None
            if directory is None
            else BurstKeeper(directory, self.board, timeline, options.files_db, on_load=self._counter.add_earlier)
        )
        self._skipped_log, self._skipped = PacedLog(log, _SKIPPED_PAUSE_S), 0
        self._follower = BurstFollower(
            epochs,
            make_detector,
            options.source,
            on_changes=self._note_changes,
            on_problem=self._note_problem,
            poll_s=min(POLL_S, _POLL_SHARE * options.buffer_length),
        )

    @property
    def counts(self) -> RowCounts:
        """Rows that were searched, left out, and not read yet."""
        return self._follower.counts

    @property
    def why_none(self) -> str:
        """Reason for an empty board, as sentences."""
        return _NONE_YET if self._is_on else _IS_OFF

    def status(self) -> BurstStatus:
        """Return the present state, from any thread."""
        if not self._is_on:
            return BurstStatus()
        follower, (reports, reported) = self._follower, self._reported
        return BurstStatus(
            BurstState.FAILING if follower.problem else BurstState.WATCHING,
            follower.counts,
            self.board.bursts,
            self._counter.total,
            self._counter.today(follower.data_s) if math.isfinite(follower.data_s) else {},
            follower.data_s,
            reports,
            self._reporter.held_back,
            reported,
            self._command.status(),
            follower.problem,
            "" if self._keeper is None else self._keeper.table_problem,
        )

    def start(self) -> None:
        """Start to search; without effect if that is switched off."""
        if self._is_on:
            if self._keeper is not None:
                self._keeper.start()
            self._command.start()
            self._follower.start()
        elif self._unused_command:
            text = f"--on-event {self._unused_command} has no effect, because --no-bursts switches the search off"
            log_event(self._log, logging.WARNING, "on_event", f"{text}; leave out one of them")

    def stop(self) -> None:
        """Search the last rows, close the open bursts, and stop."""
        self._follower.stop()
        # The keeper also writes the bursts that end with the rows.
        if self._keeper is not None:
            self._keeper.stop()
        self._command.stop()
        self._burst_log.finish()
        self._skipped_log.finish()

    def update(self) -> None:
        """Search the new rows now; the thread does this by itself."""
        self._follower.update()

    def _note_changes(self, changes: tuple[Burst, ...]) -> None:
        """List, count, log and report bursts, in the follower's thread."""
        now_s = self._monotonic()
        self.board.add(changes)
        self._counter.add(changes)
        self._burst_log.add(changes, now_s)
        for report in self._reporter.add(changes, now_s):
            if report.is_first:
                self._reported = self._reported[0] + 1, report.burst
            self._command.submit(report)
        self._note_skipped(now_s)

    def _note_skipped(self, now_s: float) -> None:
        """Log rows that were not searched although the detector works."""
        skipped = self._follower.counts.skipped
        added, self._skipped = skipped - self._skipped, skipped
        if added and not self._follower.problem:
            text = "rows were not searched for bursts, because they left the ring too early or have no valid time"
            self._skipped_log.add(logging.WARNING, "bursts_skipped", text, now_s, sums={"rows": added})
        self._skipped_log.flush(now_s)

    def _note_problem(self, problem: str) -> None:
        if problem:
            log_event(self._log, logging.ERROR, "bursts_failed", problem)
        else:
            log_event(self._log, logging.INFO, "bursts", "bursts are found again")
