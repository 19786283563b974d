"""Signs of the day strip, such as restarts, gaps and notes.

Pure functions of times.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sunspec_tui.core.bursts import BurstList, BurstType
from sunspec_tui.core.time_blocks import SECOND_US
from sunspec_tui.tui.display.burst_marks import marked_bursts
from sunspec_tui.tui.display.day_blocks import DayBlocks
from sunspec_tui.tui.display.day_window import DayWindow

MIN_GAP_S = 5.0
"""A shorter gap has no sign: single lost rows would fill the strip."""


class SignKind(StrEnum):
    """Kinds of signs, the least important first.

    If a column has several signs, the strip shows the last kind.
    """

    GAP = "gap"
    RESTART = "restart"
    NOTE = "note"
    UNKNOWN_BURST = "burst"
    STORM = "noise storm (type I)"
    TYPE_III = "burst of type III"
    TYPE_IV = "continuum (type IV)"
    TYPE_II = "burst of type II"
    MARK_BEGIN = "begin of the marked interval"
    MARK_END = "end of the marked interval"


_OF_BURSTS = {
    BurstType.STORM: SignKind.STORM,
    BurstType.III: SignKind.TYPE_III,
    BurstType.GROUP: SignKind.TYPE_III,
    BurstType.CONTINUUM: SignKind.TYPE_IV,
    BurstType.II: SignKind.TYPE_II,
}
_IMPORTANCE = {kind: index for index, kind in enumerate(SignKind)}


class Sign(NamedTuple):
    """Sign at a time, seconds since 1970 UTC."""

    time_s: float
    kind: SignKind


@lru_cache(maxsize=4)
def burst_signs(bursts: BurstList) -> tuple[Sign, ...]:
    """Return a sign at the begin of each marked burst."""
    return tuple(
        Sign(burst.begin_s, _OF_BURSTS.get(burst.type, SignKind.UNKNOWN_BURST)) for burst in marked_bursts(bursts)
    )


def signs_of(blocks: DayBlocks, cadence_s: float) -> list[Sign]:
    """Return the restarts and gaps of blocks, in the order of time.

    The sign of a gap is at its begin. If that lies inside a block, it is not known, and the sign is in the middle of
    the block.

    Parameters
    ----------
    blocks
        Blocks in the order of time.
    cadence_s
        Time from row to row; NaN while unknown.
    """
    if not len(blocks.rows):
        return []
    found = [Sign(float(time_us) / SECOND_US, SignKind.RESTART) for time_us in blocks.first_us[blocks.restarts]]
    usual_us = cadence_s * SECOND_US if math.isfinite(cadence_s) else 0.0
    pauses_us = blocks.first_us[1:] - blocks.last_us[:-1]
    is_pause = np.append(False, pauses_us - usual_us >= MIN_GAP_S * SECOND_US)
    before_us = np.append(0, blocks.last_us[:-1])
    found += [Sign(float(time_us) / SECOND_US, SignKind.GAP) for time_us in before_us[is_pause]]
    lacks_rows = ~is_pause & (blocks.missing * usual_us >= MIN_GAP_S * SECOND_US)
    middles_us = (blocks.first_us + blocks.last_us)[lacks_rows] / 2
    found += [Sign(float(time_us) / SECOND_US, SignKind.GAP) for time_us in middles_us]
    return sorted(found)


def signs_at_columns(window: DayWindow, signs: Iterable[Sign]) -> dict[int, SignKind]:
    """Return the most important sign of each column that has one."""
    found: dict[int, SignKind] = {}
    for sign in signs:
        column = window.column_of(sign.time_s)
        if column is not None:
            found[column] = max(found.get(column, sign.kind), sign.kind, key=_IMPORTANCE.__getitem__)
    return found


def neighbour(signs: Sequence[Sign], time_s: float, by: int, beside_s: float = 0.0) -> Sign | None:
    """Return the sign next to a time; None if there is none.

    Parameters
    ----------
    signs
        Signs in any order.
    time_s
        Time from which to search.
    by
        1 for a later sign, -1 for an earlier one.
    beside_s
        Signs within this time are skipped.
    """
    later = [sign for sign in signs if (sign.time_s - time_s) * by > beside_s]
    return min(later, key=lambda sign: abs(sign.time_s - time_s), default=None)
