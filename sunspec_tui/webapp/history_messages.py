"""Encode a new viewer's first message: last rows of a product.

A new viewer gets this message first. It is encoded a block of rows at a time. Rows never change, so whole blocks are
reused for the next viewer; only the newest block, while it grows, is encoded again. This module does not wait or send.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sunspec_tui.core.products import Product, derive
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.webapp import row_codes, row_messages

HISTORY_ROWS = 1200
"""Rows in a viewer's first message: as many as the page can show, in less than a megabyte."""
MAX_HISTORY_BYTES = 4 * 2**20
STEP_VALUES = 48 * 1024
"""Bins encoded in one step, which is one block: a millisecond."""


class RowSource(Protocol):
    """Source of rows."""

    def rows_between(self, start: int, stop: int) -> Rows | None:
        """Return rows by their numbers."""


@dataclass(frozen=True, slots=True)
class Block:
    """Encoded rows.

    Attributes
    ----------
    stop
        Number after the last row.
    rows
        Number of rows.
    data
        Bytes of the rows.
    """

    stop: int
    rows: int
    data: bytes


class History:
    """The encoded last rows of one product on one axis.

    Parameters
    ----------
    product, epoch, nbins
        Product, epoch and number of bins of the rows.
    """

    def __init__(self, product: Product, epoch: int, nbins: int) -> None:
        self.product, self.epoch, self.nbins = product, epoch, nbins
        self.most = max(1, min(HISTORY_ROWS, MAX_HISTORY_BYTES // nbins))
        """Maximum number of rows; the oldest block may have a few more."""
        self.used_s = 0.0
        self.count = 0
        """Number after the last encoded row."""
        self._blocks: deque[Block] = deque()

    @property
    def block_rows(self) -> int:
        """Number of rows in a whole block; blocks begin at its multiples."""
        return max(1, STEP_VALUES // self.nbins)

    def __len__(self) -> int:
        return sum(block.rows for block in self._blocks)

    def extend(self, source: RowSource, count: int) -> bool:
        """Encode one more block; return True when all rows are encoded.

        Parameters
        ----------
        source
            Source of the rows.
        count
            Number after the last row that the history must contain.
        """
        if self.count >= count:
            return True
        start = max(self._drop_partial_block(), count - self.most)
        stop = min(count, (start // self.block_rows + 1) * self.block_rows)
        rows = source.rows_between(start, stop)
        if rows is not None and rows.data.shape[1] == self.nbins:
            self._add(rows)
        self.count = stop
        return self.count >= count

    def _drop_partial_block(self) -> int:
        """Drop the newest block if it is not whole.

        Return the number after the last row of the remaining blocks.
        """
        if self._blocks and self._blocks[-1].stop % self.block_rows:
            last = self._blocks.pop()
            return last.stop - last.rows
        return self.count

    def _add(self, rows: Rows) -> None:
        last = self._blocks[-1].stop if self._blocks else None
        if last != rows.count - len(rows):
            # Some rows have left the ring unread, but row numbers within a message must be consecutive.
            self._blocks.clear()
        if len(rows):
            values = np.ascontiguousarray(derive(rows.data, self.product))
            coded = row_messages.coded(rows, values, row_codes.unit_of(values[0], self.product))
            self._blocks.append(Block(rows.count, len(rows), row_messages.pack_block(coded)))
        while len(self._blocks) > 1 and self._oldest_is_spare():
            self._blocks.popleft()

    def _oldest_is_spare(self) -> bool:
        too_long = sum(len(block.data) for block in self._blocks) > MAX_HISTORY_BYTES
        return too_long or len(self) - self._blocks[0].rows >= self.most

    def message(self) -> bytes:
        """Return all encoded rows as one message."""
        stop = self._blocks[-1].stop if self._blocks else self.count
        shape = len(self), self.nbins
        head = row_messages.header(
            self.product, kind=row_messages.HISTORY, epoch=self.epoch, shape=shape, first=stop - len(self)
        )
        return b"".join((head, *(block.data for block in self._blocks)))
