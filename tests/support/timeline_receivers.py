"""Receiver with a timeline that begins long before its ring."""

import numpy as np
from monitors import CADENCE_S, START_S, StillReceiver
from timelines import RowTimeline


class DayReceiver(StillReceiver):
    """Receiver whose rows continue those of a timeline.

    Parameters
    ----------
    earlier
        Power of XX and YY of each earlier row, shape (n,); NaN for a missing row.
    options
        Options of `StillReceiver`.
    """

    def __init__(self, earlier, **options):
        super().__init__(**options)
        self._earlier = np.asarray(earlier, np.float32)
        self._timeline = None
        self._fed = []
        self._known = 0

    def feed(self, data, **keys):
        """Receive a frame; the timeline has it too."""
        super().feed(data, **keys)
        position = self.position()
        rows = self.rows_between(position.count - 1, position.count)
        self._fed.append((int(rows.slots[0]), rows.data[0].copy()))

    def timeline(self):
        """Return the earlier rows and all that were received."""
        if not self._fed:
            return None
        if self._timeline is None or self._known != len(self._fed):
            self._timeline, self._known = self._joined(), len(self._fed)
        return self._timeline

    def _joined(self):
        known = np.flatnonzero(np.isfinite(self._earlier))
        received = np.array([data for _, data in self._fed])
        older = np.zeros((len(known), *received.shape[1:]), np.float32)
        older[..., :2] = self._earlier[known, None, None]
        slots = np.concatenate([known - len(self._earlier), [slot for slot, _ in self._fed]])
        none = np.zeros(len(slots), np.int64)
        return RowTimeline(
            START_S + slots * CADENCE_S,
            np.concatenate([older, received]),
            np.full(len(slots), CADENCE_S),
            np.diff(slots, prepend=slots[0] - 1) - 1,
            none.astype(bool),
            self.position().axis.frequencies_mhz * 1e6,
        )
