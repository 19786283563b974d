"""Build the page of an index of quick-looks, in static HTML.

The page has no script, loads nothing from elsewhere, and has only relative links. All text from outside is escaped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from html import escape
from importlib import resources
from itertools import pairwise
from urllib.parse import quote

from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.archive_notes import PrintableNote
from sunspec_tui.plots.index_record import (
    DAY,
    HOURS,
    DayRecord,
    FileRecord,
    IndexRecord,
    file_names,
    interval_key,
    thumbnail_name,
)
from sunspec_tui.plots.thumbnail import HEIGHT_PX, WIDTH_PX

PAGE = "index.html"
"""Name of the page."""

_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def index_page(record: IndexRecord, notes: Mapping[str, Sequence[PrintableNote]], present: AbstractSet[str]) -> str:
    """Return the page of all days, the newest first.

    Parameters
    ----------
    record
        The days and their files.
    notes
        Notes of each day.
    present
        Days that the archive still has.
    """
    days = sorted(record.days, reverse=True)
    parts = []
    for day, earlier in pairwise([*days, None]):
        if day is not None:
            parts.append(_day(day, record.days[day], notes.get(day, ()), is_present=day in present))
            parts.append(_missing_days(earlier, day))
    style = resources.files("sunspec_tui.plots").joinpath("index_page.css").read_text("utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<title>Solar quick-looks</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Solar quick-looks</h1>
<p>{_summary(days, record)}</p>
</header>
<main>
{"".join(parts)}</main>
<footer><p>All times are UTC. A picture of a day is 24 hours wide; low frequencies are at the bottom. Each value is the
highest one of its column above the quiet background. Grey or empty means no rows.</p></footer>
</body>
</html>
"""


def _summary(days: Sequence[str], record: IndexRecord) -> str:
    if not days:
        return "There is no day yet."
    count = "1 day" if len(days) == 1 else f"{len(days)} days, {days[-1]} to {days[0]}"
    newest_s = max((each.files[DAY].end_s for each in record.days.values() if DAY in each.files), default=0.0)
    newest = f"; newest row {datetime.fromtimestamp(newest_s, UTC):%Y-%m-%d %H:%M:%S} UTC" if newest_s > 0 else ""
    return f"{count}{newest}"


def _day(day: str, record: DayRecord, notes: Sequence[PrintableNote], *, is_present: bool) -> str:
    """Return the section of one day."""
    picture = record.files.get(DAY)
    hours = {hour: record.files[hour] for hour in HOURS if hour in record.files}
    body = "".join(
        (
            *_problems(record, hours, is_present=is_present),
            _picture(day, picture, hours),
            _hours(day, hours) if hours else "",
            _notes(day, record, notes) if notes else "",
        )
    )
    weekday = f"{date.fromisoformat(day):%A}"
    return f"""<article id="day-{day}" aria-labelledby="title-{day}">
<h2 id="title-{day}"><time datetime="{day}">{day}</time> <span>{weekday}</span></h2>
{body}</article>
"""


def _problems(record: DayRecord, hours: Mapping[str, FileRecord], *, is_present: bool) -> Iterator[str]:
    """Yield a paragraph for each thing that is wrong with a day."""
    if record.error:
        yield _problem(f"This day cannot be read: {record.error}")
    picture = record.files.get(DAY)
    if picture is not None and picture.error:
        yield _problem(f"The picture of the day could not be made: {picture.error}")
    failed: dict[str, list[str]] = {}
    for hour, each in hours.items():
        if each.error:
            failed.setdefault(each.error, []).append(hour)
    for error, which in failed.items():
        name = "hour" if len(which) == 1 else "hours"
        yield _problem(f"The picture of the {name} {', '.join(which)} could not be made: {error}")
    if not is_present:
        yield '<p class="quiet">The archive no longer has this day.</p>\n'


def _problem(text: str) -> str:
    return f'<p class="problem">{_text(text)}</p>\n'


def _picture(day: str, picture: FileRecord | None, hours: Mapping[str, FileRecord]) -> str:
    """Return facts, thumbnail and links of a day."""
    known = picture or next(iter(hours.values()), None)
    if known is None or (not known.rows and not known.error):
        return '<p class="quiet">No rows on this day.</p>\n'
    if picture is None or not picture.count:
        return ""
    facts = _facts(picture)
    first, *others = file_names(day, DAY, picture.count)
    more = "".join(
        f' · <a href="{_link(name, picture)}">frequency axis {number}</a>' for number, name in enumerate(others, 2)
    )
    strip = "strip with-hours" if hours else "strip"
    alt = _text(f"Dynamic spectrum of {day}: {facts}")
    size = f'width="{WIDTH_PX}" height="{HEIGHT_PX}"'
    return f"""<p class="facts">{_text(facts)}{more}</p>
<div class="{strip}">
<a class="picture" href="{_link(first, picture)}">
<img src="{_link(thumbnail_name(day), picture)}" {size} loading="lazy" alt="{alt}">
</a>
<div class="clock" aria-hidden="true"><span>0</span><span>6</span><span>12</span><span>18</span><span>24 h</span></div>
</div>
"""


def _facts(picture: FileRecord) -> str:
    """Return product, times, frequencies and rows of a day's picture."""
    first, last = format_clock(picture.begin_s), format_clock(picture.end_s)
    mhz = f"{picture.low_mhz:.0f} to {picture.high_mhz:.0f} MHz"
    return f"{picture.product}, {first} to {last} UTC, {mhz}, {picture.rows} rows"


def _hours(day: str, hours: Mapping[str, FileRecord]) -> str:
    """Return links to the hours, below their part of the day."""
    cells = "".join(_hour(day, hour, hours.get(hour)) for hour in HOURS)
    return f'<nav aria-label="Hours of {day}"><ol class="hours">{cells}</ol></nav>\n'


def _hour(day: str, hour: str, record: FileRecord | None) -> str:
    if record is None:
        return f'<li class="none"><span title="no rows">{hour}</span></li>'
    if not record.count:
        return (
            f'<li class="failed"><span title="could not be made">{hour}<span class="hidden"> failed</span></span></li>'
        )
    first = file_names(day, hour, record.count)[0]
    title = f"{hour}:00 to {hour}:59 UTC, {record.rows} rows"
    return f'<li><a href="{_link(first, record)}" title="{title}">{hour}<span class="hidden"> h UTC</span></a></li>'


def _notes(day: str, record: DayRecord, notes: Sequence[PrintableNote]) -> str:
    """Return the list of a day's notes, with their files."""
    lines = "".join(f"<li>{_note(day, record, note)}</li>\n" for note in notes)
    return f'<h3>Notes</h3>\n<ul class="notes">\n{lines}</ul>\n'


def _note(day: str, record: DayRecord, note: PrintableNote) -> str:
    times = format_clock(note.begin_s)
    if note.end_s is not None:
        times += f"–{format_clock(note.end_s)}"
    author = f' <span class="author">{_text(note.author)}</span>' if note.author else ""
    found = None if note.end_s is None else record.files.get(interval_key(note.begin_s, note.end_s))
    files = ""
    if found is not None and note.end_s is not None:
        files = _files(day, interval_key(note.begin_s, note.end_s), found, times)
    return f'<span class="times">{times}</span> <span>{_text(note.text)}</span>{author}{files}'


def _files(day: str, key: str, record: FileRecord, times: str) -> str:
    """Return the links to the FITS files of an interval.

    The times are in the name of a link for those who hear the page.
    """
    names = file_names(day, key, record.count)
    length = f", means of {record.column_s:g} s" if record.column_s else ""
    size = f" ({record.rows} rows{length}, {record.nbytes / 1e6:.1f} MB)" if names else ""
    text = f'FITS {_text(record.product)}<span class="hidden"> of {times}</span>'
    links = " ".join(f'<a href="{quote(name)}" download>{text}</a>' for name in names)
    remark = record.remark or (f"could not be made: {record.error}" if record.error else "")
    return f' <span class="files">{links}{size}{_text(remark)}</span>'


def _missing_days(earlier: str | None, later: str) -> str:
    """Return a paragraph for the days between two days; empty if none."""
    if earlier is None:
        return ""
    first, last = date.fromisoformat(earlier) + timedelta(days=1), date.fromisoformat(later) - timedelta(days=1)
    if first > last:
        return ""
    days = f"{first}" if first == last else f"{first} to {last}"
    return f'<p class="missing">No archive: {days}</p>\n'


def _link(name: str, record: FileRecord) -> str:
    """Return a relative link that changes with the picture's content.

    A browser then shows a new picture, not the one that it stored.
    """
    version = sha256(json.dumps([record.content, record.product]).encode()).hexdigest()[:8]
    return f"{quote(name)}?v={version}"


def _text(text: str) -> str:
    return escape(printable(text))
