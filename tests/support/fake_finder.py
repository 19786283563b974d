"""A finder of bursts for tests: bright rows that follow each other.

Its background is the lowest power of the last minute, so a part needs the rows before it.
"""

from collections.abc import Sequence

import numpy as np

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.monitoring.burst_finder import BurstFinder

MEMORY_S = 60.0
FACTOR = 4.0
MAX_GAP_S = 30.0


class FakeSearch:
    """Search of a part that keeps all its rows."""

    def __init__(self, frequencies_hz, products, cadence_s):
        self.times_s, self.powers = np.zeros(0), np.zeros(0, np.float32)

    def feed(self, times_s, data):
        """Keep the mean power of rows."""
        with np.errstate(invalid="ignore"):
            powers = np.nanmean(data[..., 0], axis=1)
        self.times_s = np.concatenate([self.times_s, times_s])
        self.powers = np.concatenate([self.powers, powers])

    def traces(self, begin_s, end_s):
        """Return time and brightness of the bright rows of an interval."""
        found = []
        for i in np.flatnonzero((self.times_s >= begin_s) & (self.times_s < end_s)):
            first = int(np.searchsorted(self.times_s, self.times_s[i] - MEMORY_S))
            ratio = float(self.powers[i] / self.powers[first : i + 1].min())
            if ratio > FACTOR:
                found.append((float(self.times_s[i]), ratio))
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


FINDER = BurstFinder(MEMORY_S, 0.0, FakeSearch, bursts_of)


class FailingSearch(FakeSearch):
    """Search that fails for parts of the second hour."""

    def traces(self, begin_s, end_s):
        """Fail for some parts."""
        if 3600 <= begin_s % 86400 < 7200:
            raise ValueError("a bad part\x1b[2J")
        return super().traces(begin_s, end_s)
