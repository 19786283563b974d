"""Encode the last rows of a product as one message, a few rows at a time.

A new viewer gets this message first. Rows never change, so encoded rows are reused for the next viewer and only new
rows are added. This module does not wait and does not send.
"""

from typing import Protocol

import numpy as np

from sunspec_tui.products import Product, derive
from sunspec_tui.ring import Rows
from sunspec_tui.serving import layout

HISTORY_BITS = 8
HISTORY_ROWS = 1200
"""Rows in a viewer's first message: as many as the page can show, in less than a megabyte."""
MAX_HISTORY_BYTES = 4 * 2**20
STEP_VALUES = 64 * 1024
"""Bins encoded in one step: two milliseconds."""


class RowSource(Protocol):
    """Source of rows."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Return rows by their numbers."""


class History:
    """The encoded last rows of one product on one axis.

    Parameters
    ----------
    product, epoch, nbins
        Product, epoch and number of bins of the rows.
    """

    def __init__(self, product: Product, epoch: int, nbins: int) -> None:
        self.product, self.epoch, self.nbins = product, epoch, nbins
        self.most = max(1, min(HISTORY_ROWS, MAX_HISTORY_BYTES // self._row_bytes))
        self.used_s = 0.0
        self.count = 0
        """Number after the last encoded row."""
        self._rows = bytearray()

    @property
    def _row_bytes(self) -> int:
        return layout.row_type(self.nbins, HISTORY_BITS).itemsize

    def __len__(self) -> int:
        return len(self._rows) // self._row_bytes

    def extend(self, source: RowSource, count: int) -> bool:
        """Encode more rows, up to number `count`; return True when all are encoded."""
        start = max(self.count, count - self.most)
        stop = min(count, start + max(1, STEP_VALUES // self.nbins))
        rows = source.rows_between(start, stop) if stop > start else None
        if rows is not None and rows.data.shape[1] == self.nbins:
            if not len(rows) or rows.count - len(rows) != self.count:
                # Rows in between have left the ring, but row numbers within a message must be consecutive.
                self._rows.clear()
            values = np.ascontiguousarray(derive(rows.data, self.product))
            self._rows += layout.encode_rows(rows, values, HISTORY_BITS)
            del self._rows[: max(0, len(self) - self.most) * self._row_bytes]
        self.count = max(self.count, stop)
        return self.count >= count

    def message(self) -> bytes:
        """Return all encoded rows as one message."""
        head = layout.header(
            self.product,
            kind=layout.HISTORY,
            bits=HISTORY_BITS,
            epoch=self.epoch,
            shape=(len(self), self.nbins),
            first=self.count - len(self),
        )
        return head + self._rows
