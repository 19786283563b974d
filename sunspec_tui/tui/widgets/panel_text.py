"""Text of the delay, health and memory panels.

Pure functions that convert values to text, so tests need no terminal. An unknown number is shown as a dash, never as 0.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sunspec_tui.monitoring.gain_check import GainCheck
from sunspec_tui.monitoring.pipeline_check import SIGNS, WORDS, Fault, PipelineMap
from sunspec_tui.monitoring.sun_reading import SunReading
from sunspec_tui.stream.health_reading import HealthReading, LinkState
from sunspec_tui.stream.message_delay import DelayMethod, DelayReading, DelayStatistics
from sunspec_tui.tui.terminal.abilities import Abilities
from sunspec_tui.tui.terminal.link_pacing import LinkReading
from sunspec_tui.tui.widgets.ability_text import ability_rows
from sunspec_tui.tui.widgets.fitting import LABEL_STYLE, LABEL_WIDTH

if TYPE_CHECKING:
    from sunspec_tui.core.memory_usage import MemoryReading

_LONG_DELAY_S = 100.0
_MAX_NAMED_PIPELINES = 6
_MINUTE_WIDTH = 25
_NO_STATISTICS, _NO_GAIN = DelayStatistics(), GainCheck()


def number(value: float | None, unit: str = "", digits: int = 2) -> str:
    """Format a number with its unit; a dash if it is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}{' ' + unit if unit else ''}"


def duration(seconds: float | None) -> str:
    """Format a duration in suitable units.

    Examples: ``0.25 s``, ``3 min 20 s``, ``2 h 05 min``, ``15.1 years``.
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    size = abs(seconds)
    sign = "-" if seconds < 0 else ""
    if size < 99.95:
        return f"{seconds:.2f} s" if size < 9.995 else f"{seconds:.1f} s"
    # Round before dividing: 3599.7 s is an hour, not 59 min and 60 s.
    whole_s, whole_min = round(size), round(size / 60)
    if whole_s < 3600:
        return f"{sign}{whole_s // 60} min {whole_s % 60:02d} s"
    if whole_min < 2 * 1440:
        return f"{sign}{whole_min // 60} h {whole_min % 60:02d} min"
    if size < 2 * 365.25 * 86400:
        return f"{sign}{size / 86400:.0f} days"
    return f"{sign}{size / 365.25 / 86400:.1f} years"


def labelled_lines(*pairs: tuple[str, ...]) -> Text:
    """Return lines of a label and a value.

    A third item of a pair is the style of the value.
    """
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    for i, (label, value, *style) in enumerate(pairs):
        if i:
            text.append("\n")
        text.append(f"{label:<{LABEL_WIDTH}}", LABEL_STYLE)
        text.append(value, style[0] if style else "")
    return text


def delay_text(delay: DelayReading, data_age_s: float, minute: DelayStatistics = _NO_STATISTICS) -> Text:
    """Return the text of the Delay panel.

    It has the method, the value, the age of the data, a note and the statistics of the last minute.
    """
    method = str(delay.method)
    if delay.used is not delay.method:
        method += f" → {delay.used}"
    note_style = "yellow" if delay.note else ""
    age_style = "yellow" if math.isfinite(data_age_s) and data_age_s < 0 else ""
    lines = [
        ("method", method, note_style),
        ("estimate" if delay.used is DelayMethod.BUFFER else "message", duration(delay.value_s), note_style),
        ("data age", duration(data_age_s), age_style),
    ]
    note = [Text(delay.note, "yellow")] if delay.note else []
    return Text("\n", end="").join(
        [labelled_lines(*lines), *note, labelled_lines(("median", _statistics_text(minute)))]
    )


def _statistics_text(minute: DelayStatistics) -> str:
    """Format the delay statistics of a minute.

    Long delays, of recorded data, hardly change in a minute, so only their median is shown.
    """
    if not abs(minute.max_s) < _LONG_DELAY_S:
        return duration(minute.median_s)
    text = f"{number(minute.median_s)} 95% {number(minute.p95_s)} max {number(minute.max_s)}"
    # If the unit does not fit here, the lines above show it.
    return text + " s" if len(text) + 2 <= _MINUTE_WIDTH else text


def pipeline_lines(pipelines: PipelineMap | None) -> list[Text]:
    """Return a legend and a map of the pipelines.

    The map has a line for each product. The list is empty if no pipeline has a fault.
    """
    faults = None if pipelines is None else pipelines.faults
    if faults is None or not faults.any():
        return []
    lines = [
        Text.assemble((name, "dim"), ("".join(SIGNS[Fault(fault)] for fault in row), "yellow"))
        for name, row in zip(("XX", "YY", "Re", "Im"), faults.tolist(), strict=False)
    ]
    present = [f"{SIGNS[fault]} {word}" for fault, word in WORDS.items() if (faults == fault).any()]
    # The legend has the colour of warnings, so that it stays with the map where lines have no room.
    return [Text.assemble(("pipelines: ", "dim"), (", ".join(present), "yellow")), *lines]


def faulty_pipelines(pipelines: PipelineMap | None) -> str:
    """Return the numbers of the pipelines at fault.

    If there are many, only the first ones are named.
    """
    if pipelines is None:
        return ""
    numbers = np.flatnonzero((pipelines.faults > 0).any(axis=0)).tolist()
    named = " ".join(map(str, numbers[:_MAX_NAMED_PIPELINES]))
    more = len(numbers) - _MAX_NAMED_PIPELINES
    return f"{named} and {more} more" if more > 0 else named


def health_text(
    health: HealthReading,
    link: LinkReading | None = None,
    pipelines: PipelineMap | None = None,
    *,
    abilities: Abilities | None = None,
    chan0: str = "",
    gain: GainCheck = _NO_GAIN,
    notes: Sequence[str] = (),
    sun: SunReading | None = None,
    detailed: bool = True,
) -> Text:
    """Return the text of the Health panel.

    It has rate, cadence, losses, links, faults of the data and the Sun's position. Only a detailed text has the
    readings for developers: queue, the terminal with its link and abilities, and the map of the pipelines.
    """
    lines = _count_lines(health)
    if chan0:
        lines.append(("chan0", chan0))
    if link is not None and detailed:
        lines.extend(link_rows(link))
    if abilities is not None and detailed:
        lines.extend(ability_rows(abilities))
    lines.append(("link", health.link_words, "" if health.link is LinkState.CONNECTED else "yellow"))
    if gain.change_db:
        lines.append(("level dB", _level_changes(gain), "yellow" if gain.lost else ""))
    if detailed:
        lines.append(("queue", f"{health.queue_frames}, max {health.queue_most}"))
    elif faulty := faulty_pipelines(pipelines):
        lines.append(("at fault", f"pipelines {faulty}", "yellow"))
    if sun is not None and sun.is_known:
        lines.append(("Sun", ", ".join(filter(None, (sun.position_text, sun.next_text)))))
    note_lines = [Text(note, "yellow") for note in notes]
    map_lines = pipeline_lines(pipelines) if detailed else []
    return Text("\n", end="").join([labelled_lines(*lines), *note_lines, *map_lines])


def _count_lines(health: HealthReading) -> list[tuple[str, ...]]:
    """Return the lines with the numbers of frames and events."""
    bad = "bold red"
    lines: list[tuple[str, ...]] = [
        ("frames", f"{health.frames_received}, {number(health.rate_hz, '/s')}"),
        ("cadence", number(health.cadence_s, "s", 4)),
        ("missing", "unknown" if health.missing is None else str(health.missing), bad if health.missing else ""),
        ("rejected", str(health.frames_rejected), bad if health.frames_rejected else ""),
    ]
    for cause, count in health.rejected.items():
        lines.append(("", f"{count} {cause.replace('_', ' ')}", bad))
    events = [
        f"{count} {name}{'s' * (count > 1)}"
        for count, name in ((health.restarts, "restart"), (health.repeats, "repeat"), (health.reversals, "reversal"))
        if count
    ]
    if events:
        lines.append(("events", ", ".join(events), "yellow"))
    return lines


def _level_changes(gain: GainCheck) -> str:
    """Format the quiet level of each product: ``XX -0.1 YY +0.2``.

    The level is in dB above the quiet floor.
    """
    shown = (f"{change_db:+.1f}" if math.isfinite(change_db) else "–" for change_db in gain.change_db)
    return " ".join(f"{name} {value}" for name, value in zip(("XX", "YY"), shown, strict=False))


def _mebibytes(value: float) -> str:
    """Format a size in MiB, short enough for a narrow panel."""
    return number(value, "MiB", 1 if value < 100 else 0)


def memory_text(memory: "MemoryReading", *, detailed: bool = True) -> Text:
    """Return the text of the Memory panel.

    It has the resident memory and the memory of the ring. Only a detailed text has the garbage collections.
    """
    lines = [
        ("RSS", f"{_mebibytes(memory.rss_mb)}, PSS {_mebibytes(memory.pss_mb)}"),
        ("ring", _mebibytes(memory.ring_mb)),
    ]
    if detailed:
        runs = f"{memory.gc_runs} run{'s' * (memory.gc_runs != 1)}, {memory.gc_collected} freed"
        lines += [("gc", runs), ("gc every", f"{memory.gc_interval} frames" if memory.gc_interval else "off")]
    return labelled_lines(*lines)


def link_rows(link: LinkReading) -> tuple[tuple[str, str], ...]:
    """Return the Health panel's line about the link to the terminal."""
    trip = f"{link.round_trip_s * 1e3:.0f} ms" if link.has_replied else "no answer"
    return (("terminal", f"{link.rate_bytes_s / 1e3:.1f} kB/s, {trip}"),)


def waiting_text(health: HealthReading, source: str) -> str:
    """Return the text that is shown before the first frame."""
    if health.frames_rejected:
        causes = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in health.rejected.items())
        return f"{source} sends messages, but no frames ({causes})"
    return f"waiting for {source}: {health.link_words}"


_ADVICE = {
    LinkState.REFUSED: "Is the producer running? Are --addr and --port right?",
    LinkState.UNREACHABLE: "Is the network up? Is --addr right?",
    LinkState.UNRESOLVED: "Is --addr right?",
    LinkState.CONNECTED: "Is the recorder running? It sends a frame when it has data.",
    LinkState.SILENT: "Is the recorder running? It sends a frame when it has data.",
    LinkState.NO_PUBLISHER: "Is --port right?",
    LinkState.FOREIGN: "Is --port right?",
}


def waiting_advice(health: HealthReading) -> str:
    """Return advice for a missing stream; empty if unknown."""
    if health.frames_rejected:
        return "sunspec-tui doctor shows what they contain."
    return _ADVICE.get(health.link, "")
