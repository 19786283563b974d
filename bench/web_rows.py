"""Measure rows of the web view.

The figures are the bytes of a row, the time to encode it, and size and time of a new viewer's history.

The rows are those of the simulated Sun. A tree without `webapp.row_chain` is measured in its older way, so that both
can be compared.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from homes import Product, Rows, derive, row_messages
from numpy.typing import NDArray
from simulated import sun

try:
    from homes import RowChain
except ImportError:
    RowChain = None

HISTORY_ROWS, ROW_ROUNDS, HISTORY_ROUNDS = 1200, 5, 9
FIRST = 1
"""Number of the first row: no multiple of the distance between key rows."""


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures: bytes, and processor time in microseconds and milliseconds."""
    data = sun(HISTORY_ROWS)
    found = {f"{product.lower()}_row_bytes": row_bytes(data, product) for product in Product}
    history, history_s = measured_history(data, 3 if quick else HISTORY_ROUNDS)
    return {
        "row_bytes": found["xx_row_bytes"],
        "mean_row_bytes": statistics.mean(found.values()),
        "most_row_bytes": max(found.values()),
        "row_us": row_us(data, Product.XX, 2 if quick else ROW_ROUNDS),
        "signed_row_us": row_us(data, Product.V, 2 if quick else ROW_ROUNDS),
        "history_bytes": len(history),
        "history_ms": history_s * 1e3,
        **found,
    }


def some(data: NDArray[np.float32], start: int, stop: int) -> Rows:
    """Return rows as the ring returns them, four a second."""
    slots = np.arange(start, stop)
    return Rows(data[start:stop], 1.7e9 + 0.25 * slots, slots, np.zeros(stop - start, np.uint8), FIRST + stop)


def row_encoder(product: Product) -> Callable[[Rows], bytes]:
    """Return what encodes one row after another for a viewer."""
    if RowChain is None:

        def encode_alone(rows: Rows) -> bytes:
            values = np.ascontiguousarray(derive(rows.data, product))
            return row_messages.encode(rows, values, product, kind=row_messages.ROW, bits=16, epoch=0)

        return encode_alone
    chain = RowChain(product, 0)

    def encode_next(rows: Rows) -> bytes:
        row = chain.add(rows, np.ascontiguousarray(derive(rows.data, product)))
        return row.key if row.continued is None else row.continued

    return encode_next


def row_bytes(data: NDArray[np.float32], product: Product) -> float:
    """Return the mean size of a row's message."""
    encode = row_encoder(product)
    return statistics.mean(len(encode(some(data, n, n + 1))) for n in range(len(data)))


def row_us(data: NDArray[np.float32], product: Product, rounds: int) -> float:
    """Return the processor time of one row in the best round.

    The row is derived and encoded.
    """
    singles = [some(data, n, n + 1) for n in range(len(data))]
    found = []
    for _ in range(rounds):
        encode, begun_s = row_encoder(product), time.thread_time()
        for rows in singles:
            encode(rows)
        found.append((time.thread_time() - begun_s) / len(singles))
    return min(found) * 1e6


def measured_history(data: NDArray[np.float32], rounds: int) -> tuple[bytes, float]:
    """Return a new viewer's first message, and its processor time.

    The viewer watches XX. The time is that of the fastest round.
    """
    found, message = [], b""
    for _ in range(rounds):
        begun_s = time.thread_time()
        message = history_of(data)
        found.append(time.thread_time() - begun_s)
    return message, min(found)


def history_of(data: NDArray[np.float32]) -> bytes:
    """Return all rows as a history of XX."""
    if RowChain is None:
        values = np.ascontiguousarray(derive(data, Product.XX))
        return row_messages.encode(
            some(data, 0, len(data)), values, Product.XX, kind=row_messages.HISTORY, bits=8, epoch=0
        )
    from homes import History

    class Source:
        """Rows by their numbers."""

        def rows_between(self, start: int, stop: int) -> Rows:
            return some(data, max(start, FIRST) - FIRST, stop - FIRST)

    history, source = History(Product.XX, 0, data.shape[1]), Source()
    while not history.extend(source, len(data) + FIRST):
        pass
    return history.message()


def main() -> None:
    """Print the figures."""
    for name, value in measure().items():
        print(f"{name:<20} {value:,.1f}")


if __name__ == "__main__":
    main()
