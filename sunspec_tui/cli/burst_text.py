"""Tables of bursts and of comparisons as lines of text."""

import math
from collections.abc import Iterable, Sequence
from statistics import median

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.printable import printable
from sunspec_tui.core.times import format_clock, format_date_and_clock
from sunspec_tui.monitoring.burst_comparison import Comparison, Outcome, ReportResult

_HEAD = ("type", "conf", "begin UTC", "peak", "end", "MHz", "dB", "MHz/s", "reason")
_LEFT = {0, 2, 8, 9}
_MAX_REASON, _MAX_SOURCE = 60, 40
_MAX_LISTED = 8


def burst_lines(bursts: Iterable[Burst]) -> list[str]:
    """Return a table of bursts, with its head.

    It has the sources if there are several: two stations may have found the same burst.
    """
    found = list(bursts)
    rows = [_HEAD, *map(_burst_cells, found)]
    if len({burst.source for burst in found}) > 1:
        sources = ("source", *(printable(burst.source, _MAX_SOURCE) for burst in found))
        rows = [(*row, source) for row, source in zip(rows, sources, strict=True)]
    return aligned(rows, _LEFT)


def _burst_cells(burst: Burst) -> tuple[str, ...]:
    drift = _number(burst.drift_mhz_s, "+.2f")
    if drift and math.isfinite(burst.drift_error_mhz_s):
        drift += f"±{burst.drift_error_mhz_s:.2f}"
    return (
        str(burst.type),
        f"{burst.confidence:.2f}",
        format_date_and_clock(burst.begin_s),
        format_clock(burst.peak_s),
        format_clock(burst.end_s),
        f"{burst.low_mhz:.0f}-{burst.high_mhz:.0f}",
        _number(burst.peak_db, ".1f"),
        drift,
        printable(burst.reason, _MAX_REASON),
    )


def aligned(rows: Sequence[Sequence[str]], left: Iterable[int]) -> list[str]:
    """Return rows as lines whose columns are aligned.

    Parameters
    ----------
    rows
        Cells of each row.
    left
        Numbers of the columns that are aligned to the left; the others are numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = set(left)
    return [
        "  ".join(
            cell.ljust(width) if i in sides else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def counts_text(bursts: Sequence[Burst]) -> str:
    """Return counts by type, such as ``2 bursts: 2 III``."""
    solar = [burst for burst in bursts if burst.is_solar]
    counts = [
        f"{count} {kind}"
        for kind in BurstType
        if kind is not BurstType.INTERFERENCE and (count := sum(burst.type is kind for burst in solar))
    ]
    others = len(bursts) - len(solar)
    return (
        f"{len(solar)} burst{'s' * (len(solar) != 1)}"
        + (f": {', '.join(counts)}" if counts else "")
        + (f"; {others} of interference (RFI)" if others else "")
    )


def comparison_lines(comparison: Comparison, name: str) -> list[str]:
    """Return a comparison with the list of a name as lines."""
    lines = [f"compared with {name}:"]
    if comparison.results:
        head = ("", "report", "found", "begin", "low", "high")
        lines += aligned([head, *map(_result_cells, comparison.results)], {0, 1, 2})
    for title, bursts in (
        ("false alarms: bursts that no report covers", comparison.false_alarms),
        ("bursts within a report of another type", comparison.other_types),
    ):
        if bursts:
            lines += [f"{title}:", *(f"  {burst.short_text}, confidence {burst.confidence:.2f}" for burst in bursts)]
    return [*lines, totals_text(comparison)]


def _result_cells(result: ReportResult) -> tuple[str, ...]:
    return (
        str(result.outcome),
        result.report.text,
        found_text(result.bursts),
        _number(result.begin_difference_s, "+z.0f", " s"),
        _number(result.low_difference_mhz, "+z.0f", " MHz"),
        _number(result.high_difference_mhz, "+z.0f", " MHz"),
    )


def found_text(bursts: Sequence[Burst]) -> str:
    """Return the first of some bursts, and the number of the others."""
    if not bursts:
        return "nothing"
    more = f" and {len(bursts) - 1} more" if len(bursts) > 1 else ""
    return f"{bursts[0].type} {format_clock(bursts[0].begin_s)}{more}"


def totals_text(comparison: Comparison) -> str:
    """Return the counts of a comparison."""
    count = len(comparison.results)
    left_out, alarms = len(comparison.not_covered), len(comparison.false_alarms)
    parts = [
        f"{count} report{'s' * (count != 1)} covered",
        f"{comparison.count(Outcome.HIT)} hit",
        f"{comparison.count(Outcome.OTHER_TYPE)} with bursts of another type only",
        f"{comparison.count(Outcome.MISS)} missed",
        f"{alarms} false alarm{'s' * (alarms != 1)}",
    ]
    begins_s = [abs(each.begin_difference_s) for each in comparison.results if not math.isnan(each.begin_difference_s)]
    if begins_s:
        parts.append(f"begins differ by {median(begins_s):.0f} s in the median")
    if left_out:
        parts.append(f"{left_out} of the list not covered")
    if comparison.not_compared:
        types = sorted({printable(report.type or "no type", 10) for report in comparison.not_compared})
        parts.append(f"{len(comparison.not_compared)} of other types ({', '.join(types[:_MAX_LISTED])})")
    return ", ".join(parts)


def _number(value: float, form: str, unit: str = "") -> str:
    return f"{value:{form}}{unit}" if math.isfinite(value) else ""
