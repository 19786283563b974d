"""Cache the monitor's state for the visitors of the web view."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from sunspec_tui.monitoring.snapshot import NO_ROWS, Snapshot
from sunspec_tui.monitoring.status_record import live_record
from sunspec_tui.webapp.json_encoding import json_bytes

CACHED_S = 0.5
"""Time for which a state is reused, because many visitors may request it at once."""


class SnapshotSource(Protocol):
    """Source of the monitor's state."""

    def snapshot(self, since: int = 0, *, epoch: int = 0, most: int | None = None) -> Snapshot:
        """Return the present state."""


class StatusCache:
    """Newest state of the monitor, without rows.

    Parameters
    ----------
    source
        The receiver.
    monotonic
        A monotonic clock, in seconds.

    Attributes
    ----------
    more_fields
        Function that returns further fields of the status record for viewers.
    """

    def __init__(self, source: SnapshotSource, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source, self._monotonic = source, monotonic
        self._cached: tuple[float, Snapshot] | None = None
        self.more_fields: Callable[[], dict[str, Any]] = dict

    def snapshot(self) -> Snapshot:
        """Return the state, which is at most half a second old."""
        now_s = self._monotonic()
        if self._cached is None or now_s - self._cached[0] > CACHED_S:
            self._cached = now_s, self._source.snapshot(since=NO_ROWS)
        return self._cached[1]

    def text(self) -> str:
        """Return the status record for viewers, as JSON."""
        return json_bytes(live_record(self.snapshot()) | self.more_fields()).decode()
