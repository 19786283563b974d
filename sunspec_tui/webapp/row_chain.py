"""Encode rows as differences, or as key rows readable alone.

A continuation holds the differences from the previous row; a key row can be read alone. A row is encoded once for all
viewers. Its key row is made only if a viewer needs one: after a history, or after a slow viewer has skipped rows.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark, Rows
from sunspec_tui.webapp import row_codes, row_messages
from sunspec_tui.webapp.row_messages import CodedRows

KEY_ROWS = 60
"""All viewers get a key row at each multiple of this row number, so that the scale is adapted to the values."""
_BREAKS = Mark.GAP_BEFORE | Mark.RESTART | Mark.REVERSAL


class ChainedRow:
    """One row as a continuation and as a key row.

    Parameters
    ----------
    product, epoch, number
        Identity of the row.
    row
        The row.
    before
        Row that it continues; None if it must be a key row.
    """

    def __init__(self, product: Product, epoch: int, number: int, row: CodedRows, before: CodedRows | None) -> None:
        self.number = number
        self._product, self._epoch, self._row = product, epoch, row
        self.continued = None if before is None else self._message(row_messages.ROW, before)
        """The message that continues the row before; None if there is only the key row."""

    @cached_property
    def key(self) -> bytes:
        """Message from which a viewer can start."""
        return self._message(row_messages.KEY, None)

    def _message(self, kind: int, before: CodedRows | None) -> bytes:
        return row_messages.encode(
            self._row, before, product=self._product, kind=kind, epoch=self._epoch, first=self.number
        )


class RowChain:
    """Encoder of the consecutive rows of one product.

    Parameters
    ----------
    product, epoch
        Product and epoch of the rows.
    """

    def __init__(self, product: Product, epoch: int) -> None:
        self._product, self._epoch = product, epoch
        self._newest: tuple[int, CodedRows] | None = None
        """Number of the newest row, and the row."""

    def add(self, rows: Rows, values: NDArray[np.float32]) -> ChainedRow:
        """Encode the next row.

        Parameters
        ----------
        rows
            One row: its time, slot, marks and number.
        values
            Power of the product, float32, shape (1, nbins).
        """
        number = rows.count - 1
        before = self._row_before(number)
        if number % KEY_ROWS == 0 or rows.marks[0] & _BREAKS:
            before = None
        unit = row_codes.unit_of(values[0], self._product) if before is None else before.unit
        row = row_messages.coded(rows, values, unit)
        self._newest = number, row
        return ChainedRow(self._product, self._epoch, number, row, before)

    def _row_before(self, number: int) -> CodedRows | None:
        return self._newest[1] if self._newest is not None and self._newest[0] == number - 1 else None
