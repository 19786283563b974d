"""Sort out rows whose times do not grow."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MIN_RETURN_S = 10.0
"""Times that go back by less are errors of single rows; from here on, a stream begins anew."""


def are_single_errors(times_s: NDArray[np.float64], last_s: float) -> NDArray[np.bool_]:
    """Tell which rows alone have a wrong time.

    Such a row is far from both of its neighbours, and these are near each other.

    Parameters
    ----------
    times_s
        Valid times of the rows, seconds.
    last_s
        Time of the row before; NaN for none.
    """
    before_s, after_s = np.concatenate([[last_s], times_s[:-1]]), np.append(times_s[1:], np.nan)
    is_far = np.minimum(np.abs(times_s - before_s), np.abs(after_s - times_s)) >= MIN_RETURN_S
    return np.asarray(is_far & (np.abs(after_s - before_s) < MIN_RETURN_S))


def is_next_needed(times_s: NDArray[np.float64], last_s: float) -> bool:
    """Return True if the next row tells whether the last is wrong."""
    known = np.append(last_s, times_s)
    known = known[np.isfinite(known)]
    is_valid = len(times_s) > 0 and math.isfinite(times_s[-1])
    return is_valid and len(known) > 1 and abs(float(known[-1] - known[-2])) >= MIN_RETURN_S


def rows_in_order(times_s: NDArray[np.float64], last_s: float) -> Iterator[tuple[bool, NDArray[np.intp]]]:
    """Yield parts of rows whose times grow.

    Rows without a valid time, rows that are not later than the one before, and single rows with a wrong time belong to
    no part.

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
    numbers = numbers[~are_single_errors(times_s[numbers], last_s)]
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
