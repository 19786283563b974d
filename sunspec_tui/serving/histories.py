"""What a viewer begins with: the last rows of a product in one message, encoded a few at a time.

Rows never change, so what was encoded for one viewer serves the next one too; only what is new is added. Nothing here
waits or sends.
"""

from typing import Protocol

import numpy as np

from sunspec_tui.products import Product, derive
from sunspec_tui.ring import Rows
from sunspec_tui.serving import layout

HISTORY_BITS = 8
HISTORY_ROWS = 1200
"""Rows that a viewer begins with: what the page can show, in less than a megabyte."""
MAX_HISTORY_BYTES = 4 * 2**20
STEP_VALUES = 64 * 1024
"""Bins encoded in one step: two milliseconds."""


class RowSource(Protocol):
    """Where rows come from."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Rows by their numbers."""


class History:
    """The last rows of one product on one axis, as they stand in a message.

    Parameters
    ----------
    product, epoch, nbins
        What the rows are of.
    """

    def __init__(self, product: Product, epoch: int, nbins: int) -> None:
        self.product, self.epoch, self.nbins = product, epoch, nbins
        self.most = max(1, min(HISTORY_ROWS, MAX_HISTORY_BYTES // self._row_bytes))
        self.used_s = 0.0
        self.count = 0
        """Number after the last row that is encoded."""
        self._rows = bytearray()

    @property
    def _row_bytes(self) -> int:
        return layout.row_type(self.nbins, HISTORY_BITS).itemsize

    def __len__(self) -> int:
        return len(self._rows) // self._row_bytes

    def extend(self, source: RowSource, count: int) -> bool:
        """Encode some more rows, up to number `count`; True if all of them are there, False if there is more to do."""
        start = max(self.count, count - self.most)
        stop = min(count, start + max(1, STEP_VALUES // self.nbins))
        rows = source.rows_between(start, stop) if stop > start else None
        if rows is not None and rows.data.shape[1] == self.nbins:
            if not len(rows) or rows.count - len(rows) != self.count:
                # Rows between have left the ring: numbers within a message follow each other.
                self._rows.clear()
            values = np.ascontiguousarray(derive(rows.data, self.product))
            self._rows += layout.encode_rows(rows, values, HISTORY_BITS)
            del self._rows[: max(0, len(self) - self.most) * self._row_bytes]
        self.count = max(self.count, stop)
        return self.count >= count

    def message(self) -> bytes:
        """All that is encoded, as one message."""
        head = layout.header(
            self.product,
            kind=layout.HISTORY,
            bits=HISTORY_BITS,
            epoch=self.epoch,
            shape=(len(self), self.nbins),
            first=self.count - len(self),
        )
        return head + self._rows
