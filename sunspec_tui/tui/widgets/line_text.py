"""Text of the status line.

Pure functions that convert values to text, so tests need no terminal.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.times import clock_of_day, format_clock
from sunspec_tui.monitoring.sun_reading import SunReading
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.tui.widgets.burst_table import length_words
from sunspec_tui.tui.widgets.fitting import LineSegment, fit_segments
from sunspec_tui.tui.widgets.panel_text import duration

if TYPE_CHECKING:
    from sunspec_tui.monitoring.snapshot import Snapshot

STATE_STYLES = {
    StreamState.CONNECTING: "bold black on yellow",
    StreamState.LIVE: "bold black on green",
    StreamState.STALLED: "bold black on yellow",
}
_PLAYING = "PLAY"
_SILENT_STYLE = "bold white on red"


def status_text(
    health: HealthReading,
    source: str,
    product: str,
    newest_s: float,
    data_age_s: float,
    *,
    paused_s: float | None = None,
    alarms: Sequence[str] = (),
    warnings: Sequence[str] = (),
    sun: SunReading | None = None,
    burst: Burst | None = None,
    columns: int = 0,
) -> Text:
    """Return the status line, in words.

    It has the state, the age of the data, losses and warnings first, then time, stream, product and Sun.

    Parameters
    ----------
    health, source, product
        State of the stream, its name, and the product shown.
    newest_s, data_age_s
        Time of the newest row in Unix seconds, and its age.
    paused_s
        Time at which the picture is paused; None if it is live.
    alarms
        Reasons why there is no picture of the Sun.
    warnings
        Descriptions of wrong data.
    sun
        Position of the Sun; None leaves it out.
    burst
        The newest burst; None leaves it out.
    columns
        Width of the line in cells; 0 means no limit.
    """
    segments = [*_state_segments(health, paused_s, newest_s, alarms), *_age_segments(health, data_age_s)]
    segments += _loss_segments(health)
    segments += [LineSegment(warning, "yellow", 1, is_item=True) for warning in warnings]
    segments += [] if burst is None else [_burst_segment(burst, newest_s)]
    segments += _time_segments(newest_s)
    segments += [LineSegment(source, "", 5, is_item=True), LineSegment(product, "", 4, is_item=True)]
    segments += [] if sun is None else _sun_segments(sun)
    return fit_segments(_without_first_separator(segments), columns, more=("{} more: u", "+{}: u"))


def _time_segments(newest_s: float) -> list[LineSegment]:
    """Return the time of the newest data, if it is known."""
    is_known = math.isfinite(newest_s)
    return [LineSegment(f"data {format_clock(newest_s)} UTC", "", 3, is_item=True)] if is_known else []


def _age_segments(health: HealthReading, data_age_s: float) -> list[LineSegment]:
    """Return the age of the newest data, if it is known."""
    if not math.isfinite(data_age_s):
        return []
    age = f"{duration(data_age_s)} old"
    # During a stall, the length of the silence is shown too, and is nearly the same as the age.
    rank = 2 if health.state is StreamState.STALLED else 0
    return [LineSegment(f"data {age}", "", rank, age, is_item=True)]


def viewed_text(snapshot: "Snapshot", product: str, end_s: float, *, is_waiting: bool, columns: int = 0) -> Text:
    """Return the status line of recorded rows.

    Parameters
    ----------
    snapshot
        State with `viewed`.
    product
        The product shown.
    end_s
        End of the picture in Unix seconds; NaN before there is one.
    is_waiting
        True while the picture is paused: then the play head waits.
    columns
        Width of the line in cells; 0 means no limit.
    """
    viewed = snapshot.viewed
    state, text = (viewed.state, viewed.text) if viewed else ("", "")
    segments = [LineSegment(f" {state} ", "bold black on cyan")]
    if is_waiting and state.startswith(_PLAYING):
        segments.append(LineSegment(" PAUSED ", "bold black on yellow"))
    segments.append(LineSegment(text, "", 0, is_item=True))
    if math.isfinite(end_s):
        segments.append(LineSegment(f"picture to {format_clock(end_s)} UTC", "", 2, is_item=True))
    segments += [LineSegment(each, "", 4, is_item=True) for each in (snapshot.station, product) if each]
    segments += [LineSegment(warning, "yellow", 1, is_item=True) for warning in snapshot.warnings]
    return fit_segments(_without_first_separator(segments), columns, more=("{} more: u", "+{}: u"))


def _state_segments(
    health: HealthReading, paused_s: float | None, newest_s: float, alarms: Sequence[str]
) -> list[LineSegment]:
    """Return the states of stream and picture, and alarms, in colour."""
    silent_style = _SILENT_STYLE if health.is_silent else STATE_STYLES[health.state]
    segments = [LineSegment(f" {health.state.upper()} ", silent_style)]
    segments += [LineSegment(f" {alarm} ", _SILENT_STYLE) for alarm in alarms]
    if paused_s is not None:
        segments.append(LineSegment(f" PAUSED {clock_of_day(paused_s, newest_s)} ", "bold black on cyan"))
        segments.append(LineSegment("end goes live ", "black on cyan", 6))
    if health.state is StreamState.STALLED:
        style = "bold red" if health.is_silent else "yellow"
        silence = duration(health.silence_s)
        segments.append(LineSegment(f"silent for {silence}", style, 0, f"silent {silence}", is_item=True))
    if health.link is not LinkState.CONNECTED:
        segments.append(LineSegment(health.link_words, "yellow", 1, is_item=True))
    return segments


def _loss_segments(health: HealthReading) -> list[LineSegment]:
    """Return the numbers of lost rows and of rejected messages."""
    found = []
    counts = (("lost", health.missing, "row"), ("rejected", health.frames_rejected, "message"))
    for rank, (word, count, unit) in enumerate(counts):
        if count:
            text = f"{word} {count} {unit}{'s' * (count > 1)}"
            found.append(LineSegment(text, "bold red", rank, f"{word} {count}", is_item=True))
    return found


def _burst_segment(burst: Burst, newest_s: float) -> LineSegment:
    """Return type, age and peak of a burst.

    It is left out before alarms, losses and warnings are.
    """
    peak = f" {burst.peak_db:.1f} dB" if math.isfinite(burst.peak_db) else ""
    if burst.is_open:
        return LineSegment(f"burst {burst.type} now{peak}", "bold magenta", 2, f"{burst.type} now{peak}", is_item=True)
    age = length_words(max(0.0, newest_s - burst.end_s))
    return LineSegment(f"burst {burst.type} {age} ago{peak}", "magenta", 2, f"{burst.type} {age}{peak}", is_item=True)


def _sun_segments(sun: SunReading) -> list[LineSegment]:
    """Return the Sun's elevation and its next rise or set."""
    if not sun.is_known:
        return []
    found = [LineSegment(f"Sun {round(sun.elevation_deg)} deg", "", 6, is_item=True)]
    return [*found, LineSegment(f", {sun.next_text}", "", 7)] if sun.next_text else found


def _without_first_separator(segments: list[LineSegment]) -> list[LineSegment]:
    """Separate the first item from the coloured states by a blank only."""
    for i, segment in enumerate(segments):
        if segment.is_item:
            short = None if segment.short is None else f" {segment.short}"
            segments[i] = segment._replace(text=f" {segment.text}", short=short, is_item=False)
            break
    return segments
