"""Timeline that grows when a test says so."""

import numpy as np
from timelines import RowTimeline

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.timeline_source import TimelineExtent


class GrowingTimeline(RowTimeline):
    """Rows up to a time; some parts cannot be read."""

    now_s = np.inf
    unreadable_before_s = -np.inf

    def extent(self):
        """Return the times of the rows so far."""
        known = self.times_s[self.times_s <= self.now_s]
        if not len(known):
            return None
        begin_s, end_s = float(self.times_s[0] - self.cadence_s[0]), float(known[-1])
        return TimelineExtent(begin_s, end_s, end_s, float(self.cadence_s[0]))

    def blocks(self, step_s, begin_s, end_s, product):
        """Return the blocks of the rows so far."""
        if begin_s < self.unreadable_before_s:
            raise SunspecError("a chunk is damaged; delete it")
        return super().blocks(step_s, begin_s, min(end_s, self.now_s + 1e-6), product)
