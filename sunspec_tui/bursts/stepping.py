"""Do long work in steps.

A live search must not take long at once.
"""

from collections.abc import Generator, Iterator
from typing import TypeVar

STEP_US = 1000.0
"""Work of a step, in about microseconds of a slow processor."""

_Result = TypeVar("_Result")


class Work:
    """Work since the last pause.

    It is estimated from numbers of runs and bursts, not from a clock, so that the steps are always the same.
    """

    def __init__(self) -> None:
        self._us = 0.0

    def add(self, microseconds: float) -> None:
        """Add an estimate of work that was done."""
        self._us += microseconds

    def pauses(self) -> Iterator[None]:
        """Yield once if it is time for a pause."""
        if self._us >= STEP_US:
            self._us = 0.0
            yield


def finished(steps: Generator[None, None, _Result]) -> _Result:
    """Do all steps; return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
