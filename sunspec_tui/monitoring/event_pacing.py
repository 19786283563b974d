"""Log events at a bounded rate: one line per second and kind.

Each line contains the number of events since the previous line. Without the limit, a stream that restarts, goes back
or changes with every frame would flood the log and the screen. State and arithmetic; the clock is an argument. Any
thread may use this module.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sunspec_tui.core.event_log import log_event

MIN_PAUSE_S = 1.0
"""Shortest time between two lines of one kind."""


@dataclass(slots=True)
class _Kind:
    """Events of one kind since its last line."""

    logged_s: float
    level: int = logging.INFO
    text: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    group: str = ""

    def pop_line(self, now_s: float) -> tuple[int, str, dict[str, Any]]:
        """Return level, text and numbers of the next line; reset the counts."""
        sums, more = dict(self.sums), [f"{self.count} since the last line"]
        if not self.group:
            more += [f"{value} {name} in all" for name, value in sums.items()]
        text = f"{self.text} ({', '.join(more)})" if self.count > 1 else self.text
        numbers = self.numbers | {"count": self.count} | ({self.group: sums} if self.group else sums)
        self.logged_s, self.count, self.sums = now_s, 0, Counter()
        return self.level, text, numbers


class PacedLog:
    """Logger of the newest event of each kind, once per second.

    Parameters
    ----------
    log
        Logger that receives the lines.
    pause_s
        Shortest time between two lines of one kind, in seconds.
    """

    def __init__(self, log: logging.Logger, pause_s: float = MIN_PAUSE_S) -> None:
        self._log, self._pause_s = log, pause_s
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def add(
        self,
        level: int,
        kind: str,
        text: str,
        now_s: float,
        *,
        sums: Mapping[str, int] | None = None,
        group: str = "",
        **numbers: Any,
    ) -> None:
        """Log an event now, or count it for the next line.

        The event waits if its kind had a line within the last second.

        Parameters
        ----------
        level, kind, text, numbers
            Arguments of `event_log.log_event`; a line has the text and the numbers of the newest event.
        now_s
            Time of a monotonic clock, in seconds.
        sums, group
            Numbers that are summed over all events of a line, and the name of the field that contains them;
            without `group`, each sum is a separate field.
        """
        with self._lock:
            waiting = self._kinds.setdefault(kind, _Kind(-math.inf))
            waiting.level, waiting.text, waiting.numbers, waiting.group = level, text, numbers, group
            waiting.count += 1
            waiting.sums.update(sums or {})
        self.flush(now_s)

    @property
    def has_waiting(self) -> bool:
        """True if an event waits for its line."""
        with self._lock:
            return any(each.count for each in self._kinds.values())

    def flush(self, now_s: float) -> None:
        """Log the waiting events of each kind whose pause is over."""
        self._log_due(now_s, self._pause_s)

    def finish(self) -> None:
        """Log all waiting events."""
        self._log_due(0.0, -math.inf)

    def _log_due(self, now_s: float, pause_s: float) -> None:
        with self._lock:
            due = [(n, each) for n, each in self._kinds.items() if each.count and now_s - each.logged_s >= pause_s]
            lines = [(name, each.pop_line(now_s)) for name, each in due]
        # Log without the lock: a handler may be slow, or may call this object again.
        for name, (level, text, numbers) in lines:
            log_event(self._log, level, name, text, **numbers)
