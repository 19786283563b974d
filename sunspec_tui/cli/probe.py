"""Create a receiver for commands that read few frames and end."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sunspec_tui.core.settings import ProbeSettings

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver

MAX_ROWS_PER_S = 20.0
"""Largest rate of rows for which a time span is kept as a whole."""

Say = Callable[[str], None]
"""Print function of a command."""


def probe_receiver(settings: ProbeSettings) -> "StreamReceiver":
    """Return a receiver that keeps as many frames as the command needs.

    The cadence is unknown before the first frames, so a time span has room for `MAX_ROWS_PER_S` rows a second.
    """
    from sunspec_tui.receiver import StreamReceiver

    rows = max(2, settings.frames, math.ceil((settings.span or 0.0) * MAX_ROWS_PER_S))
    return StreamReceiver(
        settings.addr,
        settings.stream_port,
        rows,
        plot_interval=0,
        chan0=settings.chan0,
        flux_scale=settings.flux_scale,
        # Few rows show no burst, and so short a ring loses them before the search has read them.
        bursts=False,
    )
