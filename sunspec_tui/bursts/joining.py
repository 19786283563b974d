"""Join structures that are pieces of one burst.

Bins without a signal and interference cut bursts into pieces. Pieces of a fast burst are joined if one exciter explains
both onsets. Pieces of type II are joined if they follow each other in one band.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from sunspec_tui.bursts.classify import III_DELAYS, MIN_CONTINUUM_S, Verdict, drifts_as_shock
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

MAX_STEP_DB = 3.0
"""Largest difference of the strengths of two parts of a continuum."""

_MAX_LENGTH_RATIO = 3.0
_MIN_COMMON_TIME, _MAX_COMMON = 0.3, 0.4
_ONSET_S = 1.5


@dataclass(frozen=True, slots=True)
class Piece:
    """A structure with its numbers and its type."""

    runs: tuple[Run, ...]
    measures: Measures
    verdict: Verdict


class Joining(NamedTuple):
    """Which pieces are joined.

    Attributes
    ----------
    are_one
        Returns True if two pieces may be of one burst.
    is_whole
        Returns True if what they give is such a burst.
    """

    are_one: Callable[[Measures, Measures], bool]
    is_whole: Callable[[Piece], bool]


def joined(
    pieces: Sequence[Piece],
    make: Callable[[tuple[Run, ...]], Piece],
    work: Work,
    joining: Joining,
) -> Generator[None, None, list[Piece]]:
    """Join the pieces of bursts, in steps.

    Parameters
    ----------
    pieces
        The structures.
    make
        Measures runs and decides their type.
    work
        Work since the last pause.
    joining
        Which pieces are joined.
    """
    left = sorted(pieces, key=lambda piece: (piece.measures.begin_s, piece.measures.low_mhz))
    done: list[Piece] = []
    while left:
        yield from work.pauses()
        piece = left.pop(0)
        end_s = piece.measures.end_s
        near = takewhile(lambda other: other.measures.begin_s < end_s, left)  # noqa: B023 - used within the round
        partners = (other for other in near if joining.are_one(piece.measures, other.measures))
        whole = next(
            ((made, other) for other in partners if joining.is_whole(made := make(piece.runs + other.runs))), None
        )
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


def is_continuum(piece: Piece) -> bool:
    """Return True if a piece is a continuum."""
    return piece.verdict.type is BurstType.CONTINUUM


def may_be_continuum(piece: Piece) -> bool:
    """Return True if a piece may be a part of a continuum."""
    is_possible = piece.verdict.type in (BurstType.CONTINUUM, BurstType.UNKNOWN)
    return is_possible and piece.measures.run_s >= MIN_CONTINUUM_S


def are_one_continuum(first: Measures, second: Measures) -> bool:
    """Return True if interference may have cut a continuum in two.

    Both parts are equally strong, and wider than the gap between them.
    """
    lower, upper = sorted((first, second), key=lambda each: each.middle_mhz)
    gap_mhz = upper.low_mhz - lower.high_mhz
    if not 0 <= gap_mhz <= min(MAX_GAP_MHZ, lower.width_mhz, upper.width_mhz):
        return False
    overlap_s = min(first.end_s, second.end_s) - max(first.begin_s, second.begin_s)
    shorter_s = min(first.end_s - first.begin_s, second.end_s - second.begin_s)
    return overlap_s >= shorter_s / 2 and abs(first.peak_db - second.peak_db) <= MAX_STEP_DB


FAST_BURSTS = Joining(are_one_burst, is_fast)
CONTINUA = Joining(are_one_continuum, is_continuum)
