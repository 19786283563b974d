"""Text of the list of bursts: columns, rows and details.

Pure functions that convert values to text, so tests need no terminal.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.text import Text

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import format_clock, format_date, format_date_and_clock
from sunspec_tui.tui.widgets.fitting import wrap_line

_UNKNOWN = "–"
_GAP, _WIDE_GAP = 1, 2
# Width of the reason in cells from which on the row has one.
_MIN_REASON = 24


class BurstColumn(NamedTuple):
    """Column of the list.

    Attributes
    ----------
    title, width
        Heading, and width in cells.
    rank
        A narrow list leaves out the columns of the highest rank first.
    text
        Returns the text of a burst.
    is_left
        True to align the texts at the left.
    """

    title: str
    width: int
    rank: int
    text: Callable[[Burst], str]
    is_left: bool = False

    def aligned(self, text: str) -> str:
        """Return a text in the width of the column."""
        return text[: self.width].ljust(self.width) if self.is_left else text[: self.width].rjust(self.width)


def length_words(seconds: float) -> str:
    """Format a duration in few characters: ``8.5 s``, ``12 min``, ``2.5 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def _number(value: float, form: str) -> str:
    return f"{value:{form}}" if math.isfinite(value) else _UNKNOWN


def _lanes(burst: Burst) -> str:
    ratio = f" {burst.lane_ratio:.2f}" if math.isfinite(burst.lane_ratio) else ""
    return f"{burst.lanes}{ratio}"


def _drift(burst: Burst) -> str:
    if not math.isfinite(burst.drift_mhz_s):
        return _UNKNOWN
    error = f"±{burst.drift_error_mhz_s:.2g}" if math.isfinite(burst.drift_error_mhz_s) else ""
    return f"{burst.drift_mhz_s:.3g}{error}"


def state_word(burst: Burst) -> str:
    """Return the state of a burst; empty for one that is over."""
    return "wrong" if burst.is_wrong else "open" if burst.is_open else ""


_BEGIN, _DATED_BEGIN = (
    BurstColumn("begin", 8, 0, lambda burst: format_clock(burst.begin_s), is_left=True),
    BurstColumn("begin", 14, 0, lambda burst: format_date_and_clock(burst.begin_s)[5:19], is_left=True),
)
_COLUMNS = (
    BurstColumn("type", 4, 0, lambda burst: str(burst.type), is_left=True),
    BurstColumn("sure", 4, 3, lambda burst: _number(100 * burst.confidence, ".0f") + "%"),
    BurstColumn("MHz", 7, 1, lambda burst: f"{_number(burst.low_mhz, '.0f')}-{_number(burst.high_mhz, '.0f')}"),
    BurstColumn("dB", 5, 1, lambda burst: _number(burst.peak_db, ".1f")),
    BurstColumn("MHz/s", 11, 4, _drift),
    BurstColumn("lasts", 6, 5, lambda burst: length_words(burst.duration_s)),
    BurstColumn("lanes", 6, 7, _lanes),
    BurstColumn("V/I", 5, 6, lambda burst: _number(burst.circular, "+.2f")),
    BurstColumn("state", 5, 2, state_word, is_left=True),
)


class BurstLayout(NamedTuple):
    """Columns that fit, their gap, and the width of the reason."""

    columns: tuple[BurstColumn, ...]
    gap: int
    reason: int


def burst_layout(bursts: Sequence[Burst], width: int) -> BurstLayout:
    """Return the columns of a list in a width.

    The begins have their dates if the bursts are of several days.
    """
    begins_s = [burst.begin_s for burst in bursts]
    has_days = bool(begins_s) and format_date(min(begins_s)) != format_date(max(begins_s))
    columns = [_DATED_BEGIN if has_days else _BEGIN, *_COLUMNS]
    while len(columns) > 1 and _width_of(columns, _GAP) > width:
        columns.remove(max(reversed(columns), key=lambda column: column.rank))
    gap = _WIDE_GAP if _width_of(columns, _WIDE_GAP) <= width else _GAP
    left = width - _width_of(columns, gap) - gap
    return BurstLayout(tuple(columns), gap, left if left >= _MIN_REASON else 0)


def _width_of(columns: Sequence[BurstColumn], gap: int) -> int:
    return sum(column.width for column in columns) + gap * (len(columns) - 1)


def heading_line(layout: BurstLayout) -> Text:
    """Return the titles of the columns."""
    titles = [column.aligned(column.title) for column in layout.columns]
    return _styled((" " * layout.gap).join([*titles, *(["reason"] if layout.reason else [])]), "bold")


def _styled(text: str, style: str) -> Text:
    """Return a text with a span.

    The style of a whole text would not be drawn.
    """
    return Text.assemble((text, style))


def burst_line(burst: Burst, layout: BurstLayout, width: int, *, is_selected: bool, ascii_only: bool = False) -> Text:
    """Return the row of a burst.

    Parameters
    ----------
    burst, layout
        The burst, and the columns.
    width
        Width of the row in cells.
    is_selected
        True to show the row in reverse.
    ascii_only
        True to write the error of the drift in ASCII, where it takes one cell more.
    """
    texts = (column.text(burst).replace("±", "+-" if ascii_only else "±") for column in layout.columns)
    parts = [column.aligned(text) for column, text in zip(layout.columns, texts, strict=True)]
    if layout.reason:
        parts.append(_cut(printable(burst.reason), layout.reason))
    style = "dim" if burst.is_wrong or not burst.is_solar else "bold" if burst.is_open else ""
    line = (" " * layout.gap).join(parts).ljust(width)[:width]
    return _styled(line, f"{style} reverse".strip() if is_selected else style)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def detail_lines(burst: Burst, width: int) -> list[Text]:
    """Return all that is known of a burst, wrapped to a width."""
    state = " · ".join(filter(None, (state_word(burst), "the receiver was saturated" if burst.is_saturated else "")))
    kind = f"{burst.type.words}, {_number(100 * burst.confidence, '.0f')} % sure"
    lines = [
        _styled(f"{kind} · {state}" if state else kind, "bold"),
        Text(_times_text(burst)),
        Text(" · ".join(_numbers(burst))),
        *([Text(_half_power_text(burst))] if burst.half_power_s else []),
        *([Text(f"because {printable(burst.reason)}")] if burst.reason else []),
        *([_styled(f"{burst.name} · {printable(burst.source)}", "dim")] if burst.source else []),
    ]
    return [wrapped for line in lines for wrapped in wrap_line(line, max(1, width))]


def _times_text(burst: Burst) -> str:
    begin = f"{format_date(burst.begin_s)} {format_clock(burst.begin_s, 2)}"
    end = "seen until" if burst.is_open else "end"
    return (
        f"begin {begin}, peak {format_clock(burst.peak_s, 2)}, {end} {format_clock(burst.end_s, 2)} UTC, "
        f"{length_words(burst.duration_s)}"
    )


def _numbers(burst: Burst) -> list[str]:
    """Return band, peak, drift, lanes and polarisation in words."""
    lanes = "1 lane" if burst.lanes == 1 else f"{burst.lanes} lanes"
    ratio = f" with the ratio {burst.lane_ratio:.2f}" if math.isfinite(burst.lane_ratio) else ""
    drift = _drift(burst).replace("±", " ± ")
    return [
        f"{_number(burst.low_mhz, '.1f')} to {_number(burst.high_mhz, '.1f')} MHz",
        f"peak {burst.peak_db:.1f} dB over the background" if math.isfinite(burst.peak_db) else "peak not measured",
        "drift not measured" if drift == _UNKNOWN else f"drift {drift} MHz/s",
        f"{lanes}{ratio}",
        f"V/I {burst.circular:+.2f}" if math.isfinite(burst.circular) else "V/I not measured",
    ]


def _half_power_text(burst: Burst) -> str:
    pairs = ", ".join(f"{length_words(seconds)} at {mhz:.1f} MHz" for mhz, seconds in burst.half_power_s)
    return f"duration at half power: {pairs}"


def why_no_bursts(hidden: int, why_none: str) -> str:
    """Return the reason for an empty list.

    Parameters
    ----------
    hidden
        Number of detections that the list hides, because they are interference.
    why_none
        Reason if there are none of them either.
    """
    if not hidden:
        return why_none
    seen = "1 detection is" if hidden == 1 else f"{hidden} detections are"
    return f"No burst. {seen} interference; i shows all."
