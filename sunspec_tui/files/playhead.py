"""Play head, and the timeline up to it.

A play head is a time that moves through recorded rows.
"""

import math
from collections.abc import Callable, Sequence

from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import STEPS_S, TimeBlocks, joined
from sunspec_tui.core.timeline_source import TimelineAxis, TimelineExtent, TimelineSource

_KNOWN_PEAKS = (Product.XX, Product.YY, Product.I)


class PlayHead:
    """Time up to which recorded rows are shown.

    Parameters
    ----------
    speed
        Speed in multiples of real time.

    Attributes
    ----------
    time_s
        Seconds since 1970 UTC; infinite while nothing plays, so that all rows are shown.
    """

    def __init__(self, speed: float) -> None:
        self.speed, self.time_s = speed, math.inf

    @property
    def is_playing(self) -> bool:
        """True while it moves."""
        return math.isfinite(self.time_s)

    def play_from(self, time_s: float) -> None:
        """Play from a time on."""
        self.time_s = time_s

    def stop(self) -> None:
        """Show all rows."""
        self.time_s = math.inf

    def move(self, seconds: float, end_s: float) -> bool:
        """Advance by some real time; return True while it moves.

        It stops at the end of the rows.
        """
        moved_s = self.time_s + max(0.0, seconds) * self.speed
        self.time_s = moved_s if moved_s < end_s else math.inf
        return self.is_playing

    def skip(self, gaps: Sequence[tuple[float, float]], longest_s: float) -> None:
        """Move to the end of a long gap.

        Parameters
        ----------
        gaps
            Begin and end of each.
        longest_s
            A gap up to this length is not skipped.
        """
        for begin_s, end_s in gaps:
            if end_s - begin_s > longest_s and begin_s + longest_s / 2 < self.time_s < end_s:
                self.time_s = end_s


class PlayedTimeline:
    """Timeline up to a play head, as a `TimelineSource`.

    Parameters
    ----------
    source
        The whole timeline.
    head_s
        Returns the time of the play head. Rows that end after it do not exist yet.
    """

    def __init__(self, source: TimelineSource, head_s: Callable[[], float]) -> None:
        self._source, self._head_s = source, head_s

    def extent(self) -> TimelineExtent | None:
        """Return the times of the rows up to the head.

        The head is never before the first row.
        """
        found, head_s = self._source.extent(), self._head_s()
        if found is None or head_s >= found.end_s:
            return found
        first_s = found.begin_s + (found.cadence_s if found.cadence_s > 0 else 0.0)
        end_s = max(head_s, first_s)
        return TimelineExtent(found.begin_s, end_s, min(found.finished_s, end_s), found.cadence_s)

    def axis(self) -> TimelineAxis | None:
        """Return bins and products."""
        return self._source.axis()

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return blocks or rows up to the head; see `TimelineSource`."""
        return self._blocks_until(self._head_s(), step_s, begin_s, end_s, product)

    def _blocks_until(
        self, head_s: float, step_s: int, begin_s: float, end_s: float, product: Product
    ) -> list[TimeBlocks]:
        if end_s <= head_s:
            return self._source.blocks(step_s, begin_s, end_s, product)
        if not step_s:
            return self._source.blocks(0, begin_s, head_s, product) if begin_s < head_s else []
        # The block with the head is made of the shorter blocks before the head.
        edge_s = head_s // step_s * step_s
        found = self._source.blocks(step_s, begin_s, min(edge_s, end_s), product) if begin_s < edge_s else []
        if begin_s <= edge_s < end_s:
            shorter_s = max((each for each in STEPS_S if each < step_s), default=0)
            last = self._blocks_until(head_s, shorter_s, edge_s, edge_s + step_s, product)
            found += _merged(last, step_s, product)
        return found

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows that end between two times, up to the head."""
        return self._source.recording(begin_s, min(end_s, self._head_s()))


def _merged(parts: list[TimeBlocks], step_s: int, product: Product) -> list[TimeBlocks]:
    """Merge the blocks in one block of a longer step.

    Blocks that are not shorter stay as they are.
    """
    shorter = [part.merged(step_s) for part in parts if part.step_s < step_s]
    found = [part for part in parts if part.step_s >= step_s]
    if shorter:
        one = joined(shorter).merged(step_s)
        found.append(one if product in _KNOWN_PEAKS else one._replace(peak=one.mean))
    return found
