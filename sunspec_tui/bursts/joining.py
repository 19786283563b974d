"""Join structures that are pieces of one burst.

Bins without a signal and interference cut bursts into pieces. Pieces of a fast burst are joined if one exciter explains
both onsets. Pieces of type II are joined if they follow each other in one band.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from sunspec_tui.bursts.classify import III_DELAYS, Verdict, drifts_as_shock
from sunspec_tui.bursts.measure import Measures, height_light_s
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.stepping import Work
from sunspec_tui.core.bursts import BurstType

MAX_GAP_MHZ = 15.0
"""Largest gap in frequency between pieces of one burst."""

MAX_JOINED_S = 30.0
"""Longest runs of pieces of one fast burst: longer ones may be lanes of type II."""

MAX_PAUSE_S = 120.0
"""Largest gap in time between pieces of a type II burst."""

_MAX_LENGTH_RATIO = 3.0
_MIN_COMMON_TIME, _MAX_COMMON = 0.3, 0.4
_ONSET_S = 1.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A structure with its numbers and its type."""

    runs: tuple[Run, ...]
    measures: Measures
    verdict: Verdict


def joined(
    pieces: Sequence[Piece], make: Callable[[tuple[Run, ...]], Piece], work: Work
) -> Generator[None, None, list[Piece]]:
    """Join the pieces of fast bursts, in steps.

    Parameters
    ----------
    pieces
        The structures.
    make
        Measures runs and decides their type.
    work
        What was done since the last pause.
    """
    left = sorted(pieces, key=lambda piece: (piece.measures.begin_s, piece.measures.low_mhz))
    done: list[Piece] = []
    while left:
        yield from work.pauses()
        piece = left.pop(0)
        end_s = piece.measures.end_s
        near = takewhile(lambda other: other.measures.begin_s < end_s, left)  # noqa: B023 - used within the round
        partners = (other for other in near if are_one_burst(piece.measures, other.measures))
        whole = next(((made, other) for other in partners if is_fast(made := make(piece.runs + other.runs))), None)
        if whole is None:
            done.append(piece)
        else:
            left.remove(whole[1])
            left.insert(0, whole[0])
    return done


def is_fast(piece: Piece) -> bool:
    """Return True if a piece is a fast burst, or interference."""
    return piece.verdict.type in (BurstType.III, BurstType.GROUP, BurstType.INTERFERENCE)


def are_one_burst(first: Measures, second: Measures) -> bool:
    """Return True if one exciter of type III explains both structures."""
    if max(first.run_s, second.run_s) > MAX_JOINED_S or drifts_as_shock(first) or drifts_as_shock(second):
        return False
    if max(first.run_s, second.run_s) > _MAX_LENGTH_RATIO * min(first.run_s, second.run_s):
        return False
    lower, upper = sorted((first, second), key=lambda each: each.middle_mhz)
    gap_mhz = upper.low_mhz - lower.high_mhz
    if gap_mhz < -_MAX_COMMON * min(lower.width_mhz, upper.width_mhz):
        return False
    overlap_s = min(first.end_s, second.end_s) - max(first.begin_s, second.begin_s)
    shorter_s = min(first.end_s - first.begin_s, second.end_s - second.begin_s)
    if gap_mhz > MAX_GAP_MHZ or overlap_s < _MIN_COMMON_TIME * shorter_s:
        return False
    heights = height_light_s(np.array([upper.middle_mhz, lower.middle_mhz]))
    latest_s = III_DELAYS[1] * float(heights[1] - heights[0])
    return -_ONSET_S <= lower.begin_s - upper.begin_s <= latest_s + _ONSET_S
