"""State of the stream between two readings, for the pictures.

Readings come once a second. A row that comes in between ends a stall at once.
"""

from sunspec_tui.stream.health_reading import HealthReading, StreamState
from sunspec_tui.tui.display.scene import Scene


class Stall:
    """Stall of the stream at the last reading."""

    def __init__(self) -> None:
        self._silence_s: float | None = None
        self._rows = 0

    def note(self, health: HealthReading, scene: Scene) -> bool:
        """Note a reading; return True if the notice in the picture changes."""
        before = self._silence_s
        self._silence_s = health.silence_s if health.state is StreamState.STALLED else None
        self._rows = scene.rows_received
        return self._silence_s != before

    def age_s(self, scene: Scene) -> float | None:
        """Return the seconds since the last frame; None if rows come."""
        return self._silence_s if scene.rows_received == self._rows else None
