"""Cache each epoch's encoded rows, which all viewers share.

This module does not send.
"""

from collections.abc import Callable

import numpy as np

from sunspec_tui.core.products import Product, derive
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.monitoring.web_status import WebCounts
from sunspec_tui.webapp.history_messages import History
from sunspec_tui.webapp.row_chain import ChainedRow, RowChain

HISTORY_KEPT_S = 60.0


class EncodedRows:
    """Encoded rows and histories of one epoch, by product.

    Parameters
    ----------
    counts
        Counts to which the time of encoding is added.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, counts: WebCounts, monotonic: Callable[[], float]) -> None:
        self._counts, self._monotonic = counts, monotonic
        self._epoch = -1
        self._histories: dict[Product, History] = {}
        self._chains: dict[Product, RowChain] = {}

    def start_epoch(self, epoch: int) -> None:
        """Drop the encoded rows; the next rows belong to another epoch."""
        self._epoch = epoch
        self._histories.clear()
        self._chains.clear()

    def row(self, rows: Rows, n: int, product: Product) -> ChainedRow:
        """Encode one row.

        The rows of a product must be encoded in their order.

        Parameters
        ----------
        rows, n
            Rows, and the index of the row to encode.
        product
            Product to encode.
        """
        start_s = self._monotonic()
        only = slice(n, n + 1)
        values = np.ascontiguousarray(derive(rows.data[only], product))
        single = Rows(
            rows.data[only], rows.times_s[only], rows.slots[only], rows.marks[only], rows.count - len(rows) + n + 1
        )
        row = self._chains.setdefault(product, RowChain(product, self._epoch)).add(single, values)
        self._counts.encode_s += self._monotonic() - start_s
        return row

    def history(self, product: Product, nbins: int) -> History:
        """Return the history of a product; it may be incomplete or empty."""
        history = self._histories.get(product)
        if history is None:
            history = self._histories[product] = History(product, self._epoch, nbins)
        history.used_s = self._monotonic()
        return history

    def drop_unused_histories(self) -> None:
        """Drop histories that were not used for a while.

        Each history takes up to a few megabytes.
        """
        old_s = self._monotonic() - HISTORY_KEPT_S
        for product in [product for product, history in self._histories.items() if history.used_s < old_s]:
            del self._histories[product]
