"""Command ``sunspec-tui doctor``: describe a stream, or report why no frames come."""

import json
import time
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say, probe_receiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK
from sunspec_tui.core.printable import printable, printable_values
from sunspec_tui.core.setting_fields import option
from sunspec_tui.core.settings import ProbeSettings

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver


def run(settings: ProbeSettings, say: Say) -> int:
    """Describe the stream, or report why no frames come."""
    from sunspec_tui.monitoring.stream_diagnosis import findings, report

    figure = ("png", "product", "palette", "levels", "span", "remove_background", "flux_scale")
    if given := [option(name) for name in figure if getattr(settings, name)]:
        raise UsageError(f"{given[0]} is only for snapshot: doctor draws nothing; leave it out")
    with probe_receiver(settings) as receiver:
        arrivals_s = _arrivals(receiver, settings.frames, settings.timeout)
        snapshot, frame = receiver.snapshot(most=1), receiver.last_frame()
        found = findings(snapshot, frame, arrivals_s, _delays(receiver))
    for line in [json.dumps(printable_values(found))] if settings.json else map(printable, report(found)):
        say(line)
    return EXIT_OK if snapshot.health.frames_received else EXIT_FAILED


def _arrivals(receiver: "StreamReceiver", count: int, timeout_s: float) -> list[float]:
    """Return the arrival times of frames.

    Wait until there are `count` frames or the time is up.
    """
    end_s, arrivals_s = time.monotonic() + timeout_s, list[float]()
    while len(arrivals_s) < count and (remaining_s := end_s - time.monotonic()) > 0:
        if not receiver.wait_for_frames(len(arrivals_s) + 1, remaining_s):
            break
        arrivals_s.append(time.monotonic())
    return arrivals_s


def _delays(receiver: "StreamReceiver") -> dict[str, float]:
    """Return the message delay by each method that needs no input."""
    found = {}
    for method in ("buffer", "auto"):
        receiver.set_delay_calculation_method(method)
        found[method] = receiver.get_current_delay()
    return found
