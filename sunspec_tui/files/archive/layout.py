"""Names of an archive's stores, and rules that split rows among them.

It defines the names of stores, and the rows of each store.

A store holds rows of one UTC day, one frequency axis and one origin, in the order of time. Rows that do not fit start
another part of the day. This module opens no file.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product, plain_name

CHUNK_ROWS = 240
"""Rows of a chunk: a minute at four a second, so that an hour has 60 files per product."""

BLOCKS, BLOCK_ROWS = "blocks", 256
"""Group of a store with the means, lowest and highest values of blocks of rows, and rows of a block."""

MAX_PARTS = 256
"""Largest number of parts of a day."""

MAX_NEW_STORES = 48
"""Largest number of stores that may start in quick succession."""

CALM_S = 60.0
"""Time in order, in seconds, that allows one more store; the rows of a chunk in order allow one too."""

_DAY_S = 86_400.0
_DAY_US = 86_400_000_000
_MAX_TIME_S = 253_402_300_799.0
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:_(\d+))?\.zarr")


class Precision(StrEnum):
    """Precision of the powers in a new store."""

    NOISE = "noise"
    EXACT = "exact"


EXTREMES = (Product.XX, Product.YY, Product.I)
"""Products whose lowest and highest values are stored; for the others the means are enough."""


def block_arrays(products: tuple[Product, ...]) -> list[str]:
    """Return the names of a store's arrays of blocks."""
    means = [f"mean_{plain_name(each)}" for each in products]
    kept = [each for each in EXTREMES if each in products or {Product.XX, Product.YY} <= set(products)]
    return means + [f"{which}_{each}" for which in ("lowest", "highest") for each in kept]


@dataclass(frozen=True, slots=True, order=True)
class StoreName:
    """Day of a store, and number of its part of the day.

    It defines the order of stores.
    """

    day: str
    part: int = 1

    def __str__(self) -> str:
        return f"{self.day}.zarr" if self.part == 1 else f"{self.day}_{self.part}.zarr"

    @classmethod
    def parse(cls, name: str) -> "StoreName | None":
        """Parse the name of a store's directory.

        Return None for any other name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            datetime.fromisoformat(match[1])
        except ValueError:
            return None
        return cls(match[1], int(match[2] or 1))

    @property
    def begin_s(self) -> float:
        """Begin of the day, seconds since 1970 UTC."""
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC).timestamp()

    def may_hold(self, start_s: float, end_s: float) -> bool:
        """Return True if the store may have rows between two times.

        Times are in seconds since 1970.
        """
        begin_s = self.begin_s
        # Times are whole microseconds. A period that begins at midnight needs no row of the day before.
        ends_before = not math.isinf(start_s) and round((begin_s + _DAY_S) * 1e6) - 1 <= round(start_s * 1e6)
        return begin_s <= end_s and not ends_before and start_s < math.inf


def stores(directory: Path) -> list[Path]:
    """Return the stores of an archive, sorted by day and part."""
    named = [(StoreName.parse(path.name), path) for path in directory.iterdir()] if directory.is_dir() else []
    return [path for _, path in sorted((name, path) for name, path in named if name is not None)]


def day_of(time_us: int) -> str:
    """Return the UTC day of a time in microseconds since 1970, ``YYYY-MM-DD``."""
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d}"


def microseconds(times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Convert times to whole microseconds since 1970, as stored in the archive."""
    return np.rint(times_s * 1e6).astype(np.int64)


def are_storable(times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return True for each time that a store can hold.

    A store can hold the years 1970 to 9999.
    """
    return np.asarray((times_s >= 0) & (times_s < _MAX_TIME_S))


def split_by_day(times_s: NDArray[np.float64]) -> list[slice]:
    """Split rows at each new day and where time decreases.

    Rows are in the order of arrival. Rows with equal times, as from a stream without precise times, are not split.
    """
    times_us = microseconds(times_s)
    broken = np.flatnonzero((np.diff(times_us) < 0) | (np.diff(times_us // _DAY_US) != 0)) + 1
    edges = [0, *broken.tolist(), len(times_us)]
    return [slice(begin, end) for begin, end in pairwise(edges) if end > begin]


class StoreBudget:
    """Limit of the number of new stores.

    Without a limit, a stream whose times jump back repeatedly would start a store for each row. The budget is refilled
    only by times that are in order, so such a stream uses up the budget once.

    Parameters
    ----------
    monotonic
        Monotonic clock, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._left = MAX_NEW_STORES
        # Time of the last disorder or of the last allowed store, and number of rows since then.
        self._since_s, self._rows = monotonic(), 0
        self._last_us: int | None = None

    def allows(self) -> bool:
        """Return True if another store may start."""
        now_s = self._monotonic()
        gained = int(max((now_s - self._since_s) / CALM_S, self._rows / CHUNK_ROWS))
        if gained:
            self._left = min(MAX_NEW_STORES, self._left + gained)
            self._since_s, self._rows = now_s, 0
        return self._left > 0

    def begin(self) -> None:
        """Count a new store."""
        self._left -= 1

    def count_rows(self, times_s: NDArray[np.float64]) -> None:
        """Count rows of one day, whose times do not decrease.

        Call it in the order of arrival, also for rows that are not archived.
        """
        first_us, last_us = microseconds(times_s[[0, -1]]).tolist()
        self.allows()
        if self._last_us is not None and first_us < self._last_us:
            self._since_s, self._rows = self._monotonic(), 0
        self._rows += len(times_s)
        self._last_us = last_us
