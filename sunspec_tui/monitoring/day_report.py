"""Format the summary of an observing day as text.

Its lines have at most 80 characters, so that it can be mailed.
"""

import textwrap
from collections.abc import Iterator

from sunspec_tui.core.notes import Note
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.times import format_clock, format_date_and_clock
from sunspec_tui.files.archive.day_rows import ArchivedRows
from sunspec_tui.monitoring.burst_status import counts_text
from sunspec_tui.monitoring.day_counts import DayCounts
from sunspec_tui.monitoring.day_summary import DaySummary, other_events
from sunspec_tui.monitoring.day_text import lasting_faults, long_duration, percent, plural

WIDTH = 80
_LABEL_WIDTH = 12
_MAX_LINES = 12


def report(summary: DaySummary) -> str:
    """Return the summary as text.

    A value that is unknown has no line.
    """
    lines = [*_head(summary), ""]
    for label, text in _rows(summary):
        lines += _wrapped(label, text)
    return "\n".join(lines)


def _head(summary: DaySummary) -> list[str]:
    day, site = summary.day, summary.site
    title = f"Summary of the observing day {day.name}" + ("" if summary.is_complete else ", so far")
    place = f"{abs(site.latitude_deg):.3f} {'S' if site.latitude_deg < 0 else 'N'} " + (
        f"{abs(site.longitude_deg):.3f} {'W' if site.longitude_deg < 0 else 'E'}"
    )
    return [title, "=" * len(title), *_wrapped("Sun", sun_text(summary)), *_wrapped("Site", place)]


def sun_text(summary: DaySummary) -> str:
    """Describe sunrise, transit and sunset of the day."""
    day = summary.day
    times = (("rises", day.rise_s), ("transit", day.transit_s), ("sets", day.set_s))
    parts = [f"{word} {format_date_and_clock(time_s)[5:16]}" for word, time_s in times if time_s is not None]
    return f"{', '.join(parts)} UTC" + (f" ({day.remark})" if day.remark else "")


def _rows(summary: DaySummary) -> Iterator[tuple[str, str]]:
    """Yield labels and texts."""
    if summary.source:
        yield "Stream", printable_name(summary.source)
    if summary.data_s is not None:
        share = percent(summary.data_s, summary.length_s)
        yield "Data", f"{long_duration(summary.data_s)} of {long_duration(summary.length_s)} ({share})"
    if summary.counts is not None:
        yield from _receiver_rows(summary.counts)
    yield from _loss_rows(summary)
    if summary.archived is not None:
        yield from _archive_rows(summary, summary.archived)
    yield from _burst_rows(summary)
    yield from _event_rows(summary)
    yield from _named("Notes", [_note_text(note) for note in summary.notes], "note")
    for i, path in enumerate(summary.quicklooks):
        yield "" if i else "Quick-look", printable(path)
    for i, remark in enumerate(summary.remarks):
        yield "" if i else "Remarks", printable(remark)


def _receiver_rows(counts: DayCounts) -> Iterator[tuple[str, str]]:
    yield "Monitor", f"ran for {long_duration(counts.watched_s)}, {plural(counts.starts, 'start')}"
    yield "Frames", f"{counts.totals.frames} received"


def _loss_rows(summary: DaySummary) -> Iterator[tuple[str, str]]:
    """Yield the losses by cause, restarts and stalls."""
    rejected, numbers = summary.rejected, []
    if rejected is not None:
        causes = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in rejected.items() if count)
        missing = "unknown" if summary.missing is None else str(summary.missing)
        text = f"{missing} missing, {sum(rejected.values())} rejected" + (f" ({causes})" if causes else "")
        lost = None if summary.counts is None else summary.counts.totals.archive_rows_lost
        yield "Losses", text + (f", {lost} rows not archived" if lost else "")
    for word in ("restart", "stall", "repeat", "reversal"):
        number = summary.number_of(f"{word}s", word)
        if number is not None and (number or word in ("restart", "stall")):
            numbers.append(plural(number, word))
    if numbers:
        yield "Breaks", ", ".join(numbers)


def _archive_rows(summary: DaySummary, archived: ArchivedRows) -> Iterator[tuple[str, str]]:
    yield "Archive", printable(summary.archive)
    if not archived.rows:
        yield "", "no rows of this day"
        return
    spans, gaps = archived.spans, archived.gaps
    first, last = (format_clock(float(time_s)) for time_s in (spans[0, 0], spans[-1, 1]))
    yield "", f"{archived.rows} rows from {first} to {last} UTC"
    if len(gaps):
        lengths_s = gaps[:, 1] - gaps[:, 0]
        longest = int(lengths_s.argmax())
        yield (
            "Gaps",
            (
                f"{len(gaps)}, {long_duration(float(lengths_s.sum()))} in all; "
                f"the longest {long_duration(float(lengths_s[longest]))} at {format_clock(float(gaps[longest, 0]))}"
            ),
        )


def _burst_rows(summary: DaySummary) -> Iterator[tuple[str, str]]:
    """Yield the numbers of bursts, and the strongest ones."""
    if summary.burst_counts is not None and (text := counts_text(summary.burst_counts)):
        yield "Bursts", text
    for i, burst in enumerate(summary.strongest_bursts):
        yield "" if i else "Strongest", printable(burst)


def _event_rows(summary: DaySummary) -> Iterator[tuple[str, str]]:
    """Yield faults, errors and the numbers of other events."""
    events = summary.events
    if events is None:
        faults = {} if summary.counts is None else lasting_faults(summary.counts)
        yield from _named("Faults", [f"{name} for {long_duration(s)}" for name, s in faults.items()], "fault")
        return
    found = [
        f"{format_clock(each.begin_s)}{'' if each.end_s is None else f' to {format_clock(each.end_s)}'} {each.text}"
        for each in events.faults
    ]
    yield from _named("Faults", found, "fault")
    failures = [
        f"{format_clock(each.time_s)} {each.text}{f' ({each.events} times)' if each.events > 1 else ''}"
        for each in events.failures.values()
    ]
    yield from _named("Errors", failures, "error")
    if others := other_events(events):
        yield "Events", ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in others.most_common(_MAX_LINES))


def _named(label: str, texts: list[str], word: str) -> Iterator[tuple[str, str]]:
    """Yield the first texts, and the number of the others."""
    for i, text in enumerate(texts[:_MAX_LINES]):
        yield "" if i else label, printable(text)
    if len(texts) > _MAX_LINES:
        yield "", f"and {plural(len(texts) - _MAX_LINES, f'more {word}')}"


def _note_text(note: Note) -> str:
    end = "" if note.end_s is None else f" to {format_clock(note.end_s)}"
    return f"{format_clock(note.time_s)}{end} {note.shown_text}"


def _wrapped(label: str, text: str) -> list[str]:
    """Return a labelled text in lines of at most `WIDTH` characters."""
    lines = textwrap.wrap(text, WIDTH - _LABEL_WIDTH, break_on_hyphens=False) or [""]
    return [f"{label if i == 0 else '':<{_LABEL_WIDTH}}{line}".rstrip() for i, line in enumerate(lines)]
