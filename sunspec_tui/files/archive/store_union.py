"""Join blocks of several stores, so that no row counts twice.

A day has several parts if a monitor was restarted with other settings, or if the data's time went back. Parts that
follow each other are merged in the block where they meet. Where times of parts overlap, an earlier part's rows are
used; in a long overlap, an earlier part's whole blocks.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.row_blocks import Integers, group_starts
from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks, block_numbers, joined

MAX_SHARED_ROWS = 8192
"""Largest number of rows in an overlap that is joined row by row; a longer overlap is joined by whole blocks."""


def united_rows(parts: Sequence[TimeBlocks]) -> TimeBlocks:
    """Join rows of stores; a row of an earlier store counts once."""
    if len(parts) == 1:
        return parts[0]
    kept, seen = [], np.empty(0, np.int64)
    for part in parts:
        new = ~np.isin(part.last_us, seen)
        kept.append(part.only(new))
        seen = np.concatenate([seen, part.last_us])
    found = joined(kept)
    return found.only(np.argsort(found.last_us, kind="stable"))


def united_blocks(parts: Sequence[TimeBlocks], exact: Callable[[float, float], TimeBlocks]) -> TimeBlocks:
    """Join blocks of stores in the order of time.

    Parameters
    ----------
    parts
        Blocks of each store; those with a shorter step are merged to the longest one.
    exact
        Returns the rows of all stores between two times in microseconds, without duplicates.
    """
    step_s = max(part.step_s for part in parts)
    if len(parts) == 1 and (np.diff(block_numbers(parts[0].first_us, step_s)) > 0).all():
        return parts[0]
    parts = [part if part.step_s == step_s else part.merged(step_s) for part in parts if len(part.rows)] or parts[:1]
    found = joined(parts)
    owners = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    numbers = block_numbers(found.first_us, step_s)
    order = np.lexsort((found.first_us, numbers))
    found, owners, numbers = found.only(order), owners[order], numbers[order]
    starts = group_starts(numbers)
    if len(starts) == len(numbers):
        return found
    groups = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(numbers)))
    shared = _overlapping(found, groups)
    if not shared.any():
        rest = [found]
    elif int(found.rows[shared].sum()) <= MAX_SHARED_ROWS:
        step_us = step_s * SECOND_US
        first_us = sorted({int(number) * step_us for number in numbers[shared]})
        rows = [exact(begin_us, begin_us + step_us).merged(step_s) for begin_us in first_us]
        rest = [found.only(~shared), *rows]
    else:
        first_owner = np.minimum.reduceat(owners, starts)[groups]
        rest = [found.only(~shared | (owners == first_owner))]
    return _merged_where_shared(joined(rest), step_s)


def _overlapping(found: TimeBlocks, groups: Integers) -> NDArray[np.bool_]:
    """Return True where the times of a group's stores overlap."""
    shared = np.zeros(groups[-1] + 1, np.bool_)
    for before in range(1, int(np.bincount(groups).max())):
        same = groups[before:] == groups[:-before]
        # Blocks of a group are sorted by their first rows.
        over = same & (found.first_us[before:] <= found.last_us[:-before])
        shared[groups[before:][over]] = True
    return shared[groups]


def _merged_where_shared(blocks: TimeBlocks, step_s: int) -> TimeBlocks:
    """Merge blocks of one number, and sort them."""
    numbers = block_numbers(blocks.first_us, step_s)
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    several = counts[places] > 1
    found = joined([blocks.only(~several), blocks.only(several).merged(step_s)]) if several.any() else blocks
    return found.only(np.argsort(found.first_us, kind="stable"))
