"""Diagnose a stream for the doctor command: header, times, faults, advice.

Pure functions. They convert values of the receiver to findings, and findings to lines for users. Scripts get the
findings as JSON. The command prints both.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.times import EARLIEST_PLAUSIBLE_S, LATEST_PLAUSIBLE_S, format_iso, parse_block_time, tag_to_unix
from sunspec_tui.monitoring.pipeline_check import describe_faults
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState

_UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
MAX_HEADER_LINES = 100
_BLOCK_TIMES = ("last_block_time", "lwa_time")
# Shorter steps, as a share of the cadence, are between frames of one gulp; a busy machine does not cause them.
_NEAR = 0.4
_MAX_PROBLEM = 120


def findings(
    snapshot: Snapshot, frame: Frame | None, arrivals_s: Sequence[float], delays_s: Mapping[str, float]
) -> dict[str, Any]:
    """Collect all findings as JSON values; unknown values are None.

    Parameters
    ----------
    snapshot
        Snapshot of the receiver after the last frame.
    frame
        The last frame; None if none was received.
    arrivals_s
        Times of arrival by a monotonic clock.
    delays_s
        Message delay in seconds by each method.
    """
    result = _stream_findings(snapshot)
    if frame is None or snapshot.axis is None:
        return result
    return result | _frame_findings(snapshot, snapshot.axis, frame, arrivals_s, delays_s)


def _stream_findings(snapshot: Snapshot) -> dict[str, Any]:
    """Return the findings about connection, counts and state."""
    health = snapshot.health
    verdict, advice = _verdict(health)
    return {
        "source": snapshot.source,
        "link": health.link_words,
        "verdict": verdict,
        "advice": advice,
        "frames_received": health.frames_received,
        "frames_missing": health.missing,
        "frames_rejected": health.frames_rejected,
        "rejected": health.rejected,
        "last_rejection": health.last_rejection,
        "state": str(health.state),
        "silence_s": _known(health.silence_s),
        "restarts": health.restarts if health.restarts_known else None,
        "repeats": health.repeats,
        "reversals": health.reversals,
        "stalls": health.stalls,
    }


def _frame_findings(
    snapshot: Snapshot, axis: Axis, frame: Frame, arrivals_s: Sequence[float], delays_s: Mapping[str, float]
) -> dict[str, Any]:
    """Return the findings about the last frame, and the times of all."""
    cadence_s = snapshot.health.cadence_s
    return {
        "header": dict(frame.header),
        "times": _time_readings(frame.header),
        "time_problem": frame.time_problem,
        "shape": list(frame.shape),
        "data_type": frame.data.dtype.str,
        "axis": _axis(axis),
        "cadence_s": _known(cadence_s),
        "pattern": pattern(arrivals_s, cadence_s),
        "delay_s": {method: _known(delay_s) for method, delay_s in delays_s.items()},
        "delay_note": snapshot.delay.note,
        "data_age_s": _known(snapshot.data_age_s),
        "replay": snapshot.replay,
        "pipelines": describe_faults(snapshot.check.pipelines),
        "alarms": list(snapshot.alarms),
        "notes": list(snapshot.notes),
    }


def _verdict(health: HealthReading) -> tuple[str, str]:
    """Return the state of the stream in a few words, and advice."""
    if health.frames_received:
        return "frames", ""
    if set(health.rejected) == {"topic"}:
        return "wrong topic", "messages arrive, but none has the topic 'data': is this another program's port?"
    if health.frames_rejected:
        return "only rejected messages", f"messages arrive, but none is a frame; the last one, {health.last_rejection}"
    verdict, advice = _LINK_VERDICTS.get(health.link, _NO_ANSWER)
    return verdict, advice.format(words=_RETRYING.sub("", health.link_words))


# The search for a publisher numbers its attempts.
_RETRYING = re.compile(r", retrying( \(attempt \d+\))?$")
_NO_ANSWER = ("no answer", "no answer from this address yet: is it right, is it reachable?")
_SILENT = ("silent", "connected, but silent: the producer runs and sends nothing, or nothing yet")
_LINK_VERDICTS = {
    LinkState.CONNECTED: _SILENT,
    LinkState.SILENT: _SILENT,
    LinkState.UNRESOLVED: ("no such name", "{words}: is --addr right?"),
    LinkState.UNREACHABLE: ("no answer", "{words}: is the address right, is it reachable?"),
    LinkState.NO_PUBLISHER: ("no publisher", "{words}: is --port right?"),
    LinkState.FOREIGN: ("no ZeroMQ", "{words}: is --port right?"),
    LinkState.LOST: ("lost", "the connection was lost: has the producer ended?"),
    LinkState.REFUSED: (
        "nobody",
        "nobody listens at this address: is the producer running, are --addr and --port right?",
    ),
}


def pattern(arrivals_s: Sequence[float], cadence_s: float) -> str:
    """Classify the arrivals of frames.

    Returns
    -------
    str
        ``even``, ``bursty``, ``faster than their data`` or ``slower than their data``; empty for few frames.
    """
    steps_s = [after - before for before, after in itertools.pairwise(arrivals_s)]
    if len(steps_s) < 3 or not cadence_s > 0:
        return ""
    mean_s = sum(steps_s) / len(steps_s)
    if not 0.7 < mean_s / cadence_s < 1.4:
        return "faster than their data" if mean_s < cadence_s else "slower than their data"
    return "bursty" if sum(step_s < _NEAR * cadence_s for step_s in steps_s) >= len(steps_s) / 4 else "even"


def _axis(axis: Axis) -> dict[str, Any]:
    mhz = axis.frequencies_mhz
    return {
        "chan0": axis.chan0,
        "chan0_from": "header" if axis.chan0_stated else "setting",
        "low_mhz": round(float(mhz[0]), 4),
        "high_mhz": round(float(mhz[-1]), 4),
        "bins": len(mhz),
    }


def _time_readings(header: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Convert each time of the header in all plausible units."""
    result: dict[str, dict[str, str]] = {}
    for key in ("time_tag", "timestamp", *_BLOCK_TIMES):
        value = header.get(key)
        if value is None:
            continue
        if key in _BLOCK_TIMES:
            result[key] = _block_time(value)
            continue
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            result[key] = {}
            continue
        readings = {unit: number * size for unit, size in _UNITS.items()}
        if isinstance(value, int):
            readings["ticks of 196 MHz"] = tag_to_unix(value)
        plausible = {
            unit: unix_s for unit, unix_s in readings.items() if EARLIEST_PLAUSIBLE_S < unix_s < LATEST_PLAUSIBLE_S
        }
        result[key] = {unit: format_iso(unix_s) for unit, unix_s in plausible.items()}
    return result


def _block_time(value: object) -> dict[str, str]:
    """Convert a time in text; if it is invalid, return the reason."""
    try:
        return {"UTC": format_iso(parse_block_time(value if isinstance(value, str) else short_repr(value)))}
    except (ValueError, OverflowError) as error:
        return {f"no time: {error}"[:_MAX_PROBLEM]: "unknown"}


def _known(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def report(result: Mapping[str, Any]) -> list[str]:
    """Format findings as lines for users."""
    causes = ", ".join(f"{count} {cause}" for cause, count in result["rejected"].items())
    lines = [f"stream     {result['source']}, {result['link']}"]
    if causes and not result["frames_received"]:
        lines.append(f"rejected   {causes}")
    if "header" not in result:
        return [*lines, f"verdict    {result['advice']}"]
    axis = result["axis"]
    origin = "from the header" if axis["chan0_from"] == "header" else "a setting, the header does not say"
    lines += [
        f"frames     {result['frames_received']} received, {_missing(result)}, "
        f"{result['frames_rejected']} rejected {causes}".rstrip(),
        f"shape      nbeam, nchan, npol = {tuple(result['shape'])}, {result['data_type']}",
        f"axis       {axis['low_mhz']:.3f} to {axis['high_mhz']:.3f} MHz in {axis['bins']} bins, "
        f"chan0 {axis['chan0']} ({origin})",
        f"cadence    {_seconds(result['cadence_s'])}, frames arrive {result['pattern'] or 'in an unknown pattern'}",
        *(f"delay      {_seconds(delay_s)} by {method}" for method, delay_s in result["delay_s"].items()),
        f"data age   {_seconds(result['data_age_s'])}",
        *_header_lines(result),
    ]
    notes = (
        *result["alarms"],
        result["replay"] and f"{result['replay']}: the times of the data are shifted",
        result["time_problem"],
        result["delay_note"],
        *result["notes"],
        result["pipelines"],
        *_oddities(result),
    )
    return lines + [f"note       {note}" for note in dict.fromkeys(notes) if note]


def _oddities(result: Mapping[str, Any]) -> list[str]:
    """Describe irregularities during the observation."""
    counted = ((result[f"{name}s"], name) for name in ("restart", "repeat", "reversal", "stall"))
    notes = [f"{count} {name}{'s' * (count > 1)} while observed" for count, name in counted if count]
    if result["state"] == StreamState.STALLED:
        notes.append(f"stalled: no frame for {result['silence_s']:.1f} s")
    return notes


def header_lines(header: Mapping[str, Any]) -> list[str]:
    """Format a header as lines, with every plausible meaning of its times."""
    return _header_lines({"header": header, "times": _time_readings(header)})


def _header_lines(result: Mapping[str, Any]) -> list[str]:
    """Format the header's keys, and the plausible meanings of its times."""
    lines = []
    for key, value in itertools.islice(result["header"].items(), MAX_HEADER_LINES):
        readings = result["times"].get(key)
        meanings = (
            "" if not readings else " = " + ", or ".join(f"{moment} as {unit}" for unit, moment in readings.items())
        )
        # A key is untrusted text, which must not control the terminal.
        lines.append(f"header     {_ascii(key) if not key.isidentifier() else key}: {_ascii(value)}{meanings}")
    left = len(result["header"]) - len(lines)
    return [*lines, f"header     and {left} keys more"] if left else lines


def _ascii(value: object) -> str:
    """Format an untrusted value in a bounded number of ASCII characters."""
    return short_repr(value).encode("ascii", "backslashreplace").decode()


def _missing(result: Mapping[str, Any]) -> str:
    missing = result["frames_missing"]
    return "missing unknown without seq or last_block_time" if missing is None else f"{missing} missing"


def _seconds(value_s: float | None) -> str:
    return "unknown" if value_s is None else f"{value_s:.4f} s"
