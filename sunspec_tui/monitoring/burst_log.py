"""Log the begin and the end of bursts as events.

Interference and unknown bursts are not logged, and noise storms at most once a minute, because their grains would hide
the other lines. All of them are in the list of bursts.
"""

import logging
import math
from collections.abc import Iterable

from sunspec_tui.core.bursts import Burst, BurstType, burst_record
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.times import format_clock
from sunspec_tui.monitoring.event_pacing import PacedLog
from sunspec_tui.monitoring.recent_names import RecentNames

KNOWN_AFTER_S = 3.0
"""Data time for which an open burst must keep its type until its begin is logged."""

STORM_PAUSE_S = 60.0
"""Shortest time between two lines about noise storms."""

_UNLOGGED = (BurstType.INTERFERENCE, BurstType.UNKNOWN, BurstType.STORM)


class BurstLog:
    """Log of bursts; used by one thread.

    Parameters
    ----------
    log
        Logger of the events.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._storms = PacedLog(log, STORM_PAUSE_S)
        # Type of each open burst, and the time at which it was first seen with it.
        self._types: dict[str, tuple[BurstType, float]] = {}
        # Type with which the begin of each open burst was logged.
        self._begun: dict[str, BurstType] = {}
        self._ended = RecentNames()

    def add(self, changes: Iterable[Burst], now_s: float) -> None:
        """Log bursts that have begun or ended.

        Parameters
        ----------
        changes
            Bursts that were opened, updated or closed.
        now_s
            Time of a monotonic clock, seconds.
        """
        for burst in changes:
            if burst.is_open:
                self._add_open(burst)
            elif burst.name not in self._ended:
                self._add_ended(burst, now_s)
        self._storms.flush(now_s)

    def finish(self) -> None:
        """Log what waits."""
        self._storms.finish()

    def _add_open(self, burst: Burst) -> None:
        self._ended.discard(burst.name)
        kind, since_s = self._types.get(burst.name, (burst.type, burst.end_s))
        if kind is not burst.type:
            kind, since_s = burst.type, burst.end_s
        self._types[burst.name] = kind, since_s
        if burst.name in self._begun or kind in _UNLOGGED or burst.end_s - since_s < KNOWN_AFTER_S:
            return
        self._begun[burst.name] = kind
        log_event(
            self._log, logging.INFO, "burst_begin", f"burst in progress: {begin_text(burst)}", **burst_record(burst)
        )

    def _add_ended(self, burst: Burst, now_s: float) -> None:
        self._types.pop(burst.name, None)
        begun = self._begun.pop(burst.name, None)
        self._ended.add(burst.name)
        if burst.is_wrong:
            if begun is not None:
                text = f"no burst of its own: {begun.words} since {format_clock(burst.begin_s)}; {burst.reason}"
                log_event(self._log, logging.INFO, "burst_withdrawn", text, **burst_record(burst))
            return
        text = end_text(burst)
        if begun is None and burst.type is BurstType.STORM:
            self._storms.add(logging.INFO, "noise_storm", text, now_s, **burst_record(burst))
        elif begun is not None or burst.type not in _UNLOGGED:
            first = "" if begun in (None, burst.type) else f", taken for {begun.words} at first"
            log_event(self._log, logging.INFO, "burst_end", f"burst: {text}{first}", **burst_record(burst))


def begin_text(burst: Burst) -> str:
    """Describe a burst that is in progress."""
    parts = [f"{burst.type.words} since {format_clock(burst.begin_s)}", *_numbers(burst)]
    return ", ".join(parts)


def end_text(burst: Burst) -> str:
    """Describe a burst that has ended, with its numbers."""
    parts = [f"{burst.type.words} {format_clock(burst.begin_s)} to {format_clock(burst.end_s)}", *_numbers(burst)]
    if math.isfinite(burst.drift_mhz_s):
        error = f" ± {burst.drift_error_mhz_s:.2g}" if math.isfinite(burst.drift_error_mhz_s) else ""
        parts.append(f"drift {burst.drift_mhz_s:.3g}{error} MHz/s")
    if math.isfinite(burst.circular):
        parts.append(f"V/I {burst.circular:+.2f}")
    if burst.lanes > 1:
        parts.append(f"{burst.lanes} lanes")
    if burst.is_saturated:
        parts.append("saturated")
    return ", ".join(parts)


def _numbers(burst: Burst) -> list[str]:
    """Return band, peak and confidence."""
    peak = [] if math.isnan(burst.peak_db) else [f"{burst.peak_db:.1f} dB"]
    return [f"{burst.low_mhz:.1f} to {burst.high_mhz:.1f} MHz", *peak, f"confidence {burst.confidence:.2f}"]
