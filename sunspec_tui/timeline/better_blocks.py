"""Choose between sources that know the same time in different detail.

Pure arithmetic.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks, block_numbers


def finer_where_complete(finer: Sequence[TimeBlocks], coarser: TimeBlocks) -> list[TimeBlocks]:
    """Return finer blocks where they have all rows, else coarser blocks.

    Parameters
    ----------
    finer
        Blocks with a step that divides that of `coarser`, or rows, in the order of time.
    coarser
        Blocks of one step, in the order of time.

    Returns
    -------
    list of TimeBlocks
        In the order of time, without overlap.
    """
    if not len(coarser.rows):
        return [part for part in finer if len(part.rows)]
    numbers = block_numbers(coarser.begin_us, coarser.step_s)
    known = np.zeros(len(numbers), np.int64)
    for part in finer:
        at, inside = _positions(block_numbers(part.last_us, coarser.step_s), numbers)
        np.add.at(known, at[inside], part.rows[inside])
    needed = coarser.only(coarser.rows > known)
    kept = [_outside(part, needed) for part in finer]
    return in_order([needed, *kept])


def _positions(numbers: NDArray[np.int64], known: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the positions of numbers, and which of them are known."""
    if not len(known):
        return np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return at, known[at] == numbers


def _outside(part: TimeBlocks, coarser: TimeBlocks) -> TimeBlocks:
    """Return the blocks that are in no coarser block."""
    numbers = block_numbers(coarser.begin_us, coarser.step_s)
    return part.only(~_positions(block_numbers(part.last_us, coarser.step_s), numbers)[1])


def within(part: TimeBlocks, begin_us: int, end_us: int) -> TimeBlocks:
    """Return the rows that end between two times, or the blocks that overlap them."""
    if part.step_s == 0:
        return part.between(begin_us, end_us)
    return part.only((part.begin_us < end_us) & (part.end_us > begin_us))


def in_order(parts: Sequence[TimeBlocks]) -> list[TimeBlocks]:
    """Split parts, so that all are in the order of time.

    Their blocks must not overlap.
    """
    parts = [part for part in parts if len(part.rows)]
    begins_us = np.concatenate([part.last_us for part in parts] or [np.empty(0, np.int64)])
    owners = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    places = np.concatenate([np.arange(len(part.rows)) for part in parts] or [np.empty(0, np.int64)])
    order = np.argsort(begins_us, kind="stable")
    owners, places = owners[order], places[order]
    edges = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    return [parts[owners[begin]].only(places[begin:end]) for begin, end in pairwise(edges) if end > begin]


def seconds_us(time_s: float) -> int:
    """Return a time in whole microseconds; infinity as the largest number."""
    largest = float(2**62)
    return int(np.clip(np.rint(time_s * SECOND_US), -largest, largest))
