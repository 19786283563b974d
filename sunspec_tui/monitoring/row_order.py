"""Sort out rows whose times do not grow."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MIN_RETURN_S = 10.0
"""Times that go back by less are errors of single rows; from here on, a stream begins anew."""


def rows_in_order(times_s: NDArray[np.float64], last_s: float) -> Iterator[tuple[bool, NDArray[np.intp]]]:
    """Yield parts of rows whose times grow.

    Rows without a valid time, and rows that are not later than the one before, belong to no part.

    Parameters
    ----------
    times_s
        Times of the rows, seconds.
    last_s
        Time of the row before; NaN for none.

    Yields
    ------
    tuple
        True if the part goes back in time by `MIN_RETURN_S` or more, and the numbers of its rows, at least one.
    """
    numbers = np.flatnonzero(np.isfinite(times_s))
    steps_s = np.diff(times_s[numbers], prepend=last_s)
    if not (steps_s <= 0).any():
        # The usual case. A comparison with NaN is false.
        if len(numbers):
            yield False, numbers
        return
    goes_back, part = False, list[int]()
    for number in numbers.tolist():
        time_s = float(times_s[number])
        if time_s <= last_s - MIN_RETURN_S:
            if part:
                yield goes_back, np.array(part)
            goes_back, part = True, []
        elif time_s <= last_s:
            continue
        part.append(number)
        last_s = time_s
    if part:
        yield goes_back, np.array(part)
