"""Describe the counts of an observing day in words."""

from sunspec_tui.monitoring.burst_status import counts_text
from sunspec_tui.monitoring.day_counts import DayCounts

_MIN_FAULT_S = 10.0
"""A shorter fault is left out: it may be noise."""


def lasting_faults(counts: DayCounts) -> dict[str, float]:
    """Return the faults that lasted, with their time in seconds."""
    return {name: time_s for name, time_s in counts.faults_s.items() if time_s >= _MIN_FAULT_S}


def counts_sentence(counts: DayCounts) -> str:
    """Describe the counts of a day in one line."""
    totals, length_s = counts.totals, counts.end_s - counts.begin_s
    if not totals.frames:
        return f"no frame was received in {long_duration(counts.watched_s)}"
    parts = [
        f"data for {long_duration(counts.data_s)} of {long_duration(length_s)} ({percent(counts.data_s, length_s)})",
        f"{totals.frames} frames",
        "missing unknown" if counts.missing is None else f"{counts.missing} missing",
        f"{sum(totals.rejected.values())} rejected",
    ]
    parts += [
        plural(count, word)
        for count, word in ((totals.restarts, "restart"), (totals.stalls, "stall"), (totals.reversals, "reversal"))
        if count
    ]
    if totals.archive_rows or totals.archive_rows_lost:
        parts.append(f"{totals.archive_rows} rows archived, {totals.archive_rows_lost} lost")
    if bursts := counts_text(totals.bursts):
        parts.append(f"bursts: {bursts}")
    if faults := lasting_faults(counts):
        parts.append(plural(len(faults), "fault"))
    return ", ".join(parts)


def plural(count: int, word: str) -> str:
    """Return a number and a word, such as ``2 stalls``."""
    return f"{count} {word}{'s' * (count != 1)}"


def percent(part: float, whole: float) -> str:
    """Return a share in percent; a dash without a whole."""
    return f"{100 * part / whole:.1f}%" if whole > 0 else "–"


def long_duration(seconds: float) -> str:
    """Format a duration, such as ``9 h 58 min`` or ``12 s``."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    whole_s = round(seconds)
    if whole_s < 60:
        return f"{whole_s} s"
    if whole_s < 3600:
        return f"{whole_s // 60} min {whole_s % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
