"""What a stream says of itself, in lines for people: header, times, cadence, axis, faults.

Pure text from a snapshot and the last frame; the command line prints it.
"""

import math

from sunspec_tui.frame import Frame
from sunspec_tui.health import LinkState
from sunspec_tui.snapshot import Snapshot
from sunspec_tui.times import format_iso, tag_to_unix

_ADVICE = {
    LinkState.REFUSED: "nobody listens at this address: is the producer running, are --addr and --port right?",
    LinkState.CONNECTED: "connected, but silent: the producer runs and sends nothing, or nothing yet",
    LinkState.LOST: "the connection was lost: has the producer ended?",
}


def report(seen: Snapshot, frame: Frame | None) -> list[str]:
    """Lines of the report.

    Parameters
    ----------
    seen
        The receiver after the frames that were waited for.
    frame
        The last frame, None where none came.
    """
    health = seen.health
    lines = [f"stream     {seen.source}, {health.link}"]
    causes = ", ".join(f"{count} {cause}" for cause, count in health.rejected.items())
    if frame is None or seen.axis is None:
        if causes:
            return [*lines, f"rejected   {causes}: messages come, but none is a frame; see --log-level DEBUG"]
        return [*lines, _ADVICE.get(health.link, "no answer from this address yet: is it right, is it reachable?")]
    axis = seen.axis
    mhz = axis.frequencies_mhz
    said = "from the header" if axis.chan0_stated else "a setting, the header does not say"
    lines += [
        f"frames     {health.frames_received} received, {health.frames_missing} missing, "
        f"{health.frames_rejected} rejected {causes}".rstrip(),
        f"shape      nbeam, nchan, npol = {frame.shape}, {frame.data.dtype.str}",
        f"axis       {mhz[0]:.3f} to {mhz[-1]:.3f} MHz in {len(mhz)} bins, chan0 {axis.chan0} ({said})",
        f"cadence    {_seconds(health.cadence_s)}, {health.rate_hz:.2f} frames/s arrive",
        f"data end   {_moment(frame.block_time_s)} (last_block_time)",
        f"sent       {_moment(frame.sent_s)} (timestamp)",
        f"sequence   {_tag(frame.time_tag)} (time_tag), frame {frame.seq if frame.seq is not None else '–'} (seq)",
        f"delay      {_seconds(seen.delay.value_s)} by {seen.delay.used} {seen.delay.note}".rstrip(),
        f"data age   {_seconds(seen.data_age_s)}",
    ]
    if frame.time_problem:
        lines.append(f"times      {frame.time_problem}")
    return lines


def _seconds(value_s: float) -> str:
    return f"{value_s:.4f} s" if math.isfinite(value_s) else "unknown"


def _moment(value_s: float) -> str:
    return format_iso(value_s) if math.isfinite(value_s) else "not said"


def _tag(time_tag: int | None) -> str:
    """A time tag in both plausible readings: ticks of 196 MHz, and microseconds."""
    if time_tag is None:
        return "not said"
    readings = []
    for name, value_s in (("ticks", tag_to_unix(time_tag)), ("microseconds", time_tag / 1e6)):
        if 0 < value_s < 4e9:
            readings.append(f"{format_iso(value_s)} as {name}")
    return f"{time_tag}" + (f" = {' or '.join(readings)}" if readings else "")
