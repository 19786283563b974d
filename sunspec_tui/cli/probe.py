"""Create a receiver for commands that read few frames and end."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sunspec_tui.core.settings import ProbeSettings

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver

Say = Callable[[str], None]
"""Print function of a command."""


def probe_receiver(settings: ProbeSettings) -> "StreamReceiver":
    """Return a receiver that keeps as many frames as the command needs."""
    from sunspec_tui.receiver import StreamReceiver

    rows = max(2, settings.frames)
    return StreamReceiver(settings.addr, settings.stream_port, rows, plot_interval=0, chan0=settings.chan0)
