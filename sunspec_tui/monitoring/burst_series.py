"""Series of rows in which bursts were searched, as values."""

from collections.abc import Iterable
from typing import NamedTuple

from sunspec_tui.core.bursts import Burst

MAX_GAP_S = 60.0
"""Longest time without rows within an interval of rows: reports have whole minutes."""

Span = tuple[float, float]
"""Begin and end of an interval, seconds since 1970 UTC."""


def joined_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join intervals that are at most `MAX_GAP_S` apart.

    The result is in the order of time.
    """
    joined = list[Span]()
    for begin_s, end_s in sorted(spans):
        if joined and begin_s - joined[-1][1] <= MAX_GAP_S:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_s)
        else:
            joined.append((begin_s, end_s))
    return tuple(joined)


class Covered(NamedTuple):
    """Time and band of the rows of a file or an archive.

    Attributes
    ----------
    name
        Name of the file without its extension, or of the archive.
    spans_s
        Intervals with rows, in the order of time, at least one.
    low_mhz, high_mhz
        Its lowest and highest frequency.
    """

    name: str
    spans_s: tuple[Span, ...]
    low_mhz: float
    high_mhz: float

    @property
    def begin_s(self) -> float:
        """Begin of its rows, seconds since 1970 UTC."""
        return self.spans_s[0][0]

    @property
    def end_s(self) -> float:
        """End of its rows, seconds since 1970 UTC."""
        return self.spans_s[-1][1]

    def touches(self, begin_s: float, end_s: float, low_mhz: float, high_mhz: float) -> bool:
        """Return True if its rows share a time and a band."""
        in_time = any(first_s < end_s and last_s > begin_s for first_s, last_s in self.spans_s)
        return in_time and self.low_mhz < high_mhz and self.high_mhz > low_mhz

    def has_rows_at(self, time_s: float) -> bool:
        """Return True if it has rows at a time."""
        return any(first_s <= time_s <= last_s for first_s, last_s in self.spans_s)


class FoundSeries(NamedTuple):
    """Bursts of one series of rows.

    Attributes
    ----------
    name
        Name of its first file, or of the archive.
    covered
        Its files, or the archive's rows of one axis, in the order of time.
    bursts
        The bursts, in the order of their begins.
    """

    name: str
    covered: tuple[Covered, ...]
    bursts: tuple[Burst, ...]
