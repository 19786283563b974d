"""A finder of bursts for tests: bright rows that follow each other.

Its background is the lowest power of the last minute, so a part needs the rows before it.
"""

from collections.abc import Sequence

import numpy as np

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.recording import Recording
from sunspec_tui.monitoring.burst_finder import BurstFinder

MEMORY_S = 60.0
FACTOR = 4.0
MAX_GAP_S = 30.0


def find_traces(recording: Recording, begin_s: float) -> list[tuple[float, float]]:
    """Return time and brightness of the bright rows."""
    times_s = recording.times_s
    with np.errstate(invalid="ignore"):
        powers = np.nanmean(recording.data[..., 0], axis=1)
    found = []
    for i in np.flatnonzero(times_s >= begin_s):
        first = int(np.searchsorted(times_s, times_s[i] - MEMORY_S))
        ratio = float(powers[i] / powers[first : i + 1].min())
        if ratio > FACTOR:
            found.append((float(times_s[i]), ratio))
    return found


def bursts_of(traces: Sequence[list[tuple[float, float]]], source: str) -> tuple[Burst, ...]:
    """Join bright rows to bursts."""
    rows = [row for part in traces for row in part]
    groups: list[list[tuple[float, float]]] = []
    for row in rows:
        if groups and row[0] - groups[-1][-1][0] <= MAX_GAP_S:
            groups[-1].append(row)
        else:
            groups.append([row])
    return tuple(_burst(number, group, source) for number, group in enumerate(groups, 1))


def _burst(number: int, rows: list[tuple[float, float]], source: str) -> Burst:
    peak_s, ratio = max(rows, key=lambda row: row[1])
    return Burst(
        f"fake-{number}", rows[0][0], peak_s, rows[-1][0], 40.0, 60.0, BurstType.III, 0.75,
        10 * float(np.log10(ratio)), reason="bright rows", source=source,
    )  # fmt: skip


FINDER = BurstFinder(MEMORY_S, find_traces, bursts_of)


def failing_traces(recording: Recording, begin_s: float) -> list[tuple[float, float]]:
    """Fail for rows of the second hour after midnight."""
    if 3600 <= begin_s % 86400 < 7200:
        raise ValueError("a bad part\x1b[2J")
    return find_traces(recording, begin_s)
