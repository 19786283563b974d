"""Access to the detector of bursts for recorded rows."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.cells import cell_length_s
from sunspec_tui.bursts.parts import AFTER_S, BEFORE_S, TraceSearch, bursts_of
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.products import Product


class Search(Protocol):
    """Search of the rows of one part."""

    def feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32]) -> None:
        """Add rows in the order of time."""

    def traces(self, begin_s: float, end_s: float) -> Any:
        """Return the traces of bursts that begin in an interval."""


class BurstFinder(NamedTuple):
    """Functions that find bursts in parts of recorded rows.

    Other processes receive it, so its functions must be those of a module.

    Attributes
    ----------
    before_s, after_s
        Times before and after a part whose rows the part needs too.
    search
        Begins the search of a part: it takes frequencies in Hz, products and the cadence in seconds.
    bursts_of
        Returns the bursts of the traces of consecutive parts; the second argument is their source.
    cell_s
        Returns the resolution in seconds for rows of a cadence; traces of one resolution belong together.
    """

    before_s: float
    after_s: float
    search: Callable[[NDArray[np.float64], tuple[Product, ...], float], Search]
    bursts_of: Callable[[Sequence[Any], str], tuple[Burst, ...]]
    cell_s: Callable[[float], float] = cell_length_s


def usual_finder() -> BurstFinder:
    """Return the detector of this package."""
    return BurstFinder(BEFORE_S, AFTER_S, TraceSearch, bursts_of)
