"""Events at a bounded rate: one line a second of each kind, with the number of those that it stands for.

A stream can restart, go back or change with every frame; neither a log nor a screen is for that. State and
arithmetic; the clock is an argument. Any thread may use it.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sunspec_tui.events import tell

MIN_PAUSE_S = 1.0
"""From line to line of one kind."""


@dataclass(slots=True)
class _Kind:
    """Events of one kind: when the last line was, and what has come since."""

    logged_s: float
    level: int = logging.INFO
    text: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    group: str = ""

    def taken(self, now_s: float) -> tuple[int, str, dict[str, Any]]:
        """Level, text and numbers of the line that is due; it counts from zero after that."""
        sums, more = dict(self.sums), [f"{self.count} since the last line"]
        if not self.group:
            more += [f"{value} {name} in all" for name, value in sums.items()]
        text = f"{self.text} ({', '.join(more)})" if self.count > 1 else self.text
        numbers = self.numbers | {"count": self.count} | ({self.group: sums} if self.group else sums)
        self.logged_s, self.count, self.sums = now_s, 0, Counter()
        return self.level, text, numbers


class PacedLog:
    """Logs the newest event of each kind at most once a second.

    Parameters
    ----------
    log
        Where lines go.
    pause_s
        From line to line of one kind.
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
        """Log an event at once, or count it where its kind has had a line within the last second.

        Parameters
        ----------
        level, kind, text, numbers
            As `events.tell` takes them; text and numbers are those of the newest event.
        now_s
            A clock that never goes back.
        sums, group
            Numbers that are added up over all events that a line stands for, and the name under which they are
            told together; each is told by its own name without it.
        """
        with self._lock:
            waiting = self._kinds.setdefault(kind, _Kind(-math.inf))
            waiting.level, waiting.text, waiting.numbers, waiting.group = level, text, numbers, group
            waiting.count += 1
            waiting.sums.update(sums or {})
        self.flush(now_s)

    def flush(self, now_s: float) -> None:
        """Log each kind whose second is over."""
        self._log_those(now_s, self._pause_s)

    def finish(self) -> None:
        """Log all that waits."""
        self._log_those(0.0, -math.inf)

    def _log_those(self, now_s: float, pause_s: float) -> None:
        with self._lock:
            due = [(n, each) for n, each in self._kinds.items() if each.count and now_s - each.logged_s >= pause_s]
            lines = [(name, each.taken(now_s)) for name, each in due]
        # Not under the lock: a handler may be slow, or come back here.
        for name, (level, text, numbers) in lines:
            tell(self._log, level, name, text, **numbers)
