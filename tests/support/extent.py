"""Short and long forms of long checks.

`make test` runs the short form, `make test-long` and `make test-seeds` the long one.

A test keeps both forms in one line, so the long form cannot be forgotten: ``extent(20, 200)``.
"""

import os
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")

IS_LONG = os.environ.get("LONG_TESTS", "") not in ("", "0")


def extent(short: T, long: T) -> T:
    """Return the extent of a check: `long` with ``LONG_TESTS=1``, else `short`."""
    return long if IS_LONG else short


def some(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return all cases in the long form, else `count` of them.

    They are evenly spread, and include both ends.
    """
    if IS_LONG or count >= len(cases):
        return cases
    return [cases[round(n * (len(cases) - 1) / max(1, count - 1))] for n in range(count)]


def pairs(first: Sequence[T], second: Sequence[U]) -> list[tuple[T, U]]:
    """Return all pairs in the long form.

    In the short form, each value is in at least one pair. It is for values that the program handles separately.
    """
    if IS_LONG:
        return list(product(first, second))
    return [(first[n % len(first)], second[n % len(second)]) for n in range(max(len(first), len(second)))]


def each_pair(*values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return all combinations in the long form.

    In the short form, each pair of values is in at least one of few combinations.
    """
    rows = list(product(*map(range, map(len, values))))
    parts = {row: set(combinations(enumerate(row), 2)) for row in rows}
    missing, kept = set().union(*parts.values()), list[tuple[int, ...]]()
    while missing:
        kept.append(max(rows, key=lambda row: len(parts[row] & missing)))
        missing -= parts[kept[-1]]
    return [tuple(each[i] for each, i in zip(values, row, strict=True)) for row in (rows if IS_LONG else kept)]
