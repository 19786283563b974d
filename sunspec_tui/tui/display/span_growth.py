"""Choose the time span: a growing one, or that of the settings.

With the span of a whole ring, the picture would be nearly empty for the first minutes.
"""

import math
from typing import TYPE_CHECKING

from sunspec_tui.core.row_blocks import whole_blocks

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position

SPANS_S = (30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Smallest time spans of the picture while it grows."""

# If the cadence differs by a larger factor from the one for which the span was chosen, that one was wrong.
_CADENCE_SLACK = 1.5
_FIXED_SPAN_SLACK = 0.05


def grown_rows(slots: int, columns: int, cadence_s: float, ring_rows: int) -> int:
    """Return the rows per column that show all rows so far.

    Parameters
    ----------
    slots
        Number of slots from the oldest to the newest row.
    columns
        Width of the picture.
    cadence_s
        Data time from row to row; NaN while unknown.
    ring_rows
        Rows per column with which the picture shows the whole ring.

    Returns
    -------
    int
        Rows per column of the shortest of `SPANS_S` that holds all slots, at most `ring_rows`.
    """
    if not cadence_s > 0:
        return 1
    # A write cursor takes one column.
    shown = max(1, columns - 1)
    for span_s in SPANS_S:
        rows = max(1, math.ceil(min(ring_rows, span_s / (shown * cadence_s))))
        rows = min(ring_rows, whole_blocks(rows))
        if rows * shown >= slots:
            return rows
    return ring_rows


def rows_of_span(span_s: float, columns: int, cadence_s: float, ring_rows: int) -> int:
    """Return the rows per column for a time span.

    The picture then shows at least `span_s` seconds, or the whole ring if that is shorter. The other parameters are
    those of `grown_rows`.
    """
    if not cadence_s > 0:
        return 1
    rows = math.ceil(min(ring_rows, span_s / (max(1, columns) * cadence_s)))
    return min(ring_rows, whole_blocks(max(1, rows)))


class FixedSpan:
    """Rows per column of a time span in seconds.

    They are computed again only after a change of span, width or epoch, or of the cadence by a twentieth. So the
    picture does not change with each measurement of the cadence.
    """

    def __init__(self) -> None:
        self._key: tuple[float, int, int] | None = None
        self._cadence_s = math.nan
        self._rows = 1

    def rows_per_column(self, span_s: float, position: "Position", columns: int, ring_rows: int) -> int:
        """Return the rows per column; see `rows_of_span`."""
        key = (span_s, position.epoch, columns)
        if key != self._key or not abs(position.cadence_s / self._cadence_s - 1) < _FIXED_SPAN_SLACK:
            self._key, self._cadence_s = key, position.cadence_s
            self._rows = rows_of_span(span_s, columns, position.cadence_s, ring_rows)
        return min(self._rows, ring_rows)


class SpanGrowth:
    """Present time span of a picture whose span grows.

    The span becomes longer only when the picture is full. It becomes shorter only after a change of epoch, width or
    cadence.
    """

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._cadence_s = math.nan
        self._rows = 1

    def forget(self) -> None:
        """Begin again with the next rows."""
        self._key = None

    def rows_per_column(self, position: "Position", columns: int, ring_rows: int) -> int:
        """Return the rows per column for the rows in the ring.

        Parameters
        ----------
        position
            Position of the stream.
        columns, ring_rows
            See `grown_rows`.
        """
        key = (position.epoch, columns)
        slots = position.newest - position.oldest + 1
        least = self._rows
        if key != self._key or self._is_other_cadence(position.cadence_s):
            self._key, self._cadence_s, least = key, position.cadence_s, 1
        elif slots <= self._rows * max(1, columns - 1):
            return min(self._rows, ring_rows)
        self._rows = min(ring_rows, max(least, grown_rows(slots, columns, position.cadence_s, ring_rows)))
        return self._rows

    def _is_other_cadence(self, cadence_s: float) -> bool:
        if not cadence_s > 0:
            return False
        ratio = cadence_s / self._cadence_s
        return not 1 / _CADENCE_SLACK < ratio < _CADENCE_SLACK
