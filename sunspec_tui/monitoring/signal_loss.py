"""Find products without any signal: only zeros, NaN or negative powers.

Pure arithmetic on the last rows. A recorder's powers are never exactly zero, so a row of zeros or NaN comes from the
instrument or its computers, never from the sky.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.monitoring.finding import Finding

SPAN_S = 1.0
"""Data time for which a product must be dead."""

MAX_ROWS = 8
NPOWERS = 2
"""Largest number of products that are powers (XX and YY)."""


class SignalLoss(NamedTuple):
    """Products without a signal.

    Attributes
    ----------
    values
        Kind of the values of each dead product, by its number: ``zero``, ``NaN``, or ``not positive``.
    total
        True if no power is left: XX is dead, and also YY if the stream has it.
    """

    values: dict[int, str]
    total: bool = False

    def __bool__(self) -> bool:
        """Return True if any product is dead."""
        return bool(self.values)


NO_LOSS = SignalLoss({})


def rows_needed(cadence_s: float) -> int:
    """Return the number of rows that must be dead, at this cadence."""
    return min(MAX_ROWS, max(2, math.ceil(SPAN_S / cadence_s))) if cadence_s > 0 else MAX_ROWS // 2


def dead_products(rows: NDArray[np.floating]) -> dict[int, str]:
    """Find the products without a usable value in any row.

    Parameters
    ----------
    rows
        Linear power, shape (n, nbins, npol), n at least 1.

    Returns
    -------
    dict
        ``zero``, ``NaN`` (for all that is not finite) or ``not positive``, by the product's number.
    """
    # The newest row nearly always has a usable value, and then the others need not be read.
    suspects = [i for i in range(rows.shape[2]) if not _is_alive(rows[-1, :, i], i)]
    return {i: _kind(rows[:, :, i]) for i in suspects if not _is_alive(rows[:, :, i], i)}


def _is_alive(values: NDArray[np.floating], product: int) -> bool:
    """Return True if any value of a product is usable."""
    usable = np.isfinite(values) & (values > 0 if product < NPOWERS else values != 0)
    return bool(usable.any())


def _kind(values: NDArray[np.floating]) -> str:
    shares = {
        "zero": np.count_nonzero(values == 0),
        "NaN": np.count_nonzero(~np.isfinite(values)),
        "not positive": np.count_nonzero(values < 0),
    }
    return max(shares, key=lambda kind: shares[kind])


def signal_loss(rows: NDArray[np.floating], expected: Sequence[int]) -> SignalLoss:
    """Find the products that have lost their signal.

    Parameters
    ----------
    rows
        Rows as in `dead_products`.
    expected
        Products that the stream is known to carry; any other dead product is not sent, which is not a loss.
    """
    dead = dead_products(rows)
    total = all(i in dead for i in range(min(NPOWERS, rows.shape[2])))
    lost = {i: kind for i, kind in dead.items() if i in expected or (total and i < NPOWERS)}
    return SignalLoss(lost, total)


def describe_signal_loss(names: Sequence[str], loss: SignalLoss) -> str:
    """Describe a loss for the first line; empty without a loss.

    Examples are ``no signal: XX and YY are zero`` and ``product lost: YY is NaN``.
    """
    if not loss:
        return ""
    by_kind: dict[str, list[str]] = {}
    for i, kind in loss.values.items():
        by_kind.setdefault(kind, []).append(names[i])
    texts = [f"{_joined(products)} {'are' if len(products) > 1 else 'is'} {kind}" for kind, products in by_kind.items()]
    return ("no signal: " if loss.total else "product lost: ") + ", ".join(texts)


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def signal_finding(loss: SignalLoss) -> Finding:
    """Return the alarm of lost signals: nothing of the Sun is received."""
    lost = describe_signal_loss(WIRE_PRODUCTS, loss)
    products = [str(WIRE_PRODUCTS[i]) for i in loss.values]
    text = lost or "all products carry a signal again"
    return Finding("signal", lost, text, label=lost, is_alarm=True, values={"products": products})
