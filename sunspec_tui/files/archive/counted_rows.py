"""Rows for the archive with the number of rows missing before each.

The receiver counts missing rows by the numbers of frames, which is more certain than the steps of time.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.recording import Recording
from sunspec_tui.core.ring_buffer import Mark, Rows
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.files.archive.time_block_maker import missing_before
from sunspec_tui.files.archive.time_layout import RESTARTED

UNKNOWN = -2
"""Number of missing rows before a row whose predecessor in the ring is not known."""


@dataclass(frozen=True, slots=True, repr=False)
class CountedRows(Recording):
    """Rows with the number of rows missing before each.

    Attributes
    ----------
    missing
        int64, shape (n,); `RESTARTED` for a row that begins a sequence, `UNKNOWN` if it is not known.
    """

    missing: Integers = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(
        cls, template: Recording, data: NDArray[np.float32], times_s: NDArray[np.float64], missing: Integers
    ) -> "CountedRows":
        """Return rows that a template describes."""
        described = {each.name: getattr(template, each.name) for each in fields(Recording)}
        return cls(**(described | {"data": data, "times_s": times_s, "missing": missing}))

    def only(self, which: NDArray[np.bool_] | slice) -> "CountedRows":
        """Return some of the rows."""
        return replace(self, data=self.data[which], times_s=self.times_s[which], missing=self.missing[which])


def missing_in_ring(rows: Rows, slot_before: int | None) -> Integers:
    """Return the number of rows missing before each row of a ring.

    Parameters
    ----------
    rows
        Consecutive rows of the ring, or what is left of them.
    slot_before
        Slot of the row that was read before them; None if it is not known.

    Returns
    -------
    numpy.ndarray
        int64, shape (n,), with `RESTARTED` and `UNKNOWN`.
    """
    before = rows.slots[:1] if slot_before is None else slot_before
    found: Integers = np.maximum(np.diff(rows.slots, prepend=before) - 1, 0)
    if slot_before is None:
        found[:1] = UNKNOWN
    found[(rows.marks & np.uint8(Mark.RESTART)) != 0] = RESTARTED
    return found


def counted_missing(rows: Recording, times_us: Integers, last_us: int | None) -> Integers:
    """Return the number of rows missing before each row of a store.

    It is computed from the steps of time where it is not known.

    Parameters
    ----------
    rows, times_us
        The rows, and their ends in whole microseconds.
    last_us
        End of the row before them in the store; None if there is none.
    """
    by_time = missing_before(times_us, rows.cadence_s, last_us, rows.restarts)
    if not isinstance(rows, CountedRows):
        return by_time
    return np.asarray(np.where(rows.missing == UNKNOWN, by_time, rows.missing), np.int64)
